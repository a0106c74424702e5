/** Fetches what a plan lists, file by file, into the store. */
import { LateralError, throwIfAborted, toLateralError } from '../../errors.ts';
import { isWhole, type StoredModel } from '../kept/describe.ts';
import type { FileRecord, Manifest, Wanted } from '../kept/manifest.ts';
import type { ModelStore, ModelWriter } from '../kept/model-store.ts';
import { downloadFile } from './download-file.ts';
import type { ListedFile } from './hub-api.ts';
import { freeBytes, requestOptions, type DownloadPlan, type EstimateStorage, type NetworkOptions } from './plan.ts';
import { createRateMeter } from './rate.ts';
import { fileUrl } from './source.ts';

export interface DownloadOptions extends NetworkOptions {
  readonly store: ModelStore;
  /** Whether a person has agreed to the conditions of the licence, where it has some. Remembered with the model. */
  readonly consent?: boolean;
  readonly onProgress?: (progress: DownloadProgress) => void;
  /** What is to be made of the files. Remembered with the model. */
  readonly wanted?: Wanted;
  /** What to do while another tab downloads this model: follow it, which is the default, or fail with 'model-busy'. */
  readonly ifBusy?: 'wait' | 'fail';
  readonly estimate?: EstimateStorage;
  /** The least time between two reports of one phase. Default 100 ms. */
  readonly reportEveryMs?: number;
  readonly now?: () => number;
}

export interface DownloadProgress {
  /** 'waiting': another tab is downloading it; 'checking': what is here is read again; 'retrying': a wait before asking again. */
  readonly phase: 'waiting' | 'checking' | 'downloading' | 'retrying';
  /** Bytes that are here, of all files. Steps back where a file turned out wrong. */
  readonly done: number;
  readonly total: number;
  readonly filesDone: number;
  readonly filesTotal: number;
  /** The file at hand and its bytes; `total` 0 where no server has said. */
  readonly current?: { readonly name: string; readonly done: number; readonly total: number };
  /** Once the rate is steady. */
  readonly bytesPerSecond?: number;
  readonly etaSeconds?: number;
  /** Why and how long it waits, in phase 'retrying'. */
  readonly retry?: { readonly inMs: number; readonly message: string };
}

/**
 * Resolves once every file of the plan is whole, verified and flushed. After any error, what arrived stays, and another call
 * goes on from there, also after a reload, and through another address of the hub.
 * @throws 'consent-required' and 'storage-full' before the first byte; 'storage-full' where the disk fills up on the way;
 *   'download-interrupted', 'download-damaged', 'download-refused', 'model-unavailable', 'model-busy', 'aborted',
 *   'storage-unavailable'
 */
export async function downloadModel(plan: DownloadPlan, options: DownloadOptions): Promise<StoredModel> {
  const { store, signal, ifBusy = 'wait', onProgress } = options;
  throwIfAborted(signal);
  const waiting = (): void =>
    onProgress?.({
      phase: 'waiting',
      done: plan.presentBytes,
      total: plan.totalBytes,
      filesDone: 0,
      filesTotal: plan.files.length,
    });
  return store.work(plan.key, (writer) => downloadInto(writer, plan, options), {
    signal,
    onWaiting: ifBusy === 'wait' ? waiting : undefined,
  });
}

async function downloadInto(writer: ModelWriter, plan: DownloadPlan, options: DownloadOptions): Promise<StoredModel> {
  const now = options.now ?? Date.now;
  const network = requestOptions(options);
  const records = new Map(recordsOf(writer, plan).map((record) => [record.path, record]));
  const sizes = new Map((await writer.folder.list()).map(({ name, size }) => [name, size]));
  const missing = plan.files.filter(({ path }) => !isWhole(records.get(path)!, sizes.get(writer.nameOf(path)) ?? null));
  if (missing.length === 0 && writer.manifest() !== null) return writer.describe();
  if ((writer.manifest()?.consentedAt ?? null) === null) requireConsent(plan, options.consent ?? false);
  const present = (path: string): number => sizes.get(writer.nameOf(path)) ?? 0;
  const left = missing.reduce((sum, { path, size }) => sum + Math.max(0, (size ?? 0) - present(path)), 0);
  await requireSpace(plan, left, options.estimate);

  const save = async (record?: FileRecord): Promise<void> => {
    if (record !== undefined) records.set(record.path, record);
    await writer.save(toManifest(writer.manifest(), plan, [...records.values()], options, now()));
  };
  await save();
  const meter = createReporter(plan, options);
  for (const file of plan.files) if (!missing.includes(file)) meter.whole(file.path, file.size ?? 0);
  for (const { path } of missing) meter.present(path, present(path));
  for (const { path } of missing) {
    throwIfAborted(options.signal);
    const record = records.get(path)!;
    try {
      const whole = await downloadFile(
        {
          url: fileUrl(plan.source, path),
          record,
          folder: writer.folder,
          name: writer.nameOf(path),
          remember: save,
          onProgress: (phase, done) => meter.file(phase, path, done, records.get(path)!.size),
          onRetry: (inMs, error) => meter.retrying(path, inMs, error.message),
        },
        network,
      );
      await save(whole);
      meter.whole(path, whole.size ?? 0);
    } catch (error) {
      throw fullOnTheWay(error, plan, path);
    }
  }
  return writer.describe();
}

