/** The engine's parts put together in Node: models from a folder, the native runtime where it is installed. */
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Encoder } from '../colbert/encoder.ts';
import { createNodeRuntime } from '../colbert/session-node.ts';
import { LateralError } from '../errors.ts';
import type { ModelFiles } from '../models/files.ts';
import { loadModel } from '../models/load.ts';
import { modelEntry } from '../models/registry.ts';
import { runSelfTest } from '../models/self-test.ts';

export interface NodeEncoderOptions {
  /** Forces ONNX Runtime's WebAssembly build. */
  readonly wasm?: boolean;
  readonly threads?: number;
}

/**
 * @param modelsFolder holds one folder per model, in the hub's layout
 * @throws 'model-unavailable', 'model-invalid', 'self-test-failed'
 */
export async function openNodeEncoder(
  modelId: string,
  modelsFolder: string,
  options: NodeEncoderOptions = {},
): Promise<Encoder> {
  const entry = modelEntry(modelId);
  const runtime = await createNodeRuntime({
    threads: options.threads ?? availableParallelism(),
    ...(options.wasm === undefined ? {} : { wasm: options.wasm }),
  });
  const model = await loadModel(entry, diskModelFiles(join(modelsFolder, entry.folder)));
  const encoder = await model.createEncoder(runtime, 'native', { batchTokens: 4096 });
  model.forgetWeights();
  const report = await runSelfTest(encoder, model.selfTest);
  if (!report.passed) throw new LateralError('self-test-failed', report.message);
  return encoder;
}

export function diskModelFiles(folder: string): ModelFiles {
  const read = async (name: string): Promise<Uint8Array> => {
    try {
      return await readFile(join(folder, name));
    } catch (cause) {
      throw new LateralError('model-unavailable', `${name} is missing in ${folder}.`, { cause });
    }
  };
  return {
    json: async (name) => JSON.parse(new TextDecoder().decode(await read(name))) as unknown,
    bytes: (name) => read(name),
  };
}
