/** Weights → a session on a device, also where the runtime lacks an operator there that others can stand in for. */
import type { ModelWeights, Session, SessionFactory } from '../colbert/session-api.ts';
import { toLateralError } from '../errors.ts';
import type { EncoderDevice } from '../types.ts';
import { plainLookups } from './quantize/plain-lookup.ts';

/** @throws 'model-invalid', 'out-of-memory', 'gpu-unavailable', 'gpu-lost' */
export async function createSession(
  runtime: SessionFactory,
  weights: ModelWeights,
  device: EncoderDevice,
): Promise<Session> {
  try {
    return await runtime.create(weights, device);
  } catch (thrown) {
    if (!toLateralError(thrown).message.includes('implementation for GatherBlockQuantized')) throw thrown;
    const graph = plainLookups(weights.graph);
    if (graph === null) throw thrown;
    return runtime.create({ ...weights, graph }, device);
  }
}
