/**
 * The composition root: store, encoder, scorer and index put together from parts that the place provides (browser worker
 * or Node). Knows the order of things at start, what to do when a device is lost, and what to tell about it.
 */
import type { Encoder } from '../colbert/encoder.ts';
import { LateralError, throwIfAborted, toLateralError } from '../errors.ts';
import { modelEntry, modelName, defaultModelId, type ModelEntry } from '../models/registry.ts';
import type { Scorer } from '../maxsim/scorer.ts';
import type { IndexStore, NewDocument } from '../store/index-store.ts';
import { chunkerVersion } from '../text/chunk.ts';
import type {
  Choice,
  EncoderDevice,
  EngineStatus,
  Fingerprint,
  Progress,
  ScorerKind,
  SelfTestReport,
} from '../types.ts';
import { truncateRows } from '../vectors/matryoshka.ts';
import { quantizeRows } from '../vectors/quantize.ts';
import type { Engine, EngineEvent, OpenOptions } from './engine-api.ts';
import { addDocuments } from './indexing.ts';
import { createLock } from './lock.ts';
import { ResidentIndex } from './resident.ts';
import { search } from './searching.ts';

export interface ChosenEncoder {
  readonly encoder: Encoder;
  readonly choice: Choice<EncoderDevice>;
  readonly selfTests: readonly SelfTestReport[];
}

export interface ChosenScorer {
  readonly scorer: Scorer;
  readonly choice: Choice<ScorerKind>;
}

/** What differs between a browser's worker and Node. */
export interface EngineParts {
  openStore(options: OpenOptions): Promise<{ readonly store: IndexStore; readonly warning: string }>;
  /** @throws 'model-unavailable', 'model-invalid', 'self-test-failed' where no device gives right numbers */
  chooseEncoder(
    entry: ModelEntry,
    options: OpenOptions,
    onProgress: (done: number, total: number) => void,
  ): Promise<ChosenEncoder>;
  chooseScorer(options: OpenOptions): Promise<ChosenScorer>;
  /** Another encoder after this error, or null where there is none. */
  replaceEncoder(error: LateralError): Promise<ChosenEncoder | null>;
  /** Another scorer after this error, or null where there is none. */
  replaceScorer(error: LateralError): Promise<ChosenScorer | null>;
  gpu(): EngineStatus['gpu'];
  /** Usage and quota of the origin, where the place knows. */
  estimate(): Promise<{
    readonly usageBytes: number | null;
    readonly quotaBytes: number | null;
    readonly persisted: boolean | null;
  }>;
}

/** The tail is merged once it has this many blocks: cheap to append to, never slow to open. */
const tailBlocksBeforeCompaction = 24;

const startingStatus: EngineStatus = {
  state: 'starting',
  model: '',
  encoder: null,
  scorer: null,
  selfTests: [],
  gpu: null,
  threads: 1,
  storage: 'indexeddb',
  storageWarning: '',
  documents: 0,
  chunks: 0,
  tokens: 0,
  residentBytes: 0,
  progress: null,
  error: null,
};

interface Open {
  readonly name: string;
  readonly options: OpenOptions;
  readonly entry: ModelEntry;
  readonly store: IndexStore;
  readonly resident: ResidentIndex;
  readonly fingerprint: Fingerprint;
}

