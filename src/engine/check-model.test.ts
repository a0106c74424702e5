/** Whether half precision is chosen. The native runtime stands in for a graphics card: it casts what it has no fp16 kernel for. */
import { setTimeout as wait } from 'node:timers/promises';
import { beforeAll, expect, test } from 'vitest';
import { createEncoder, type Encoder } from '../colbert/encoder.ts';
import { createNodeRuntime } from '../colbert/session-node.ts';
import type { ModelWeights, Session } from '../colbert/session-api.ts';
import { pylateTokenizer } from '../colbert/testing/small-tokenizers.ts';
import { halfWeights } from '../models/half-weights.ts';
import type { LoadedStoredModel } from '../models/load-stored.ts';
import { quantize, readFixture } from '../models/quantize/testing/models.ts';
import { type CheckDevices, checkModel } from './check-model.ts';

/** Milliseconds that a run of a long text takes longer, and what becomes of its rows. */
interface Behaviour {
  readonly ms?: number;
  readonly rows?: (rows: Float32Array, length: number) => Float32Array;
}

let weights: ModelWeights;
let devices: CheckDevices;
beforeAll(async () => {
  const { result } = await quantize(readFixture('xlmr-rotary-script-17'), { bits: 8 });
  weights = { graph: result.graph, external: Object.entries(result.files).map(([path, bytes]) => ({ path, bytes })) };
  devices = { runtime: await createNodeRuntime({ threads: 1 }), devices: ['wasm', 'webgpu'], half: true };
});

function model(behaviours: Readonly<Record<'wasm' | 'webgpu' | 'half', Behaviour>>): LoadedStoredModel {
  const letters = Array.from('abcdefghijklmnopqrstuvwxyz');
  const { tokenizer, config } = pylateTokenizer({ dim: 16, documentLength: 256, queryLength: 48 }, [
    ...letters.filter((letter) => letter !== 'q'),
    ...letters.map((letter) => `##${letter}`),
  ]);
  const encoderOf = (session: Session, { ms = 0, rows: change = (rows) => rows }: Behaviour): Encoder => {
    const run: typeof session.run = async (inputIds, attentionMask, batch, length) => {
      if (length === 256) await wait(ms);
      const { rows, dim } = await session.run(inputIds, attentionMask, batch, length);
      return { rows: change(rows, length), dim };
    };
    return createEncoder(tokenizer, config, { ...session, run, release: () => session.release() }, { quietMs: 0 });
  };
  return {
    tokenizer,
    config,
    createEncoder: async (runtime, device) =>
      encoderOf(await runtime.create(weights, device), behaviours[device === 'wasm' ? 'wasm' : 'webgpu']),
    createHalfEncoder: async (runtime) =>
      encoderOf(await runtime.create(halfWeights(weights)!, 'webgpu'), behaviours.half),
    forgetWeights: () => undefined,
  };
}

const check = (checked: LoadedStoredModel, how = devices) => {
  const subject = { id: 'maker/model', name: 'maker/model@00000000', hasLargestDim: true, strict: false };
  return checkModel(checked, subject, how, { signal: new AbortController().signal, onProgress: () => undefined });
};

const slow = { wasm: { ms: 300 }, webgpu: { ms: 150 }, half: {} };

test('it is used where it agrees with the processor and is the quickest way', async () => {
  const outcome = await check(model(slow));
  expect(outcome).toMatchObject({ device: 'webgpu', half: true, report: { passed: true, half: true } });
  expect(outcome.report.minCosine).toBeGreaterThan(0.999);
  // What each later start is compared with are the rows at full precision.
  expect(outcome.selfTest).toEqual((await check(model(slow), { ...devices, half: false })).selfTest);
});

test.each<[string, Behaviour]>([
  ['is slower', { ms: 450 }],
  ['gives other numbers', { rows: (rows) => rows.map((value, i) => (i % 3 === 0 ? -value : value)) }],
  ['overflows in a long text only', { rows: (rows, length) => (length < 256 ? rows : rows.fill(Infinity)) }],
  [
    'gives other numbers of a long text only',
    { rows: (rows, length) => (length < 256 ? rows : rows.map((value, i) => (i % 3 === 0 ? -value : value))) },
  ],
  ['gives no numbers', { rows: (rows) => rows.fill(Number.NaN) }],
])('it is not used where it %s', async (_, half) => {
  const outcome = await check(model({ ...slow, half }));
  expect(outcome).toMatchObject({ device: 'webgpu', half: false, report: { passed: true } });
});

test('it is not tried where the graphics card has none, and alone proves nothing', async () => {
  let tried = 0;
  const counted = (behaviours: Parameters<typeof model>[0] = slow): LoadedStoredModel => {
    const made = model(behaviours);
    return { ...made, createHalfEncoder: (...how) => (tried++, made.createHalfEncoder(...how)) };
  };
  expect(await check(counted(), { ...devices, half: false })).toMatchObject({ device: 'webgpu', half: false });
  expect(tried).toBe(0);
  // Where full precision fails everywhere, there is nothing to compare half precision with.
  const broken = { rows: (rows: Float32Array) => rows.fill(Number.NaN) };
  const outcome = await check(counted({ wasm: broken, webgpu: broken, half: {} }));
  expect(outcome).toMatchObject({ report: { passed: false }, half: false, selfTest: null });
  expect(tried).toBe(0);
});
