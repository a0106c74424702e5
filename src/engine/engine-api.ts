/**
 * What the engine does, as a type: the worker serves it, the client calls it, and rpc/protocol.ts derives every message
 * from it. Each method takes one plain argument and a context; nothing else crosses the thread.
 */
import type {
  AddResult,
  DocumentInput,
  DocumentRecord,
  EngineStatus,
  ExtractedText,
  ImportResult,
  IndexStats,
  LongDocument,
  MatchBy,
  PageImage,
  PlacedRange,
  PoolFactor,
  Precision,
  Progress,
  ResidentPrecision,
  ScorerKind,
  SearchFilter,
  SearchResult,
} from '../types.ts';

export interface OpenOptions {
  /** The index's name; each has a database of its own. Default 'default'. */
  readonly name?: string;
  /** Default 'lateral-mini'. */
  readonly model?: string;
  /** Stored dimension, one that the model offers. Default: the model's largest. */
  readonly dim?: number;
  /** Default 'int8'. */
  readonly precision?: Precision;
  /**
   * Tokens per stored vector: 2, 3 or 4 keep about half, a third or a quarter of a passage's vectors, each standing for tokens
   * that mean much the same (vectors/pool.ts). Less room and quicker search; a detail that one token carries is found less
   * well. Another factor than the index was built with needs its documents read again (`onMismatch`). Default 1.
   */
  readonly poolFactor?: PoolFactor;
  /**
   * How a document that is longer than a passage is read: 'window' and 'whole' let a passage's vectors know what stands around it
   * (colbert/windows.ts). The passages that are found and shown are the same. They need more memory (a document that this device
   * has too little for fails with 'file-too-large'), and a query may wait for a window instead of a passage. With the embedded model, which learnt from
   * short texts, passages are found less well (docs/performance.md). Another one than the index was built with needs its documents
   * read again (`onMismatch`). Default 'passage'.
   */
  readonly longDocument?: LongDocument;
  /**
   * How vectors are held in memory: 'int4' takes half of what int8 takes, and each search reads the rows of the best few hundred
   * passages from the store, so that hits and scores are those of 'stored' unless a passage is not among these. Nothing is written
   * or read again for it, and the next opening may choose anew. 'int4' needs precision 'int8'. Default 'stored'.
   */
  readonly residentPrecision?: ResidentPrecision;
  /** Where texts are encoded. Default 'auto'. */
  readonly encoder?: 'auto' | 'wasm' | 'webgpu';
  /** Where passages are compared. Default 'auto'. */
  readonly scorer?: 'auto' | ScorerKind;
  /**
   * Keep the original bytes: to go on after a reload, to show PDF pages, to read documents again by another model. Default true.
   */
  readonly keepSources?: boolean;
  /**
   * What to do with an index that was built with another model or setting: 'fail' (default) leaves it alone and throws
   * 'model-mismatch'; 'clear' removes its documents; 'reencode' keeps them, found by their words, until `reencode` has given
   * them vectors of this model; 'aside' changes nothing: whoever has it open goes on searching and adding, and `reencode` here
   * makes vectors of this model aside, then changes over at once (EngineStatus.switchingFrom). The last two throw too where
   * passages would be cut otherwise. Where it is only fewer dimensions of the same model, or int8 for f32, its vectors are turned
   * into these, and nothing is cleared or read again.
   */
  readonly onMismatch?: 'fail' | 'clear' | 'reencode' | 'aside';
  /** 'memory' keeps nothing after the tab closes. Default 'indexeddb', with 'memory' and a warning where there is none. */
  readonly storage?: 'indexeddb' | 'memory';
  /** As in EngineSettings, from the start. Default true. */
  readonly visible?: boolean;
  /** Where `models/` and `ort/` are served from. Default: the page's own folder. */
  readonly baseUrl?: string;
}

export interface SearchOptions {
  /** How many hits. Default 10. */
  readonly k?: number;
  /** 'document' gives each document once, by its best passage. Default 'passage'. */
  readonly by?: 'passage' | 'document';
  /** Default 'both'. */
  readonly match?: MatchBy;
  readonly filter?: SearchFilter;
}

/** What may change while an index is open. */
export interface EngineSettings {
  /** As in OpenOptions; for documents added from now on. */
  readonly keepSources?: boolean;
  /** Whether anyone looks at this tab: a large collection is loaded only then, or when it is searched. */
  readonly visible?: boolean;
}

export interface PageRequest {
  readonly documentId: string;
  /** 1, 2, 3 … */
  readonly page: number;
}

export interface RemoveResult {
  readonly removed: number;
  /** Hand it to `restore` to bring the documents back, until the next `remove` or until the index is closed. */
  readonly undo: string | null;
}

export interface EmbedOptions {
  readonly inputType?: 'query' | 'document';
  readonly dimensions?: number;
}

/** One text's token vectors. */
export interface TokenEmbedding {
  /** [numTokens, dim], unit rows. */
  readonly rows: Float32Array;
  readonly dim: number;
  /** Tokens of the text that did not fit the model's length. */
  readonly truncatedTokens: number;
}

export interface RerankResult {
  readonly index: number;
  /** MaxSim divided by the number of query rows: the mean cosine, −1 to 1. */
  readonly relevanceScore: number;
}

export interface BenchmarkOptions {
  /** Rounds that count, after one that warms up: 1 to 50. Default 5. */
  readonly rounds?: number;
  /** Most token vectors to compare, 1 to 65,536. Default 65,536. */
  readonly maxTokens?: number;
}

/** A way of comparing. */
export interface BenchmarkWay {
  readonly kind: ScorerKind;
  readonly precision: Precision | 'int4';
  /** 'loops': plain JavaScript. 'simd', 'relaxed-simd': WebAssembly's vector instructions. 'wgsl': a compute shader. */
  readonly kernel: 'loops' | 'simd' | 'relaxed-simd' | 'wgsl';
  /** Threads of the processor. 0 on a graphics card. */
  readonly threads: number;
}

