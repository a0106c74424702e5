/**
 * One model from nothing to ready: plan → consent → download → head → quantise → check → the fp32 weights deleted. Every step is
 * resumable by itself, and each looks first at what is there, so that another call goes on wherever the last one ended.
 */
import { LateralError, throwIfAborted } from '../errors.ts';
import type { EncoderDevice, Progress, SelfTestReport } from '../types.ts';
import {
  canonicalId,
  catalogue,
  checkKind,
  checkOf,
  folderNeeded,
  idOf,
  importsOf,
  isImport,
  keptEstimate,
  knownModel,
  licenceFor,
  licenceOf,
  sourceOf,
  storedModel,
} from './catalogue.ts';
import type { Wanted } from './kept/manifest.ts';
import { findModelFiles, type FoundFiles, type ListedFile } from './find-files.ts';
import {
  downloadModel,
  importFolder,
  listFiles,
  openRemoteFile,
  planDownload,
  type DownloadPlan,
  type DownloadProgress,
  type ModelStore,
  type RetryOptions,
  type StoredModel,
  type WantedFile,
} from './hub.ts';
import type { EstimateStorage } from './hub.ts';
import { denseLayers, readDenseHead } from './dense-head.ts';
import type { HubModel, OnnxFiles, SafetensorsHead } from './hub-models.ts';
import {
  loadStored,
  quantizedVariant,
  readStoredSettings,
  type LoadedStoredModel,
  type StoredVariant,
  versionOf,
} from './load-stored.ts';
import { requireMemory } from './memory.ts';
import type { ImportRequest, ModelInfo, ModelPlan, ModelRequest, PrepareRequest } from './model-info.ts';
import { planStored, quantizedPaths, quantizeStored, type QuantizeStoredOptions } from './quantize-stored.ts';
import type { QuantizePlan } from './quantize/quantize.ts';
import { readHead, type Head } from './quantize/safetensors.ts';
import type { SimilarityLevels } from './registry.ts';
import type { SelfTestFile } from './self-test.ts';
import { settingsFiles } from '../colbert/settings.ts';

export interface PrepareParts {
  readonly store: ModelStore;
  /** Runs the model on this device's processors. @throws 'out-of-memory', 'model-invalid' */
  check(model: LoadedStoredModel, subject: CheckSubject, calls: Calls): Promise<CheckOutcome>;
  readonly retry?: RetryOptions;
  readonly fetch?: typeof fetch;
  readonly estimate?: EstimateStorage;
  /** Matrices of fewer values are left as they are (QuantizeOptions). */
  readonly minElements?: number;
}

export interface CheckSubject {
  /** Known by its id; published rows are of known models. */
  readonly id: string;
  /** With its version, as a fingerprint names it. */
  readonly name: string;
  readonly hasLargestDim: boolean;
  /** Whether answers must be ranked right: of models that Lateral knows. Of others, it is only said. */
  readonly strict: boolean;
}

export interface CheckOutcome {
  /** The quickest device that passed; the first that failed where none did. */
  readonly report: SelfTestReport;
  readonly device: EncoderDevice;
  /** Whether it computes in fp16. */
  readonly half: boolean;
  /** Those that were there to be tried. */
  readonly devices: readonly EncoderDevice[];
  readonly tokensPerSecond: number;
  /** Whether any rows were published to compare with. */
  readonly hasRows: boolean;
  /** Rows of the processor: what each later start is compared with. Null where it did not pass. */
  readonly selfTest: SelfTestFile | null;
  readonly levels: SimilarityLevels | null;
}

export interface Calls {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
}

// ── what it would take ──

