/** Quantised products on the graphics device against the processor's, in a real browser: 4 and 8 bits, three architectures. */
import { afterAll, expect, test } from 'vitest';
import { createEncoder } from '../colbert/encoder.ts';
import { createBrowserRuntime } from '../colbert/session.ts';
import type { SessionFactory } from '../colbert/session-api.ts';
import { pylateTokenizer } from '../colbert/testing/small-tokenizers.ts';
import { requestGpu } from '../gpu/device.ts';
import { createSession } from '../models/create-session.ts';
import { fetchModelFiles } from '../models/files.ts';
import { halfWeights } from '../models/half-weights.ts';
import { memoryFile } from '../models/quantize/bytes.ts';
import { quantizeModel, type QuantizeOptions } from '../models/quantize/quantize.ts';
import { loadModel } from '../models/load.ts';
import type { LoadedStoredModel } from '../models/load-stored.ts';
import { embeddedModel } from '../models/registry.ts';
import { runSelfTest } from '../models/self-test.ts';
import type { EncoderDevice } from '../types.ts';
import { checkModel } from './check-model.ts';

const gpu = await requestGpu(); // a software one here: it is as exact as any
const runtime = createBrowserRuntime({
  ortUrl: new URL('/ort/', location.href).href,
  threads: 1,
  gpuDevice: () => gpu.device,
  useGpu: true,
});
afterAll(() => gpu.device.destroy());

/** Devices of the sessions that were made. */
const created: EncoderDevice[] = [];

const read = async (name: string): Promise<Uint8Array> =>
  new Uint8Array(await (await fetch(`/fixtures/quantize/${name}`)).arrayBuffer());

async function quantized(fixture: string, data: string | null, options: QuantizeOptions) {
  const graph = memoryFile(await read(fixture));
  const target = { graph: memoryFile(), data: memoryFile(), journal: memoryFile() };
  const source = { graph, external: async (name: string) => memoryFile(await read(data ?? name)) };
  await quantizeModel(source, target, { minElements: 256, dataName: 'weights', ...options });
  return { graph: target.graph.bytes, external: [{ path: 'weights', bytes: target.data.bytes }] };
}

function loaded(weights: Awaited<ReturnType<typeof quantized>>, spoil?: EncoderDevice): LoadedStoredModel {
  const letters = Array.from('abcdefghijklmnopqrstuvwxyz');
  const { tokenizer, config } = pylateTokenizer({ dim: 16, documentLength: 64, queryLength: 48 }, [
    ...letters.filter((letter) => letter !== 'q'),
    ...letters.map((letter) => `##${letter}`),
  ]);
  return {
    tokenizer,
    config,
    async createEncoder(factory: SessionFactory, device, options) {
      const session = await createSession(factory, weights, device);
      created.push(device);
      const run: typeof session.run = async (...input) => {
        const output = await session.run(...input);
        // As a driver that computes something else.
        return device === spoil
          ? { ...output, rows: output.rows.map((value, i) => (i % 3 === 0 ? -value : value)) }
          : output;
      };
      return createEncoder(tokenizer, config, { ...session, run, release: () => session.release() }, options);
    },
    createHalfEncoder: async (factory) =>
      createEncoder(tokenizer, config, await factory.create(halfWeights(weights)!, 'webgpu')),
    forgetWeights: () => undefined,
  };
}

const subject = { id: 'maker/model', name: 'maker/model@00000000', hasLargestDim: true, strict: false };
const devices = ['wasm', 'webgpu'] as const;
const hasHalf = gpu.info.features.includes('shader-f16'); // SwiftShader has not
const calls = { signal: new AbortController().signal, onProgress: () => undefined };

test.each([
  ['bert-script-14.onnx', null, 8],
  ['modernbert-script-17.onnx', null, 4],
  ['xlmr-rotary-script-17.onnx', 'xlmr-rotary-script-17.onnx_data', 4],
] as const)('%s: both devices agree', async (fixture, data, bits) => {
  const weights = await quantized(fixture, data, { bits });
  const reports = [];
  for (const order of [devices, ['webgpu', 'wasm'] as const]) {
    created.length = 0;
    const outcome = await checkModel(loaded(weights), subject, { runtime, devices: order, half: hasHalf }, calls);
    expect(outcome).toMatchObject({ report: { passed: true }, hasRows: false });
    expect(created).toEqual(order); // each was really tried
    expect(outcome.tokensPerSecond).toBeGreaterThan(0);
    reports.push(outcome.selfTest!);
  }
  // What either says of the same texts.
  const [onCpu, onGpu] = reports.map(({ cases }) => cases.flatMap(({ rows }) => rows.flatMap((row) => row ?? [])));
  const far = Math.max(...onCpu!.map((value, i) => Math.abs(value - onGpu![i]!)));
  expect(far).toBeLessThan(1e-3);
});

test('a device that gives other numbers is not used', async () => {
  const weights = await quantized('bert-script-14.onnx', null, { bits: 8 });
  // The processor, which is quicker than this graphics device, spoilt: only the comparison keeps it from being taken.
  const other = ['webgpu', 'wasm'] as const;
  const outcome = await checkModel(loaded(weights, 'wasm'), subject, { runtime, devices: other, half: hasHalf }, calls);
  expect(outcome).toMatchObject({ device: 'webgpu', report: { passed: true } });
});

// With WebGPU comes another build of the runtime, whose processor has fewer operators.
test('the embedded model runs on the processor also beside a graphics card', async () => {
  const entry = embeddedModel('lateral-mini')!;
  const model = await loadModel(entry, fetchModelFiles(new URL(`/models/${entry.folder}/`, location.href).href));
  const encoder = await model.createEncoder(runtime, 'wasm');
  expect(await runSelfTest(encoder, model.selfTest)).toMatchObject({ device: 'wasm', passed: true });
  await encoder.release();
});

test.skipIf(hasHalf)(
  'half precision without a graphics device that has it is an error, not other numbers',
  async () => {
    const model = loaded(await quantized('bert-script-14.onnx', null, { bits: 8 }));
    const asked = model.createHalfEncoder(runtime).then((encoder) => encoder!.encodeQuery('river'));
    await expect(asked).rejects.toMatchObject({ name: 'LateralError', code: 'model-invalid' });
  },
);
