/** What the tests of downloads share: a hub with a small model on it, and a store in a folder that goes away afterwards. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLocalLocks } from '../../engine/tab-locks.ts';
import { LateralError } from '../../errors.ts';
import { downloadModel, type DownloadOptions } from '../hub/download.ts';
import { planDownload, type DownloadPlan, type PlanOptions } from '../hub/plan.ts';
import { hubSource, type RemoteSource } from '../hub/source.ts';
import type { ByteFolders } from '../kept/byte-folders.ts';
import type { StoredModel } from '../kept/describe.ts';
import { createDiskFolders } from '../kept/disk-folders.ts';
import { createModelStore, type ModelStore } from '../kept/model-store.ts';
import { HubServer, someBytes, type Files, type HubServerOptions } from './hub-server.ts';

export const weights = 'onnx/model.onnx_data';

/** As models are: small JSON files, and weights of which the hub publishes the SHA-256. */
export const smallModel: Files = {
  'config.json': new TextEncoder().encode('{"hidden_size":8}'),
  'tokenizer.json': new TextEncoder().encode(JSON.stringify({ model: { vocab: 'x'.repeat(500) } })),
  'onnx/model.onnx': someBytes(3_000, 2),
  [weights]: someBytes(200_000, 3),
};

/** Waits of milliseconds in place of seconds; chance always half. A busy machine is no stall. */
export const quick = { baseMs: 2, maxMs: 8, stallMs: 20_000, random: () => 0.5 };
/** Where a stall is what is tried: it comes soon, and as one may come by itself then, there are attempts enough. */
export const impatient = { ...quick, stallMs: 200, attempts: 30 };

export interface Setting {
  readonly hub: HubServer;
  readonly root: string;
  readonly folders: ByteFolders;
  readonly store: ModelStore;
  readonly source: RemoteSource;
  /** As a tab after a reload sees it: a store of its own over the same files. */
  reopened(): ModelStore;
  plan(options?: Partial<PlanOptions>): Promise<DownloadPlan>;
  /** Plans and downloads. */
  download(options?: Partial<DownloadOptions & PlanOptions>): Promise<StoredModel>;
  bytes(model: StoredModel, path: string): Promise<Uint8Array>;
  close(): Promise<void>;
}

export interface SettingOptions extends HubServerOptions {
  readonly model?: Files;
  readonly source?: (hub: HubServer) => RemoteSource;
  /** Puts something between the store and the disk. */
  readonly wrap?: (folders: ByteFolders) => ByteFolders;
}

export async function createSetting(options: SettingOptions = {}): Promise<Setting> {
  const { model = smallModel, wrap } = options;
  const hub = await new HubServer(model, options).start();
  const root = await mkdtemp(join(tmpdir(), 'lateral-hub-'));
  const onDisk = createDiskFolders(root, { sync: false });
  const folders = wrap?.(onDisk) ?? onDisk;
  const locks = createLocalLocks();
  const store = createModelStore(folders, locks);
  const source = options.source?.(hub) ?? hubSource(hub.repo, 'main', hub.endpoint);
  const plan = (more: Partial<PlanOptions> = {}): Promise<DownloadPlan> =>
    planDownload(source, {
      store,
      files: Object.keys(model),
      retry: quick,
      ...more,
    });
  return {
    hub,
    root,
    folders,
    store,
    source,
    reopened: () => createModelStore(folders, locks),
    plan,
    download: async (more = {}) => downloadModel(await plan(more), { store, retry: quick, ...more }),
    async bytes({ key }, path) {
      const source = await store.open(key, path);
      return source.read(0, source.size);
    },
    async close() {
      await hub.stop();
      await rm(root, { recursive: true, force: true });
    },
  };
}

/** Downloads up to exactly `bytes` of the weights, and stops there, as a tab does that is closed. */
export async function stopAt(made: Setting, bytes: number, size: number): Promise<void> {
  made.hub.fail(weights, { kind: 'stall', at: bytes / size });
  const cancel = new AbortController();
  const stopped = made.download({
    consent: true,
    signal: cancel.signal,
    reportEveryMs: 0,
    onProgress: ({ current }) => current?.name === weights && current.done >= bytes && cancel.abort(),
  });
  const error = await failureOf(stopped);
  if (error.code !== 'aborted') throw error;
}

/** The LateralError that a promise ends with. */
export async function failureOf(promise: Promise<unknown>): Promise<LateralError> {
  const thrown = await promise.then(
    () => new Error('It did not fail.'),
    (error: unknown) => error,
  );
  if (thrown instanceof LateralError) return thrown;
  throw thrown;
}
