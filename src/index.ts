/**
 * PUBLIC API. Opens an index in a worker of its own and hands back an object to add to, search and remove from.
 *
 *   const index = await openIndex({ name: 'notes' });
 *   await index.add([{ name: 'trade.md', content: text }]);   // resolves when durable
 *   const hits = await index.search('why did traders leave', { k: 10 });
 */
import type {
  BenchmarkOptions,
  BenchmarkResult,
  EmbedOptions,
  EngineSettings,
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
  ImportResult,
  IndexStats,
  PageImage,
  PlacedRange,
  Progress,
  SearchResult,
} from './types.ts';

import modelsScript from '../workers/models.worker.ts?worker&url';
import { LateralError } from './errors.ts';
import { originsOf } from './models/catalogue.ts';
import type {
  ImportRequest,
  ModelInfo,
  ModelOrigin,
  ModelPlan,
  ModelRequest,
  PrepareRequest,
} from './models/model-info.ts';
import { createEngineClient, type EngineClient } from './rpc/engine.ts';
import { createModelsClient, type ModelsClient } from './rpc/models.ts';

export type * from './types.ts';
export type {
  BenchmarkFigure,
  BenchmarkOptions,
  BenchmarkResult,
  BenchmarkWay,
  EmbedOptions,
  EngineSettings,
  OpenOptions,
  RemoveResult,
  RerankResult,
  SearchOptions,
  TokenEmbedding,
} from './engine/engine-api.ts';
export type {
  ImportRequest,
  InterruptedImport,
  ModelCheck,
  ModelInfo,
  ModelLicence,
  ModelOrigin,
  ModelPlan,
  ModelRequest,
  ModelState,
  PrepareRequest,
} from './models/model-info.ts';
export { LateralError, errorCodes } from './errors.ts';
export { checkOrigin as checkModelOrigin } from './models/catalogue.ts';
export { repositoryOf } from './models/find-files.ts';
export type { ErrorCode, ErrorDetails } from './errors.ts';

export interface CallOptions {
  readonly signal?: AbortSignal;
}

export interface AddOptions extends CallOptions {
  readonly onProgress?: (progress: Progress) => void;
}

export interface OpenIndexOptions extends OpenOptions {
  /** Called while the model's files load: bytes done of total. */
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
  /** Goes on with files that a cancel, a reload or a crash left unread (`status().pending`). */
  resume(options?: AddOptions): Promise<AddResult>;
  /**
   * Gives documents of another model (`status().unencoded`) vectors of this one; of an index opened with `onMismatch: 'aside'`, all of
   * them aside, and then changes over (`status().switchingFrom` is null). @returns how many. @throws 'aborted' with what is done kept
   */
  reencode(options?: AddOptions): Promise<number>;
  /** Lets go of what `reencode` made aside and has not changed over to, whatever model's. @returns the bytes freed */
  discardAside(): Promise<number>;
  /** Lets go of those files. @returns how many */
  discardPending(): Promise<number>;
  /** Changes what may change while the index is open. */
  configure(settings: EngineSettings): Promise<void>;
  /** The k best passages. @throws 'aborted', 'gpu-lost' (after which a retry runs on another scorer) */
  search(query: string, options?: SearchOptions & CallOptions): Promise<readonly Hit[]>;
  /** As `search`, with the query's words, timings and whether anything relevant was found. */
  query(query: string, options?: SearchOptions & CallOptions): Promise<SearchResult>;
  remove(documentIds: readonly string[]): Promise<RemoveResult>;
  /** Brings back what the last `remove` took. */
  restore(undo: string): Promise<number>;

