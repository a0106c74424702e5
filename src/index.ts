/**
 * PUBLIC API. Opens an index in a worker of its own and hands back an object to add to, search and remove from.
 *
 *   const index = await openIndex({ name: 'notes' });
 *   await index.add([{ name: 'trade.md', content: text }]);   // resolves when durable
 *   const hits = await index.search('why did traders leave', { k: 10 });
 */
import type {
  EmbedOptions,
  OpenOptions,
  RemoveResult,
  RerankResult,
  SearchOptions,
  TokenEmbedding,
} from './engine/engine-api.ts';
import type {
  AddResult,
  DocumentInput,
  DocumentRecord,
  EngineStatus,
  ExtractedText,
  Hit,
  IndexStats,
  Progress,
  SearchResult,
} from './types.ts';

export type * from './types.ts';
export type {
  EmbedOptions,
  OpenOptions,
  RemoveResult,
  RerankResult,
  SearchOptions,
  TokenEmbedding,
} from './engine/engine-api.ts';
export { LateralError, errorCodes } from './errors.ts';
export type { ErrorCode, ErrorDetails } from './errors.ts';

export interface CallOptions {
  readonly signal?: AbortSignal;
}

export interface AddOptions extends CallOptions {
  readonly onProgress?: (progress: Progress) => void;
}

export interface LateralIndex {
  readonly name: string;
  /** The latest status; `subscribe` says when it changes. */
  status(): EngineStatus;
  /** Calls back at each change of status. Returns the way to stop. */
  subscribe(listener: (status: EngineStatus) => void): () => void;
  /** Calls back when documents came or went, in this or another tab. Returns the way to stop. */
  onChange(listener: () => void): () => void;

  /** Reads, encodes and stores documents, in order; resolves when all that could be read are durable. One bad file does not stop the rest. */
  add(documents: readonly DocumentInput[], options?: AddOptions): Promise<AddResult>;
  /** The k best passages. @throws 'aborted', 'gpu-lost' (after which a retry runs on another scorer) */
  search(query: string, options?: SearchOptions & CallOptions): Promise<readonly Hit[]>;
  /** As `search`, with the query's words, timings and whether anything relevant was found. */
  query(query: string, options?: SearchOptions & CallOptions): Promise<SearchResult>;
  remove(documentIds: readonly string[]): Promise<RemoveResult>;
  /** Brings back what the last `remove` took. */
  restore(undo: string): Promise<number>;

  documents(): Promise<readonly DocumentRecord[]>;
  text(documentId: string): Promise<ExtractedText>;
  /** The original bytes, or null where they were not kept. */
  source(documentId: string): Promise<Blob | null>;
  stats(): Promise<IndexStats>;
  /** Token vectors of texts, one [numTokens, dim] matrix each. */
  embed(texts: readonly string[], options?: EmbedOptions & CallOptions): Promise<readonly TokenEmbedding[]>;
  /** Orders texts by how well they answer the query. */
  rerank(
    query: string,
    documents: readonly string[],
    options?: { readonly topN?: number } & CallOptions,
  ): Promise<readonly RerankResult[]>;
  clear(): Promise<void>;
  close(): Promise<void>;
}

export declare function openIndex(options?: OpenOptions): Promise<LateralIndex>;
