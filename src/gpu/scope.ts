/**
 * WebGPU reports most failures late and beside the call that caused them. Here they become typed errors of the call:
 * no memory, a mistake of ours, or a device that went away.
 */
import { LateralError } from '../errors.ts';
import { lossOf } from './device.ts';

/**
 * Runs synchronous GPU calls inside error scopes. `work` must not await: scopes are a stack, and another caller's
 * would get between.
 * @param what for the message: 'holding 8 MiB of vectors'
 * @throws 'out-of-memory', 'gpu-lost', or 'internal' for a validation error
 */
export async function inErrorScopes<T>(device: GPUDevice, what: string, work: () => T): Promise<T> {
  const { error: lost } = lossOf(device);
  if (lost !== null) throw lost;
  device.pushErrorScope('validation');
  device.pushErrorScope('internal');
  device.pushErrorScope('out-of-memory');
  let popped: Promise<(GPUError | null)[]>;
  let result: T;
  try {
    result = work();
  } finally {
    popped = Promise.all([device.popErrorScope(), device.popErrorScope(), device.popErrorScope()]);
    popped.catch(() => undefined); // awaited below, unless `work` threw
  }
  const [memory, internal, validation] = await popped.catch(async (cause: unknown) => {
    throw await gpuError(device, what, cause);
  });
  if (memory) {
    throw new LateralError('out-of-memory', `The graphics device has no memory for ${what}.`, {
      cause: new Error(memory.message),
      details: { device: 'webgpu' },
    });
  }
  const mistake = validation ?? internal;
  if (mistake) throw new LateralError('internal', `WebGPU refused ${what}: ${mistake.message}`);
  return result;
}

/** What a GPU promise rejected with, as a typed error: 'gpu-lost' where that is the reason, else 'internal'. */
export async function gpuError(device: GPUDevice, what: string, cause: unknown): Promise<LateralError> {
  if (cause instanceof LateralError) return cause;
  // A rejected promise may run ahead of the news that the device is lost.
  const news = new Promise<null>((resolve) => setTimeout(resolve, 100, null));
  const lost = await Promise.race([lossOf(device).happened, news]);
  if (lost !== null) return lost;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new LateralError('internal', `${what}: ${reason}`, { cause });
}