  /** By the time they were added; those of one addition by name. */
  documents(): Promise<readonly DocumentRecord[]>;
  text(documentId: string): Promise<ExtractedText>;
  /** The original bytes, or null where they were not kept. */
  source(documentId: string): Promise<Blob | null>;
  /** Removes the original bytes of all documents; text and vectors stay. @returns the bytes freed */
  dropSources(): Promise<number>;
  /** A page (1, 2, 3 …) of a document that has pages, `pixelWidth` device pixels wide. @throws 'not-found', 'file-damaged', 'aborted' */
  pageImage(documentId: string, page: number, pixelWidth: number, options?: CallOptions): Promise<PageImage>;
  /** Where ranges of the document's text lie on a page. @throws as `pageImage` */
  pagePlaces(
    documentId: string,
    page: number,
    ranges: readonly { readonly start: number; readonly end: number }[],
    options?: CallOptions,
  ): Promise<readonly PlacedRange[]>;
  /** The collection as one file, vectors and all; or of it the documents named. */
  export(documentIds?: readonly string[], options?: AddOptions): Promise<Blob>;
  /** Adds the documents of an exported file. @throws 'model-mismatch', 'file-damaged', 'storage-newer' */
  import(file: Blob, options?: AddOptions): Promise<ImportResult>;
  stats(): Promise<IndexStats>;
  /** Token vectors of texts, one [numTokens, dim] matrix each. */
  embed(texts: readonly string[], options?: EmbedOptions & CallOptions): Promise<readonly TokenEmbedding[]>;
  /** Orders texts by how well they answer the query. */
  rerank(
    query: string,
    documents: readonly string[],
    options?: { readonly topN?: number } & CallOptions,
  ): Promise<readonly RerankResult[]>;
  /**
   * How fast each way of comparing is on this device, in token vectors a second: plain JavaScript, WebAssembly in f32 and int8, with
   * one thread and more, WebGPU. In turns over at most 65,536 token vectors of the index, or made-up ones where it has fewer than
   * 20,000; the best round of each counts. A few seconds, on scorers of its own: the index stays as it is.
   * @throws 'aborted'; 'invalid-argument' for an option out of range
   */
  benchmark(options?: BenchmarkOptions & AddOptions): Promise<BenchmarkResult>;
  clear(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens an index, making it if there is none, in a worker of its own.
 * @throws 'worker-failed' where the worker does not load; 'model-mismatch' where the index was built with other settings;
 * 'model-unavailable', 'self-test-failed', and the storage codes
 */
export async function openIndex({ onProgress, ...options }: OpenIndexOptions = {}): Promise<LateralIndex> {
  const worker = new Worker(new URL('../workers/engine.worker.ts', import.meta.url), {
    type: 'module',
    name: 'lateral-engine',
  });
  const client = createEngineClient(worker);
  worker.addEventListener('error', (event) => {
    const cause = event.message === '' ? {} : { cause: event.message };
    client.fail(
      new LateralError(
        'worker-failed',
        'Part of Lateral did not load. Your documents are safe. Reload the page.',
        cause,
      ),
    );
  });
  return createIndex(client, options, onProgress, () => {
    worker.terminate();
    client.fail(new LateralError('invalid-argument', 'This index is closed. Open it again.'));
  });
}

/** An index whose engine answers over a client, wherever the engine runs. */
async function createIndex(
  client: EngineClient,
  options: OpenOptions,
  onProgress: AddOptions['onProgress'],
  release: () => void,
): Promise<LateralIndex> {
  const statusListeners = new Set<(status: EngineStatus) => void>();
  const changeListeners = new Set<() => void>();
  let status: EngineStatus | null = null;
  client.onFail(({ code, message }) => {
    if (status === null) return; // opening says so itself
    status = { ...status, state: 'failed', progress: null, error: { code, message } };
    for (const listener of statusListeners) listener(status);
  });
  client.subscribe((event) => {
    if (event.type === 'changed') changeListeners.forEach((listener) => listener());
    else {
      status = event.status;
      statusListeners.forEach((listener) => listener(event.status));
    }
  });

  try {
    const baseUrl = options.baseUrl ?? new URL('./', document.baseURI).href;
    status = await client.call('open', { ...options, baseUrl }, { onProgress });
  } catch (error) {
    release();
    throw error;
  }
  let latest = status;
  statusListeners.add((next) => (latest = next));

  const query: LateralIndex['query'] = (text, { signal, ...searchOptions } = {}) =>
    client.call('search', { query: text, options: searchOptions }, { signal });

  return {
    name: options.name ?? 'default',
    status: () => latest,
    subscribe(listener) {
      statusListeners.add(listener);
      return () => void statusListeners.delete(listener);
    },
    onChange(listener) {
      changeListeners.add(listener);
      return () => void changeListeners.delete(listener);
    },
    add: (documents, addOptions = {}) => client.call('add', documents, addOptions),
    search: async (text, searchOptions) => (await query(text, searchOptions)).hits,
    query,
    resume: (resumeOptions = {}) => client.call('resume', undefined, resumeOptions),
    reencode: (reencodeOptions = {}) => client.call('reencode', undefined, reencodeOptions),
    discardAside: () => client.call('discardAside', undefined),
    discardPending: () => client.call('discardPending', undefined),
    configure: (settings) => client.call('configure', settings),
    remove: (documentIds) => client.call('remove', documentIds),
    restore: (undo) => client.call('restore', undo),
    documents: () => client.call('documents', undefined),
    text: (documentId) => client.call('text', documentId),
    source: (documentId) => client.call('source', documentId),
    dropSources: () => client.call('dropSources', undefined),
    pageImage: (documentId, page, pixelWidth, pageOptions = {}) =>
      client.call('pageImage', { documentId, page, pixelWidth }, pageOptions),
    pagePlaces: (documentId, page, ranges, pageOptions = {}) =>
      client.call('pagePlaces', { documentId, page, ranges }, pageOptions),
    export: (documentIds, exportOptions = {}) =>
      client.call('export', documentIds === undefined ? {} : { documentIds }, exportOptions),
    import: (file, importOptions = {}) => client.call('import', file, importOptions),
    stats: () => client.call('stats', undefined),
    embed: (texts, { signal, ...embedOptions } = {}) =>
      client.call('embed', { texts, options: embedOptions }, { signal }),
    rerank: (text, documents, { signal, ...rerankOptions } = {}) =>
      client.call('rerank', { query: text, documents, ...rerankOptions }, { signal }),
    benchmark: ({ signal, onProgress, ...benchmarkOptions } = {}) =>
      client.call('benchmark', benchmarkOptions, { signal, onProgress }),
    clear: () => client.call('clear', undefined),
    async close() {
      statusListeners.clear(); // a closed index has not failed
      try {
        await client.call('close', undefined);
      } finally {
        release();
      }
    },
  };
}

export interface ModelsOptions extends ModelOrigin {
  /**
   * Called before anything is asked of these origins, with the page's own left out. The worker that asks them is made afterwards, from
   * `modelsWorkerUrl(origins)`. @throws whatever keeps them from being asked
   */
  readonly permit?: (origins: readonly string[]) => Promise<void>;
}

/** The models that are here, and that could be. Heavy work is in workers of its own: searches go on meanwhile. */
export interface LateralModels {
  /** The embedded one first, then those that Lateral knows, then others that are here. Nothing is asked of the network. */
  list(): Promise<readonly ModelInfo[]>;
  /** What a model would take, by what its hub says. @throws 'model-unavailable', 'model-invalid', 'download-refused', 'download-interrupted' */
  plan(model: string, options?: Omit<ModelRequest, 'model'> & CallOptions): Promise<ModelPlan>;
  /**
   * Downloads what is missing, makes it smaller, checks it on this device; then `openIndex({ model })` takes it. Stopped anywhere, by
   * `signal`, a reload or a broken connection, another call goes on from there.
   * @throws 'consent-required' before the first byte of a model whose licence has conditions; 'storage-full', 'download-refused',
   *   'download-interrupted', 'download-damaged', 'model-unavailable', 'model-invalid', 'model-busy', 'self-test-failed', 'aborted'
   */
  prepare(model: string, options?: Omit<PrepareRequest, 'model'> & AddOptions): Promise<ModelInfo>;
  /**
   * The same for a folder of files: tokenizer.json, what says how it is asked, an ONNX. Needs no network. A model of the same name
   * serves until this one has passed its check. Gone on with by the same folder; by `prepare` once all was copied.
   */
  importFolder(request: ImportRequest, options?: AddOptions): Promise<ModelInfo>;
  /** Lets go of an import that was interrupted; a model of its name that is ready stays. @returns the bytes freed. @throws 'model-busy' */
  discardImport(model: string): Promise<number>;
  /** Deletes all that is here of it. @returns the bytes freed. @throws 'model-busy', 'invalid-argument' */
  remove(model: string): Promise<number>;
  close(): void;
}

/**
 * The script of the worker that asks these origins. A worker has the content security policy that its script came with, so the
 * script's address names them, and whoever answers it (scripts/headers.mjs) lets them, and no others, into that policy.
 */
export function modelsWorkerUrl(origins: readonly string[]): URL {
  const url = new URL(modelsScript, location.href);
  for (const origin of origins) url.searchParams.append('connect', origin);
  return url;
}

/** Models are kept in this origin's private file system (docs/downloads.md). Calls throw 'storage-unavailable' where there is none. */
export function openModels({ permit, endpoint, path }: ModelsOptions = {}): LateralModels {
  const origin = { ...(endpoint === undefined ? {} : { endpoint }), ...(path === undefined ? {} : { path }) };
  const open = new Set<() => void>();
  const baseUrl = new URL('./', document.baseURI).href;

  async function inWorker<T>(
    work: (client: ModelsClient) => Promise<T>,
    permitted: readonly string[] = [],
  ): Promise<T> {
    const worker = new Worker(modelsWorkerUrl(permitted), { type: 'module', name: 'lateral-models' });
    const client = createModelsClient(worker);
    const end = (): void => {
      worker.terminate();
      client.fail(new LateralError('aborted', 'The models were closed.'));
    };
    worker.addEventListener('error', () =>
      client.fail(
        new LateralError('worker-failed', 'Part of Lateral did not load. What is here is safe. Reload the page.'),
      ),
    );
    open.add(end);
    try {
      return await work(client);
    } finally {
      open.delete(end);
      end();
    }
  }

  /** Only the worker of this one job may ask the origins, and only once they are permitted. */
  async function online<T>(request: ModelRequest, work: (client: ModelsClient) => Promise<T>): Promise<T> {
    const origins = originsOf(request).filter((one) => one !== location.origin);
    await permit?.(origins);
    return inWorker(work, origins);
  }

  const list = (): Promise<readonly ModelInfo[]> => inWorker((client) => client.call('list', undefined));

  return {
    list,
    plan: (model, { signal, ...options } = {}) => {
      const request = { ...origin, ...options, model };
      return online(request, (client) => client.call('plan', request, { signal }));
    },
    prepare: async (model, { signal, onProgress, ...options } = {}) => {
      const request = { baseUrl, ...origin, ...options, model };
      const work = (client: ModelsClient): Promise<ModelInfo> =>
        client.call('prepare', request, { signal, onProgress });
      const here = (await list()).find(({ id }) => id === model);
      const { dim, bits, embeddingBits, revision } = options;
      const asIs = [dim, bits, embeddingBits, revision].every((value) => value === undefined);
      const needsNone = here?.origin === 'folder' || (here?.state === 'ready' && asIs);
      return needsNone ? inWorker(work) : online(request, work);
    },
    importFolder: (request, { signal, onProgress } = {}) =>
      inWorker((client) => client.call('importFolder', { baseUrl, ...request }, { signal, onProgress })),
    discardImport: (model) => inWorker((client) => client.call('discardImport', model)),
    remove: (model) => inWorker((client) => client.call('remove', model)),
    close: () => open.forEach((end) => end()),
  };
}
