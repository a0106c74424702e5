/** What the Models page shows, computed: the order of cards, how far a preparation is, what fits. Pure. */
import type {
  DocumentInput,
  ErrorCode,
  ImportRequest,
  IndexStats,
  ModelCheck,
  ModelInfo,
  ModelLicence,
  ModelPlan,
  Progress,
} from '../../index.ts';
import type { Preparation } from './preparer.ts';
import type { ModelProblem } from './words.ts';

export const builtInModel = 'lateral-mini';

export interface Shelves {
  /** In use, ready, begun, then those that one can get. */
  readonly offered: readonly ModelInfo[];
  /** Those that cannot be had. */
  readonly without: readonly ModelInfo[];
}

/** @param inUse id of the model that is open, or null */
export function shelves(list: readonly ModelInfo[], inUse: string | null): Shelves {
  const rank = ({ id, state }: ModelInfo): number => {
    if (id === inUse) return 0;
    if (state === 'ready') return 1;
    return state === 'absent' ? 3 : 2;
  };
  const offered = list.filter((model) => !cannotBeHad(model));
  return {
    offered: offered
      .map((model, at) => ({ model, at }))
      .sort((a, b) => rank(a.model) - rank(b.model) || a.at - b.at)
      .map(({ model }) => model),
    without: list.filter(cannotBeHad),
  };
}

export const cannotBeHad = ({ instead, state }: Pick<ModelInfo, 'instead' | 'state'>): boolean =>
  instead !== '' && state === 'absent';

/** What each step takes of the whole, about: so that the bar goes one way. */
const steps = {
  download: { downloading: [0, 0.65], retrying: [0, 0.65], quantizing: [0.65, 0.8], checking: [0.8, 1] },
  folder: { copying: [0, 0.25], quantizing: [0.25, 0.6], checking: [0.6, 1] },
  check: { checking: [0, 1] },
} as const satisfies Record<string, Partial<Record<Progress['phase'], readonly [number, number]>>>;
export type PreparationKind = keyof typeof steps;

/** 0 to 1. */
export function shareOfPreparing(kind: PreparationKind, progress: Progress | null): number {
  if (progress === null) return 0;
  const parts: Partial<Record<Progress['phase'], readonly [number, number]>> = steps[kind];
  const [from, to] = parts[progress.phase] ?? [0, 0];
  const within = progress.total > 0 ? Math.min(1, progress.done / progress.total) : 0;
  return from + (to - from) * within;
}

/** 0 to 1: of the documents, nearly all of it; the change itself is short. */
export function shareOfSwitch(progress: Progress | null): number {
  if (progress === null || progress.phase === 'waiting' || progress.phase === 'loading-model') return 0;
  if (isChangingOver(progress)) return 1;
  const { done, total, current } = progress;
  const within = current === undefined || current.total === 0 ? 0 : Math.min(1, current.done / current.total);
  return total === 0 ? 0 : Math.min(1, (done + within) / total);
}

/** From then on there is no way back. */
export const isChangingOver = (progress: Progress | null): boolean => progress?.phase === 'switching';

/** Bytes that it takes until it has been made smaller; null where that is not known. */
export function roomNeeded({
  downloadBytes,
  presentBytes,
  keptBytes,
}: Pick<ModelInfo, 'downloadBytes' | 'presentBytes' | 'keptBytes'>): number | null {
  if (downloadBytes === null) return null;
  return Math.max(0, downloadBytes - presentBytes) + (keptBytes ?? 0);
}

/** What the browser still allows; null where it does not tell. */
export function freeBytes(stats: Pick<IndexStats, 'usageBytes' | 'quotaBytes'> | null): number | null {
  const quota = stats?.quotaBytes ?? null;
  return quota === null ? null : Math.max(0, quota - (stats?.usageBytes ?? 0));
}

/** Words of a text per token, about: of English three quarters, of other languages fewer. */
const wordsPerToken = 0.7;

/** As people count, to two digits; null where it was not measured. */
export function wordsPerSecond(check: Pick<ModelCheck, 'tokensPerSecond'>): number | null {
  const rate = check.tokensPerSecond * wordsPerToken;
  return rate >= 1 && Number.isFinite(rate) ? Number(rate.toPrecision(rate < 100 ? 1 : 2)) : null;
}

/** What was measured of it: when it was checked; of the one that comes with Lateral, where it was in use. */
export function speedOf({ id, check }: Pick<ModelInfo, 'id' | 'check'>, builtInSpeed: Speed | null): Speed | null {
  return check?.passed === true ? check : id === builtInModel ? builtInSpeed : null;
}

export type Speed = Pick<ModelCheck, 'device' | 'tokensPerSecond'>;

/** How long documents that are here take to be read by another model; null where its speed is not known. */
export function rereadingSeconds(
  stats: { readonly tokens: number; readonly fingerprint: Pick<IndexStats['fingerprint'], 'poolFactor'> } | null,
  tokensPerSecond: number | null,
): number | null {
  if (stats === null || tokensPerSecond === null || tokensPerSecond <= 0) return null;
  return (stats.tokens * stats.fingerprint.poolFactor) / tokensPerSecond;
}

const builtInDims = [128, 96, 64];

/** Dimensions that documents can be kept with by the model in use, largest first: none that another head would be needed for. */
export function dimsOffered(list: readonly ModelInfo[] | null, inUse: string, present: number): readonly number[] {
  const listed = list?.find(({ id, state }) => id === inUse && state === 'ready')?.dims ?? [];
  const own = listed.length > 0 ? listed : inUse === builtInModel ? builtInDims : [];
  return [...new Set([...own, present])].sort((a, b) => b - a);
}