export interface BenchmarkFigure extends BenchmarkWay {
  /** Token vectors compared in a search. Slow ways get fewer. */
  readonly tokens: number;
  /** Milliseconds of a search over them, in the quickest round. */
  readonly bestMs: number;
  /** What follows: token vectors a second. */
  readonly tokensPerSecond: number;
}

export interface BenchmarkResult {
  /** 'stored': the index's own vectors; 'made-up' where it holds fewer than 20,000. */
  readonly origin: 'stored' | 'made-up';
  readonly dim: number;
  /** Vectors of the query that each token vector is compared with. */
  readonly queryRows: number;
  /** Rounds that counted: fewer than asked for on a slow device. */
  readonly rounds: number;
  /** The graphics adapter that was measured; null where there is none. */
  readonly gpu: { readonly name: string; readonly software: boolean } | null;
  /** In the order js, wasm, webgpu; only what this device has. */
  readonly figures: readonly BenchmarkFigure[];
  /** Whether all int8 ways gave the same scores, bit for bit, on the passages that all of them compared. */
  readonly sameScores: boolean;
  /** What could not be measured, and why. */
  readonly failed: readonly { readonly way: BenchmarkWay; readonly message: string }[];
}

/** Given to each call by whoever carries it. */
export interface CallContext {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
}

/** One argument in, one value out. */
export interface EngineApi {
  open(options: OpenOptions, context: CallContext): Promise<EngineStatus>;
  status(none: undefined, context: CallContext): Promise<EngineStatus>;
  add(documents: readonly DocumentInput[], context: CallContext): Promise<AddResult>;
  /** Reads the files that are pending (see EngineStatus.pending). @throws what `add` throws */
  resume(none: undefined, context: CallContext): Promise<AddResult>;
  /**
   * Gives documents of another model vectors of this one, from their stored texts, a few at a time: what is done stays, whatever
   * stops it, and the rest (EngineStatus.unencoded) can go on later. Of several tabs one does it, the others wait.
   * Of an index opened with 'aside' the vectors are kept aside until all documents have theirs, those included that others add
   * meanwhile; then the index changes over, and what failed (Progress.failed) is found by its words. Where most failed it does
   * not change over, and throws why the first did.
   * @returns how many documents this call made vectors of. @throws 'aborted', and what the encoder and the store throw
   */
  reencode(none: undefined, context: CallContext): Promise<number>;
  /** Lets go of vectors that were made aside and not changed over to, whatever model's. @returns the bytes freed */
  discardAside(none: undefined, context: CallContext): Promise<number>;
  /** Lets go of the pending files. @returns how many */
  discardPending(none: undefined, context: CallContext): Promise<number>;
  configure(settings: EngineSettings, context: CallContext): Promise<void>;
  search(
    request: { readonly query: string; readonly options: SearchOptions },
    context: CallContext,
  ): Promise<SearchResult>;
  remove(documentIds: readonly string[], context: CallContext): Promise<RemoveResult>;
  restore(undo: string, context: CallContext): Promise<number>;
  /** By the time they were added; those of one addition by name. */
  documents(none: undefined, context: CallContext): Promise<DocumentRecord[]>;
  text(documentId: string, context: CallContext): Promise<ExtractedText>;
  source(documentId: string, context: CallContext): Promise<Blob | null>;
  /** Removes the original bytes of all documents; text and vectors stay. @returns the bytes freed */
  dropSources(none: undefined, context: CallContext): Promise<number>;
  /**
   * A page as a picture, `pixelWidth` device pixels wide. @throws 'not-found' where the source was not kept or has no such
   * page; 'file-damaged', 'aborted'
   */
  pageImage(request: PageRequest & { readonly pixelWidth: number }, context: CallContext): Promise<PageImage>;
  /** Where ranges of the document's text lie on a page. @throws as `pageImage` */
  pagePlaces(
    request: PageRequest & { readonly ranges: readonly { readonly start: number; readonly end: number }[] },
    context: CallContext,
  ): Promise<PlacedRange[]>;
  /** The collection as one file (docs/storage-format.md), or of it the documents named. */
  export(request: { readonly documentIds?: readonly string[] }, context: CallContext): Promise<Blob>;
  /** Adds the documents of an exported file with their vectors. @throws 'model-mismatch', 'file-damaged', 'storage-newer' */
  import(file: Blob, context: CallContext): Promise<ImportResult>;
  stats(none: undefined, context: CallContext): Promise<IndexStats>;
  clear(none: undefined, context: CallContext): Promise<void>;
  embed(
    request: { readonly texts: readonly string[]; readonly options: EmbedOptions },
    context: CallContext,
  ): Promise<TokenEmbedding[]>;
  rerank(
    request: { readonly query: string; readonly documents: readonly string[]; readonly topN?: number },
    context: CallContext,
  ): Promise<RerankResult[]>;
  /**
   * How fast each way of comparing is here, on scorers of its own: the open index is as before, and may be searched meanwhile
   * (which makes the figures worse). A few seconds. @throws 'aborted'; 'invalid-argument' for an option out of range
   */
  benchmark(options: BenchmarkOptions, context: CallContext): Promise<BenchmarkResult>;
  close(none: undefined, context: CallContext): Promise<void>;
}

/** What the engine says without being asked. */
export type EngineEvent =
  | { readonly type: 'status'; readonly status: EngineStatus }
  /** Documents came or went, in this or another tab. */
  | { readonly type: 'changed' };

export interface Engine extends EngineApi {
  subscribe(listener: (event: EngineEvent) => void): () => void;
}