/** @throws as ModelsApi.plan says */
export async function planModel(parts: PrepareParts, request: ModelRequest, signal: AbortSignal): Promise<ModelPlan> {
  const { plan, known } = await planFiles(parts, request, signal);
  const { totalBytes, presentBytes, bytesFree, fits, seconds, gated } = plan;
  return {
    id: canonicalId(request.model),
    title: known?.title ?? canonicalId(request.model),
    licence: licenceOf(licenceFor(known, plan.licence)),
    ...{ gated, downloadBytes: totalBytes, presentBytes, bytesFree, fits, seconds },
    keptBytes: known === null ? null : keptEstimate(known),
  };
}

interface PlannedFiles {
  readonly plan: DownloadPlan;
  readonly known: HubModel | null;
}

async function planFiles(parts: PrepareParts, request: ModelRequest, signal: AbortSignal): Promise<PlannedFiles> {
  const source = sourceOf(request);
  const known = knownModel(canonicalId(request.model));
  const network = { store: parts.store, signal, ...networkOf(parts) };
  const files = known?.onnx ? knownFiles(known.onnx) : chosenFiles(await listed(known));
  const derivedBytes = known === null ? 0 : keptEstimate(known);
  const plan = await planDownload(source, { ...network, files, derivedBytes, ...estimateOf(parts) });
  return { plan, known };

  async function listed(wanted: HubModel | null): Promise<FoundFiles> {
    const there = await listFiles(source, network);
    try {
      return findModelFiles(there);
    } catch (error) {
      if (wanted?.instead === undefined || !(error instanceof LateralError)) throw error;
      throw new LateralError('model-unavailable', wanted.instead, { cause: error, details: { ...error.details } });
    }
  }
}

/** Names of settings files: whichever a model has. */
const settingsPaths = Object.values(settingsFiles);

function knownFiles({ file, data }: OnnxFiles): WantedFile[] {
  const optional = ['tokenizer_config.json', 'special_tokens_map.json', 'config.json', ...settingsPaths];
  return [file, ...data, 'tokenizer.json', ...optional.map((path) => ({ path, optional: true }))];
}

function chosenFiles({ onnx, data, tokenizer, settings, heads }: FoundFiles): WantedFile[] {
  return [onnx, ...data, ...tokenizer, ...settings, ...heads, { path: 'config.json', optional: true }];
}

// ── from nothing to ready ──

/** @throws as ModelsApi.prepare says */
export async function prepareModel(parts: PrepareParts, request: PrepareRequest, calls: Calls): Promise<ModelInfo> {
  const id = canonicalId(request.model);
  const known = knownModel(id);
  requireDim(known, request.dim);
  if (isImport(id)) return alone(parts.store, id, calls, () => finishImport(parts, id, request, calls));
  let model = await storedModel(parts.store, id, request.revision);
  if (model === null && known?.onnx === null && known.instead !== undefined && request.revision === undefined) {
    throw new LateralError('model-unavailable', known.instead, { details: { model: id } });
  }
  if (model === null || !(isReadyFor(model, request) || isMade(model, request) || hasSources(model))) {
    // What was begun is gone on with: also where another revision than the usual one was asked for then.
    const revision =
      request.revision ?? (model?.complete === false && model.requested !== '' ? model.requested : undefined);
    model = await download(parts, revision === undefined ? request : { ...request, revision }, known, calls);
  }
  return finishAlone(parts, model, request, calls);
}

function finishAlone(
  parts: PrepareParts,
  { key }: StoredModel,
  request: PrepareRequest,
  calls: Calls,
): Promise<ModelInfo> {
  const { store } = parts;
  return alone(store, key, calls, async () => {
    const model = await store.get(key);
    if (model === null) throw new LateralError('model-unavailable', `${key} was deleted meanwhile. Prepare it again.`);
    return finish(parts, model, request, calls);
  });
}

/** One tab at a time: another waits, and then finds it ready. */
function alone<T>(store: ModelStore, key: string, { signal, onProgress }: Calls, work: () => Promise<T>): Promise<T> {
  const onWaiting = (): void => onProgress({ phase: 'waiting', done: 0, total: 1, unit: 'bytes' });
  return store.alone(key, work, { signal, onWaiting });
}

