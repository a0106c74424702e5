/** Models' files on disk, for Node: `<root>/<folder>/<name>`. */
import { closeSync, openSync, readSync } from 'node:fs';
import { mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { LateralError, toLateralError } from '../../errors.ts';
import { requireWithin, type ByteSource } from '../byte-source.ts';
import { openDiskFile } from '../disk-file.ts';
import type { ByteFolder, ByteFolders, StoredSink } from './byte-folders.ts';

export interface DiskOptions {
  /** Whether `flush` waits for the disk. Default true; tests that crash nothing are quicker without. */
  readonly sync?: boolean;
}

export function createDiskFolders(root: string, { sync = true }: DiskOptions = {}): ByteFolders {
  return {
    list: () =>
      translate(async () => namesOf(await readdir(root, { withFileTypes: true }).catch(emptyIfMissing), true)),
    open: (name) =>
      translate(async () => {
        await mkdir(join(root, name), { recursive: true });
        return diskFolder(join(root, name), sync);
      }),
    find: (name) =>
      translate(async () => {
        const found = await stat(join(root, name)).catch(nullIfMissing);
        return found?.isDirectory() === true ? diskFolder(join(root, name), sync) : null;
      }),
    remove: (name) => translate(() => rm(join(root, name), { recursive: true, force: true })),
  };
}

function diskFolder(folder: string, sync: boolean): ByteFolder {
  const size = async (name: string): Promise<number | null> => {
    const found = await stat(join(folder, name)).catch(nullIfMissing);
    return found?.isFile() === true ? found.size : null;
  };
  return {
    list: () =>
      translate(async () => {
        const names = namesOf(await readdir(folder, { withFileTypes: true }).catch(emptyIfMissing), false);
        const files = await Promise.all(names.map(async (name) => ({ name, size: await size(name) })));
        return files.flatMap((file) => (file.size === null ? [] : [{ name: file.name, size: file.size }]));
      }),
    size: (name) => translate(() => size(name)),
    source: (name) => translate(() => diskSource(join(folder, name), name)),
    sink: (name) => translate(() => diskSink(join(folder, name), sync)),
    file: (name) => translate(() => openDiskFile(join(folder, name), 'write')),
    remove: (name) => translate(() => rm(join(folder, name), { force: true })),
  };
}

/** Opened for each read, so that a source needs no closing, as in the browser. */
async function diskSource(path: string, name: string): Promise<ByteSource> {
  const found = await stat(path).catch(nullIfMissing);
  if (found === null) throw new LateralError('not-found', `There is no file ${name}.`);
  const { size } = found;
  return {
    size,
    read: (offset, length) =>
      translate(async () => {
        requireWithin(offset, length, size);
        const bytes = new Uint8Array(length);
        const file = await open(path, 'r');
        try {
          for (let done = 0; done < length;) {
            const { bytesRead } = await file.read(bytes, done, length - done, offset + done);
            if (bytesRead === 0) throw new LateralError('storage-corrupt', `${name} became shorter while it was read.`);
            done += bytesRead;
          }
        } finally {
          await file.close();
        }
        return bytes;
      }),
    readSync(offset, length) {
      requireWithin(offset, length, size);
      const bytes = new Uint8Array(length);
      const file = openSync(path, 'r');
      try {
        for (let done = 0; done < length;) {
          const count = readSync(file, bytes, done, length - done, offset + done);
          if (count === 0) throw new LateralError('storage-corrupt', `${name} became shorter while it was read.`);
          done += count;
        }
      } finally {
        closeSync(file);
      }
      return bytes;
    },
  };
}

async function diskSink(path: string, sync: boolean): Promise<StoredSink> {
  const file = await open(path, 'a');
  let size = (await file.stat()).size;
  let isOpen = true;
  return {
    get size() {
      return size;
    },
    append: (bytes) =>
      translate(async () => {
        for (let done = 0; done < bytes.length;) {
          const { bytesWritten } = await file.write(bytes, done, bytes.length - done);
          done += bytesWritten;
          size += bytesWritten;
        }
      }),
    truncate: (length) =>
      translate(async () => {
        requireWithin(0, length, size);
        await file.truncate(length);
        size = length;
      }),
    flush: () => (sync ? translate(() => file.sync()) : Promise.resolve()),
    async close() {
      if (!isOpen) return;
      isOpen = false;
      await translate(() => file.close());
    },
  };
}

function namesOf(entries: readonly { readonly name: string; isDirectory(): boolean }[], folders: boolean): string[] {
  return entries.flatMap((entry) => (entry.isDirectory() === folders ? [entry.name] : []));
}

async function translate<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (codeOf(error) === 'ENOSPC' || codeOf(error) === 'EDQUOT') {
      throw new LateralError('storage-full', 'The disk is full. Delete something, then go on.', { cause: error });
    }
    if (codeOf(error) === undefined) throw toLateralError(error);
    throw new LateralError('storage-unavailable', `The models' folder could not be used: ${String(error)}`, {
      cause: error,
    });
  }
}

function codeOf(error: unknown): string | undefined {
  if (error instanceof LateralError || !(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

function nullIfMissing(error: unknown): null {
  if (codeOf(error) === 'ENOENT') return null;
  throw error;
}

function emptyIfMissing(error: unknown): [] {
  nullIfMissing(error);
  return [];
}