/** Whether what was dropped or picked is a model: a folder's tokenizer.json or config.json with an ONNX file. What it lacks is said then. */
export function isModelFolder(inputs: readonly DocumentInput[]): boolean {
  const names = inputs.map(({ name }) => name.toLowerCase());
  return modelJson.some((name) => names.includes(name)) && names.some((name) => name.endsWith('.onnx'));
}

/** Exporters leave config.json out at times; who lacks tokenizer.json should hear of it. */
const modelJson: readonly string[] = ['tokenizer.json', 'config.json'];

/** The folder as `importFolder` takes it, named as it is on the disk. */
export function toImport(inputs: readonly DocumentInput[]): ImportRequest {
  const files = inputs.flatMap(({ name, path, content }) =>
    content instanceof Blob
      ? [{ path: path === undefined || path === '' ? name : `${path}/${name}`, blob: content }]
      : [],
  );
  const own = files
    .map(({ path }) => path.split('/'))
    .filter((parts) => modelJson.includes(parts.at(-1)!.toLowerCase()));
  const nearest = own.sort((a, b) => a.length - b.length)[0] ?? [];
  return { name: nearest.at(-2) ?? 'model', files };
}

/** Whom a download asks first, by name. @param here the page's own host */
export function hostOf({ endpoint, path }: { readonly endpoint: string; readonly path: string }, here: URL): string {
  const address = path === '' ? (endpoint === '' ? defaultHub : endpoint) : path;
  try {
    return new URL(address, here).host;
  } catch {
    return address;
  }
}

export const defaultHub = 'https://huggingface.co';

/** What a person can do about a failure, the likeliest first. */
export type WayOn = 'continue' | 'again' | 'check' | 'storage' | 'folder' | 'consent' | 'reload';

/**
 * @param here whether anything of the model is
 * @param serves whether a model of its name is ready, which then stays
 */
export function waysOn(code: ErrorCode, here: boolean, serves = false): readonly WayOn[] {
  switch (code) {
    case 'storage-full':
      return ['storage', here ? 'continue' : 'again'];
    case 'download-refused':
    case 'host-blocked':
      return ['folder'];
    case 'consent-required':
      return ['consent'];
    case 'worker-failed':
    case 'reload-needed':
      return ['reload'];
    case 'not-finite':
    case 'self-test-failed':
      return serves ? [] : ['check'];
    case 'model-invalid':
    case 'storage-corrupt':
    case 'storage-unavailable':
    case 'invalid-argument':
      return [];
    default:
      return [here ? 'continue' : 'again'];
  }
}

/** Whether it is an import that ended early, with none of its name to be used meanwhile. */
export const isInterrupted = ({ state, interrupted }: Pick<ModelInfo, 'state' | 'interrupted'>): boolean =>
  interrupted !== null && state !== 'ready';

/** Whether going on with it takes its folder once more. */
export function needsFolder(
  { state, interrupted }: Pick<ModelInfo, 'state' | 'interrupted'>,
  preparation: Pick<Preparation, 'kind'> | null,
): boolean {
  if (preparation?.kind === 'check' && state === 'ready') return false; // it is of the one that is here
  if (interrupted !== null) return !interrupted.complete;
  return preparation?.kind === 'folder' && state !== 'failed';
}

const failedHere: ModelProblem = { code: 'self-test-failed', message: '', details: {} };

/** What is wrong with it: in this page, or by an earlier check; null where nothing is. */
export const problemOfCard = ({ state }: ModelInfo, preparation: Preparation | null): ModelProblem | null =>
  preparation === null && state === 'failed' ? failedHere : (preparation?.problem ?? null);

/** What the dialog before a download shows: of a model in the list, or of a repository that was looked up. */
export type Offer = Pick<
  ModelInfo,
  'id' | 'title' | 'repository' | 'licence' | 'downloadBytes' | 'presentBytes' | 'keptBytes' | 'dims'
> & {
  readonly gated: boolean;
  readonly seconds: number | null;
  /** Null where the browser does not tell. */
  readonly bytesFree: number | null;
};

export const offerOf = (model: ModelInfo, bytesFree: number | null): Offer => ({
  ...model,
  gated: false,
  seconds: null,
  bytesFree,
});

/** @param known what Lateral knows of it, where it does */
export const offerOfPlan = (plan: ModelPlan, known: ModelInfo | undefined): Offer => ({
  ...plan,
  repository: known?.repository ?? plan.id,
  dims: known?.dims ?? [],
});

/** Which terms a person agrees to before the download, or 'none'. */
export function termsOf(licence: ModelLicence | null): 'none' | 'non-commercial' | 'conditions' | 'unknown' {
  if (licence === null || (licence.name === '' && !licence.nonCommercial)) return 'unknown';
  if (licence.nonCommercial) return 'non-commercial';
  return licence.conditions ? 'conditions' : 'none';
}

/** A card for what is on its way and in no list yet. */
export const unlisted = ({ model, title, kind }: Pick<Preparation, 'model' | 'title' | 'kind'>): ModelInfo => ({
  ...{ id: model, title, origin: kind === 'folder' ? 'folder' : 'repository', state: 'absent' },
  repository: kind === 'folder' ? null : model,
  ...{ licence: null, languages: null, parameters: null, quality: [], dims: [] },
  ...{ downloadBytes: null, presentBytes: 0, keptBytes: null, memoryBytes: null, instead: '', unsure: [], check: null },
  ...{ revision: null, interrupted: null },
});
