/** ONNX Runtime in Node: the native one where it is installed, WebAssembly where not. */
import type * as ortTypes from 'onnxruntime-web/webgpu';
import type { Session, SessionFactory } from './session-api.ts';
import { externalBytes, externalData, wrapSession } from './session-wrap.ts';

export interface NodeRuntimeOptions {
  readonly threads: number;
  /** Forces WebAssembly, to compare. */
  readonly wasm?: boolean;
}

type Ort = typeof ortTypes;

export async function createNodeRuntime(options: NodeRuntimeOptions): Promise<SessionFactory> {
  const native = options.wasm === true ? null : await optional(() => import('onnxruntime-node'));
  const ort = native ?? (await (import('onnxruntime-web') as unknown as Promise<Ort>));
  const device: Session['device'] = native === null ? 'wasm' : 'native';
  if (native === null) ort.env.wasm.numThreads = options.threads;
  return {
    files: [],
    async create(model) {
      const session = await ort.InferenceSession.create(model.graph, {
        externalData: native === null ? externalData(model) : externalBytes(model),
        executionProviders: [native === null ? 'wasm' : 'cpu'],
        intraOpNumThreads: options.threads,
        logSeverityLevel: 3,
      });
      return wrapSession(session, ort.Tensor, { device, half: model.half, threads: options.threads });
    },
  };
}

async function optional<T>(load: () => Promise<T>): Promise<T | null> {
  try {
    return await load();
  } catch {
    return null; // not installed, or no binary for this machine
  }
}
