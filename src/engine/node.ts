/** The engine's parts put together in Node: models from a folder, the native runtime where it is installed. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import type { Encoder } from '../colbert/encoder.ts';
import { createNodeRuntime } from '../colbert/session-node.ts';
import { LateralError } from '../errors.ts';
import type { ModelFiles } from '../models/files.ts';
import { loadModel } from '../models/load.ts';
import { modelEntry } from '../models/registry.ts';
import { createReferenceScorer } from '../maxsim/reference.ts';
import { createWasmScorer } from '../maxsim/wasm.ts';
import { runSelfTest } from '../models/self-test.ts';
import type { IndexStore } from '../store/index-store.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import type { Engine } from './engine-api.ts';
import { createEngine } from './engine.ts';
import { createLocalExtraction } from './extraction.ts';

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

export interface NodeEngineOptions extends NodeEncoderOptions {
  /** Holds the index. Default: a new one in memory. */
  readonly store?: IndexStore;
}

/** The engine in Node: as in the browser, but in this thread. */
export function createNodeEngine(modelsFolder: string, options: NodeEngineOptions = {}): Engine {
  const { store, ...encoderOptions } = options;
  return createEngine({
    openStore: ({ name }) => Promise.resolve({ store: store ?? createMemoryStore(name ?? 'default'), warning: '' }),
    async chooseEncoder(entry) {
      const encoder = await openNodeEncoder(entry.id, modelsFolder, encoderOptions);
      const reason =
        encoder.device === 'native' ? 'The native runtime is installed.' : 'No native runtime is installed.';
      return { encoder, choice: { kind: encoder.device, reason, forced: false }, selfTests: [] };
    },
    async chooseScorer({ scorer }) {
      const forced = scorer !== undefined && scorer !== 'auto';
      return scorer === 'js'
        ? { scorer: createReferenceScorer(), choice: { kind: 'js', reason: 'Chosen by the caller.', forced } }
        : { scorer: await createWasmScorer(), choice: { kind: 'wasm', reason: 'Node has no WebGPU.', forced } };
    },
    replaceEncoder: () => Promise.resolve(null),
    replaceScorer: () => Promise.resolve(null),
    extraction: createLocalExtraction(pdfFilesFolder()),
    runtimeFiles: () => [],
    gpu: () => null,
    estimate: () => Promise.resolve({ usageBytes: null, appBytes: null, quotaBytes: null, persisted: null }),
  });
}

/** Where pdf.js keeps its character tables and fonts. */
function pdfFilesFolder(): string {
  return `${dirname(createRequire(import.meta.url).resolve('pdfjs-dist/package.json'))}/`;
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
