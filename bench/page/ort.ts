/** ONNX Runtime Web multiplying the same matrices, without the maxima: what a general runtime makes of the problem. */
import type * as Ort from 'onnxruntime-web';
import type { Contender } from '../race.ts';
import { dim, queryRows, type TokenContender } from '../results.ts';
import { matMulModel } from './onnx.ts';
import type { Sample } from './sample.ts';

/** One thread, like the kernels it is compared with. */
export async function ortWasmContender({
  numTokens: amount,
  query,
  f32,
}: Sample): Promise<readonly Contender<TokenContender>[]> {
  const ort = await loadRuntime('wasm');
  const session = await ort.InferenceSession.create(matMulModel(f32.vectors, dim, queryRows), {
    executionProviders: ['wasm'],
  });
  const feeds = { query: queryTensor(ort, query.rows) };
  return [{ name: 'ortMatMul', amount, run: async () => disposeAll(await session.run(feeds)) }];
}

/** The product stays on the device, which is waited for. */
export async function ortGpuContender(
  { numTokens: amount, query, f32 }: Sample,
  device: GPUDevice,
): Promise<readonly Contender<TokenContender>[]> {
  const ort = await loadRuntime('webgpu');
  const session = await ort.InferenceSession.create(matMulModel(f32.vectors, dim, queryRows), {
    executionProviders: [{ name: 'webgpu', device }],
    preferredOutputLocation: 'gpu-buffer',
  });
  const feeds = { query: queryTensor(ort, query.rows) };
  const run = async (): Promise<void> => {
    const products = await session.run(feeds);
    await device.queue.onSubmittedWorkDone();
    disposeAll(products);
  };
  return [{ name: 'ortWebgpuMatMul', amount, run }];
}

/** Served as it comes, so that each build has its own WebAssembly and settings. */
async function loadRuntime(variant: 'wasm' | 'webgpu'): Promise<typeof Ort> {
  const address = `/ort/ort.${variant}.min.mjs`;
  const ort = (await import(/* @vite-ignore */ address)) as typeof Ort;
  ort.env.wasm.wasmPaths = '/ort/';
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = 'error';
  return ort;
}

/** [dim, queryRows] */
function queryTensor(ort: typeof Ort, rows: Float32Array): Ort.Tensor {
  const columns = Float32Array.from(rows, (_, i) => rows[(i % queryRows) * dim + Math.floor(i / queryRows)]!);
  return new ort.Tensor('float32', columns, [dim, queryRows]);
}

function disposeAll(outputs: Ort.InferenceSession.OnnxValueMapType): void {
  for (const output of Object.values(outputs)) output.dispose();
}
