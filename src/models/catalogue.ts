/**
 * The models that there are: the embedded one, those that Lateral knows, and others that are in the store. Which stored model is
 * which known one; what its files say of how far it is.
 */
import { LateralError } from '../errors.ts';
import { connectSources, defaultEndpoint, hubSource, pathSource, type RemoteSource } from './hub/source.ts';
import { hubModels, type HubModel } from './hub-models.ts';
import type { StoredDerived, StoredModel } from './kept/describe.ts';
import type { Licence } from './kept/manifest.ts';
import type { ModelStore } from './kept/model-store.ts';
import { repositoryOf } from './find-files.ts';
import { loadingMemory } from './memory.ts';
import type {
  InterruptedImport,
  ModelCheck,
  ModelInfo,
  ModelLicence,
  ModelOrigin,
  ModelRequest,
  ModelState,
} from './model-info.ts';
import { models, type EmbeddedModel } from './registry.ts';

/** Of a derived file: that it says what a check said. */
export const checkKind = 'check';

/** A model's id in this list, by where its files came from. */
export function idOf({ source }: Pick<StoredModel, 'source'>): string {
  switch (source.kind) {
    case 'folder':
      return `folder:${source.name}`;
    case 'hub':
      return hubModels.find(({ repository }) => repository === source.repo)?.id ?? source.repo;
    case 'path': {
      const repository = source.baseUrl.split('/').slice(-3, -1).join('/');
      return hubModels.find((known) => known.repository === repository)?.id ?? repository;
    }
  }
}

/** Whether its files came as a folder. */
export const isImport = (id: string): boolean => id.startsWith('folder:');

export function folderNeeded(id: string): LateralError {
  return new LateralError(
    'invalid-argument',
    `${id.slice('folder:'.length)} came as a folder, and not all that this needs is here any more. Drop its folder again.`,
  );
}

/** The id of `list` for any way to write it: an id, owner/name, the address of a repository. @throws 'invalid-argument' */
export function canonicalId(text: string): string {
  if (isImport(text) || models.some(({ id }) => id === text)) return text;
  const known = knownModel(text);
  if (known !== null) return known.id;
  if (!text.includes('/')) {
    const ids = [...models, ...hubModels].map(({ id }) => id).join(', ');
    throw new LateralError('invalid-argument', `There is no model "${text}". Known: ${ids}; or write owner/name.`);
  }
  const repository = repositoryOf(text);
  return knownModel(repository)?.id ?? repository;
}

/** The known model of this id or repository, or null. */
export function knownModel(id: string): HubModel | null {
  return hubModels.find((model) => model.id === id || model.repository === id) ?? null;
}

/**
 * Where a request's files are.
 * @throws 'invalid-argument' for a model of no hub, an id that is neither known nor owner/name, or an address that cannot be one
 */
export function sourceOf({ model, revision, endpoint = defaultEndpoint, path }: ModelRequest): RemoteSource {
  if (isImport(model)) throw folderNeeded(model);
  if (models.some(({ id }) => id === model)) {
    throw new LateralError('invalid-argument', `${model} comes with Lateral: there is nothing to download.`);
  }
  const id = canonicalId(model);
  const known = knownModel(id);
  const repository = known?.repository ?? id;
  if (path === undefined || path === '') return hubSource(repository, revision ?? known?.revision, endpoint);
  return pathSource(`${path.replace(/\/+$/, '')}/${repository}`, originHere());
}

/** What a download will ask, as sources of a content security policy. @throws as `sourceOf` */
export function originsOf(request: ModelRequest): readonly string[] {
  return connectSources(sourceOf(request));
}

/** The same, for settings that are not a request yet. @throws 'invalid-argument' for an address that cannot be one */
export function checkOrigin({ endpoint = defaultEndpoint, path }: ModelOrigin): void {
  if (path === undefined || path === '') hubSource('owner/name', 'main', endpoint);
  else pathSource(path, originHere());
}

export function catalogue(stored: readonly StoredModel[]): ModelInfo[] {
  const byId = new Map<string, StoredModel[]>();
  for (const model of stored) byId.set(idOf(model), [...(byId.get(idOf(model)) ?? []), model]);
  const known = hubModels.map((model) => describeKnown(model, preferred(byId.get(model.id) ?? [])));
  const others = [...byId].filter(([id]) => hubModels.every((model) => model.id !== id));
  return [...models.map(describeEmbedded), ...known, ...others.map(([id, models]) => describeOther(id, models))];
}

