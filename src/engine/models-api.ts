/** What the models' worker does, as a type: rpc carries it, index.ts hands it on. */
import type { ImportRequest, ModelInfo, ModelPlan, ModelRequest, PrepareRequest } from '../models/model-info.ts';
import type { CallContext } from './engine-api.ts';

export interface ModelsApi {
  /** The embedded one first, then those that Lateral knows, then others that are here. Nothing is asked of the network. */
  list(none: undefined, context: CallContext): Promise<ModelInfo[]>;
  /**
   * Asks the hub what a model would take. Nothing of it is fetched, but for its list of files.
   * @throws 'model-unavailable', 'model-invalid' (no ONNX, or none that Lateral can use: the message says what would work),
   *   'download-refused', 'download-interrupted', 'invalid-argument', 'storage-unavailable'
   */
  plan(request: ModelRequest, context: CallContext): Promise<ModelPlan>;
  /**
   * Downloads what is missing, makes it smaller, checks it on this device; goes on where it was stopped, whatever stopped it.
   * Where all is here, nothing is asked of the network. The fp32 weights are deleted once the smaller ones passed their check.
   * @returns the model, ready
   * @throws what `plan` throws; 'consent-required' before the first byte; 'storage-full', 'download-damaged', 'model-busy',
   *   'self-test-failed' where no device gives right numbers; 'out-of-memory'; 'aborted', with what is done kept
   */
  prepare(request: PrepareRequest, context: CallContext): Promise<ModelInfo>;
  /**
   * A folder that was dropped: copied, made smaller, checked. A model of the same name serves until this one has passed, and is replaced
   * then, at once. Stopped anywhere, it is listed as `interrupted`: another call with the same folder copies only what is missing, and
   * once all files are here `prepare` goes on without it.
   * @throws as `prepare`; 'model-unavailable' naming what the folder lacks
   */
  importFolder(request: ImportRequest, context: CallContext): Promise<ModelInfo>;
  /** Deletes an import that was interrupted; a model of its name that is ready stays. @returns the bytes freed. @throws 'model-busy' */
  discardImport(model: string, context: CallContext): Promise<number>;
  /** Deletes all that is here of it. @returns the bytes freed. @throws 'model-busy'; 'invalid-argument' for the embedded one */
  remove(model: string, context: CallContext): Promise<number>;
}
