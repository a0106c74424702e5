/** jina-colbert-v2's way in full, by its registry entry: 128 dimensions in the graph, the others by a layer of another repository. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createNodeRuntime } from '../colbert/session-node.ts';
import { createModelStore, type ModelStore } from '../models/hub.ts';
import { createDiskFolders } from '../models/kept/disk-folders.ts';
import { storedEntry } from '../models/stored-entry.ts';
import { decodeModel, encodeModel } from '../models/quantize/onnx.ts';
import { findProjection } from '../models/quantize/projection.ts';
import { HubServer } from '../models/testing/hub-server.ts';
import { jinaHead, jinaLayer, jinaModel, jinaWidth } from '../models/testing/jina-model.ts';
import { failureOf, quick } from '../models/testing/setting.ts';
import { createModels } from './models.ts';
import type { ModelsApi } from './models-api.ts';
import { createLocalLocks } from './tab-locks.ts';

const repo = 'jinaai/jina-colbert-v2';
const weights = 'onnx/model.onnx_data';
const files = jinaModel();

let hub: HubServer;
let root: string;
let store: ModelStore;
let models: ModelsApi;

beforeAll(async () => {
  hub = await new HubServer(files, { repo, licence: 'cc-by-nc-4.0' }).start();
  hub.publish(jinaHead(64), `${repo}-64`);
});
afterAll(() => hub.stop());

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'lateral-heads-'));
  store = createModelStore(createDiskFolders(root, { sync: false }), createLocalLocks());
  const devices = async () => ({
    runtime: await createNodeRuntime({ threads: 1 }),
    devices: ['wasm'] as const,
    half: false,
  });
  models = createModels({ store, retry: quick, minElements: 256, devices });
});
afterEach(() => rm(root, { recursive: true, force: true }));

const calls = { signal: new AbortController().signal, onProgress: () => undefined };
const request = () => ({ model: 'jina-colbert-v2', endpoint: hub.endpoint, consent: true });

test('64 dimensions: the body of the one repository, the layer of the other, read by range', async () => {
  expect(await failureOf(models.prepare({ ...request(), dim: 64, consent: false }, calls))).toMatchObject({
    code: 'consent-required',
  });
  const ready = await models.prepare({ ...request(), dim: 64 }, calls);
  expect(ready).toMatchObject({ state: 'ready', dims: [64], check: { passed: true, minCosine: null } });
  expect(hub.bytesSent(weights)).toBe(files[weights]!.length);
  const whole = jinaHead(64)['model.safetensors']!.length;
  expect(hub.bytesSent('model.safetensors')).toBeLessThan(whole / 5);

  const stored = await storedEntry(store, 'jina-colbert-v2');
  expect(stored.entry.dims).toEqual([64]);
  const encoder = await (await stored.load()).createEncoder(await createNodeRuntime({ threads: 1 }), 'wasm');
  const query = await encoder.encodeQuery('Which planet is known as the Red Planet?');
  await encoder.release();
  const { inputIds } = query.sequence;
  expect(inputIds).toHaveLength(32);
  expect(inputIds.slice(0, 2)).toEqual([0, 250_002]);
  expect(inputIds.at(-1)).toBe(250_001);
  const hidden = await hiddenStates(inputIds, query.sequence.attentionMask);
  const layer = jinaLayer(64);
  for (let i = 0; i < query.numTokens; i++) {
    const row = query.rows.subarray(i * 64, (i + 1) * 64);
    const state = hidden.subarray(i * jinaWidth, (i + 1) * jinaWidth);
    const expected = Float32Array.from({ length: 64 }, (_, d) =>
      dot(layer.subarray(d * jinaWidth, (d + 1) * jinaWidth), state),
    );
    expect(dot(row, expected) / Math.sqrt(dot(expected, expected))).toBeGreaterThan(0.95); // a row's length is 1
  }
});

test('128 dimensions of other weights are refused by the published rows; 64 then need no second download', async () => {
  const sent = hub.bytesSent(weights);
  const error = await failureOf(models.prepare(request(), calls));
  expect(error).toMatchObject({ code: 'self-test-failed' });
  expect(error.message).toMatch(/differ from the stored reference/);
  expect(await failureOf(storedEntry(store, 'jina-colbert-v2'))).toMatchObject({ code: 'model-unavailable' });
  expect(await models.prepare({ ...request(), dim: 64 }, calls)).toMatchObject({ state: 'ready', dims: [64] });
  expect(hub.bytesSent(weights) - sent).toBe(files[weights]!.length);
});

test('a layer of other dimensions than it is named for is refused', async () => {
  hub.publish(jinaHead(64), `${repo}-96`);
  const error = await failureOf(models.prepare({ ...request(), dim: 96 }, calls));
  expect(error).toMatchObject({ code: 'model-invalid' });
  expect(error.message).toContain('a layer of 64 dimensions, not 96');
});

/** What the head reads, by the fp32 weights. */
async function hiddenStates(inputIds: readonly number[], attentionMask: readonly number[]): Promise<Float32Array> {
  const model = decodeModel(files['onnx/model.onnx']!);
  model.graph.output[0]!.name = findProjection(model.graph)!.node.input[0]!;
  model.graph.output[0]!.type!.tensorType!.shape!.dim.at(-1)!.dimValue = BigInt(jinaWidth);
  const external = [{ path: 'model.onnx_data', bytes: files[weights]! }];
  const runtime = await createNodeRuntime({ threads: 1 });
  const session = await runtime.create({ graph: encodeModel(model), external }, 'wasm');
  const numbers = (values: readonly number[]) => BigInt64Array.from(values, BigInt);
  const { rows } = await session.run(numbers(inputIds), numbers(attentionMask), 1, inputIds.length);
  await session.release();
  return rows;
}

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}