/** Records of the plan's files and of others that are here, with what the store knows where that is of the same file. */
function recordsOf(writer: ModelWriter, plan: DownloadPlan): FileRecord[] {
  const before = writer.manifest()?.files ?? [];
  const planned = plan.files.map((file): FileRecord => {
    const known = before.find(({ path }) => path === file.path);
    return known !== undefined && isSameFile(known, file)
      ? { ...known, published: file.published ?? known.published }
      : { ...file, validator: '', sha256: null };
  });
  const others = before.filter(({ path }) => plan.files.every((file) => file.path !== path));
  return [...planned, ...others];
}

function isSameFile(known: FileRecord, file: ListedFile): boolean {
  if (file.size !== null && known.size !== file.size) return false;
  if (file.published === null || known.published === null) return file.published === null && known.published === null;
  return known.published.kind === file.published.kind && known.published.hex === file.published.hex;
}

function toManifest(
  before: Manifest | null,
  plan: DownloadPlan,
  files: FileRecord[],
  { consent, wanted }: Pick<DownloadOptions, 'consent' | 'wanted'>,
  now: number,
): Manifest {
  return {
    format: 1,
    sequence: 0, // set when it is written
    key: plan.key,
    source: plan.source,
    requested: plan.requested,
    licence: plan.licence,
    consentedAt: before?.consentedAt ?? (consent === true ? now : null),
    addedAt: before?.addedAt ?? now,
    lastUsedAt: now,
    files,
    derived: before?.derived ?? [],
    wanted: { ...before?.wanted, ...wanted },
  };
}

function requireConsent({ licence, key }: DownloadPlan, consent: boolean): void {
  if (licence?.conditions !== true || consent) return;
  throw new LateralError(
    'consent-required',
    `${key} is under the licence "${licence.id === '' ? 'unknown' : licence.id}", which may not permit every use. Read it, and agree, before it is downloaded.`,
    { details: { licence: licence.id, url: licence.url } },
  );
}

async function requireSpace(plan: DownloadPlan, left: number, estimate: EstimateStorage | undefined): Promise<void> {
  const free = await freeBytes(estimate);
  const needed = left + plan.bytesNeeded - plan.bytesToFetch;
  if (free === null || needed <= free) return;
  throw new LateralError(
    'storage-full',
    `${plan.key} needs ${megabytes(needed)} more; this browser gives ${megabytes(free)}. Delete another model or documents, or free space on the disk.`,
    { details: { neededBytes: needed, freeBytes: free } },
  );
}

function fullOnTheWay(thrown: unknown, { key }: DownloadPlan, path: string): LateralError {
  const error = toLateralError(thrown);
  if (error.code !== 'storage-full') return error;
  return new LateralError(
    'storage-full',
    `There is no room left for ${path} of ${key}. What arrived is kept: free some space, then go on.`,
    { cause: error, details: { ...error.details, file: path } },
  );
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1e6)} MB`;
}

/** Progress over all files, a few times a second. */
function createReporter(plan: DownloadPlan, { onProgress, reportEveryMs = 100 }: DownloadOptions) {
  const rate = createRateMeter();
  const bytes = new Map<string, number>();
  const wholes = new Set<string>();
  let unexpected = 0; // bytes of files of which no length was known
  let lastAt = -Infinity;
  let lastPhase: DownloadProgress['phase'] | null = null;

  function report(progress: Pick<DownloadProgress, 'phase' | 'current' | 'retry'>): void {
    const at = performance.now();
    if (progress.phase === lastPhase && at - lastAt < reportEveryMs) return;
    lastPhase = progress.phase;
    lastAt = at;
    const done = [...bytes.values()].reduce((sum, count) => sum + count, 0);
    const total = Math.max(plan.totalBytes + unexpected, done);
    const rates = progress.phase === 'downloading' ? rate.rate(done, total) : {};
    onProgress?.({ ...progress, done, total, filesDone: wholes.size, filesTotal: plan.files.length, ...rates });
  }

  return {
    present: (path: string, count: number): void => void bytes.set(path, count),
    whole(path: string, size: number): void {
      bytes.set(path, size);
      if (!wholes.has(path) && plan.files.find((file) => file.path === path)?.size === null) unexpected += size;
      wholes.add(path);
      lastAt = -Infinity;
      report({ phase: 'downloading', current: { name: path, done: size, total: size } });
    },
    file(phase: 'checking' | 'downloading', path: string, done: number, size: number | null): void {
      if (phase === 'downloading') {
        bytes.set(path, done);
        rate.advance([...bytes.values()].reduce((sum, count) => sum + count, 0));
      }
      report({ phase, current: { name: path, done, total: size ?? 0 } });
    },
    retrying(path: string, inMs: number, message: string): void {
      rate.restart();
      lastAt = -Infinity;
      report({
        phase: 'retrying',
        current: { name: path, done: bytes.get(path) ?? 0, total: 0 },
        retry: { inMs, message },
      });
    },
  };
}
