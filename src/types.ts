/**
 * The words of the domain: what is given (documents), what is scored (chunks), what is embedded (tokens),
 * and what comes back (hits, with the reason in them). Plain data throughout: every value here can cross
 * a thread. No module below this one.
 */

import type { ErrorCode } from './errors.ts';

/** How one vector component is kept. int8 scores are integers and bit-equal on every device; f32 is the reference. */
export type Precision = 'int8' | 'f32';

/**
 * How vectors are held in memory for searching: as they are stored, or with four bits a component, for half of the memory that
 * int8 takes; then the best passages get their scores from the stored vectors, which are read for each search.
 */
export type ResidentPrecision = 'stored' | 'int4';

/** Tokens per stored vector; 1 is no pooling. */
export type PoolFactor = 1 | 2 | 3 | 4;

/**
 * How a document that is longer than a passage is read. 'passage': each passage by itself. 'window': in overlapping windows of 1,024
 * tokens, so that a passage's vectors know what stands around it. 'whole': at once, up to 8,192 tokens, and beyond that in windows of
 * so many. A model that reads less has shorter windows.
 */
export type LongDocument = 'passage' | 'window' | 'whole';

/** Where an encoder or a scorer runs. */
export type EncoderDevice = 'wasm' | 'webgpu' | 'native';
export type ScorerKind = 'js' | 'wasm' | 'webgpu';

// ─── what a person gives ────────────────────────────────────────────────────────────────────────────

export interface DocumentInput {
  /** Stable id; one is made from the content where none is given. */
  readonly id?: string;
  /** What the person calls it: usually the file's name. */
  readonly name: string;
  /** Text, or the bytes of a file. */
  readonly content: string | Blob | Uint8Array;
  /** MIME type where known; else the name's ending and the bytes decide. */
  readonly mediaType?: string;
  /** Path inside a dropped folder, with `/`, without the name. */
  readonly path?: string;
  /** BCP 47 tag where known. */
  readonly language?: string;
  readonly tags?: readonly string[];
}

// ─── what is kept ───────────────────────────────────────────────────────────────────────────────────

/** A page or a headed section: the range `[start, end)` of the extracted text that it covers, in UTF-16 units. */
export interface Section {
  readonly kind: 'page' | 'heading';
  /** The page's number or the heading's words. */
  readonly label: string;
  /** 1 to 6 for headings, 0 for pages. */
  readonly level: number;
  readonly start: number;
  readonly end: number;
}

/** A block of the extracted text with its role, for showing it as structured text. `[start, end)` in UTF-16 units. */
export interface TextBlock {
  readonly kind: 'paragraph' | 'heading' | 'list-item' | 'quote' | 'code' | 'table-row';
  readonly level: number;
  readonly start: number;
  readonly end: number;
}

/** A page's size as it is shown (rotation applied), in PDF points: 1/72 inch. */
export interface PageSize {
  readonly width: number;
  readonly height: number;
}

/** What extraction makes of a file. */
export interface ExtractedText {
  readonly text: string;
  /** In order, not overlapping; may be empty. */
  readonly sections: readonly Section[];
  /** In order, not overlapping; cover all words of the text. */
  readonly blocks: readonly TextBlock[];
  /**
   * Of a file that has pages (PDF), in order. Then `sections` hold one 'page' each, in the same order; a page without text
   * has an empty range.
   */
  readonly pages?: readonly PageSize[];
  /** From the file itself (an HTML title, a first heading); never invented. */
  readonly title?: string;
  readonly language?: string;
  readonly mediaType: string;
  /** What a person should know: 'Read as windows-1252.', … */
  readonly notes: readonly string[];
}

/** A passage: the range `[start, end)` of its document's extracted text, in UTF-16 units. */
export interface Chunk {
  /** 0, 1, 2 … within the document. */
  readonly ordinal: number;
  readonly start: number;
  readonly end: number;
  /** Index into the document's sections, or −1. */
  readonly section: number;
}