export function createEngine(parts: EngineParts): Engine {
  const listeners = new Set<(event: EngineEvent) => void>();
  const exclusive = createLock(); // scoring and loading of blocks
  const adding = createLock(); // one batch of documents after another
  let status = startingStatus;
  let index: Promise<Open> | null = null;
  let chosen: ChosenEncoder | null = null;
  let removed: { readonly key: string; readonly documents: readonly NewDocument[] } | null = null;
  let stopFollowing: () => void = () => undefined;

  const emit = (event: EngineEvent): void => listeners.forEach((listener) => listener(event));
  const update = (fields: Partial<EngineStatus>): void => {
    status = { ...status, ...fields };
    emit({ type: 'status', status });
  };

  // ── opening ──

  async function start(options: OpenOptions, onProgress: (progress: Progress) => void): Promise<Open> {
    const name = options.name ?? 'default';
    const entry = modelEntry(options.model ?? defaultModelId);
    const dim = options.dim ?? entry.dims[0]!;
    if (!entry.dims.includes(dim)) {
      throw new LateralError('invalid-argument', `${entry.id} serves ${entry.dims.join(', ')} dimensions, not ${dim}.`);
    }
    update({ state: 'starting', model: modelName(entry), error: null });

    const [opened, scorer, encoder] = await settleAll([
      parts.openStore(options),
      parts.chooseScorer(options),
      parts.chooseEncoder(entry, options, (done, total) =>
        onProgress({ phase: 'loading-model', done, total, unit: 'bytes' }),
      ),
    ]);
    chosen = encoder;
    const precision = options.precision ?? 'int8';
    const fingerprint: Fingerprint = {
      model: modelName(entry),
      dim,
      precision,
      scale: precision === 'int8' ? entry.scale : 1,
      poolFactor: 1,
      longDocument: 'truncate',
      chunker: chunkerVersion,
    };
    const stored = await opened.store.fingerprint();
    if (stored !== null) requireSame(stored, fingerprint);

    const resident = new ResidentIndex(opened.store, scorer.scorer);
    await exclusive(() => resident.refresh());
    const open: Open = { name, options, entry, store: opened.store, resident, fingerprint };
    const stopChanges = opened.store.onChange(() => void follow(open));
    const stopClosed = opened.store.onClosed((error) => fail(error));
    stopFollowing = () => {
      stopChanges();
      stopClosed();
    };
    update({
      state: 'ready',
      encoder: encoder.choice,
      scorer: scorer.choice,
      selfTests: encoder.selfTests,
      gpu: parts.gpu(),
      threads: encoder.encoder.threads,
      storage: opened.store.kind,
      storageWarning: opened.warning,
      ...(await counts(open)),
    });
    if (resident.damagedBlocks.length > 0) {
      update({
        error: {
          code: 'storage-corrupt',
          message: `${resident.damagedBlocks.length} stored parts are damaged and are left out of the search. Add their documents again.`,
        },
      });
    }
    return open;
  }

  function opened(): Promise<Open> {
    if (index === null) throw new LateralError('invalid-argument', 'Open an index first.');
    return index;
  }

  async function counts(open: Open): Promise<Partial<EngineStatus>> {
    const { documents, chunks, tokens } = await open.store.usage();
    return { documents, chunks, tokens, residentBytes: open.resident.scorer.residentBytes };
  }

  /** Brings the scorer and the figures up to what the store holds now, whoever changed it. */
  async function follow(open: Open): Promise<void> {
    try {
      await exclusive(() => open.resident.refresh());
      update(await counts(open));
      emit({ type: 'changed' });
    } catch (error) {
      fail(error);
    }
  }

  function fail(thrown: unknown): void {
    const { code, message } = toLateralError(thrown);
    update({ error: { code, message } });
  }

  // ── lost devices ──

  async function recoverEncoder(error: LateralError): Promise<boolean> {
    if (error.code !== 'gpu-lost' || chosen?.encoder.device !== 'webgpu') return false;
    const next = await parts.replaceEncoder(error);
    if (next === null) return false;
    chosen = next;
    update({ encoder: next.choice, selfTests: next.selfTests, threads: next.encoder.threads, gpu: parts.gpu() });
    return true;
  }

  async function recoverScorer(open: Open, error: LateralError): Promise<boolean> {
    if (error.code !== 'gpu-lost' && error.code !== 'out-of-memory') return false;
    if (open.resident.scorer.kind !== 'webgpu') return false;
    const next = await parts.replaceScorer(error);
    if (next === null) return false;
    await exclusive(() => open.resident.replaceScorer(next.scorer));
    update({ scorer: next.choice, gpu: parts.gpu() });
    return true;
  }

  async function withRecovery<T>(open: Open, work: () => Promise<T>): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await work();
      } catch (thrown) {
        const error = toLateralError(thrown);
        if (attempt >= 3) throw error;
        // One device serves both: whichever of them was on it moves.
        const recovered = [await recoverEncoder(error), await recoverScorer(open, error)];
        if (!recovered.includes(true)) throw error;
      }
    }
  }

  async function compactWhenDue({ store }: Open, signal?: AbortSignal): Promise<void> {
    const blocks = await store.blocks();
    if (blocks.filter(({ sealed }) => !sealed).length > tailBlocksBeforeCompaction) await store.compact(signal);
  }

  return {
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },

    async open(options, { onProgress }) {
      index ??= start(options, onProgress);
      try {
        await index;
      } catch (thrown) {
        index = null; // a failed start may be tried again
        const { code, message } = toLateralError(thrown);
        update({ state: 'failed', error: { code, message } });
        throw thrown;
      }
      return status;
    },

    status: () => Promise.resolve(status),

    async add(documents, { signal, onProgress }) {
      const open = await opened();
      return adding(async () => {
        throwIfAborted(signal);
        const report = (progress: Progress): void => {
          onProgress(progress);
          update({ progress });
        };
        try {
          return await addDocuments(
            {
              store: open.store,
              fingerprint: open.fingerprint,
              keepSources: open.options.keepSources ?? true,
              encoder: () => chosen!.encoder,
              recover: recoverEncoder,
              onStored: () => void follow(open),
            },
            documents,
            signal,
            report,
          );
        } finally {
          await follow(open);
          update({ progress: null });
          void compactWhenDue(open).catch(fail);
        }
      });
    },

    async search({ query, options }, { signal }) {
      const open = await opened();
      return withRecovery(open, () =>
        search(
          {
            encoder: chosen!.encoder,
            store: open.store,
            resident: open.resident,
            exclusive,
            dim: open.fingerprint.dim,
            levels: open.entry.similarity,
          },
          query,
          options,
          signal,
        ),
      );
    },

    async remove(documentIds) {
      const open = await opened();
      const parts = await Promise.all(documentIds.map((id) => open.store.parts(id)));
      const documents = parts.filter((part) => part !== undefined);
      const count = await open.store.remove(documentIds);
      removed = count === 0 ? null : { key: crypto.randomUUID(), documents };
      await follow(open);
      return { removed: count, undo: removed?.key ?? null };
    },

    async restore(undo) {
      const open = await opened();
      if (removed?.key !== undo) {
        throw new LateralError('not-found', 'These documents can no longer be brought back. Add them again.');
      }
      const { documents } = removed;
      await open.store.add(documents, open.fingerprint);
      removed = null;
      await follow(open);
      return documents.length;
    },

    documents: async () => (await opened()).store.documents(),

    async text(documentId) {
      const text = await (await opened()).store.text(documentId);
      if (text === undefined) throw new LateralError('not-found', 'This document is no longer here.');
      return text;
    },

    source: async (documentId) => (await (await opened()).store.source(documentId)) ?? null,

    async stats() {
      const open = await opened();
      const [usage, estimate] = await Promise.all([open.store.usage(), parts.estimate()]);
      return { name: open.name, fingerprint: open.fingerprint, ...usage, ...estimate };
    },

    async clear() {
      const open = await opened();
      removed = null;
      await open.store.clear();
      await follow(open);
    },

    async embed({ texts, options }, { signal }) {
      const open = await opened();
      const dim = options.dimensions ?? open.fingerprint.dim;
      const { encoder } = chosen!;
      const encoded =
        options.inputType === 'query'
          ? await sequentially(texts, (text) => encoder.encodeQuery(text, signal))
          : await encoder.encodeDocuments(texts, { signal });
      return encoded.map(({ rows, truncatedTokens }) => ({
        rows: truncateRows(rows, encoder.dim, dim),
        dim,
        truncatedTokens,
      }));
    },

    async rerank({ query, documents, topN }, { signal }) {
      const open = await opened();
      return rerank(open, chosen!.encoder, parts, query, documents, topN ?? documents.length, signal);
    },

    async close() {
      const open = await opened();
      index = null;
      stopFollowing();
      open.resident.destroy();
      await chosen?.encoder.release();
      chosen = null;
      removed = null;
      await open.store.close();
    },
  };
}

