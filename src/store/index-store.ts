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

/** Documents, chunks and tokens that were not removed; bytes and blocks as kept, with what compaction has still to drop. */
export interface StoreUsage {
  readonly documents: number;
  readonly chunks: number;
  readonly tokens: number;
  readonly vectorBytes: number;
  readonly sourceBytes: number;
  readonly blocks: number;
}

/** What a corrupt or missing part cost; empty lists when all is well. */
export interface StoreReport {
  readonly damagedBlocks: readonly string[];
  /** Ids of documents with a missing or damaged part, or in a damaged block. `remove` works on them; then add them again. */
  readonly lostDocuments: readonly string[];
}

export interface IndexStore {
  readonly name: string;
  readonly kind: 'memory' | 'indexeddb';

  /** The fingerprint it was made with, or null while it has never been written to. */
  fingerprint(): Promise<Fingerprint | null>;
  /** Rises with every visible change (documents, blocks, keyword segments), in whatever tab. Not from 0, and not by one for the caller to count. */
  version(): Promise<number>;
  /** Called after a change of this or another tab became visible (a hint: `version` is the truth). Returns the way to stop. */
  onChange(listener: () => void): () => void;
  /** Called once if the connection ends for good (deleted or upgraded by another tab) and could not be reopened. */
  onClosed(listener: (error: unknown) => void): () => void;

  /**
   * Writes documents with all of their parts in one strict transaction: all or nothing. An empty list changes nothing.
   * @throws 'model-mismatch' for another fingerprint; 'file-duplicate' for an id that is here; 'invalid-argument' for parts
   * that do not fit each other; 'file-damaged' for a source that the browser cannot read any more; 'storage-full' with
   * nothing changed.
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
  /** @throws 'storage-corrupt' when its checksum does not fit. */
  source(documentId: string): Promise<Blob | undefined>;
  /**
   * All parts of a document as they were added, bit by bit: for undo, export and re-encoding. They stay readable after the
   * document is removed. @throws 'storage-corrupt' where one is missing or damaged.
   */
  parts(documentId: string): Promise<NewDocument | undefined>;

  /** Sealed blocks first, then the tail, each in the order written. */
  blocks(): Promise<BlockInfo[]>;
  /** Reads one block, not to be changed or transferred: it may be the store's own. @throws 'storage-corrupt' when its checksum does not fit; 'not-found' when it is gone (compacted meanwhile). */
  block(id: string): Promise<VectorBlock>;
  /**
   * Merges the tail into sealed blocks and drops removed documents' vectors, in steps that are each atomic and each tell
   * `onChange`; interrupted at any moment, nothing is lost. Damaged blocks stay as they are.
   * @returns whether anything changed. @throws 'aborted' between two steps.
   */
  compact(signal?: AbortSignal): Promise<boolean>;
  /** Reads every block and source against its checksum and every document against its parts. Repairs nothing. */
  verify(): Promise<StoreReport>;

  /** Segments of the keyword index, by key; written by the keyword side, opaque here. @throws 'storage-corrupt' */
  keywordSegment(key: string): Promise<Uint8Array | undefined>;
  /** null deletes. */
  putKeywordSegment(key: string, bytes: Uint8Array | null): Promise<void>;

  usage(): Promise<StoreUsage>;
  close(): Promise<void>;
}
