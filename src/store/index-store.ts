/**
 * The store's contract: one index, its documents and everything belonging to them. Two implementations stand beside it:
 * memory-store.ts and idb-store.ts; one contract suite runs over both.
 *
 * A document becomes visible in one strict transaction with all of its parts, after its encoding is done. Vectors lie in
 * blocks: a small tail, one per `add`, that is cheap to append to, and sealed blocks of 8 to 32 MiB that `compact` makes of it.
 *
 * Files that wait to be read can be kept here too. Each is a pending file, or a document, or neither, and never two of
 * these: the transaction that adds the document takes over the pending file's bytes.
 */
import type { LateralError } from '../errors.ts';
import type { VectorBlock } from '../maxsim/scorer.ts';
import type { Chunk, DocumentRecord, ExtractedText, Fingerprint } from '../types.ts';

/** Which stored row stands for each token of a document, in an index whose rows are pooled (vectors/pool.ts). */
export interface TokenRows {
  /** [chunkCount + 1] where each chunk's tokens begin in `rows`. Starts at 0, never falls. */
  readonly offsets: Uint32Array;
  /** For each token before pooling, the row that stands for it: counted from its chunk's first row. */
  readonly rows: Uint16Array;
}

/** Everything that becomes visible together. */
export interface NewDocument {
  readonly record: DocumentRecord;
  readonly text: ExtractedText;
  readonly chunks: readonly Chunk[];
  /** Bytes as given; null where the person chose not to keep them, and where `pending` names them. */
  readonly source: Blob | null;
  /** The pending file that it was read from: pending no more once this is added, its bytes kept as the source or dropped. */
  readonly pending?: { readonly key: string; readonly keepSource: boolean };
  /** [tokenCount, dim] in the index's precision. */
  readonly vectors: Int8Array | Float32Array;
  /** [chunkCount + 1] token offsets. */
  readonly offsets: Uint32Array;
  /** null where each row is one token's: without pooling, and without vectors. */
  readonly tokenRows: TokenRows | null;
}

/** Another model's vectors of a document that is here. */
export interface NewVectors {
  /** Of the document as it is then: `tokenCount`, `truncatedChunks` and `notes` may differ from before, the rest stays. */
  readonly record: DocumentRecord;
  /** [tokenCount, dim] in the index's precision. */
  readonly vectors: Int8Array | Float32Array;
  /** [chunkCount + 1] token offsets. */
  readonly offsets: Uint32Array;
  /** As in NewDocument. */
  readonly tokenRows: TokenRows | null;
}

/** What a step of `takeAside` did, in documents. */
export interface TakenAside {
  readonly taken: number;
  readonly left: number;
}

/** What a block holds, without its vectors: cheap to list. */
export interface BlockInfo {
  readonly id: string;
  readonly sealed: boolean;
  readonly numChunks: number;
  readonly numTokens: number;
  /** Of its vectors as `block` gives them. */
  readonly byteLength: number;
  /** Whether it still lies there as it was before the index was narrowed, for compaction to write anew. */
  readonly outdated: boolean;
  /** Whether `rows` must read all of it: it was written before pieces could be read alone, and stays so until it is merged. */
  readonly wholeOnly: boolean;
  /** Its documents in order: each owns `chunkCount` consecutive chunks. Removed ones stay listed until compaction. */
  readonly documents: readonly {
    readonly id: string;
    readonly chunkCount: number;
    /** 0 for a document whose vectors were dropped. */
    readonly tokenCount: number;
    readonly removed: boolean;
  }[];
}

/** Rows `first` to `end` of a block, the last not among them. */
export interface RowRange {
  readonly first: number;
  readonly end: number;
}

/** Rows without the block that they are of. */
export type StoredRows = Pick<VectorBlock, 'dim' | 'precision' | 'scale' | 'vectors'>;

/** What is known of a file before it is read. */
export interface FileFacts {
  readonly name: string;
  readonly path: string;
  /** As given; '' where unknown. */
  readonly mediaType: string;
  readonly language: string;
  readonly tags: readonly string[];
  /** As given; '' where one is to be made. */
  readonly id: string;
}

export interface FileToKeep extends FileFacts {
  readonly content: Blob;
}

/** A file that is kept until it is read. */
export interface PendingFile extends FileFacts {
  /** Keys sort as the files were given. Never used twice. */
  readonly key: string;
  /** Whoever means to read it; what that stands for is the engine's business. */
  readonly owner: string;
  readonly byteLength: number;
  /** Milliseconds since the epoch. */
  readonly addedAt: number;
  /** false while its bytes are being copied, and for ever where the copying was cut short. */
  readonly complete: boolean;
}

