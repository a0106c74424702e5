/**
 * Models' files in the browser's private file system (OPFS): `lateral-models/<folder>/<name>`. Workers write through
 * synchronous handles, in place; pages, which have none, through streams whose bytes are there once they are closed. Both
 * read through `File`s, which lock nothing, so that several tabs can read one model.
 */
import { LateralError, toLateralError } from '../../errors.ts';
import { blobSource, requireWithin } from '../byte-source.ts';
import { platform } from '../platform.ts';
import type { ByteFolder, ByteFolders, OpenFile, StoredSink } from './byte-folders.ts';

export interface OpfsOptions {
  /** Folder below the origin's root. Default `lateral-models`. */
  readonly root?: string;
  /** Whether to use synchronous handles. Default: where there are any. */
  readonly synchronous?: boolean;
}

export function createOpfsFolders({ root = 'lateral-models', synchronous }: OpfsOptions = {}): ByteFolders {
  const rootFolder = async (): Promise<FileSystemDirectoryHandle> =>
    (await originFolder()).getDirectoryHandle(root, { create: true });
  const wrap = (handle: FileSystemDirectoryHandle): ByteFolder => opfsFolder(handle, synchronous ?? hasSyncHandles());
  return {
    list: () => translate(async () => (await entriesOf(await rootFolder(), 'directory')).map(({ name }) => name)),
    open: (name) => translate(async () => wrap(await (await rootFolder()).getDirectoryHandle(name, { create: true }))),
    find: (name) =>
      translate(async () => {
        const handle = await (await rootFolder()).getDirectoryHandle(name).catch(nullIfMissing);
        return handle === null ? null : wrap(handle);
      }),
    remove: (name) =>
      translate(async () => {
        await (await rootFolder()).removeEntry(name, { recursive: true }).catch(nullIfMissing);
      }),
  };
}

function opfsFolder(folder: FileSystemDirectoryHandle, synchronous: boolean): ByteFolder {
  return {
    list: () =>
      translate(async () => {
        const files = (await entriesOf(folder, 'file')) as FileSystemFileHandle[];
        return Promise.all(files.map(async (file) => ({ name: file.name, size: (await file.getFile()).size })));
      }),
    size: (name) =>
      translate(async () => {
        const file = await folder.getFileHandle(name).catch(nullIfMissing);
        return file === null ? null : (await file.getFile()).size;
      }),
    source: (name) =>
      translate(async () => {
        const file = await folder.getFileHandle(name).catch(nullIfMissing);
        if (file === null) throw new LateralError('not-found', `There is no file ${name}.`);
        const source = blobSource(await file.getFile());
        return { ...source, read: (offset, length) => translate(() => source.read(offset, length)) };
      }),
    sink: (name) =>
      translate(async () => {
        const file = (await folder.getFileHandle(name, { create: true })) as WritableFileHandle;
        if (synchronous && file.createSyncAccessHandle !== undefined) {
          return syncSink(await file.createSyncAccessHandle(), name);
        }
        if (file.createWritable === undefined) throw unavailable('cannot write files from here');
        return streamSink(file as StreamFileHandle);
      }),
    file: (name) =>
      translate(async () => {
        const file = (await folder.getFileHandle(name, { create: true })) as WritableFileHandle;
        if (!synchronous || file.createSyncAccessHandle === undefined)
          throw unavailable('writes files at their end only here');
        return syncFile(await file.createSyncAccessHandle(), name);
      }),
    remove: (name) =>
      translate(async () => {
        await folder.removeEntry(name).catch(nullIfMissing);
      }),
  };
}

/** Of https://fs.spec.whatwg.org/, declared here because only the types of workers have it. */
interface SyncHandle {
  read(bytes: Uint8Array, options: { at: number }): number;
  write(bytes: Uint8Array, options: { at: number }): number;
  truncate(size: number): void;
  getSize(): number;
  flush(): void;
  close(): void;
}

interface WritableFileHandle extends Omit<FileSystemFileHandle, 'createSyncAccessHandle' | 'createWritable'> {
  createSyncAccessHandle?(): Promise<SyncHandle>;
  createWritable?: FileSystemFileHandle['createWritable'];
}

type StreamFileHandle = WritableFileHandle & Required<Pick<WritableFileHandle, 'createWritable'>>;

/** The same file, written at its end. */
function syncSink(handle: SyncHandle, name: string): StoredSink {
  const file = syncFile(handle, name);
  return {
    get size() {
      return file.size;
    },
    append: (bytes) => file.write(file.size, bytes),
    truncate: (length) =>
      translate(() => {
        requireWithin(0, length, file.size);
        return file.truncate(length);
      }),
    flush: () => file.flush(),
    close: () => file.close(),
  };
}

