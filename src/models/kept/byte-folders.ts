/**
 * Where models' files lie: folders of files, both with flat names. Two implementations, of which everything above is the
 * same: the browser's private file system (opfs-folders.ts), and a folder on disk (disk-folders.ts).
 */
import type { ByteFile, ByteSink, ByteSource } from '../byte-source.ts';

export interface StoredSink extends ByteSink {
  /** Lets go of the file; what was appended stays. May be called twice. */
  close(): Promise<void>;
}

export interface OpenFile extends ByteFile {
  /** Lets go of the file; what was written stays. May be called twice. */
  close(): Promise<void>;
}

export interface ByteFolder {
  /** With what is there now, whoever wrote it. */
  list(): Promise<readonly { readonly name: string; readonly size: number }[]>;
  /** Bytes, or null where there is no such file. */
  size(name: string): Promise<number | null>;
  /** @throws 'not-found' */
  source(name: string): Promise<ByteSource>;
  /**
   * Opens a file at its end, and makes it where there is none. One sink a file at a time.
   * @throws 'model-busy' where another has it open, where the platform tells
   */
  sink(name: string): Promise<StoredSink>;
  /**
   * Opens a file to be read and written at any place, and makes it where there is none. One at a time, and no sink beside it.
   * @throws 'model-busy' as above; 'storage-unavailable' where the platform writes at the end only, as pages do
   */
  file(name: string): Promise<OpenFile>;
  /** Nothing where there is none. */
  remove(name: string): Promise<void>;
}

/** @throws 'storage-unavailable' where this place has no such storage, from each of them */
export interface ByteFolders {
  list(): Promise<readonly string[]>;
  /** Makes it where there is none. */
  open(name: string): Promise<ByteFolder>;
  /** Null where there is none. */
  find(name: string): Promise<ByteFolder | null>;
  /** With all that is in it; nothing where there is none. */
  remove(name: string): Promise<void>;
}
