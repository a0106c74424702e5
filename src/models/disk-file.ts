/** A file on disk that is read and written at any place, in Node. */
import { open, type FileHandle } from 'node:fs/promises';
import { LateralError, toLateralError } from '../errors.ts';
import type { ByteFile } from './byte-source.ts';

export interface DiskFile extends ByteFile {
  close(): Promise<void>;
}

/** Opens a file, or makes it where it is to be written. @throws 'not-found', 'storage-full' */
export async function openDiskFile(path: string, mode: 'read' | 'write'): Promise<DiskFile> {
  const handle = await openHandle(path, mode);
  let { size } = await handle.stat();
  return {
    get size() {
      return size;
    },
    async read(offset, length) {
      const bytes = new Uint8Array(Math.max(0, Math.min(length, size - offset)));
      for (let done = 0; done < bytes.length;) {
        const { bytesRead } = await handle.read(bytes, done, bytes.length - done, offset + done);
        if (bytesRead === 0) return bytes.subarray(0, done);
        done += bytesRead;
      }
      return bytes;
    },
    async write(offset, bytes) {
      for (let done = 0; done < bytes.length;) {
        const { bytesWritten } = await guarded(handle.write(bytes, done, bytes.length - done, offset + done));
        done += bytesWritten;
      }
      size = Math.max(size, offset + bytes.length);
    },
    async truncate(length) {
      await guarded(handle.truncate(length));
      size = length;
    },
    flush: () => guarded(handle.datasync()),
    close: () => handle.close(),
  };
}

async function openHandle(path: string, mode: 'read' | 'write'): Promise<FileHandle> {
  try {
    return await open(path, mode === 'read' ? 'r' : 'r+');
  } catch (cause) {
    if (!isMissing(cause)) throw toLateralError(cause);
    if (mode === 'write') return open(path, 'w+');
    throw new LateralError('not-found', `There is no file ${path}.`, { cause });
  }
}

async function guarded<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : '';
    if (code !== 'ENOSPC' && code !== 'EDQUOT') throw cause;
    throw new LateralError('storage-full', 'The disk is full. Make room, then run it again: it goes on where it was.', {
      cause,
    });
  }
}

function isMissing(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
}
