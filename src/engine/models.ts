/** The models' service: what is here, and what makes a model ready, put together from parts that the place provides. */
import { LateralError } from '../errors.ts';
import { canonicalId, catalogue } from '../models/catalogue.ts';
import {
  discardImport,
  importModel,
  planModel,
  prepareModel,
  removeModel,
  type PrepareParts,
} from '../models/prepare.ts';
import { models as embedded } from '../models/registry.ts';
import { checkModel, type CheckDevices } from './check-model.ts';
import type { CallContext } from './engine-api.ts';
import { withEstimate } from './estimated.ts';
import type { ModelsApi } from './models-api.ts';

export interface ModelsParts extends Omit<PrepareParts, 'check'> {
  /**
   * Asked for when a model is checked, not before.
   * @param baseUrl where `ort/` is served from, where a request says so
   */
  devices(baseUrl: string | undefined): Promise<CheckDevices>;
}

export function createModels(parts: ModelsParts): ModelsApi {
  const { store } = parts;
  const preparing = (baseUrl?: string): PrepareParts => ({
    ...parts,
    check: async (model, subject, calls) => checkModel(model, subject, await parts.devices(baseUrl), calls),
  });
  return {
    list: async () => catalogue(await store.list()),
    plan: (request, { signal }) => planModel(preparing(), request, signal),
    prepare: (request, context) => prepareModel(preparing(request.baseUrl), request, estimated(context)),
    importFolder: (request, context) => importModel(preparing(request.baseUrl), request, estimated(context)),
    discardImport: (text) => discardImport(store, canonicalId(text)),
    async remove(text) {
      const id = canonicalId(text);
      if (embedded.some((entry) => entry.id === id)) {
        throw new LateralError('invalid-argument', `${id} is part of Lateral and cannot be deleted.`);
      }
      return removeModel(store, id);
    },
  };
}

function estimated({ signal, onProgress }: CallContext): CallContext {
  return { signal, onProgress: withEstimate(onProgress) };
}