function syncFile(handle: SyncHandle, name: string): OpenFile {
  let closed = false;
  return {
    get size() {
      return handle.getSize();
    },
    read: (offset, length) =>
      translate(() => {
        requireWithin(offset, length, handle.getSize());
        const bytes = new Uint8Array(length);
        for (let done = 0; done < length;) {
          const read = handle.read(bytes.subarray(done), { at: offset + done });
          if (read === 0) throw new LateralError('storage-corrupt', `${name} became shorter while it was read.`);
          done += read;
        }
        return Promise.resolve(bytes);
      }),
    write: (offset, bytes) =>
      translate(() => {
        const size = handle.getSize();
        if (offset > size) handle.truncate(offset); // zeros in the gap, which not every browser promises of `write`
        writeAll(handle, name, offset, bytes);
        return Promise.resolve();
      }),
    truncate: (length) =>
      translate(() => {
        handle.truncate(length);
        return Promise.resolve();
      }),
    flush: () =>
      translate(() => {
        handle.flush();
        return Promise.resolve();
      }),
    close() {
      if (!closed) handle.close();
      closed = true;
      return Promise.resolve();
    },
  };
}

function writeAll(handle: SyncHandle, name: string, offset: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) {
    const written = handle.write(bytes.subarray(done), { at: offset + done });
    if (written === 0) throw new DOMException(`${name} takes no more bytes.`, 'QuotaExceededError');
    done += written;
  }
}

/**
 * A stream writes to a copy that takes the file's place when it closes. So it is opened at the first write and closed by
 * `flush` and `close`: a tab that dies between them loses what it wrote since.
 */
async function streamSink(file: StreamFileHandle): Promise<StoredSink> {
  let size = (await file.getFile()).size;
  let stream: FileSystemWritableFileStream | null = null;
  const writing = async (): Promise<FileSystemWritableFileStream> =>
    (stream ??= await file.createWritable({ keepExistingData: true }));
  const finish = async (): Promise<void> => {
    const ending = stream;
    stream = null;
    await ending?.close();
  };
  return {
    get size() {
      return size;
    },
    append: (bytes) =>
      translate(async () => {
        // A copy, since the stream may look at the bytes after this has resolved.
        await (await writing()).write({ type: 'write', position: size, data: bytes.slice() });
        size += bytes.length;
      }),
    truncate: (length) =>
      translate(async () => {
        requireWithin(0, length, size);
        await (await writing()).truncate(length);
        size = length;
      }),
    flush: () => translate(finish),
    close: () => translate(finish),
  };
}

async function originFolder(): Promise<FileSystemDirectoryHandle> {
  const { storage } = platform();
  if (storage?.getDirectory === undefined) throw unavailable('has no private file system');
  try {
    return await storage.getDirectory();
  } catch (cause) {
    // Private windows of Firefox and older WebKit.
    throw unavailable('gives no private file system in this window', cause);
  }
}

/** What a worker of its own has and a page has not. */
function hasSyncHandles(): boolean {
  const scope = globalThis as { FileSystemFileHandle?: { prototype: object } };
  return scope.FileSystemFileHandle !== undefined && 'createSyncAccessHandle' in scope.FileSystemFileHandle.prototype;
}

async function entriesOf(folder: FileSystemDirectoryHandle, kind: FileSystemHandleKind): Promise<FileSystemHandle[]> {
  const entries: FileSystemHandle[] = [];
  for await (const entry of folder.values()) if (entry.kind === kind) entries.push(entry);
  return entries;
}

async function translate<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof LateralError) throw error;
    const name = error instanceof DOMException ? error.name : '';
    if (name === 'QuotaExceededError') throw toLateralError(error);
    if (name === 'NoModificationAllowedError') {
      throw new LateralError('model-busy', 'Another tab is writing this file. Try again once it is done.', {
        cause: error,
      });
    }
    if (name === 'NotFoundError' || name === 'NotReadableError') {
      throw new LateralError(
        'model-unavailable',
        'A file of the model was deleted or replaced meanwhile. Prepare the model again.',
        { cause: error },
      );
    }
    throw unavailable(`could not use its private file system (${name || String(error)})`, error);
  }
}

function unavailable(what: string, cause?: unknown): LateralError {
  return new LateralError(
    'storage-unavailable',
    `This browser ${what}, so models cannot be kept. Use a normal window of a current browser, or the model that comes with Lateral.`,
    cause === undefined ? {} : { cause },
  );
}

function nullIfMissing(error: unknown): null {
  if (error instanceof DOMException && error.name === 'NotFoundError') return null;
  throw error;
}
