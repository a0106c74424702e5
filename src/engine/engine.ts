/**
 * The composition root: store, encoder, scorer and index put together from parts that the place provides (browser worker
 * or Node). Knows the order of things at start, what to do when a device is lost, and what to tell about it.
 */
import type { Encoder } from '../colbert/encoder.ts';
import { longDocumentMethods } from '../colbert/windows.ts';
import { LateralError, toLateralError } from '../errors.ts';
import { modelEntry, modelName, defaultModelId, type ModelEntry } from '../models/registry.ts';
import type { Scorer } from '../maxsim/scorer.ts';
import type { IndexStore, NewDocument } from '../store/index-store.ts';
import { requireChunker, withoutVectors } from '../store/schema.ts';
import { chunkerVersion } from '../text/chunk.ts';
import type {
  Choice,
  DocumentRecord,
  EncoderChoice,
  EngineStatus,
  Fingerprint,
  Progress,
  ScorerKind,
  SelfTestReport,
} from '../types.ts';
import { truncateRows } from '../vectors/matryoshka.ts';
import { canNarrow } from '../vectors/narrow.ts';
import { poolFactors } from '../vectors/pool.ts';
import { quantizeRows } from '../vectors/quantize.ts';
import { type Aside, createAside, requireOwn } from './aside.ts';
import { exportCollection, importCollection } from './collection.ts';
import { type BenchmarkDevices, benchmarkLimits, oneThread, runBenchmark } from './benchmark.ts';
import { benchmarkSample } from './benchmark-sample.ts';
import type { Engine, EngineEvent, EngineSettings, OpenOptions } from './engine-api.ts';
import type { Extraction, PagedDocument } from './extraction.ts';
import { addFiles, type AddingParts, resumeFiles } from './adding.ts';
import { createKeywords, type Keywords, type Saving } from './keywords.ts';
import { createLock } from './lock.ts';
import { createPassageReader, type PassageReader } from './passages.ts';
import { createPendingQueue, type PendingQueue } from './pending.ts';
import { mismatch, ResidentIndex } from './resident.ts';
import { reencodeDocuments, type ReencodingParts } from './reencoding.ts';
import { createRescorer, type Rescorer } from './rescoring.ts';
import { storedVectors, type StoredVectors } from './scorer-choice.ts';
import { roomMessage, withoutRoom } from './room.ts';
import { search } from './searching.ts';
import { createLocalLocks, type HoldOptions, type TabLocks } from './tab-locks.ts';

export interface ChosenEncoder {
  readonly encoder: Encoder;
  readonly choice: EncoderChoice;
  readonly selfTests: readonly SelfTestReport[];
}

export interface ChosenScorer {
  readonly scorer: Scorer;
  readonly choice: Choice<ScorerKind>;
}

export interface OpenedStore {
  readonly store: IndexStore;
  /** Why it would not survive a reload, or ''. */
  readonly warning: string;
  /** Shared by all who use the store. Default: this engine is the only one. */
  readonly locks?: TabLocks;
}