export interface StageOptions {
  readonly signal?: AbortSignal;
  /** Bytes that are durable, of all that were given. */
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void;
}

export interface CompactOptions {
  readonly signal?: AbortSignal | undefined;
  /** Whether blocks that can only be read whole are written anew for that alone, all of them. Default false. */
  readonly rewriteWholeOnly?: boolean;
}

/** Documents, chunks and tokens that were not removed; bytes and blocks as kept, with what compaction has still to drop. */
export interface StoreUsage {
  readonly documents: number;
  readonly chunks: number;
  readonly tokens: number;
  readonly vectorBytes: number;
  readonly sourceBytes: number;
  /** Of vectors that are kept aside, of whatever fingerprint. */
  readonly asideBytes: number;
  readonly blocks: number;
}

/** What a corrupt or missing part cost; empty lists when all is well. */
export interface StoreReport {
  readonly damagedBlocks: readonly string[];
  /** Ids of documents with a missing or damaged part, or in a damaged block. `remove` works on them; then add them again. */
  readonly lostDocuments: readonly string[];
  /** Keys of pending files whose bytes are damaged. */
  readonly lostFiles: readonly string[];
}

export interface IndexStore {
  readonly name: string;
  readonly kind: 'memory' | 'indexeddb';

  /** The fingerprint it was made with, or null while it has never been written to. */
  fingerprint(): Promise<Fingerprint | null>;
  /** When it was made, in milliseconds since the epoch. Outlives `clear`; another after the database was deleted. */
  createdAt(): Promise<number>;
  /** Rises with every visible change (documents, blocks), in whatever tab. Not from 0, and not by one for the caller to count. */
  version(): Promise<number>;
  /** Rises when pending files come, change owner or are dropped; not when a document takes one over. */
  pendingVersion(): Promise<number>;
  /** Called after a change of this or another tab became visible (a hint: `version` and `pendingVersion` are the truth). Returns the way to stop. */
  onChange(listener: () => void): () => void;
  /** Called once if the connection ends for good (deleted or upgraded by another tab) and could not be reopened. */
  onClosed(listener: (error: unknown) => void): () => void;

  /**
   * Writes documents with all of their parts in one strict transaction: all or nothing. An empty list changes nothing.
   * @throws 'model-mismatch' for another fingerprint; 'file-duplicate' for an id that is here; 'invalid-argument' for parts
   * that do not fit each other; 'file-damaged' for a source that the browser cannot read any more; 'not-found' for a pending
   * file that is no longer pending; 'storage-full' with nothing changed.
   */
  add(documents: readonly NewDocument[], fingerprint: Fingerprint): Promise<void>;
  /** Removes documents with all of their parts; ids that are not here are ignored. @returns how many went. */
  remove(documentIds: readonly string[]): Promise<number>;
  /** Removes everything, the fingerprint and the pending files too. */
  clear(): Promise<void>;
  /**
   * Makes this the fingerprint where its vectors follow from those that are here (`canNarrow`): from now on they are read so,
   * and compaction writes them anew. Nothing is lost at any moment. Where it is the fingerprint already, nothing.
   * @throws 'model-mismatch' where they do not follow
   */
  narrow(fingerprint: Fingerprint): Promise<void>;
  /**
   * Makes this the fingerprint and drops all vectors in one transaction; where it is the fingerprint already, nothing. The documents stay with their texts and chunks, in
   * blocks that have their chunks with no token in them (`record.tokenCount` 0), until `replaceVectors` gives them others.
   * @throws 'model-mismatch' where the chunker is another one: then the chunks would have to be cut anew.
   */
  dropVectors(fingerprint: Fingerprint): Promise<void>;
  /**
   * Gives documents other vectors, all or nothing; those that were removed meanwhile (or added anew: other content, other
   * time) are left out. @returns how many were here. @throws 'model-mismatch', 'invalid-argument', 'storage-full' as `add`
   */
  replaceVectors(documents: readonly NewVectors[], fingerprint: Fingerprint): Promise<number>;

