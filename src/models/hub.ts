/**
 * Models from a hub, a mirror, a server of one's own or a folder, kept in this browser. In order: `planDownload` (what it would
 * take, and whose terms), a person's consent, `askToPersist`, `downloadModel`; then `ModelStore.open` reads the files.
 * docs/downloads.md has what is asked of whom and what is stored where.
 */
export { downloadModel, type DownloadOptions, type DownloadProgress } from './hub/download.ts';
export { openRemoteFile } from './hub/remote-file.ts';
export { importFolder, type FolderFile, type ImportFolderOptions } from './hub/import-folder.ts';
export {
  askToPersist,
  listFiles,
  planDownload,
  type DownloadPlan,
  type EstimateStorage,
  type NetworkOptions,
  type PlanOptions,
  type WantedFile,
} from './hub/plan.ts';
export { createRateMeter } from './hub/rate.ts';
export type { RetryOptions } from './hub/retry.ts';
export {
  checkEndpoint,
  connectSources,
  defaultEndpoint,
  hubSource,
  pathSource,
  type FolderSource,
  type HubSource,
  type ModelSource,
  type PathSource,
  type RemoteSource,
} from './hub/source.ts';
export type { ByteFolder, ByteFolders } from './kept/byte-folders.ts';
export type { StoredDerived, StoredFile, StoredModel } from './kept/describe.ts';
export type { ModelLocks } from './kept/locks.ts';
export type { Licence } from './kept/manifest.ts';
export { createModelStore, type DerivedFile, type ModelStore } from './kept/model-store.ts';
export { modelKey } from './kept/names.ts';
export { createOpfsFolders, type OpfsOptions } from './kept/opfs-folders.ts';