export interface DocumentRecord {
  readonly id: string;
  readonly name: string;
  readonly path: string;
  readonly title: string;
  readonly mediaType: string;
  readonly language: string;
  readonly tags: readonly string[];
  /** Milliseconds since the epoch; the same for all documents of one `add`. */
  readonly addedAt: number;
  readonly byteLength: number;
  readonly textLength: number;
  /** SHA-256 of the bytes given, lower-case hex. */
  readonly contentHash: string;
  readonly chunkCount: number;
  /** Token vectors kept. */
  readonly tokenCount: number;
  /** Chunks of which the model saw only the beginning. */
  readonly truncatedChunks: number;
  readonly notes: readonly string[];
}

/** What must agree before stored vectors may be compared with a query. */
export interface Fingerprint {
  /** `lateral-mini@0` */
  readonly model: string;
  readonly dim: number;
  readonly precision: Precision;
  /** Stored int8 × scale = component. 1 for f32. */
  readonly scale: number;
  /** 1 = no pooling. */
  readonly poolFactor: number;
  /** How long documents were read: each passage by itself ('truncate'), or in windows of so many tokens, with so many shared. */
  readonly longDocument: 'truncate' | `window-${number}-${number}`;
  readonly chunker: number;
}

// ─── what comes back ────────────────────────────────────────────────────────────────────────────────

/** 0 not lit, 1 close in meaning, 2 strong or the same word. */
export type Strength = 0 | 1 | 2;

/** Pieces of an excerpt, in order; their texts joined are the excerpt. */
export interface Segment {
  readonly text: string;
  readonly strength: Strength;
  /** Which of the query's words lit it (indices into `QueryWord[]`). */
  readonly words: readonly number[];
}

export interface QueryWord {
  readonly text: string;
  /** Range in the query as typed, in UTF-16 units. */
  readonly start: number;
  readonly end: number;
  /** The best strength over all hits: 0 draws a dashed chip. */
  readonly strength: Strength;
}

/** One row of "Why this matched". */
export interface WordMatch {
  /** Index into `QueryWord[]`. */
  readonly word: number;
  /** The passage's word that came closest, as written; '' where none is close. */
  readonly matched: string;
  readonly verdict: 'same-word' | 'strong' | 'close' | 'nothing-close';
  /** Cosine of the two token vectors, −1 to 1. */
  readonly similarity: number;
  /** Range in the document's text, in UTF-16 units. */
  readonly start: number;
  readonly end: number;
}

/** A lit range of the document's extracted text. */
export interface LitRange {
  readonly start: number;
  readonly end: number;
  readonly strength: Strength;
  readonly words: readonly number[];
}

export interface Hit {
  readonly documentId: string;
  readonly documentName: string;
  readonly path: string;
  readonly language: string;
  /** Which chunk of the document. */
  readonly chunk: number;
  /** The passage's range in the document's text, in UTF-16 units. */
  readonly start: number;
  readonly end: number;
  /** Where a person finds it: 'page 214', a heading, or ''. */
  readonly place: string;
  /**
   * By meaning: MaxSim, the sum of cosines over the query's rows. By words: BM25. Both: scaled and added (ranking/fuse.ts).
   * Never shown raw.
   */
  readonly score: number;
  /** How far above what any passage reaches, as a share of the best hit of this search: 0 to 1. Falls along the list. */
  readonly relative: number;
  /** Whether its words are close enough to the query's to be called relevant. */
  readonly relevant: boolean;
  /** Up to about three lines around the best words. */
  readonly excerpt: readonly Segment[];
  /** Lit ranges of the whole passage, for the viewer. */
  readonly lit: readonly LitRange[];
  readonly why: readonly WordMatch[];
  /** Further passages of the same document that would have been in the list (by document only). */
  readonly moreInDocument: number;
}

/**
 * What a search compares: 'meaning' by token vectors (MaxSim), 'words' by exact words (BM25), 'both' by the two
 * together. "Quoted words" must stand in the passage and -words must not, in every mode.
 */
export type MatchBy = 'both' | 'meaning' | 'words';

export interface SearchFilter {
  /** Only these documents. */
  readonly documentIds?: readonly string[];
  readonly tags?: readonly string[];
  readonly languages?: readonly string[];
  /** Only documents whose path starts so. */
  readonly pathPrefix?: string;
  readonly addedAfter?: number;
  readonly addedBefore?: number;
}

