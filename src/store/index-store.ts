/**
 * The store's contract: one index, its documents and everything belonging to them. Two implementations stand beside it:
 * memory-store.ts and idb-store.ts; one contract suite runs over both.
 *
 * A document becomes visible in one strict transaction with all of its parts, after its encoding is done. Vectors lie in
 * blocks: a small tail, one per `add`, that is cheap to append to, and sealed blocks of 8 to 32 MiB that `compact` makes of it.
 */
import type { VectorBlock } from '../maxsim/scorer.ts';
import type { Chunk, DocumentRecord, ExtractedText, Fingerprint } from '../types.ts';

/** Everything that becomes visible together. */
export interface NewDocument {
  readonly record: DocumentRecord;
  readonly text: ExtractedText;
  readonly chunks: readonly Chunk[];
  /** Bytes as given; null where the person chose not to keep them. */
  readonly source: Blob | null;
  /** [tokenCount, dim] in the index's precision. */
  readonly vectors: Int8Array | Float32Array;
  /** [chunkCount + 1] token offsets. */
  readonly offsets: Uint32Array;
}

/** What a block holds, without its vectors: cheap to list. */
export interface BlockInfo {
  readonly id: string;
  readonly sealed: boolean;
  readonly numChunks: number;
  readonly numTokens: number;
  readonly byteLength: number;
  /** Its documents in order: each owns `chunkCount` consecutive chunks. Removed ones stay listed until compaction. */
  readonly documents: readonly { readonly id: string; readonly chunkCount: number; readonly removed: boolean }[];
}

export interface StoreUsage {
  readonly documents: number;
  readonly chunks: number;
  readonly tokens: number;
  readonly vectorBytes: number;
  readonly blocks: number;
}

/** What a corrupt or missing part cost; empty lists when all is well. */
export interface StoreReport {
  readonly damagedBlocks: readonly string[];
  readonly lostDocuments: readonly string[];
}

export interface IndexStore {
  readonly name: string;
  readonly kind: 'memory' | 'indexeddb';

  /** The fingerprint it was made with, or null while it has never been written to. */
  fingerprint(): Promise<Fingerprint | null>;
  /** Rises with every visible change, in whatever tab. */
  version(): Promise<number>;
  /** Called after a change of this or another tab became visible (a hint: `version` is the truth). Returns the way to stop. */
  onChange(listener: () => void): () => void;
  /** Called once if the connection ends for good (deleted or upgraded by another tab) and could not be reopened. */
  onClosed(listener: (error: unknown) => void): () => void;

  /**
   * Writes documents with all of their parts in one strict transaction: all or nothing.
   * @throws 'model-mismatch' for another fingerprint; 'file-duplicate' for an id that is here; 'invalid-argument' for parts
   * that do not fit each other; 'storage-full' with nothing changed.
   */
  add(documents: readonly NewDocument[], fingerprint: Fingerprint): Promise<void>;
  /** Removes documents with all of their parts; ids that are not here are ignored. @returns how many went. */
  remove(documentIds: readonly string[]): Promise<number>;
  /** Removes everything, the fingerprint too. */
  clear(): Promise<void>;

  /** All records, by time added then id. */
  documents(): Promise<DocumentRecord[]>;
  document(id: string): Promise<DocumentRecord | undefined>;
  findByHash(contentHash: string): Promise<DocumentRecord | undefined>;
  text(documentId: string): Promise<ExtractedText | undefined>;
  chunks(documentId: string): Promise<readonly Chunk[] | undefined>;
  source(documentId: string): Promise<Blob | undefined>;
  /** All parts of a document as they were added: for undo, export and re-encoding. */
  parts(documentId: string): Promise<NewDocument | undefined>;

  /** Sealed blocks first, then the tail, each in the order written. */
  blocks(): Promise<BlockInfo[]>;
  /** Reads one block. @throws 'storage-corrupt' when its checksum does not fit; 'not-found' when it is gone (compacted meanwhile). */
  block(id: string): Promise<VectorBlock>;
  /** Merges the tail into sealed blocks and drops removed documents' vectors; interrupted at any moment, nothing is lost. @returns whether anything changed. */
  compact(signal?: AbortSignal): Promise<boolean>;
  /** Reads every block against its checksum and every document against its parts. */
  verify(): Promise<StoreReport>;

  /** Segments of the keyword index, by key; written by the keyword side, opaque here. */
  keywordSegment(key: string): Promise<Uint8Array | undefined>;
  putKeywordSegment(key: string, bytes: Uint8Array | null): Promise<void>;

  usage(): Promise<StoreUsage>;
  close(): Promise<void>;
}