/** Scores given texts with a scorer of its own, so that the index's blocks are not touched. */
async function rerank(
  open: Open,
  encoder: Encoder,
  parts: EngineParts,
  query: string,
  documents: readonly string[],
  topN: number,
  signal: AbortSignal,
): Promise<{ index: number; relevanceScore: number }[]> {
  if (documents.length === 0) return [];
  const { dim, precision, scale } = open.fingerprint;
  const encodedQuery = await encoder.encodeQuery(query, signal);
  const encoded = await encoder.encodeDocuments(documents, { signal });
  const offsets = new Uint32Array(documents.length + 1);
  encoded.forEach(({ numTokens }, i) => (offsets[i + 1] = offsets[i]! + numTokens));
  const rows = new Float32Array(offsets.at(-1)! * dim);
  encoded.forEach(({ rows: one }, i) => rows.set(truncateRows(one, encoder.dim, dim), offsets[i]! * dim));
  const vectors = precision === 'int8' ? quantizeRows(rows, scale) : rows;
  const { scorer } = await parts.chooseScorer({ ...open.options, scorer: 'js' });
  try {
    await scorer.load({ id: 'rerank', dim, precision, scale, vectors, offsets });
    const scores = await scorer.score({ rows: truncateRows(encodedQuery.rows, encoder.dim, dim), dim });
    return Array.from(scores, (score, index) => ({ index, relevanceScore: score / encodedQuery.numTokens }))
      .sort((a, b) => b.relevanceScore - a.relevanceScore || a.index - b.index)
      .slice(0, topN);
  } finally {
    scorer.destroy();
  }
}

function requireSame(stored: Fingerprint, wanted: Fingerprint): void {
  for (const key of Object.keys(wanted) as (keyof Fingerprint)[]) {
    if (stored[key] !== wanted[key]) {
      throw new LateralError(
        'model-mismatch',
        `This index was built with ${key} ${stored[key]}; ${wanted[key]} was asked for. Open it with its own settings, or clear it and add the documents again.`,
        { details: { field: key, stored: stored[key], wanted: wanted[key] } },
      );
    }
  }
}

/** Waits for all before it reports the first failure, so that nothing is left running unseen. */
async function settleAll<T extends readonly unknown[]>(work: { [K in keyof T]: Promise<T[K]> }): Promise<T> {
  await Promise.allSettled(work);
  return Promise.all(work);
}

async function sequentially<In, Out>(items: readonly In[], work: (item: In) => Promise<Out>): Promise<Out[]> {
  const results: Out[] = [];
  for (const item of items) results.push(await work(item));
  return results;
}
