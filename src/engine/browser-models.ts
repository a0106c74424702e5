/** The models' parts in a browser's worker: the private file system, Web Locks, ONNX Runtime Web. */
import { createBrowserRuntime } from '../colbert/session.ts';
import { requestGpu } from '../gpu/device.ts';
import { createModelStore, createOpfsFolders, type ModelStore } from '../models/hub.ts';
import { createModels } from './models.ts';
import type { ModelsApi } from './models-api.ts';
import { createLocalLocks, createWebLocks } from './tab-locks.ts';
import { threadCount } from './threads.ts';

export function createBrowserModels(): ModelsApi {
  return createModels({
    store: openModelStore(),
    async devices(baseUrl = './') {
      const found = await requestGpu().catch(() => null);
      const gpu = found === null || found.info.software ? null : found.device;
      const runtime = createBrowserRuntime({
        ortUrl: new URL('ort/', new URL(baseUrl, self.location.href)).href,
        threads: threadCount(),
        gpuDevice: () => gpu,
        useGpu: gpu !== null,
      });
      const half = gpu !== null && found?.info.features.includes('shader-f16') === true;
      return { runtime, devices: gpu === null ? ['wasm'] : ['wasm', 'webgpu'], half };
    },
  });
}

/** The store of this origin's models, as engine and models' worker see it. */
export function openModelStore(): ModelStore {
  // Missing outside secure contexts, whatever its type says.
  const locks = navigator.locks as LockManager | undefined;
  return createModelStore(createOpfsFolders(), locks === undefined ? createLocalLocks() : createWebLocks(locks));
}