/** The stored model of an id: of a version, if it is here; one that is ready; else the one used last. */
export async function storedModel(
  store: ModelStore,
  id: string,
  revision?: string,
  version?: string,
): Promise<StoredModel | null> {
  const isMeant = ({ source, requested }: StoredModel): boolean =>
    revision === undefined || source.kind !== 'hub' || requested === revision || source.revision === revision;
  const models = (await store.list()).filter((model) => idOf(model) === id && isMeant(model));
  return models.find((model) => isReady(model) && checkOf(model)?.options.version === version) ?? preferred(models);
}

/** Of several of one id the one that can be used; of these a folder's later import, else the one that was used last (the store's order). */
function preferred(models: readonly StoredModel[]): StoredModel | null {
  const order = [...models].sort((a, b) => (a.source.kind === 'folder' ? b.addedAt - a.addedAt : 0));
  return order.find(isReady) ?? order[0] ?? null;
}

/** What is kept under a folder's name. */
export interface Imports {
  /** The one that is used; null where none can be. */
  readonly ready: StoredModel | null;
  /** The import that is not ready yet, and would take its place; null where there is none. */
  readonly begun: StoredModel | null;
  /** What `ready` has taken the place of; none without it: one that failed its check may pass another. */
  readonly replaced: readonly StoredModel[];
}

export function importsOf(models: readonly StoredModel[]): Imports {
  const best = preferred(models);
  const ready = best !== null && isReady(best) ? best : null;
  const begun = preferred(models.filter((model) => !isReady(model) && model.addedAt > (ready?.addedAt ?? -1)));
  const replaced = ready === null ? [] : models.filter((model) => model !== ready && model !== begun);
  return { ready, begun, replaced };
}

/** The check of a model that has one, with the files that it is of. */
export function checkOf(model: StoredModel): StoredDerived | null {
  const whole = new Set(
    [...model.derived, ...model.files].flatMap(({ path, state }) => (state === 'whole' ? path : [])),
  );
  const checks = model.derived.filter(
    ({ kind, path, options }) =>
      kind === checkKind &&
      [path, String(options.graph), ...String(options.data).split('\n').filter(Boolean)].every((one) => whole.has(one)),
  );
  return checks.sort((a, b) => b.madeAt - a.madeAt)[0] ?? null;
}

function describeEmbedded(entry: EmbeddedModel): ModelInfo {
  const { bytes } = entry;
  return {
    id: entry.id,
    title: entry.title,
    origin: 'built-in',
    repository: null,
    licence: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0', ...free },
    languages: entry.languages,
    parameters: entry.parameters,
    quality: [],
    dims: entry.dims,
    state: 'ready',
    ...{ downloadBytes: 0, presentBytes: bytes, keptBytes: bytes, memoryBytes: loadingMemory(bytes) },
    ...{ instead: '', unsure: [], check: null, revision: null, interrupted: null },
  };
}

const free = { conditions: false, nonCommercial: false };

function describeKnown(known: HubModel, model: StoredModel | null): ModelInfo {
  const { licence, languages, parameters, quality } = known.card;
  const { name, url, nonCommercial } = licence;
  const state = model === null ? 'absent' : stateOf(model);
  const keptBytes = model !== null && state === 'ready' ? keptBytesOf(model) : keptEstimate(known);
  return {
    id: known.id,
    title: known.title,
    origin: 'known',
    repository: known.repository,
    licence: { name, url, nonCommercial, conditions: nonCommercial },
    ...{ languages, parameters, quality },
    dims: dimsOf(model) ?? known.heads.map(({ dim }) => dim),
    state,
    downloadBytes: known.onnx?.downloadBytes ?? null,
    presentBytes: model === null ? 0 : presentBytes(model),
    keptBytes,
    memoryBytes: loadingMemory(keptBytes),
    instead: model === null ? (known.instead ?? '') : '',
    unsure: known.unsure,
    check: model === null ? null : readCheck(model),
    revision: model === null ? null : revisionOf(model),
    interrupted: null,
  };
}

