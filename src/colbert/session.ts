/**
 * ONNX Runtime Web behind the session interface: in the browser the only import of it. Its files come from our own
 * origin; the graphics device is ours, shared with the scorer.
 */
import * as ort from 'onnxruntime-web/webgpu';
import { LateralError } from '../errors.ts';
import type { SessionFactory } from './session-api.ts';
import { externalData, runtimeError, wrapSession } from './session-wrap.ts';

export interface BrowserRuntimeOptions {
  /** Folder with ONNX Runtime's files, with a trailing slash. */
  readonly ortUrl: string;
  /** Threads for WASM; more than one needs cross-origin isolation. */
  readonly threads: number;
  /** Whether 'webgpu' sessions will be made: they need another, larger build of the runtime. */
  readonly useGpu: boolean;
  /** The device that the next 'webgpu' session runs on: another one after a loss. */
  gpuDevice(): GPUDevice | null;
}

/** One runtime per realm: ONNX Runtime reads these settings at the first session and never again. */
export function createBrowserRuntime(options: BrowserRuntimeOptions): SessionFactory {
  const variant = !options.useGpu ? '' : supportsJspi() ? '.jspi' : '.asyncify';
  const mjs = `ort-wasm-simd-threaded${variant}.mjs`;
  const wasm = `ort-wasm-simd-threaded${variant}.wasm`;
  ort.env.wasm.wasmPaths = { mjs: options.ortUrl + mjs, wasm: options.ortUrl + wasm };
  ort.env.wasm.numThreads = options.threads;
  ort.env.logLevel = 'error';

  return {
    files: [mjs, wasm],
    async create(model, device) {
      const gpuDevice = options.gpuDevice();
      if (device === 'webgpu' && gpuDevice === null) {
        throw new LateralError('gpu-unavailable', 'There is no graphics device to run the model on.');
      }
      const providers: ort.InferenceSession.ExecutionProviderConfig[] =
        device === 'webgpu' ? [{ name: 'webgpu', device: gpuDevice! }] : ['wasm'];
      try {
        const session = await ort.InferenceSession.create(model.graph, {
          executionProviders: providers,
          externalData: externalData(model),
          graphOptimizationLevel: 'all',
        });
        return wrapSession(session, ort.Tensor, {
          device: device === 'webgpu' ? 'webgpu' : 'wasm',
          half: model.half,
          threads: options.threads,
        });
      } catch (cause) {
        throw runtimeError(cause, `The model could not be loaded on ${device}`);
      }
    },
  };
}

function supportsJspi(): boolean {
  return 'Suspending' in WebAssembly;
}
