/** What a download would take, before its first byte: which files, how many bytes, whether there is room, whose terms. */
import { LateralError } from '../../errors.ts';
import type { StoredModel } from '../kept/describe.ts';
import type { Licence } from '../kept/manifest.ts';
import type { ModelStore } from '../kept/model-store.ts';
import { modelKey } from '../kept/names.ts';
import { platform } from '../platform.ts';
import { probeFile, readRepository, readTree, type ListedFile, type Repository } from './hub-api.ts';
import type { RequestOptions } from './request.ts';
import { defaultRetry, type RetryOptions } from './retry.ts';
import { checkPath, type HubSource, type PathSource, type RemoteSource } from './source.ts';

/** A file's path in the repository. */
export type WantedFile =
  | string
  | {
      readonly path: string;
      /** Left out where the source has none. */
      readonly optional?: boolean;
      /** SHA-256 that Lateral itself knows, lower-case hex: goes before what the source says. */
      readonly sha256?: string;
    };

export interface NetworkOptions {
  readonly signal?: AbortSignal | undefined;
  readonly retry?: RetryOptions;
  readonly fetch?: typeof fetch;
}

export interface PlanOptions extends NetworkOptions {
  readonly store: ModelStore;
  readonly files: readonly WantedFile[];
  /** Bytes that will be made of the downloaded files afterwards. */
  readonly derivedBytes?: number;
  /** Default: the browser's. */
  readonly estimate?: EstimateStorage;
  /** As measured by an earlier download. Default: what the browser says of the connection, where it does. */
  readonly bytesPerSecond?: number;
}

export type EstimateStorage = () => Promise<StorageEstimate | null>;

export interface DownloadPlan {
  /** The model's key in the store. */
  readonly key: string;
  /** Pinned to a commit. */
  readonly source: RemoteSource;
  /** The revision that was asked for; '' where there are none. */
  readonly requested: string;
  /** Null where the source says nothing of it. */
  readonly licence: Licence | null;
  /** Whether the hub sends the files only to accounts that agreed to terms: then it will refuse. */
  readonly gated: boolean;
  /** Small ones first. */
  readonly files: readonly ListedFile[];
  /** Files of which no length is known yet; they count as nothing below. */
  readonly unknownSizes: number;
  readonly totalBytes: number;
  /** Of them, what is here. */
  readonly presentBytes: number;
  readonly bytesToFetch: number;
  /** Room on disk: what is fetched and what is made of it. */
  readonly bytesNeeded: number;
  /** Null where the browser does not tell. */
  readonly bytesFree: number | null;
  /** Whether there is room, as far as the browser tells. */
  readonly fits: boolean;
  /** Null where nothing is known of the connection. */
  readonly seconds: number | null;
}

/**
 * Asks the source what it has. Nothing of the model is fetched.
 * @throws 'model-unavailable' where the model or one of the files is not there, or the address is no hub's;
 *   'model-invalid' where the source has another file than Lateral knows; 'download-refused', 'download-interrupted',
 *   'aborted', and what the store throws
 */
export async function planDownload(source: RemoteSource, options: PlanOptions): Promise<DownloadPlan> {
  const network = requestOptions(options);
  const described = await (source.kind === 'hub'
    ? describeHub(source, options, network)
    : describePath(source, options, network));
  const files = [...described.files].sort((a, b) => (a.size ?? 0) - (b.size ?? 0));
  const key = modelKey(described.source);
  const stored = await options.store.get(key);
  const totalBytes = files.reduce((sum, file) => sum + (file.size ?? 0), 0);
  const presentBytes = files.reduce((sum, file) => sum + bytesPresent(file, stored), 0);
  const bytesToFetch = totalBytes - presentBytes;
  const bytesNeeded = bytesToFetch + (options.derivedBytes ?? 0);
  const bytesFree = await freeBytes(options.estimate);
  const rate = options.bytesPerSecond ?? connectionRate();
  return {
    key,
    source: described.source,
    requested: source.kind === 'hub' ? source.revision : '',
    licence: described.licence,
    gated: described.gated,
    files,
    unknownSizes: files.filter(({ size }) => size === null).length,
    totalBytes,
    presentBytes,
    bytesToFetch,
    bytesNeeded,
    bytesFree,
    fits: bytesFree === null || bytesNeeded <= bytesFree,
    seconds: rate === null ? null : bytesToFetch / rate,
  };
}

/**
 * What a repository of a hub has, to choose from.
 * @returns files of the commit that the revision means now; those of unknown size count as empty
 * @throws as `planDownload` does; 'invalid-argument' for a path of plain files, which lists none
 */