export interface SearchResult {
  readonly query: string;
  readonly match: MatchBy;
  readonly words: readonly QueryWord[];
  readonly hits: readonly Hit[];
  /** Passages compared. */
  readonly considered: number;
  /**
   * How much of the stored vectors that was: below 1 only while a large collection is being opened. What memory has no room
   * for (EngineStatus.withoutRoom) does not count.
   */
  readonly searchedShare: number;
  /** Whether any hit is relevant. */
  readonly relevant: boolean;
  /** Query tokens beyond the model's query length, which were not searched. */
  readonly droppedQueryTokens: number;
  readonly elapsedMs: { readonly encode: number; readonly score: number; readonly explain: number };
}

// ─── long work ──────────────────────────────────────────────────────────────────────────────────────

export type EnginePhase =
  'loading-model' | 'keeping' | 'waiting' | 'reading' | 'reencoding' | 'switching' | 'saving' | 'measuring';
export type ModelPhase = 'waiting' | 'downloading' | 'retrying' | 'copying' | 'quantizing' | 'checking';

export interface Progress {
  /**
   * 'keeping': the files are being copied into the store, so that a reload cannot lose them; 'waiting': another tab is
   * reading, these come after it; 'switching': vectors that were made aside become the index's; 'measuring': ways of comparing take
   * turns. Of a model: 'downloading'; 'retrying': the network gave out, and is asked again; 'copying': from a folder; 'quantizing';
   * 'checking' on this device.
   */
  readonly phase: EnginePhase | ModelPhase;
  readonly done: number;
  readonly total: number;
  readonly unit: 'files' | 'bytes' | 'passages' | 'turns';
  /** What is being worked on: a file's name and, where known, the passage within it. */
  readonly current?: { readonly name: string; readonly done: number; readonly total: number };
  /** Files of this work that failed so far. */
  readonly failed?: readonly AddFailure[];
  /** Seconds left, once the rate is steady. */
  readonly etaSeconds?: number;
  /** Tokens per second of encoding so far. */
  readonly tokensPerSecond?: number;
}

export interface AddFailure {
  readonly name: string;
  readonly code: ErrorCode;
  readonly message: string;
}

export interface AddResult {
  readonly added: readonly DocumentRecord[];
  readonly failed: readonly AddFailure[];
  /** Which of the given documents were not read because the work stopped (cancel, full disk): indices, ascending. */
  readonly remaining: readonly number[];
  /** Why the work stopped early, where it did. */
  readonly stopped?: { readonly code: ErrorCode; readonly message: string };
}

/** Files that were given to `add` and not yet read: by a cancel, a reload or a crash, and not by a tab that is at work. */
export interface PendingFiles {
  readonly files: number;
  readonly bytes: number;
}

// ─── status ─────────────────────────────────────────────────────────────────────────────────────────

/** What was chosen, and the sentence that says why. */
export interface Choice<Kind extends string> {
  readonly kind: Kind;
  readonly reason: string;
  /** Whether the address or the settings forced it. */
  readonly forced: boolean;
}

/** Where texts are encoded, and in which precision. */
export interface EncoderChoice extends Choice<EncoderDevice> {
  /** Whether products and attention are computed in fp16. */
  readonly half?: boolean | undefined;
}

export interface SelfTestReport {
  readonly device: EncoderDevice;
  /** Whether products and attention were computed in fp16. */
  readonly half?: boolean | undefined;
  readonly passed: boolean;
  /** The lowest row cosine against the stored reference. */
  readonly minCosine: number;
  readonly required: number;
  readonly elapsedMs: number;
  readonly message: string;
}

/** Vectors that found no room in memory, neither on the graphics card nor beside the processor. */
export interface WithoutRoom {
  /** Token vectors that are not searched, of so many. */
  readonly tokens: number;
  readonly totalTokens: number;
  /** Bytes that all take, and bytes that are held. */
  readonly neededBytes: number;
  readonly heldBytes: number;
  /** Settings of this index under which all would fit, those that change least first; at most three. */
  readonly wouldFit: readonly (Pick<Fingerprint, 'dim' | 'precision'> & {
    readonly poolFactor: PoolFactor;
    readonly residentPrecision: ResidentPrecision;
    readonly bytes: number;
  })[];
}

