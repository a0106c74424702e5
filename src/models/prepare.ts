/**
 * One model from nothing to ready: plan → consent → download → head → quantise → check → the fp32 weights deleted. Every step is
 * resumable by itself, and each looks first at what is there, so that another call goes on wherever the last one ended.
 */
import { LateralError, throwIfAborted } from '../errors.ts';
import type { EncoderDevice, Progress, SelfTestReport } from '../types.ts';
import { catalogue, checkKind, checkOf, idOf, keptEstimate, knownModel, licenceOf, sourceOf } from './catalogue.ts';
import { findModelFiles, type FoundFiles } from './find-files.ts';
import {
  downloadModel,
  hubSource,
  importFolder,
  listFiles,
  openRemoteFile,
  pathSource,
  planDownload,
  type DownloadPlan,
  type DownloadProgress,
  type ModelStore,
  type RetryOptions,
  type StoredModel,
  type WantedFile,
} from './hub.ts';
import type { EstimateStorage } from './hub.ts';
import type { HubModel, SafetensorsHead } from './hub-models.ts';
import { loadStored, quantizedVariant, type LoadedStoredModel, type StoredVariant } from './load-stored.ts';
import { requireMemory } from './memory.ts';
import type { ImportRequest, ModelInfo, ModelPlan, ModelRequest, PrepareRequest } from './model-info.ts';
import { planStored, quantizeStored, type QuantizeStoredOptions } from './quantize-stored.ts';
import { readHead, type Head } from './quantize/safetensors.ts';
import type { SimilarityLevels } from './registry.ts';
import type { SelfTestFile } from './self-test.ts';
import { settingsFiles } from '../colbert/settings.ts';

export interface PrepareParts {
  readonly store: ModelStore;
  /** Runs the model on this device's processors. @throws 'out-of-memory', 'model-invalid' */
  check(model: LoadedStoredModel, subject: CheckSubject, signal: AbortSignal): Promise<CheckOutcome>;
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
  readonly tokensPerSecond: number;
  /** Whether any rows were published to compare with. */
  readonly hasRows: boolean;
  /** Rows of the processor: what each later start is compared with. Null where it did not pass. */
  readonly selfTest: SelfTestFile | null;
  readonly levels: SimilarityLevels | null;
}

/** What `check.json` holds. */
export interface CheckFile {
  readonly selfTest: SelfTestFile;
  readonly levels: SimilarityLevels;
}

interface Calls {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
}

// ── what it would take ──

/** @throws as ModelsApi.plan says */
export async function planModel(parts: PrepareParts, request: ModelRequest, signal: AbortSignal): Promise<ModelPlan> {
  const { plan, known } = await planFiles(parts, request, signal);
  const info = catalogue([]).find(({ id }) => id === known?.id);
  const { totalBytes, presentBytes, bytesFree, fits, seconds, gated } = plan;
  return {
    id: known?.id ?? request.model,
    title: known?.title ?? request.model,
    licence: info?.licence ?? licenceOf(plan.licence),
    ...{ gated, downloadBytes: totalBytes, presentBytes, bytesFree, fits, seconds },
    keptBytes: known === null ? null : keptEstimate(known),
  };
}

interface PlannedFiles {
  readonly plan: DownloadPlan;
  readonly known: HubModel | null;
  readonly onnx: string;
}