const wantedOf = (model: StoredModel, request: PrepareRequest): Wanted => ({
  ...model.wanted,
  ...defined({ dim: request.dim, bits: request.bits, embeddingBits: request.embeddingBits }),
});

function bitsOf(wanted: Wanted): { readonly bits: 4 | 8; readonly embeddingBits: 4 | 8 } {
  const bits = wanted.bits === 8 ? 8 : 4;
  return { bits, embeddingBits: wanted.embeddingBits === undefined ? bits : wanted.embeddingBits === 8 ? 8 : 4 };
}

function isReadyFor(model: StoredModel, request: PrepareRequest): boolean {
  const passed = checkOf(model);
  return passed?.options.passed === true && isAsWanted(passed.options, wantedOf(model, request));
}

/** Whether what was downloaded is still here, so that other weights can be made of it. */
const hasSources = ({ files, complete }: StoredModel): boolean =>
  complete && files.every(({ state }) => state === 'whole');

/** Whether the smaller weights that are asked for are here, though nothing is kept of their check. */
function isMade(model: StoredModel, request: PrepareRequest): boolean {
  if (!model.complete) return false;
  const wanted = wantedOf(model, request);
  const known = knownModel(idOf(model));
  const isOtherHead = typeof known?.heads.find(({ dim }) => dim === wanted.dim)?.from === 'object';
  const dim = isOtherHead ? wanted.dim : known?.onnx ? undefined : keptHead(model)?.dim;
  const head = dim === undefined ? {} : { head: { dim } };
  const { graph, data } = quantizedPaths({ ...bitsOf(wanted), ...head });
  return [graph, data].every((path) => model.derived.some((file) => file.path === path && file.state === 'whole'));
}

// ── folders ──

/** @throws as ModelsApi.importFolder says */
export function importModel(
  parts: PrepareParts,
  { name, files, bits }: ImportRequest,
  calls: Calls,
): Promise<ModelInfo> {
  const { store } = parts;
  const id = idOf({ source: { kind: 'folder', name } });
  return alone(store, id, calls, async () => {
    await dropReplaced(store); // what a crash left takes room
    const { begun } = importsOf(await importsNamed(store, id));
    const model = await importFolder(files, {
      ...{ store, name, goOnWith: begun?.key, signal: calls.signal },
      ...estimateOf(parts),
      wanted: defined({ bits }),
      derivedBytes: (listed) => quantizedEstimate(listed, bits ?? begun?.wanted.bits),
      onProgress: (done, total) => calls.onProgress({ phase: 'copying', done, total, unit: 'bytes' }),
    });
    return finish(parts, model, { model: id }, calls);
  });
}

/** An import that only has to be made smaller and checked is gone on with; else it is the one that is used that is meant. */
async function finishImport(
  parts: PrepareParts,
  id: string,
  request: PrepareRequest,
  calls: Calls,
): Promise<ModelInfo> {
  const { ready, begun } = importsOf(await importsNamed(parts.store, id));
  const model = begun?.complete === true && request.recheck !== true ? begun : (ready ?? begun);
  if (model === null || !(isReadyFor(model, request) || isMade(model, request) || hasSources(model))) {
    throw folderNeeded(id);
  }
  return finish(parts, model, request, calls);
}

/** Lets go of an import that is not ready. @returns the bytes freed */
export async function discardImport(store: ModelStore, id: string): Promise<number> {
  return store.alone(id, async () => {
    const { begun } = importsOf(await importsNamed(store, id));
    if (begun !== null) await store.remove(begun.key);
    return begun?.bytes ?? 0;
  });
}

/** Deletes all of a model: of every commit, and of every import. @returns the bytes freed */
export async function removeModel(store: ModelStore, id: string): Promise<number> {
  let freed = 0;
  for (const model of await store.list()) {
    if (idOf(model) !== id) continue;
    await store.alone(isImport(id) ? id : model.key, () => store.remove(model.key));
    freed += model.bytes;
  }
  return freed;
}

