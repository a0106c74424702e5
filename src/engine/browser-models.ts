/** The models' parts in a browser's worker. */
import type { ModelsApi } from './models-api.ts';

export function createBrowserModels(): ModelsApi {
  throw new Error('Being written.');
}