async function planFiles(parts: PrepareParts, request: ModelRequest, signal: AbortSignal): Promise<PlannedFiles> {
  const source = sourceOf(request);
  const known = knownModel(request.model);
  const network = { store: parts.store, signal, ...networkOf(parts) };
  const { onnx, files } = known?.onnx ? knownFiles(known) : chosenFiles(await listed(known));
  const derivedBytes = known === null ? 0 : keptEstimate(known);
  const plan = await planDownload(source, { ...network, files, derivedBytes, ...estimateOf(parts) });
  return { plan, known, onnx };

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

function knownFiles({ onnx }: HubModel): { readonly onnx: string; readonly files: WantedFile[] } {
  const { file, data } = onnx!;
  const optional = ['tokenizer_config.json', 'special_tokens_map.json', 'config.json', ...settingsPaths];
  return {
    onnx: file,
    files: [file, ...data, 'tokenizer.json', ...optional.map((path) => ({ path, optional: true }))],
  };
}

function chosenFiles(found: FoundFiles): { readonly onnx: string; readonly files: WantedFile[] } {
  const { onnx, data, tokenizer, settings } = found;
  return { onnx, files: [onnx, ...data, ...tokenizer, ...settings, { path: 'config.json', optional: true }] };
}

// ── from nothing to ready ──

/** @throws as ModelsApi.prepare says */
export async function prepareModel(parts: PrepareParts, request: PrepareRequest, calls: Calls): Promise<ModelInfo> {
  const known = knownModel(request.model);
  const id = known?.id ?? request.model;
  if (known?.onnx === null && known.instead !== undefined && request.revision === undefined) {
    throw new LateralError('model-unavailable', known.instead, { details: { model: id } });
  }
  requireDim(known, request.dim);
  let model = await storedModel(parts.store, id);
  if (model === null || !model.complete || changesRevision(model, request)) {
    model = await download(parts, request, known, calls);
  }
  return finish(parts, model, request, calls);
}

/** @throws as ModelsApi.importFolder says */
export async function importModel(
  parts: PrepareParts,
  { name, files, bits }: ImportRequest,
  calls: Calls,
): Promise<ModelInfo> {
  const model = await importFolder(files, {
    ...{ store: parts.store, name, signal: calls.signal },
    ...estimateOf(parts),
    wanted: bits === undefined ? {} : { bits },
    onProgress: (done, total) => calls.onProgress({ phase: 'copying', done, total, unit: 'bytes' }),
  });
  return finish(parts, model, { model: idOf(model) }, calls);
}

/** The stored model of an id: one that is ready, else the one used last. */
export async function storedModel(store: ModelStore, id: string): Promise<StoredModel | null> {
  const models = (await store.list()).filter((model) => idOf(model) === id);
  return models.find((model) => checkOf(model)?.options.passed === true) ?? models[0] ?? null;
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
  // What Lateral knows of a licence counts also where the server says nothing of it.
  const conditions = known?.card.licence.nonCommercial === true;
  const licence =
    plan.licence ??
    (known === null ? null : { id: known.card.licence.name.toLowerCase(), url: known.card.licence.url, conditions });
  const asked = conditions && licence !== null ? { ...licence, conditions } : licence;
  const { dim, bits, embeddingBits } = request;
  return downloadModel(
    { ...plan, licence: asked },
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
  const wanted = { ...before.wanted, ...defined({ dim: request.dim, bits: request.bits }) };
  const settings = {
    bits: wanted.bits === 8 ? 8 : 4,
    embeddingBits: (request.embeddingBits ?? wanted.embeddingBits ?? wanted.bits) === 8 ? 8 : 4,
  } as const;
  const passed = checkOf(before);
  if (passed?.options.passed === true && isAsWanted(passed.options, wanted, request)) return infoOf(store, id);

  const onnx =
    known?.onnx?.file ?? findModelFiles(before.files.map(({ path, size }) => ({ path, size: size ?? 0 }))).onnx;
  const head = await headOf(parts, before, known, wanted.dim, request, calls.signal);
  const variant =
    known?.onnx?.weights === 'int8'
      ? asItIs(before, onnx)
      : await quantized(parts, before, { onnx, ...settings, ...(head === null ? {} : { head }) }, calls);
  throwIfAborted(calls.signal);

  calls.onProgress({ phase: 'checking', done: 0, total: 1, unit: 'turns' });
  const model = (await store.get(key))!;
  const version = versionOf(model, variant);
  const loaded = await loadStored(store, key, variant, known);
  const dims = head === null ? dimsOf(known, loaded) : [head.dim];
  const hasLargestDim = head === null || head.dim === known?.heads[0]?.dim;
  const name = `${id}@${version}`;
  const outcome = await parts.check(loaded, { id, name, hasLargestDim, strict: known !== null }, calls.signal);
  await remember(store, key, outcome, { variant, version, dims, ...settings });
  calls.onProgress({ phase: 'checking', done: 1, total: 1, unit: 'turns' });
  if (!outcome.report.passed || outcome.selfTest === null) {
    throw new LateralError(
      'self-test-failed',
      `${id} does not give the right numbers on this device. ${outcome.report.message}`,
      { details: { model: id, minCosine: outcome.report.minCosine } },
    );
  }
  if (model.derived.some(({ path }) => path === variant.graph)) await store.removeReplaced(key);
  return infoOf(store, id);
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
  tell(0, 1);
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
  const path = `lateral/head-${dim}.f32`;
  const kept = model.derived.find((file) => file.path === path && file.state === 'whole');
  if (kept !== undefined) {
    const source = await store.open(model.key, path);
    const bytes = await source.read(0, source.size);
    return { dim: dim!, width: Number(kept.options.width), weight: new Float32Array(bytes.buffer) };
  }
  const head = await fetchHead(parts, model, from, request, signal);
  if (head.dim !== dim) {
    throw new LateralError('model-invalid', `${from.repository} has a layer of ${head.dim} dimensions, not ${dim}.`, {
      details: { file: from.file },
    });
  }
  const options = { dim: head.dim, width: head.width };
  await store.writeDerived(model.key, { path, kind: 'head', options, replaces: [] }, (sink) =>
    sink.append(new Uint8Array(head.weight.buffer, head.weight.byteOffset, head.weight.byteLength)),
  );
  return head;
}

async function fetchHead(
  parts: PrepareParts,
  { source }: StoredModel,
  { repository, file, tensor }: SafetensorsHead,
  request: PrepareRequest,
  signal: AbortSignal,
): Promise<Head> {
  const from =
    source.kind === 'hub'
      ? hubSource(repository, 'main', request.endpoint ?? source.endpoint)
      : sourceOf({ ...request, model: repository });
  const remote = from.kind === 'path' ? pathSource(from.baseUrl) : from;
  return readHead(await openRemoteFile(remote, file, { signal, ...networkOf(parts) }), tensor);
}

interface Checked {
  readonly variant: StoredVariant;
  readonly version: string;
  readonly dims: readonly number[];
  readonly bits: number;
  readonly embeddingBits: number;
}

async function remember(store: ModelStore, key: string, outcome: CheckOutcome, checked: Checked): Promise<void> {
  const { report, device, tokensPerSecond, hasRows, selfTest, levels } = outcome;
  const { variant, version, dims, bits, embeddingBits } = checked;
  const passed = report.passed && selfTest !== null;
  const options = {
    ...{ passed, device, tokensPerSecond: Math.round(tokensPerSecond), message: report.message.slice(0, 500) },
    ...(hasRows ? { minCosine: report.minCosine } : {}),
    ...{ version, dims: dims.join(','), bits, embeddingBits, onnx: variant.onnx, graph: variant.graph },
    ...{ data: variant.data.join('\n'), oneByOne: variant.oneByOne ?? false, dim: variant.dim ?? 0 },
  };
  const file = { path: 'lateral/check.json', kind: checkKind, options, replaces: [] };
  await store.writeDerived(key, file, (sink) =>
    sink.append(new TextEncoder().encode(JSON.stringify({ selfTest, levels }))),
  );
}

/** Eight digits of what the rows are made by: equal for equal files, wherever they were quantised. */
function versionOf({ files, derived }: StoredModel, { graph, data }: StoredVariant): string {
  const digestOf = (path: string): string =>
    [...derived, ...files].find((file) => file.path === path && file.sha256 !== null)?.sha256 ?? '';
  const digits = [graph, ...data].map((path) => Number.parseInt(digestOf(path).slice(0, 8), 16) || 0);
  return digits
    .reduce((all, one) => (Math.imul(all, 31) + one) >>> 0, 7)
    .toString(16)
    .padStart(8, '0');
}

function dimsOf(known: HubModel | null, { config }: LoadedStoredModel): readonly number[] {
  if (known === null) return [config.dim];
  return known.heads.filter(({ from }) => from === 'graph' || from === 'leading').map(({ dim }) => dim);
}

function requireDim(known: HubModel | null, dim: number | undefined): void {
  if (dim === undefined || known === null || known.heads.some((head) => head.dim === dim)) return;
  const dims = known.heads.map((head) => head.dim).join(', ');
  throw new LateralError('invalid-argument', `${known.id} serves ${dims} dimensions, not ${dim}.`);
}

function changesRevision({ requested }: StoredModel, { revision }: PrepareRequest): boolean {
  return revision !== undefined && requested !== '' && requested !== revision;
}

function isAsWanted(
  { dims, bits }: Readonly<Record<string, string | number | boolean>>,
  wanted: Readonly<Record<string, number>>,
  request: PrepareRequest,
): boolean {
  const dimFits = wanted.dim === undefined || String(dims).split(',').map(Number).includes(wanted.dim);
  return dimFits && (request.bits === undefined || request.bits === bits);
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

function toProgress({ phase, done, total, current, retry, ...rates }: DownloadProgress): Progress {
  const { etaSeconds } = rates as { readonly etaSeconds?: number };
  return {
    phase: phase === 'checking' ? 'downloading' : phase,
    ...{ done, total, unit: 'bytes' },
    ...(current === undefined ? {} : { current }),
    ...(etaSeconds === undefined ? {} : { etaSeconds }),
    ...(retry === undefined ? {} : {}),
  };
}