export async function listFiles(
  source: RemoteSource,
  options: NetworkOptions & Pick<PlanOptions, 'store'>,
): Promise<readonly { readonly path: string; readonly size: number }[]> {
  if (source.kind === 'path') {
    throw new LateralError(
      'invalid-argument',
      `${source.baseUrl} is a folder of plain files, which cannot be listed. Give a model that Lateral knows, or drop its folder.`,
    );
  }
  const network = requestOptions(options);
  const { commit } = await resolve(source, options.store, network);
  const tree = await readTree({ ...source, revision: commit }, network);
  return [...tree.values()].map(({ path, size }) => ({ path, size: size ?? 0 }));
}

export function requestOptions({ signal, retry, fetch: given }: NetworkOptions): RequestOptions {
  return { signal, retry: { ...defaultRetry, ...retry }, fetch: given ?? ((...call) => globalThis.fetch(...call)) };
}

/** What this origin may still store; null where the browser does not tell. */
export async function freeBytes(estimate: EstimateStorage = browserEstimate): Promise<number | null> {
  const answer = await estimate().catch(() => null);
  if (answer?.quota === undefined) return null;
  return Math.max(0, answer.quota - (answer.usage ?? 0));
}

/**
 * Asks the browser not to clear what is stored. It may ask the person. For pages: workers may not ask.
 * @returns whether it will keep it
 */
export async function askToPersist({ storage } = platform()): Promise<boolean> {
  return (await storage?.persisted?.()) === true || (await storage?.persist?.()) === true;
}

interface Described {
  readonly source: RemoteSource;
  readonly licence: Licence | null;
  readonly gated: boolean;
  readonly files: readonly ListedFile[];
}

async function describeHub(source: HubSource, options: PlanOptions, network: RequestOptions): Promise<Described> {
  const { commit, gated, licence } = await resolve(source, options.store, network);
  const pinned: HubSource = { ...source, revision: commit };
  const tree = await readTree(pinned, network);
  const files = options.files.map((wanted) => {
    const { path, optional, sha256 } = toWanted(wanted);
    return known(tree.get(path) ?? null, path, optional, sha256, source.repo);
  });
  return { source: pinned, licence, gated, files: files.flatMap((file) => file ?? []) };
}

async function describePath(source: PathSource, options: PlanOptions, network: RequestOptions): Promise<Described> {
  const files: ListedFile[] = [];
  for (const wanted of options.files) {
    const { path, optional, sha256 } = toWanted(wanted);
    const file = known(await probeFile(source, path, network), path, optional, sha256, source.baseUrl);
    if (file !== null) files.push(file);
  }
  return { source, licence: null, gated: false, files };
}

/** The commit that a download of this revision was begun with goes before what the branch means by now. */
async function resolve(source: HubSource, store: ModelStore, network: RequestOptions): Promise<Repository> {
  const begun = (await store.list()).find(
    ({ source: stored, requested, complete }) =>
      stored.kind === 'hub' && stored.repo === source.repo && requested === source.revision && !complete,
  );
  if (begun?.source.kind === 'hub') {
    try {
      return await readRepository({ ...source, revision: begun.source.revision }, network);
    } catch (error) {
      if (!(error instanceof LateralError && error.code === 'model-unavailable')) throw error;
    }
  }
  return readRepository(source, network);
}

/** @returns null for an optional file that is not there */
function known(
  listed: ListedFile | null,
  path: string,
  optional: boolean,
  sha256: string | undefined,
  where: string,
): ListedFile | null {
  if (listed === null) {
    if (optional) return null;
    throw new LateralError('model-unavailable', `${where} has no ${path}. Check the model's name and its revision.`, {
      details: { file: path },
    });
  }
  if (sha256 === undefined) return listed;
  if (listed.published?.kind === 'sha256' && listed.published.hex !== sha256) {
    throw new LateralError(
      'model-invalid',
      `${path} of ${where} is not the file that Lateral knows (SHA-256 ${listed.published.hex.slice(0, 8)}… in place of ${sha256.slice(0, 8)}…). Choose another address or revision.`,
      { details: { file: path } },
    );
  }
  return { ...listed, published: { kind: 'sha256', hex: sha256 } };
}

function toWanted(wanted: WantedFile): { path: string; optional: boolean; sha256: string | undefined } {
  if (typeof wanted === 'string') return { path: checkPath(wanted), optional: false, sha256: undefined };
  return { path: checkPath(wanted.path), optional: wanted.optional ?? false, sha256: wanted.sha256 };
}

function bytesPresent(file: ListedFile, stored: StoredModel | null): number {
  const here = stored?.files.find(({ path }) => path === file.path);
  if (here === undefined || file.size === null || here.size !== file.size) return 0;
  return Math.min(here.bytes, file.size);
}

async function browserEstimate(): Promise<StorageEstimate | null> {
  return (await platform().storage?.estimate?.()) ?? null;
}

/** Bytes per second. */
function connectionRate(): number | null {
  const megabits = platform().connection?.downlink ?? 0;
  return megabits > 0 ? (megabits * 1e6) / 8 : null;
}