async function importsNamed(store: ModelStore, id: string): Promise<readonly StoredModel[]> {
  return (await store.list()).filter((model) => idOf(model) === id);
}

/** Imports that a later one has taken the place of: also where a crash came between the two. */
async function dropReplaced(store: ModelStore): Promise<void> {
  const models = await store.list();
  for (const id of new Set(models.map(idOf).filter(isImport))) {
    for (const { key } of importsOf(models.filter((model) => idOf(model) === id)).replaced) {
      await store.remove(key).catch(unlessBusy); // then the next one does it
    }
  }
}

function unlessBusy(error: unknown): void {
  if (!(error instanceof LateralError && error.code === 'model-busy')) throw error;
}

/** Bytes that come out at most, if all is to be made smaller. @throws 'model-invalid' where the files make no model */
function quantizedEstimate(files: readonly ListedFile[], bits = 4): number {
  const { onnx, data } = findModelFiles(files);
  const weights = files.filter(({ path }) => path === onnx || data.includes(path));
  return (weights.reduce((sum, { size }) => sum + size, 0) * (bits + 1)) / 32; // of fp32, with its scales
}

async function download(
  parts: PrepareParts,
  request: PrepareRequest,
  known: HubModel | null,
  { signal, onProgress }: Calls,
): Promise<StoredModel> {
  const { plan } = await planFiles(parts, request, signal);
  // Of a repository that nobody knows, fp32 is assumed: what comes out is looked at again before it is made.
  requireMemory(known === null ? (plan.totalBytes * 5) / 32 : keptEstimate(known), request.model);
  const { dim, bits, embeddingBits } = request;
  return downloadModel(
    { ...plan, licence: licenceFor(known, plan.licence) },
    {
      ...{ store: parts.store, signal, consent: request.consent ?? false },
      ...networkOf(parts),
      ...estimateOf(parts),
      wanted: defined({ dim, bits, embeddingBits }),
      onProgress: (progress) => onProgress(toProgress(progress)),
    },
  );
}

/** Quantises, checks, and drops what is needed no more. */
async function finish(
  parts: PrepareParts,
  before: StoredModel,
  request: PrepareRequest,
  calls: Calls,
): Promise<ModelInfo> {
  const { store } = parts;
  const { key } = before;
  const id = idOf(before);
  const known = knownModel(id);
  const wanted = wantedOf(before, request);
  const settings = bitsOf(wanted);
  if (isReadyFor(before, request) && request.recheck !== true) {
    await dropSources(store, before, String(checkOf(before)!.options.graph)).catch(unlessBusy); // as where it is opened just now
    return infoOf(store, id);
  }

  await rememberWanted(store, before, wanted);
  const onnx =
    known?.onnx?.file ?? findModelFiles(before.files.map(({ path, size }) => ({ path, size: size ?? 0 }))).onnx;
  const head =
    (await headOf(parts, before, known, wanted.dim, request, calls.signal)) ??
    (known?.onnx ? null : await denseHead(parts, before, onnx, known));
  const variant =
    known?.onnx?.weights === 'int8'
      ? asItIs(before, onnx)
      : await quantized(parts, before, { onnx, ...settings, ...(head === null ? {} : { head }) }, calls);
  throwIfAborted(calls.signal);

  const model = (await store.get(key))!;
  const version = await versionOf(model, variant);
  const loaded = await loadStored(store, key, variant, known);
  const dims = head === null ? dimsOf(known, loaded) : [head.dim];
  const hasLargestDim = head === null || head.dim === known?.heads[0]?.dim;
  const name = `${id}@${version}`;
  const outcome = await parts.check(loaded, { id, name, hasLargestDim, strict: known !== null }, calls);
  await remember(store, key, outcome, { variant, version, dims, ...settings }); // from here on it is the one that is used
  if (!outcome.report.passed || outcome.selfTest === null) {
    const { ready } = importsOf(isImport(id) ? await importsNamed(store, id) : []);
    if (ready !== null) await store.remove(key); // the one that is here stays
    throw new LateralError(
      'self-test-failed',
      `${id} does not give the right numbers on this device. ${outcome.report.message}`,
      { details: { model: id, minCosine: outcome.report.minCosine } },
    );
  }
  await dropSources(store, model, variant.graph).catch(unlessBusy);
  await store.keepOnly(key, [variant.graph, ...variant.data, checkPath, headPath(variant.dim)]).catch(unlessBusy);
  await dropReplaced(store).catch(() => undefined);
  await store.cleanUp().catch(() => undefined); // what a crash left of others
  return infoOf(store, id);
}