  /**
   * Keeps vectors of another fingerprint aside, all or nothing: until `switchTo` they are no part of the index, and no version
   * rises. A document has one of them at most, and loses it when it is removed; those that were removed meanwhile are left out.
   * @returns how many were here. @throws 'model-mismatch' where the chunker is another one; 'invalid-argument', 'storage-full' as `add`
   */
  putAside(documents: readonly NewVectors[], fingerprint: Fingerprint): Promise<number>;
  /** Documents that have passages and no vectors of this fingerprint aside, by time added then id. */
  withoutAside(fingerprint: Fingerprint): Promise<DocumentRecord[]>;
  /**
   * As `dropVectors`, if all documents but these have their vectors aside at that moment. What is aside stays there for `takeAside`.
   * @param except ids of documents that may be without
   * @returns false where others are without: then nothing has changed. @throws 'model-mismatch' as `dropVectors`
   */
  switchTo(fingerprint: Fingerprint, except: ReadonlySet<string>): Promise<boolean>;
  /**
   * Gives some of the documents their vectors from aside, about a sealed block of them in one transaction; to be repeated until it
   * took none. What is damaged there is taken away, and its document goes on waiting for vectors.
   * @throws 'model-mismatch' where this is not the index's fingerprint; 'storage-full' with nothing changed
   */
  takeAside(fingerprint: Fingerprint): Promise<TakenAside>;
  /** Drops what is aside but that of these fingerprints: this one, and the index's own, which is on its way. @returns the bytes freed */
  dropAside(keep?: Fingerprint): Promise<number>;
  /** Removes the sources of all documents; pending files stay. @returns the bytes freed */
  dropSources(): Promise<number>;

  /**
   * Copies files into the store, in order, piece by piece, some in a transaction. A file that the browser cannot read fails
   * by itself: it has an error in the list that comes back, one entry a file.
   * @throws 'storage-full', 'aborted' and the like, with everything taken back that this call had copied
   */
  stage(
    files: readonly FileToKeep[],
    owner: string,
    options?: StageOptions,
  ): Promise<readonly (PendingFile | LateralError)[]>;
  /** All pending files, incomplete ones too, by key. */
  pending(): Promise<PendingFile[]>;
  /** The bytes of a complete pending file. @throws 'storage-corrupt' when its checksum does not fit. */
  pendingContent(key: string): Promise<Blob | undefined>;
  /** Gives files another owner: each only if it is still as `pending` told. @returns those that changed hands, as they are now */
  adopt(files: readonly PendingFile[], owner: string): Promise<PendingFile[]>;
  /** Drops pending files: each only if its owner is still the one told. @returns how many went */
  unstage(files: readonly PendingFile[]): Promise<number>;

  /** All records, by time added then id. */
  documents(): Promise<DocumentRecord[]>;
  document(id: string): Promise<DocumentRecord | undefined>;
  findByHash(contentHash: string): Promise<DocumentRecord | undefined>;
  text(documentId: string): Promise<ExtractedText | undefined>;
  chunks(documentId: string): Promise<readonly Chunk[] | undefined>;
  /** What `tokenRows` of the document's vectors is now; undefined where that or the document is missing. */
  tokenRows(documentId: string): Promise<TokenRows | null | undefined>;
  /** @throws 'storage-corrupt' when its checksum does not fit. */
  source(documentId: string): Promise<Blob | undefined>;
  /**
   * All parts of a document as they were added, bit by bit: for undo, export and re-encoding. They stay readable after the
   * document is removed. @throws 'storage-corrupt' where one is missing or damaged.
   */
  parts(documentId: string): Promise<NewDocument | undefined>;

  /** Sealed blocks first, then the tail, each in the order written. */
  blocks(): Promise<BlockInfo[]>;
  /** Reads one block, not to be changed or transferred: it may be the store's own. @throws 'storage-corrupt' when its checksum does not fit; 'storage-unavailable' when the browser cannot read it, though it may be whole; 'not-found' when it is gone (compacted meanwhile). */
  block(id: string): Promise<VectorBlock>;
  /**
   * Some rows of a block, as `block` gives them, one range after the other; not to be changed. Reads no more of the block than
   * the pieces that they lie in. @throws as `block`, of those pieces alone; 'invalid-argument' for rows that it does not have
   */
  rows(id: string, ranges: readonly RowRange[]): Promise<StoredRows>;
  /**
   * The caller is done with what `block` gave: its memory may be freed at once, where a large collection would otherwise be held
   * twice until the engine collects what is unused.
   */
  release(block: VectorBlock): void;
  /**
   * Merges the tail into sealed blocks and drops removed documents' vectors, in steps that are each atomic and each tell
   * `onChange`; interrupted at any moment, nothing is lost. Damaged blocks stay as they are.
   * @returns whether anything changed. @throws 'aborted' between two steps.
   */
  compact(options?: CompactOptions): Promise<boolean>;
  /** Reads every block and source against its checksum and every document against its parts. Repairs nothing. */
  verify(): Promise<StoreReport>;

  /** Segments of the keyword index, by key; written by the keyword side, opaque here. @throws 'storage-corrupt' */
  keywordSegment(key: string): Promise<Uint8Array | undefined>;
  /** null deletes. The segments follow from the documents, so this raises no version. */
  putKeywordSegment(key: string, bytes: Uint8Array | null): Promise<void>;

  usage(): Promise<StoreUsage>;
  close(): Promise<void>;
}
