/** Files as the quantiser sees them: a graph with the weights beside it, ranges that are checked, and a file in memory. */
import { LateralError } from '../../errors.ts';
import type { ByteFile, ByteSource } from '../byte-source.ts';

/** A graph and the files of weights beside it. */
export interface ModelSource {
  readonly graph: ByteSource;
  /** @param name as the graph gives it, relative to the graph's folder; checked never to lead out of it */
  external(name: string): Promise<ByteSource>;
}

/** @throws 'model-invalid' where the range is not in the file, or comes back short */
export async function readRange(source: ByteSource, offset: number, length: number, what: string): Promise<Uint8Array> {
  if (offset < 0 || length < 0 || offset + length > source.size) {
    throw new LateralError(
      'model-invalid',
      `${what} lies at ${offset} to ${offset + length} of a file of ${source.size} bytes. Download the file again.`,
    );
  }
  if (length === 0) return new Uint8Array(0);
  const bytes = await source.read(offset, length);
  if (bytes.length !== length) {
    throw new LateralError(
      'model-invalid',
      `${what}: ${bytes.length} of ${length} bytes at ${offset} could be read. Download the file again.`,
    );
  }
  return plain(bytes);
}

/** Node's Buffer is a Uint8Array whose `slice` does not copy. */
function plain(bytes: Uint8Array): Uint8Array {
  return bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A file in memory. */
export function memoryFile(content: Uint8Array = new Uint8Array(0)): ByteFile & { readonly bytes: Uint8Array } {
  let bytes = plain(content);
  function resize(length: number): void {
    const next = new Uint8Array(length);
    next.set(bytes.subarray(0, length));
    bytes = next;
  }
  return {
    get size() {
      return bytes.length;
    },
    get bytes() {
      return bytes;
    },
    read: (offset, length) => Promise.resolve(new Uint8Array(bytes.subarray(offset, offset + length))),
    write(offset, more) {
      if (offset + more.length > bytes.length) resize(offset + more.length);
      bytes.set(more, offset);
      return Promise.resolve();
    },
    truncate(length) {
      if (length !== bytes.length) resize(length);
      return Promise.resolve();
    },
    flush: () => Promise.resolve(),
  };
}