/** What differs between a browser's worker and Node. */
export interface EngineParts {
  openStore(options: OpenOptions): Promise<OpenedStore>;
  /** @param id with or without its version. Default: those that come with Lateral.
   * @throws 'invalid-argument', 'model-unavailable' where it is not here */
  findModel?(id: string): Promise<ModelEntry>;
  /** @throws 'model-unavailable', 'model-invalid', 'self-test-failed' where no device gives right numbers */
  chooseEncoder(
    entry: ModelEntry,
    options: OpenOptions,
    onProgress: (done: number, total: number) => void,
  ): Promise<ChosenEncoder>;
  /** @param stored what there is to compare, for a choice by measurement */
  chooseScorer(options: OpenOptions, stored?: Promise<StoredVectors>): Promise<ChosenScorer>;
  /** Another encoder after this error, or null where there is none. */
  replaceEncoder(error: LateralError): Promise<ChosenEncoder | null>;
  /** Another scorer after this error, or null where there is none. */
  replaceScorer(error: LateralError): Promise<ChosenScorer | null>;
  /** What `benchmark` measures beside one thread of the processor, which is the default. */
  benchmarkDevices?(): Promise<BenchmarkDevices>;
  readonly extraction: Extraction;
  gpu(): EngineStatus['gpu'];
  runtimeFiles(): readonly string[];
  /** Usage and quota of the origin, where the place knows. */
  estimate(): Promise<{
    readonly usageBytes: number | null;
    readonly appBytes: number | null;
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
  scoringThreads: 1,
  runtimeFiles: [],
  storage: 'indexeddb',
  storageWarning: '',
  storageCreatedAt: 0,
  documents: 0,
  chunks: 0,
  tokens: 0,
  residentBytes: 0,
  opening: null,
  withoutRoom: null,
  pending: { files: 0, bytes: 0 },
  unencoded: 0,
  switchingFrom: null,
  progress: null,
  error: null,
};

interface Open {
  readonly name: string;
  readonly options: OpenOptions;
  readonly entry: ModelEntry;
  readonly store: IndexStore;
  readonly resident: ResidentIndex; // empty while the index is another model's
  readonly aside: Aside;
  readonly rescorer: Rescorer | null;
  readonly fingerprint: Fingerprint;
  readonly locks: TabLocks;
  readonly queue: PendingQueue;
  readonly keywords: Keywords;
  readonly passages: PassageReader;
  readonly settings: Settings;
}

type Settings = { -readonly [Key in keyof EngineSettings]-?: boolean };

interface Stored {
  readonly open: Open;
  /** Why documents would not survive a reload, where they would not. */
  readonly warning: string;
}

/** A tab that nobody looks at holds no more vectors than this, until it is looked at or searched. */
const hiddenBytes = 64e6;

export function createEngine(parts: EngineParts): Engine {
  const listeners = new Set<(event: EngineEvent) => void>();
  const exclusive = createLock(); // scoring and loading of blocks
  const recovering = createLock(); // one new device, however many calls failed on the old one
  let status = startingStatus;
  let index: Promise<Open> | null = null;
  let searchable: Promise<Stored> | null = null; // by words, before the model is loaded
  let chosen: ChosenEncoder | null = null;
  let removed: { readonly key: string; readonly documents: readonly NewDocument[] } | null = null;
  let stopFollowing: () => void = () => undefined;
  let following: Promise<void> | null = null;
  let followAgain = false;
  let pendingVersion = -1; // that `status.pending` tells of
  let toldVersion = -1; // of which listeners know
  let reporting: object | null = null; // the call whose progress the status shows

  const emit = (event: EngineEvent): void => listeners.forEach((listener) => listener(event));
  const update = (fields: Partial<EngineStatus>): void => {
    status = { ...status, ...fields };
    emit({ type: 'status', status });
  };

  // ── opening ──

  async function start(options: OpenOptions, onProgress: (progress: Progress) => void): Promise<Open> {
    checkPoolFactor(options);
    checkLongDocument(options);
    checkResidentPrecision(options);
    update({ state: 'starting', error: null });
    const finding = (parts.findModel ?? findEmbedded)(options.model ?? defaultModelId).then((entry) => {
      const dim = dimOf(entry, options);
      update({ model: modelName(entry) });
      return { entry, dim };
    });
    const choosing = finding.then(({ entry }) =>
      parts.chooseEncoder(entry, options, (done, total) =>
        onProgress({ phase: 'loading-model', done, total, unit: 'bytes' }),
      ),
    );
    searchable = finding.then(({ entry, dim }) => openStored(options, entry, dim, choosing));
    const [{ open, warning }, encoder] = await settleAll([searchable, choosing]);
    chosen = encoder;
    const { store, resident } = open;
    const stopChanges = store.onChange(() => void follow(open));
    const stopClosed = store.onClosed((error) => fail(error));
    stopFollowing = () => {
      stopChanges();
      stopClosed();
      open.queue.close();
    };
    toldVersion = open.aside.from === null ? resident.version : await store.version();
    await countPending(open);
    update({
      state: 'ready',
      encoder: encoder.choice,
      selfTests: encoder.selfTests,
      gpu: parts.gpu(),
      threads: encoder.encoder.threads,
      runtimeFiles: parts.runtimeFiles(),
      storage: store.kind,
      storageWarning: warning,
      ...(await counts(open)),
    });
    update({ error: standing(open) });
    followKeywords(open, 'never');
    // What changed before anyone listened; and blocks move only once they are loaded.
    void follow(open)
      .then(() => compactOutdated(open))
      .catch(fail);
    return open;
  }

  /**
   * All that is ready before the model is: enough to search by words.
   * @param choosing what another model has read is let go of only once this one is here
   */
  async function openStored(
    options: OpenOptions,
    entry: ModelEntry,
    dim: number,
    choosing: Promise<ChosenEncoder>,
  ): Promise<Stored> {
    const held = options.residentPrecision ?? 'stored';
    const opening = parts.openStore(options);
    const stored = opening.then(({ store }) => storedVectors(store, held));
    stored.catch(() => undefined); // where nobody asks, the store's own failure says enough
    const [opened, scorer] = await settleAll([opening, parts.chooseScorer(options, stored)]);
    const name = options.name ?? 'default';
    const precision = options.precision ?? 'int8';
    const fingerprint: Fingerprint = {
      model: modelName(entry),
      dim,
      precision,
      scale: precision === 'int8' ? entry.scale : 1,
      poolFactor: options.poolFactor ?? 1,
      longDocument: longDocumentMethods[options.longDocument ?? 'passage'],
      chunker: chunkerVersion,
    };
    const current = await opened.store.fingerprint();
    const { onMismatch = 'fail' } = options;
    let from: Fingerprint | null = null;
    if (current !== null && onMismatch !== 'fail' && canNarrow(current, fingerprint)) {
      await opened.store.narrow(fingerprint);
    } else if (current !== null && onMismatch === 'aside' && mismatch(current, fingerprint) !== null) {
      requireChunker(current, fingerprint);
      from = current;
    } else if (current !== null && onMismatch !== 'fail' && mismatch(current, fingerprint) !== null) {
      await choosing;
      const now = await opened.store.fingerprint(); // another tab may have done it while the model was loading
      if (now !== null && mismatch(now, fingerprint) !== null) {
        await (onMismatch === 'clear' ? opened.store.clear() : opened.store.dropVectors(fingerprint));
        await opened.store.dropAside(fingerprint); // of a switch to a third model, which was given up
      }
    }
    const resident = new ResidentIndex(opened.store, scorer.scorer, fingerprint, exclusive, held);
    const rescorer = held === 'int4' ? createRescorer(opened.store, resident, fingerprint) : null;
    const locks = opened.locks ?? createLocalLocks();
    const passages = createPassageReader(opened.store, fingerprint);
    const open: Open = {
      ...{ name, options, entry, store: opened.store, resident, rescorer, fingerprint, locks },
      aside: createAside(opened.store, fingerprint, from),
      queue: createPendingQueue(opened.store, locks, name, () => void countPending(open).catch(fail)),
      keywords: createKeywords(opened.store, passages),
      passages,
      settings: { keepSources: options.keepSources ?? true, visible: options.visible ?? true },
    };
    update({ scorer: scorer.choice });
    if (from === null) await load(open);
    return { open, warning: opened.warning };
  }

  /** Resolves as soon as something can be searched; the rest comes in the background, and each step of it is told. */
  function load(open: Open): Promise<void> {
    return new Promise((resolve, reject) => {
      let searchable = false;
      const told = (): void => {
        searchable = true;
        resolve();
        if (status.state === 'ready') void tell(open).catch(fail);
      };
      const loading = withRecovery(open, () => open.resident.refresh(loadLimit(open), told));
      loading.then(told, (error: unknown) => {
        if (searchable) fail(error);
        else reject(toLateralError(error));
      });
    });
  }

  async function tell(open: Open): Promise<void> {
    if (index === null) return; // closed meanwhile
    update({ ...(await counts(open)), error: standing(open) });
    emit({ type: 'changed' });
  }

  function opened(): Promise<Open> {
    if (index === null) throw new LateralError('invalid-argument', 'Open an index first.');
    return index;
  }

  /** What is open, for what needs the index's vectors. @throws 'model-mismatch' while they are another model's */
  async function openedOwn(): Promise<Open> {
    const open = await opened();
    requireOwn(open.aside, open.fingerprint);
    return open;
  }

  async function counts({
    store,
    resident,
    aside,
    rescorer,
    fingerprint,
    entry,
  }: Open): Promise<Partial<EngineStatus>> {
    const { documents, chunks, tokens, unencoded } = await (aside.from === null
      ? { ...resident.counts, unencoded: resident.unencoded }
      : aside.figures().then((figures) => ({ ...figures, tokens: 0 })));
    const { scorer, opening } = resident;
    const { threads: scoringThreads } = scorer;
    const residentBytes = scorer.residentBytes + (rescorer?.heldBytes ?? 0);
    return {
      documents,
      chunks,
      tokens,
      residentBytes,
      opening,
      withoutRoom: withoutRoom(resident, fingerprint, entry.dims),
      scoringThreads,
      unencoded,
      switchingFrom: aside.from,
      storageCreatedAt: await store.createdAt(),
    };
  }

  async function countPending({ store, queue }: Open): Promise<void> {
    if (index === null) return; // closed meanwhile
    const version = await store.pendingVersion();
    const pending = await queue.count();
    pendingVersion = version;
    update({ pending });
  }

  const loadLimit = ({ settings }: Open): number => (settings.visible ? Infinity : hiddenBytes);

  /** Brings the scorer and the figures up to what the store holds now, whoever changed it. Calls that overlap share a round. */
  function follow(open: Open): Promise<void> {
    if (following !== null) {
      followAgain = true;
      return following;
    }
    const askedAgain = (): boolean => followAgain; // set by calls during a round
    const rounds = async (): Promise<void> => {
      do {
        followAgain = false;
        await followOnce(open);
      } while (askedAgain());
    };
    following = rounds().finally(() => (following = null));
    return following;
  }

  async function followOnce(open: Open): Promise<void> {
    if (index === null) return; // closed meanwhile
    try {
      await open.aside.look();
      const own = open.aside.from === null;
      if (own) await withRecovery(open, () => open.resident.refresh(loadLimit(open)));
      const version = own ? open.resident.version : await open.store.version(); // of which the figures tell
      update({ ...(await counts(open)), error: standing(open) });
      followKeywords(open, reporting === null ? 'never' : 'when-due');
      if ((await open.store.pendingVersion()) !== pendingVersion) await countPending(open);
      if (version === toldVersion) return;
      toldVersion = version; // a search may have brought it up before
      emit({ type: 'changed' });
    } catch (error) {
      fail(error);
      emit({ type: 'changed' });
    }
  }

  /** In the background: a search that needs the keyword index waits for it itself. A tab that nobody looks at does without. */
  function followKeywords({ keywords, resident, aside, settings }: Open, saving: Saving): void {
    if (index === null || aside.from !== null || !(settings.visible || keywords.started)) return;
    keywords.follow(resident.records, saving).catch((error: unknown) => {
      if (index !== null) fail(error);
    });
  }

  function fail(thrown: unknown): void {
    if (index === null) return; // closed meanwhile: that it fails then says nothing
    const { code, message } = toLateralError(thrown);
    update({ error: { code, message } });
  }

  // ── lost devices ──

  /** @param failed the encoder that the error came from: where another has taken over already, it is used */
  async function recoverEncoder(error: LateralError, failed: Encoder | undefined): Promise<boolean> {
    if (failed?.device !== 'webgpu') return false;
    if (chosen?.encoder !== failed) return true;
    const overflowed = error.code === 'not-finite' && failed.half === true;
    if (error.code !== 'gpu-lost' && !overflowed) return false;
    const next = await parts.replaceEncoder(error);
    if (next === null) return false;
    chosen = next;
    void failed.release().catch(() => undefined); // its device may be gone; what it holds elsewhere is not
    update({ encoder: next.choice, selfTests: next.selfTests, threads: next.encoder.threads, gpu: parts.gpu() });
    return true;
  }

  async function recoverScorer(open: Open, error: LateralError, failed: Scorer): Promise<boolean> {
    // Where the tab itself is out of memory, another scorer would need only more of it.
    const isDeviceFull = error.code === 'out-of-memory' && error.details.device === 'webgpu';
    if ((error.code !== 'gpu-lost' && !isDeviceFull) || failed.kind !== 'webgpu') return false;
    if (open.resident.scorer !== failed) return true;
    const next = await parts.replaceScorer(error);
    if (next === null) return false;
    update({ scorer: next.choice, gpu: parts.gpu() });
    await open.resident.replaceScorer(next.scorer);
    update({ ...(await counts(open)), error: standing(open) });
    return true;
  }

  async function withRecovery<T>(open: Open, work: () => Promise<T>): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      const encoder = chosen?.encoder;
      const { scorer } = open.resident;
      try {
        return await work();
      } catch (thrown) {
        const error = toLateralError(thrown);
        if (attempt >= 3) throw error;
        // One device serves both: whichever of them was on it moves.
        const recovered = await recovering(async () => [
          await recoverEncoder(error, encoder),
          await recoverScorer(open, error, scorer),
        ]);
        if (!recovered.includes(true)) throw error;
      }
    }
  }

  // ── writing ──

  /** One batch after another, of all tabs. */
  function asWriter<T>({ name, locks }: Open, work: () => Promise<T>, options: HoldOptions): Promise<T> {
    return locks.hold(`lateral-${name}-writer`, work, options);
  }

  function addingParts(open: Open): AddingParts {
    return {
      store: open.store,
      fingerprint: open.fingerprint,
      shape: open.entry.shape,
      keepSources: () => open.settings.keepSources,
      extraction: parts.extraction,
      encoder: () => chosen!.encoder,
      recover: (error, encoder) => recovering(() => recoverEncoder(error, encoder)),
      // The store's own change notice makes the page follow; here only its tail is kept short.
      remember: (document) => open.passages.keep(document),
      onStored: (signal) => compactWhenDue(open, signal),
      queue: open.queue,
      asWriter: (work, options) => asWriter(open, work, options),
    };
  }

  /** Runs long work with its progress told to the caller and, of one call at a time, in the status. */
  async function reported<T>(
    open: Open,
    onProgress: (progress: Progress) => void,
    work: (report: (progress: Progress) => void) => Promise<T>,
  ): Promise<T> {
    const call = {};
    try {
      return await work((progress) => {
        onProgress(progress);
        // Of several calls one reads; the others keep their files and wait.
        if (reporting !== null && reporting !== call && progress.phase !== 'reading') return;
        reporting = call;
        update({ progress });
      });
    } finally {
      await follow(open);
      followKeywords(open, 'now');
      await countPending(open).catch(fail);
      if (reporting === call) {
        reporting = null;
        update({ progress: null });
      }
    }
  }

  /**
   * Merges a long tail, and drops removed documents once they are half of what is kept, or their room is needed. Stopped half-way,
   * the rest stays due.
   */
  async function compactWhenDue({ store, resident }: Open, signal?: AbortSignal): Promise<void> {
    const blocks = await store.blocks();
    const documents = blocks.flatMap((block) => block.documents);
    const removedChunks = chunksOf(documents.filter((document) => document.removed));
    const due =
      blocks.filter(({ sealed }) => !sealed).length > tailBlocksBeforeCompaction ||
      removedChunks > chunksOf(documents) / 2 ||
      (removedChunks > 0 && resident.withoutRoom !== null); // what is removed makes room for what has none
    if (!due) return;
    await store.compact({ signal }).catch((error: unknown) => {
      if (toLateralError(error).code !== 'aborted') throw error;
    });
  }

  /**
   * What an index that was narrowed holds from before is written anew, so that the disk has the room back; and blocks that can only
   * be read whole, where each search reads rows of them.
   */
  async function compactOutdated({ store, aside, rescorer }: Open): Promise<void> {
    if (aside.from !== null) return;
    const blocks = await store.blocks();
    const rewriteWholeOnly = rescorer !== null;
    const due = blocks.some(({ outdated, wholeOnly }) => outdated || (wholeOnly && rewriteWholeOnly));
    if (due && index !== null) await store.compact({ rewriteWholeOnly });
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
        searchable = null;
        const { code, message } = toLateralError(thrown);
        update({ state: 'failed', error: { code, message } });
        throw thrown;
      }
      return status;
    },

    status: () => Promise.resolve(status),

    async add(documents, { signal, onProgress }) {
      const open = await openedOwn();
      return reported(open, onProgress, (report) => addFiles(addingParts(open), documents, signal, report));
    },

    async resume(_none, { signal, onProgress }) {
      const open = await openedOwn();
      return reported(open, onProgress, (report) => resumeFiles(addingParts(open), signal, report));
    },

    async reencode(_none, { signal, onProgress }) {
      const open = await opened();
      const reencoding: ReencodingParts = {
        ...addingParts(open),
        aside: open.aside.from !== null,
        // No version rises for it.
        onAside: (count) => update({ unencoded: Math.max(0, status.unencoded - count) }),
      };
      const work = () => reencodeDocuments(reencoding, signal, onProgress);
      const onWaiting = (): void => onProgress({ phase: 'waiting', done: 0, total: status.unencoded, unit: 'files' });
      try {
        return await open.locks.hold(`lateral-${open.name}-reencoder`, work, { signal, onWaiting });
      } finally {
        await follow(open);
      }
    },

    async discardAside() {
      const open = await opened();
      const bytes = await open.store.dropAside();
      await follow(open); // that documents wait again, no version says
      return bytes;
    },

    async discardPending() {
      const open = await opened();
      const count = await open.queue.discard();
      await countPending(open);
      return count;
    },

    async configure({ keepSources, visible }) {
      const open = await opened();
      const { settings } = open;
      if (keepSources !== undefined) settings.keepSources = keepSources;
      if (visible === undefined || visible === settings.visible) return;
      settings.visible = visible;
      if (visible) await follow(open);
    },

    async dropSources() {
      return (await openedOwn()).store.dropSources();
    },

    async search({ query, options }, { signal }) {
      const open = options.match === 'words' && searchable !== null ? (await searchable).open : await opened();
      requireOwn(open.aside, open.fingerprint);
      return withRecovery(open, () =>
        search(
          {
            encoder: () => Promise.resolve(chosen!.encoder),
            store: open.store,
            resident: open.resident,
            rescorer: open.rescorer,
            onDamaged: () => void tell(open).catch(fail),
            keywords: open.keywords,
            passages: open.passages,
            reading: reporting !== null,
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
      const open = await openedOwn();
      const documents = await partsForUndo(open.store, documentIds);
      const count = await open.store.remove(documentIds);
      removed = count === 0 || documents === null ? null : { key: crypto.randomUUID(), documents };
      await follow(open);
      void compactWhenDue(open).catch(fail);
      return { removed: count, undo: removed?.key ?? null };
    },

    async restore(undo) {
      const open = await openedOwn();
      if (removed?.key !== undo) {
        throw new LateralError('not-found', 'These documents can no longer be brought back. Add them again.');
      }
      const here = new Set((await open.store.documents()).map(({ id }) => id));
      const absent = removed.documents.filter(({ record }) => !here.has(record.id)); // some were added again meanwhile
      // Where another tab has gone over to another model, that one reads them again.
      const fingerprint = (await open.store.fingerprint()) ?? open.fingerprint;
      const same = mismatch(fingerprint, open.fingerprint) === null;
      const documents = absent.map((document) => ({
        ...document,
        ...(same ? {} : withoutVectors(document.record, fingerprint)),
      }));
      await open.store.add(documents, fingerprint);
      removed = null;
      await follow(open);
      return documents.length;
    },

    documents: async () => (await (await opened()).store.documents()).sort(byTimeThenName),

    async text(documentId) {
      const text = await (await opened()).store.text(documentId);
      if (text === undefined) throw new LateralError('not-found', 'This document is no longer here.');
      return text;
    },

    source: async (documentId) => (await (await opened()).store.source(documentId)) ?? null,

    async pageImage({ documentId, page, pixelWidth }, { signal }) {
      const { store } = await opened();
      return parts.extraction.pageImage(await pagedDocument(store, documentId), page, pixelWidth, signal);
    },

    async pagePlaces({ documentId, page, ranges }, { signal }) {
      const { store } = await opened();
      const [document, text] = await Promise.all([pagedDocument(store, documentId), store.text(documentId)]);
      if (text === undefined) throw new LateralError('not-found', 'This document is no longer here.');
      return parts.extraction.pagePlaces(document, page, text, ranges, signal);
    },

    async export({ documentIds }, { signal, onProgress }) {
      return exportCollection(await openedOwn(), documentIds, signal, onProgress);
    },

    async import(file, { signal, onProgress }) {
      const open = await openedOwn();
      try {
        const importing = { ...open, onStored: (stop: AbortSignal) => compactWhenDue(open, stop) };
        return await asWriter(open, () => importCollection(importing, file, signal, onProgress), {
          signal,
          onWaiting: () => onProgress({ phase: 'waiting', done: 0, total: 1, unit: 'files' }),
        });
      } finally {
        await follow(open);
        followKeywords(open, 'now');
      }
    },

    async stats() {
      const open = await opened();
      const [usage, estimate] = await Promise.all([open.store.usage(), parts.estimate()]);
      const { name, fingerprint, resident } = open;
      return { name, fingerprint, residentPrecision: resident.precision, ...usage, ...estimate };
    },

    async clear() {
      const open = await openedOwn();
      removed = null;
      await open.store.clear();
      await follow(open);
    },

    async embed({ texts, options }, { signal }) {
      const open = await opened();
      const dim = options.dimensions ?? open.fingerprint.dim;
      return withRecovery(open, async () => {
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
      });
    },

    async rerank({ query, documents, topN }, { signal }) {
      const open = await opened();
      const count = topN ?? documents.length;
      return withRecovery(open, () => rerank(open, chosen!.encoder, parts, query, documents, count, signal));
    },

    async benchmark(options, context) {
      const { store, fingerprint } = await opened();
      const limits = benchmarkLimits(options);
      const sample = await benchmarkSample(store, fingerprint.dim, limits.maxTokens);
      const devices = (await parts.benchmarkDevices?.()) ?? oneThread;
      return runBenchmark(sample, devices, limits, context);
    },

    async close() {
      const open = await opened();
      index = null;
      searchable = null;
      stopFollowing();
      open.resident.destroy();
      open.rescorer?.destroy();
      await chosen?.encoder.release();
      chosen = null;
      removed = null;
      parts.extraction.close();
      await open.store.close();
    },
  };
}

/** @throws 'invalid-argument' */
function dimOf({ id, dims }: ModelEntry, { dim = dims[0]! }: OpenOptions): number {
  if (dims.includes(dim)) return dim;
  throw new LateralError('invalid-argument', `${id} serves ${dims.join(', ')} dimensions, not ${dim}.`);
}

/** @throws 'invalid-argument' */
function checkPoolFactor({ poolFactor = 1 }: OpenOptions): void {
  if (poolFactors.includes(poolFactor)) return;
  throw new LateralError(
    'invalid-argument',
    `poolFactor is one of ${poolFactors.join(', ')}, not ${String(poolFactor)}.`,
  );
}

const findEmbedded = async (id: string): Promise<ModelEntry> => Promise.resolve(modelEntry(id));

/** @throws 'invalid-argument' */
function checkLongDocument({ longDocument }: OpenOptions): void {
  const known: readonly unknown[] = [undefined, ...Object.keys(longDocumentMethods)];
  if (known.includes(longDocument)) return;
  throw new LateralError(
    'invalid-argument',
    `longDocument is one of ${Object.keys(longDocumentMethods).join(', ')}, not ${String(longDocument)}.`,
  );
}

/** @throws 'invalid-argument' */
function checkResidentPrecision({ residentPrecision, precision }: OpenOptions): void {
  const known: readonly unknown[] = [undefined, 'stored', 'int4'];
  if (!known.includes(residentPrecision)) {
    throw new LateralError(
      'invalid-argument',
      `residentPrecision is 'stored' or 'int4', not ${String(residentPrecision)}.`,
    );
  }
  if (residentPrecision === 'int4' && precision === 'f32') {
    throw new LateralError(
      'invalid-argument',
      "residentPrecision 'int4' needs vectors of precision 'int8', not 'f32'.",
    );
  }
}

async function pagedDocument(store: IndexStore, documentId: string): Promise<PagedDocument> {
  const record = await store.document(documentId);
  if (record === undefined) throw new LateralError('not-found', 'This document is no longer here.');
  return {
    documentId,
    name: record.name,
    async bytes() {
      const source = await store.source(documentId);
      if (source === undefined) {
        throw new LateralError('not-found', `The original of ${record.name} was not kept. Its text is here.`);
      }
      return new Uint8Array(await source.arrayBuffer());
    },
  };
}

/** What undo needs, one document after another; null where it is more than should be held. Damaged ones cannot come back. */
async function partsForUndo(store: IndexStore, documentIds: readonly string[]): Promise<NewDocument[] | null> {
  const documents: NewDocument[] = [];
  let bytes = 0;
  for (const id of documentIds) {
    const part = await store.parts(id).catch((error: unknown) => {
      if (['storage-corrupt', 'storage-unavailable'].includes(toLateralError(error).code)) return undefined;
      throw error;
    });
    if (part === undefined) continue;
    bytes += part.vectors.byteLength + part.record.byteLength;
    if (bytes > maxUndoBytes) return null;
    documents.push(part);
  }
  return documents;
}

const maxUndoBytes = 64 * 2 ** 20;

/** What is wrong for longer: stored parts that cannot be read, or that memory has no room for. */
function standing({ resident, fingerprint, entry }: Open): EngineStatus['error'] {
  const { length } = resident.damagedBlocks;
  if (length > 0) {
    const parts = length === 1 ? 'One stored part is' : `${length} stored parts are`;
    return {
      code: 'storage-corrupt',
      message: `${parts} damaged and left out of the search. Delete the documents that are missing there, and add them again.`,
    };
  }
  const unread = resident.unreadBlocks.length;
  if (unread > 0) {
    const parts = unread === 1 ? 'One stored part' : `${unread} stored parts`;
    return {
      code: 'storage-unavailable',
      message: `${parts} could not be read this time, and what it holds is left out of the search. Reload the page.`,
    };
  }
  const missing = withoutRoom(resident, fingerprint, entry.dims);
  return missing === null ? null : { code: 'out-of-memory', message: roomMessage(missing) };
}

/** Documents of one addition have one time. */
function byTimeThenName(a: DocumentRecord, b: DocumentRecord): number {
  return a.addedAt - b.addedAt || (a.name < b.name ? -1 : Number(a.name > b.name));
}

function chunksOf(documents: readonly { readonly chunkCount: number }[]): number {
  return documents.reduce((sum, { chunkCount }) => sum + chunkCount, 0);
}

/** Scores given texts with a scorer of its own, so that the index's blocks are not touched. Nothing is stored, so nothing pooled. */
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