export interface EngineStatus {
  readonly state: 'starting' | 'ready' | 'failed';
  readonly model: string;
  readonly encoder: EncoderChoice | null;
  readonly scorer: Choice<ScorerKind> | null;
  readonly selfTests: readonly SelfTestReport[];
  readonly gpu: { readonly name: string; readonly software: boolean } | null;
  /** Threads of the processor that encode. */
  readonly threads: number;
  /** Threads of the processor that compare; 0 on a graphics card. */
  readonly scoringThreads: number;
  /** Which of the runtime's files were loaded, by name: what must be kept to start again without a network. */
  readonly runtimeFiles: readonly string[];
  readonly storage: 'indexeddb' | 'memory';
  /** Why documents would not survive a reload, where they would not. */
  readonly storageWarning: string;
  /**
   * When the place that keeps the documents was made, in milliseconds since the epoch; 0 while starting. It lives as long as
   * the database, through `clear`: another value than last time means that the browser has removed everything.
   */
  readonly storageCreatedAt: number;
  readonly documents: number;
  readonly chunks: number;
  readonly tokens: number;
  /** Bytes of token vectors held in memory, ready for search. */
  readonly residentBytes: number;
  /** How much of a large collection can be searched so far while it is being opened; null once that is all. */
  readonly opening: { readonly tokens: number; readonly totalTokens: number } | null;
  /** What is not searched because memory holds no more; null where all is held. */
  readonly withoutRoom: WithoutRoom | null;
  /** What `resume` would read. */
  readonly pending: PendingFiles;
  /**
   * Documents that are found by their words alone until `reencode` has given them vectors of this model. Where the index is still
   * another's (`switchingFrom`): documents whose vectors are still to be made.
   */
  readonly unencoded: number;
  /**
   * Opened with `onMismatch: 'aside'`: what the index's vectors were made with, until `reencode` has changed over to this model; null
   * then, and with any other index. While it is not null this engine neither searches nor adds ('model-mismatch').
   */
  readonly switchingFrom: Fingerprint | null;
  readonly progress: Progress | null;
  readonly error: { readonly code: ErrorCode; readonly message: string } | null;
}

export interface IndexStats {
  readonly name: string;
  readonly fingerprint: Fingerprint;
  readonly residentPrecision: ResidentPrecision;
  readonly documents: number;
  readonly chunks: number;
  readonly tokens: number;
  readonly vectorBytes: number;
  readonly blocks: number;
  /** Bytes of original files kept. */
  readonly sourceBytes: number;
  /** Bytes of vectors of another model that are kept aside (`onMismatch: 'aside'`); `discardAside` frees them. */
  readonly asideBytes: number;
  /** Of the whole origin, where the browser tells. */
  readonly usageBytes: number | null;
  /** Of `usageBytes`, what is no documents: the copy of Lateral kept to work offline, and downloaded models. */
  readonly appBytes: number | null;
  readonly quotaBytes: number | null;
  readonly persisted: boolean | null;
}

// ─── pages ──────────────────────────────────────────────────────────────────────────────────────────

/** A rendered page. */
export interface PageImage {
  readonly bitmap: ImageBitmap;
  /** Of the page as shown, in PDF points. */
  readonly width: number;
  readonly height: number;
}

/** A rectangle on a page, as shares of its width and height, from its top left: 0 to 1. */
export interface PageBox {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Where a range of the extracted text lies on its page: one box per line it touches; none where that is not certain. */
export interface PlacedRange {
  readonly start: number;
  readonly end: number;
  readonly boxes: readonly PageBox[];
}

/** What came of `import`. */
export interface ImportResult {
  readonly documents: number;
  /** Already here, and left as they are. */
  readonly skipped: number;
  /** Of the documents, those that came without vectors of this model: found by their words until `reencode` is done. */
  readonly unencoded: number;
}