/** The fp32 weights, once smaller ones have passed: also where an earlier run ended just before. */
async function dropSources(store: ModelStore, { key, derived, files }: StoredModel, graph: string): Promise<void> {
  const replaced = new Set(derived.find(({ path }) => path === graph)?.replaces ?? []);
  if (files.some(({ path, bytes }) => replaced.has(path) && bytes > 0)) await store.removeReplaced(key);
}

async function quantized(
  parts: PrepareParts,
  { key, derived }: StoredModel,
  options: Omit<QuantizeStoredOptions, 'minElements'>,
  { signal, onProgress }: Calls,
): Promise<StoredVariant> {
  const { store, minElements } = parts;
  const all = { ...options, ...(minElements === undefined ? {} : { minElements }) };
  const variant = quantizedVariant(all);
  const made = [variant.graph, ...variant.data];
  if (made.every((path) => derived.some((file) => file.path === path && file.state === 'whole'))) return variant;
  const tell = (done: number, total: number): void => onProgress({ phase: 'quantizing', done, total, unit: 'bytes' });
  tell(0, 0); // how much it is the plan says
  try {
    const { graphBytes, dataBytes } = await planStored(store, key, all);
    requireMemory(graphBytes + dataBytes, key);
    await quantizeStored(store, key, all, {
      signal,
      onProgress: tell,
      onWaiting: () => onProgress({ phase: 'waiting', done: 0, total: 1, unit: 'bytes' }),
    });
    return variant;
  } catch (error) {
    if (error instanceof LateralError && error.details.reason === 'nothing-to-quantize') {
      return asItIs((await store.get(key))!, options.onnx);
    }
    throw error;
  }
}

/** Of one that somebody has quantised already: its rows may depend on what shares a batch. */
function asItIs({ files }: StoredModel, onnx: string): StoredVariant {
  const { data } = findModelFiles(
    files.map(({ path, size }) => ({ path, size: size ?? 0 })),
    onnx,
  );
  const sizeOf = (path: string): number => files.find((file) => file.path === path)?.size ?? 0;
  requireMemory(
    [onnx, ...data].reduce((sum, path) => sum + sizeOf(path), 0),
    onnx,
  );
  return { onnx, graph: onnx, data, oneByOne: true };
}

/** The linear layer of a dimension that the graph does not have: kept in the store once it was fetched. */
async function headOf(
  parts: PrepareParts,
  model: StoredModel,
  known: HubModel | null,
  dim: number | undefined,
  request: PrepareRequest,
  signal: AbortSignal,
): Promise<Head | null> {
  const from = known?.heads.find((head) => head.dim === dim)?.from;
  if (typeof from !== 'object') return null;
  const { store } = parts;
  const kept = keptHead(model, dim);
  if (kept !== null) return readKeptHead(store, model.key, kept);
  const head = await fetchHead(parts, from, request, signal);
  if (head.dim !== dim) {
    throw new LateralError('model-invalid', `${from.repository} has a layer of ${head.dim} dimensions, not ${dim}.`, {
      details: { file: from.file },
    });
  }
  await keepHead(store, model.key, head);
  return head;
}