function describeOther(id: string, models: readonly StoredModel[]): ModelInfo {
  const model = preferred(models)!;
  const { source } = model;
  const sizes = model.files.map(({ size }) => size ?? 0);
  return {
    id,
    title: source.kind === 'folder' ? source.name : id,
    origin: source.kind === 'folder' ? 'folder' : 'repository',
    repository: source.kind === 'folder' ? null : id,
    licence: licenceOf(model.licence),
    ...{ languages: null, parameters: null, quality: [] },
    dims: dimsOf(model) ?? [],
    state: stateOf(model),
    downloadBytes: source.kind === 'folder' ? 0 : sizes.reduce((sum, size) => sum + size, 0),
    presentBytes: presentBytes(model),
    keptBytes: keptBytesOf(model),
    memoryBytes: stateOf(model) === 'ready' ? loadingMemory(keptBytesOf(model)) : null,
    ...{ instead: '', unsure: [] },
    check: readCheck(model),
    revision: revisionOf(model),
    interrupted: source.kind === 'folder' ? interruptedOf(importsOf(models)) : null,
  };
}

/** One that failed its check was not interrupted. */
function interruptedOf({ begun }: Imports): InterruptedImport | null {
  if (begun === null || stateOf(begun) === 'failed') return null;
  const totalBytes = begun.files.reduce((sum, { size }) => sum + (size ?? 0), 0);
  const wholeBytes = begun.files.reduce((sum, { state, bytes }) => sum + (state === 'whole' ? bytes : 0), 0);
  return { presentBytes: wholeBytes, totalBytes, complete: begun.complete };
}

function revisionOf({ source }: StoredModel): string | null {
  return source.kind === 'hub' ? source.revision : null;
}

/** What a hub says of a known model's licence and what Lateral knows of it, as one: the hub's name, where it has one; either's conditions. */
export function licenceFor(known: HubModel | null, said: Licence | null): Licence | null {
  if (known === null) return said;
  const { name, url, nonCommercial } = known.card.licence;
  if (said === null || said.id === '') return { id: name.toLowerCase(), url, conditions: nonCommercial };
  return { ...said, conditions: said.conditions || nonCommercial };
}

/** As the hub names it. */
export function licenceOf(licence: Licence | null): ModelLicence | null {
  if (licence === null) return null;
  const nonCommercial = /(^|-)(nc|noncommercial|non-commercial)(-|$)/.test(licence.id);
  return { name: licence.id, url: licence.url, conditions: licence.conditions, nonCommercial };
}

/** Bytes that stay: at 4 bits with a scale of 32 bits for each 32 values; what is quantised already stays as it is. */
export function keptEstimate({ onnx, card }: Pick<HubModel, 'onnx' | 'card'>): number {
  return onnx?.weights === 'int8' ? onnx.downloadBytes : Math.round(card.parameters * 0.63);
}

const isReady = (model: StoredModel): boolean => checkOf(model)?.options.passed === true;

function stateOf(model: StoredModel): ModelState {
  if (isReady(model)) return 'ready';
  if (!model.complete) return 'partial';
  return checkOf(model) === null ? 'unfinished' : 'failed';
}

/** Without the store's own records, which vary. */
function keptBytesOf({ files, derived }: StoredModel): number {
  return [...files, ...derived].reduce((sum, { bytes }) => sum + bytes, 0);
}

/** Of the download: whole files count as such also once they are replaced. */
function presentBytes({ files }: StoredModel): number {
  return files.reduce((sum, { size, bytes, state }) => sum + (state === 'replaced' ? (size ?? 0) : bytes), 0);
}

function dimsOf(model: StoredModel | null): readonly number[] | null {
  const dims = model === null ? undefined : checkOf(model)?.options.dims;
  return typeof dims === 'string' ? dims.split(',').map(Number) : null;
}

function readCheck(model: StoredModel): ModelCheck | null {
  const check = checkOf(model);
  if (check === null) return null;
  const { passed, device, half, minCosine, tokensPerSecond, message } = check.options;
  return {
    passed: passed === true,
    device: device === 'webgpu' || device === 'native' ? device : 'wasm',
    half: half === true,
    minCosine: typeof minCosine === 'number' ? minCosine : null,
    tokensPerSecond: Number(tokensPerSecond ?? 0),
    checkedAt: check.madeAt,
    message: String(message ?? ''),
  };
}

/** Of pages and workers; Node has none. */
function originHere(): string | undefined {
  return (globalThis as { location?: { origin?: string } }).location?.origin;
}
