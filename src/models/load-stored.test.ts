/** From a dropped folder to vectors: files as PyLate writes them, a real BERT of random weights, quantised in the store. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createNodeRuntime } from '../colbert/session-node.ts';
import { pylateTokenizer } from '../colbert/testing/small-tokenizers.ts';
import { createLocalLocks } from '../engine/tab-locks.ts';
import { importFolder } from './hub/import-folder.ts';
import { createDiskFolders } from './kept/disk-folders.ts';
import { createModelStore, type ModelStore } from './kept/model-store.ts';
import { loadStored, quantizedVariant } from './load-stored.ts';
import { quantizedPaths, quantizeStored } from './quantize-stored.ts';
import { readFixture, runModel, worstCosine, type ModelBytes } from './quantize/testing/models.ts';
import { failureOf } from './testing/setting.ts';

const model = readFixture('bert-script-14');
const options = { onnx: 'model.onnx', minElements: 256, bits: 8 } as const;
const { files: tokenizer } = pylateTokenizer();
let dim: number;

let root: string;
let store: ModelStore;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'lateral-stored-'));
  store = createModelStore(createDiskFolders(root, { sync: false }), createLocalLocks());
  dim = (await runModel(model)).rows[0]!.length;
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function dropped(settings: object = {}, graph: ModelBytes = model): Promise<string> {
  const onnxConfig = {
    ...{ query_prefix: '[Q] ', document_prefix: '[D] ', query_length: 16, document_length: 64 },
    ...{ do_query_expansion: false, embedding_dim: dim, skiplist_words: ['!'], ...settings },
  };
  const json = {
    'config.json': {},
    'tokenizer.json': tokenizer.tokenizerJson,
    'tokenizer_config.json': tokenizer.tokenizerConfig,
    'onnx_config.json': onnxConfig,
  };
  const texts = Object.entries(json).map(([path, value]) => ({ path, blob: new Blob([JSON.stringify(value)]) }));
  const weights = { path: 'model.onnx', blob: new Blob([new Uint8Array(graph.graph)]) };
  const { key } = await importFolder([...texts, weights], { store, name: 'mine' });
  return key;
}

test('a folder becomes an encoder: markers, skiplist and length from its files, rows near those of the fp32 model', async () => {
  const key = await dropped();
  await quantizeStored(store, key, options);
  const loaded = await loadStored(store, key, quantizedVariant(options), null);
  const runtime = await createNodeRuntime({ threads: 1 });
  const encoder = await loaded.createEncoder(runtime, 'wasm');
  loaded.forgetWeights();
  try {
    const [encoded] = await encoder.encodeDocuments(['river see !']);
    const { config } = loaded;
    const ids = [config.prefixId, config.documentMarkerId, ...loaded.tokenizer.encode('river see !'), config.suffixId];
    expect(encoded!.sequence.inputIds).toEqual(ids);
    expect(encoded!.numTokens).toBe(ids.length - 1); // without "!"
    expect(encoder.dim).toBe(dim);

    const exact = await rowsOf(model, ids);
    const kept = encoded!.sequence.kept.map((position) => exact[position]!);
    const rows = kept.map((_, i) => encoded!.rows.subarray(i * dim, (i + 1) * dim));
    expect(worstCosine(rows, kept)).toBeGreaterThan(0.99);
  } finally {
    await encoder.release();
  }
  await expect(loaded.createEncoder(runtime, 'wasm')).rejects.toMatchObject({ code: 'internal' });
});

test('weights are read tensor by tensor where they lie, and give the rows of those read at once', async () => {
  const key = await dropped();
  await quantizeStored(store, key, options);
  const { data } = quantizedPaths(options);
  const reads: number[] = [];
  const watched: ModelStore = {
    ...store,
    async open(model, path) {
      const file = await store.open(model, path);
      if (path !== data) return file;
      return {
        size: file.size,
        read: () => Promise.reject(new Error('All of it was asked for.')),
        readSync(offset, length) {
          reads.push(length);
          return file.readSync!(offset, length);
        },
      };
    },
  };
  const told: [done: number, total: number][] = [];
  const encode = async (from: ModelStore, wasm: boolean): Promise<Float32Array> => {
    const runtime = await createNodeRuntime({ threads: 1, wasm });
    const loaded = await loadStored(from, key, quantizedVariant(options), null, (...progress) => told.push(progress));
    const encoder = await loaded.createEncoder(runtime, 'wasm');
    const { rows } = await encoder.encodeQuery('river see');
    await encoder.release();
    return rows;
  };
  const lazily = await encode(watched, true);
  const { size } = await store.open(key, data);
  expect(reads.length).toBeGreaterThan(10);
  expect(Math.max(...reads)).toBeLessThan(size / 2);
  // The graph, then each read of a session being made.
  const graphBytes = (await store.open(key, quantizedPaths(options).graph)).size;
  expect(told.map(([done]) => done)).toEqual(
    reads.reduce((sums, read) => [...sums, sums.at(-1)! + read], [graphBytes]),
  );
  expect(told.at(-1)![0] / (size + graphBytes)).toBeGreaterThan(0.99); // but for what lies between tensors
  expect(new Set(told.map(([, total]) => total))).toEqual(new Set([size + graphBytes]));
  const atOnce = await encode(
    { ...store, open: async (...call) => ({ ...(await store.open(...call)), readSync: undefined! }) },
    true,
  );
  expect(lazily).toEqual(atOnce);
  expect(worstCosine([lazily.subarray(0, dim)], [(await encode(store, false)).subarray(0, dim)])).toBeGreaterThan(
    0.9999,
  );
});

test('at half precision it gives the same rows but for the last digits; what others quantised is left as it is', async () => {
  const key = await dropped();
  await quantizeStored(store, key, options);
  const variant = quantizedVariant(options);
  const loaded = await loadStored(store, key, variant, null);
  const runtime = await createNodeRuntime({ threads: 1 });
  const [full, half] = [await loaded.createEncoder(runtime, 'wasm'), await loaded.createHalfEncoder(runtime)];
  const [exact, near] = [await full.encodeQuery('river see'), await half!.encodeQuery('river see')];
  expect([full.half, half!.half]).toEqual([false, true]);
  const rowsIn = ({ rows }: typeof exact) => exact.sequence.kept.map((_, i) => rows.subarray(i * dim, (i + 1) * dim));
  expect(worstCosine(rowsIn(near), rowsIn(exact))).toBeGreaterThan(0.999);
  expect(near.rows).not.toEqual(exact.rows);
  await Promise.all([full.release(), half!.release()]);

  const others = await loadStored(store, key, { ...variant, oneByOne: true }, null);
  expect(await others.createHalfEncoder(runtime)).toBeNull();
});

test('files that say otherwise than what is known are refused', async () => {
  const key = await dropped({ query_length: 48 });
  await quantizeStored(store, key, options);
  const known = { title: 'Toy', expects: { queryLength: 32 } };
  expect(await failureOf(loadStored(store, key, quantizedVariant(options), known))).toMatchObject({
    code: 'model-invalid',
    message: expect.stringContaining('Toy is known to have queryLength 32; its files say 48.') as string,
  });
});

test('a graph of another dimension than the files say is found out at the first text', async () => {
  const key = await dropped({ embedding_dim: dim + 1 });
  await quantizeStored(store, key, options);
  const loaded = await loadStored(store, key, quantizedVariant(options), null);
  const encoder = await loaded.createEncoder(await createNodeRuntime({ threads: 1 }), 'wasm');
  try {
    expect(await failureOf(encoder.encodeQuery('river'))).toMatchObject({ code: 'model-invalid' });
  } finally {
    await encoder.release();
  }
});

test('what is not there, or not quantised yet, says so', async () => {
  expect(await failureOf(loadStored(store, 'folder:nobody', quantizedVariant(options), null))).toMatchObject({
    code: 'model-unavailable',
  });
  const key = await dropped();
  expect(await failureOf(loadStored(store, key, quantizedVariant(options), null))).toMatchObject({
    code: 'model-unavailable',
  });
});

/** The fp32 graph's row of each position. */
async function rowsOf(bytes: ModelBytes, ids: readonly number[]): Promise<Float32Array[]> {
  const runtime = await createNodeRuntime({ threads: 1 });
  const external = Object.entries(bytes.files).map(([path, file]) => ({ path, bytes: file }));
  const session = await runtime.create({ graph: bytes.graph, external }, 'wasm');
  const ones = new BigInt64Array(ids.length).fill(1n);
  const { rows } = await session.run(BigInt64Array.from(ids.map(BigInt)), ones, 1, ids.length);
  await session.release();
  return ids.map((_, i) => rows.slice(i * dim, (i + 1) * dim));
}