/**
 * The projection that lies beside a graph without one, or with another: PyLate's linear layers. Kept in the store, so that it is
 * there when the graph is no more.
 * @returns null where the graph itself makes the rows
 * @throws 'model-invalid' where neither does
 */
async function denseHead(
  { store }: PrepareParts,
  model: StoredModel,
  onnx: string,
  known: HubModel | null,
): Promise<Head | null> {
  const kept = keptHead(model);
  if (kept !== null) return readKeptHead(store, model.key, kept);
  const made = await rowsOf(store, model, onnx);
  if (made === null) return null; // what others have quantised is used as it is
  const { json, settings } = await readStoredSettings(store, model, onnx, known);
  const isOfDim = made.dim === null || made.dim === settings.dim;
  if (isOfDim && made.hasProjection) return null;
  const folders = denseLayers(
    json,
    model.files.map(({ path }) => path),
  );
  if (isOfDim && folders.length === 0) return null;
  if (folders.length === 0) {
    throw new LateralError(
      'model-invalid',
      `${onnx} makes rows of ${made.dim} numbers where the model's are of ${settings.dim}: it lacks the projection, or is another model's. ` +
        'Put 1_Dense/model.safetensors beside it, as PyLate saves it, or export the model with its projection.',
      { details: { file: onnx } },
    );
  }
  const head = await readDenseHead(folders, json, (path) => store.open(model.key, path));
  await keepHead(store, model.key, head);
  return head;
}

/** What a graph makes, by itself; null where there is nothing in it to quantise, or where it is gone. */
async function rowsOf(
  store: ModelStore,
  { key, files }: StoredModel,
  onnx: string,
): Promise<Pick<QuantizePlan, 'dim' | 'hasProjection'> | null> {
  if (!files.some(({ path, state }) => path === onnx && state === 'whole')) return null;
  try {
    return await planStored(store, key, { onnx, minElements: 1 });
  } catch (error) {
    if (error instanceof LateralError && error.details.reason === 'nothing-to-quantize') return null;
    throw error;
  }
}

interface KeptHead {
  readonly path: string;
  readonly dim: number;
  readonly width: number;
}

/** @param dim any, where it is left away */
function keptHead({ derived }: StoredModel, dim?: number): KeptHead | null {
  for (const { path, kind, state, options } of derived) {
    if (kind !== headKind || state !== 'whole' || (dim !== undefined && path !== headPath(dim))) continue;
    return { path, dim: Number(options.dim), width: Number(options.width) };
  }
  return null;
}

async function readKeptHead(store: ModelStore, key: string, { path, dim, width }: KeptHead): Promise<Head> {
  const source = await store.open(key, path);
  const bytes = await source.read(0, source.size);
  return { dim, width, weight: new Float32Array(bytes.buffer) };
}

async function keepHead(store: ModelStore, key: string, { dim, width, weight }: Head): Promise<void> {
  const file = { path: headPath(dim), kind: headKind, options: { dim, width }, replaces: [] };
  await store.writeDerived(key, file, (sink) =>
    sink.append(new Uint8Array(weight.buffer, weight.byteOffset, weight.byteLength)),
  );
}

/** From where the request says that models come from: which is what a page has permitted. */
async function fetchHead(
  parts: PrepareParts,
  { repository, file, tensor }: SafetensorsHead,
  { endpoint, path }: PrepareRequest,
  signal: AbortSignal,
): Promise<Head> {
  const from = sourceOf({
    model: repository,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(path === undefined ? {} : { path }),
  });
  return readHead(await openRemoteFile(from, file, { signal, ...networkOf(parts) }), tensor);
}

