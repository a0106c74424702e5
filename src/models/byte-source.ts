/**
 * Files of gigabytes, a few MiB at a time: what reads and writes models (downloads, the quantiser, the runtime's loader)
 * does so through these two, and never holds a whole file.
 */
import { LateralError } from '../errors.ts';

/** A file that does not change, read anywhere. */
export interface ByteSource {
  /** Bytes. */
  readonly size: number;
  /**
   * @returns exactly `length` bytes from `offset` on, in memory of their own
   * @throws 'invalid-argument' where that is not within the file, and what the storage throws
   */
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
  /** The same at once, where there is a way to (workers, Node). */
  readonly readSync?: (offset: number, length: number) => Uint8Array<ArrayBuffer>;
}

/** A file that is being written, at its end only. */
export interface ByteSink {
  /** Bytes written so far; where writing goes on. */
  readonly size: number;
  /** Takes the bytes before it resolves: the caller may use the memory again. @throws 'storage-full' */
  append(bytes: Uint8Array): Promise<void>;
  /** Drops what is beyond `length`. @throws 'invalid-argument' where the file is shorter */
  truncate(length: number): Promise<void>;
  /** Resolves once what was appended would survive a crash of the browser. */
  flush(): Promise<void>;
}

/** A file that is being written at any place. */
export interface ByteWriter {
  /** Past the end, the gap is filled with zeros. The bytes may change after the promise resolves. @throws 'storage-full' */
  write(offset: number, bytes: Uint8Array): Promise<void>;
  /** Cuts the file, or extends it with zeros. @throws 'storage-full' */
  truncate(length: number): Promise<void>;
  /** Resolves when everything that was written would survive a crash. */
  flush(): Promise<void>;
}

/** A file that is read and written at any place, `size` being its present length. */
export type ByteFile = ByteSource & ByteWriter;

/** The bytes of a File or Blob. */
export function blobSource(blob: Blob): ByteSource {
  return {
    size: blob.size,
    async read(offset, length) {
      requireWithin(offset, length, blob.size);
      return new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer());
    },
    ...(FileReaderSync === undefined
      ? {}
      : {
          readSync(offset: number, length: number): Uint8Array<ArrayBuffer> {
            requireWithin(offset, length, blob.size);
            return new Uint8Array(new FileReaderSync().readAsArrayBuffer(blob.slice(offset, offset + length)));
          },
        }),
  };
}

/** Only in workers. */
const { FileReaderSync } = globalThis as {
  readonly FileReaderSync?: new () => { readAsArrayBuffer(blob: Blob): ArrayBuffer };
};

/** The whole of a source in order, `pieceBytes` at a time. */
export async function* piecesOf(source: ByteSource, pieceBytes = 2 ** 20): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (let at = 0; at < source.size; at += pieceBytes) {
    yield await source.read(at, Math.min(pieceBytes, source.size - at));
  }
}

/** @throws 'invalid-argument' */
export function requireWithin(offset: number, length: number, size: number): void {
  const fits = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0;
  if (!fits || offset + length > size) {
    throw new LateralError('invalid-argument', `Bytes ${offset} to ${offset + length} are not within ${size} bytes.`);
  }
}