/** So that whoever goes on later, after a reload, need not say it again. */
async function rememberWanted(store: ModelStore, model: StoredModel, wanted: Wanted): Promise<void> {
  if (JSON.stringify(model.wanted) === JSON.stringify(wanted)) return;
  await store.work(model.key, async (writer) => {
    const manifest = writer.manifest();
    if (manifest !== null) await writer.save({ ...manifest, wanted: { ...wanted } });
  });
}

const checkPath = 'lateral/check.json';
const headKind = 'head';
const headPath = (dim: number | undefined): string => `lateral/head-${dim ?? 0}.f32`;

interface Checked {
  readonly variant: StoredVariant;
  readonly version: string;
  readonly dims: readonly number[];
  readonly bits: number;
  readonly embeddingBits: number;
}

async function remember(store: ModelStore, key: string, outcome: CheckOutcome, checked: Checked): Promise<void> {
  const { report, device, half, devices, tokensPerSecond, hasRows, selfTest, levels } = outcome;
  const { variant, version, dims, bits, embeddingBits } = checked;
  const passed = report.passed && selfTest !== null;
  const options = {
    ...{ passed, device, half, tokensPerSecond: Math.round(tokensPerSecond) },
    message: report.message.slice(0, 500),
    devices: devices.join(','),
    ...(hasRows && Number.isFinite(report.minCosine) ? { minCosine: report.minCosine } : {}), // JSON has no NaN
    ...{ version, dims: dims.join(','), bits, embeddingBits, onnx: variant.onnx, graph: variant.graph },
    ...{ data: variant.data.join('\n'), oneByOne: variant.oneByOne ?? false, dim: variant.dim ?? 0 },
  };
  const file = { path: checkPath, kind: checkKind, options, replaces: [] };
  await store.writeDerived(key, file, (sink) =>
    sink.append(new TextEncoder().encode(JSON.stringify({ selfTest, levels }))),
  );
}

function dimsOf(known: HubModel | null, { config }: LoadedStoredModel): readonly number[] {
  if (known === null) return [config.dim];
  return known.heads.filter(({ from }) => from === 'graph' || from === 'leading').map(({ dim }) => dim);
}

function requireDim(known: HubModel | null, dim: number | undefined): void {
  if (dim === undefined || known?.heads.some((head) => head.dim === dim) === true) return;
  if (known === null) {
    throw new LateralError(
      'invalid-argument',
      'The dimension of a model that Lateral does not know is its own: leave dim away.',
    );
  }
  const dims = known.heads.map((head) => head.dim).join(', ');
  throw new LateralError('invalid-argument', `${known.id} serves ${dims} dimensions, not ${dim}.`);
}

function isAsWanted(made: Readonly<Record<string, string | number | boolean>>, wanted: Wanted): boolean {
  if (made.oneByOne === true) return true; // quantised by others: it has no bits of ours
  const { bits, embeddingBits } = bitsOf(wanted);
  const dimFits = wanted.dim === undefined || String(made.dims).split(',').map(Number).includes(wanted.dim);
  return dimFits && made.bits === bits && made.embeddingBits === embeddingBits;
}

async function infoOf(store: ModelStore, id: string): Promise<ModelInfo> {
  return catalogue(await store.list()).find((info) => info.id === id)!;
}

const networkOf = ({ retry, fetch }: PrepareParts) => ({
  ...(retry === undefined ? {} : { retry }),
  ...(fetch === undefined ? {} : { fetch }),
});

const estimateOf = ({ estimate }: PrepareParts) => (estimate === undefined ? {} : { estimate });

function defined(values: Readonly<Record<string, number | undefined>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, number] => entry[1] !== undefined),
  );
}

function toProgress({ phase, done, total, current, ...rates }: DownloadProgress): Progress {
  const { etaSeconds } = rates as { readonly etaSeconds?: number };
  return {
    phase: phase === 'checking' ? 'downloading' : phase,
    ...{ done, total, unit: 'bytes' },
    ...(current === undefined ? {} : { current }),
    ...(etaSeconds === undefined ? {} : { etaSeconds }),
  };
}
