/** From a dropped folder to a quantised model in the store, with a real ONNX, on disk; interrupted, and going on. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createLocalLocks } from '../engine/tab-locks.ts';
import { importFolder } from './hub/import-folder.ts';
import { createDiskFolders } from './kept/disk-folders.ts';
import { createModelStore, type ModelStore } from './kept/model-store.ts';
import { planStored, quantizedPaths, quantizeStored } from './quantize-stored.ts';
import { quantize, readFixture, runModel } from './quantize/testing/models.ts';
import { failureOf } from './testing/setting.ts';

const name = 'xlmr-rotary-script-17';
const onnx = `onnx/${name}.onnx`;
const model = readFixture(name);
const options = { onnx, minElements: 256 } as const;
const paths = quantizedPaths(options);

let root: string;
let store: ModelStore;
let key: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'lateral-quantize-'));
  store = createModelStore(createDiskFolders(root, { sync: false }), createLocalLocks());
  const file = (path: string, content: string | Uint8Array) => ({
    path: `mine/${path}`,
    blob: new Blob([typeof content === 'string' ? content : new Uint8Array(content)]),
  });
  const weights = Object.entries(model.files).map(([path, bytes]) => file(`onnx/${path}`, bytes));
  const rest = [file('config.json', '{}'), file('tokenizer.json', '{"model":{}}'), file(onnx, model.graph)];
  ({ key } = await importFolder([...rest, ...weights], { store, name: 'mine' }));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function stored(path: string): Promise<Uint8Array> {
  const source = await store.open(key, path);
  return source.read(0, source.size);
}

/** What quantising in memory makes of it, with the store's names. */
const expected = async () => (await quantize(model, { dataName: paths.data.split('/').at(-1)! })).result;

describe('a model in the store', () => {
  test('gets a quantised one beside it, the same as anywhere, which runs', async () => {
    const plan = await planStored(store, key, options);
    const seen: number[] = [];
    const described = await quantizeStored(store, key, options, {
      onProgress: (done, total) => seen.push(done / total),
    });
    expect(described.derived).toMatchObject([
      { path: paths.graph, kind: 'onnx-graph', state: 'whole', bytes: plan.graphBytes, options: { bits: 4 } },
      { path: paths.data, kind: 'onnx-data', state: 'whole', bytes: plan.dataBytes },
    ]);
    // The same in a browser's worker: kept/opfs-folders.browser.test.ts.
    expect(described.derived.map(({ sha256 }) => sha256)).toEqual([
      '1e3c807cac664c98aaefb59a56eee83a77cd6e9c291f809a30c1fd4e0103a7aa',
      'e232a50e37442ac75b20d13b680529b3771422192e29eb4ea25ad335cff7bbb5',
    ]);
    expect(seen.at(-1)).toBe(1);
    const [graph, data] = [await stored(paths.graph), await stored(paths.data)];
    const same = await expected();
    expect(graph).toEqual(same.graph);
    expect(data).toEqual(Object.values(same.files)[0]);
    expect(await runModel({ graph, files: { [paths.data.split('/').at(-1)!]: data } })).toEqual(await runModel(same));
  });

  test('what it was made of can go, and it stays', async () => {
    await quantizeStored(store, key, options);
    const left = await store.removeReplaced(key);
    expect(left.files.filter(({ state }) => state === 'replaced').map(({ path }) => path)).toEqual(
      expect.arrayContaining([onnx, ...Object.keys(model.files).map((path) => `onnx/${path}`)]),
    );
    expect(left.complete).toBe(true);
    expect(await stored(paths.graph)).toEqual((await expected()).graph);
  });

  test('an interrupted run is kept, goes on after a reload, and ends the same', async () => {
    const controller = new AbortController();
    const until = (done: number, total: number): void => {
      if (done > total / 2) controller.abort();
    };
    const failure = await failureOf(
      quantizeStored(store, key, options, { signal: controller.signal, onProgress: until }),
    );
    expect(failure.code).toBe('aborted');
    await expect(store.open(key, paths.data)).rejects.toMatchObject({ code: 'model-unavailable' });

    const reopened = createModelStore(createDiskFolders(root, { sync: false }), createLocalLocks());
    const before = (await reopened.get(key))!.bytes;
    expect(await reopened.cleanUp()).toBe(0);
    expect((await reopened.get(key))!.bytes).toBe(before);
    const seen: number[] = [];
    await quantizeStored(reopened, key, options, { onProgress: (done) => seen.push(done) });
    expect(await stored(paths.data)).toEqual(Object.values((await expected()).files)[0]);
    const [folder] = await readdir(root);
    expect((await readdir(join(root, folder!))).filter((file) => file.includes('journal'))).toEqual([]);
    expect(await reopened.cleanUp()).toBe(0);
  });

  test('one that lacks its weights says which', async () => {
    await store.remove(key);
    const graphOnly = [
      ...['config.json', 'tokenizer.json'].map((path) => ({ path: `mine/${path}`, blob: new Blob(['{"model":{}}']) })),
      { path: `mine/${onnx}`, blob: new Blob([new Uint8Array(model.graph)]) },
    ];
    ({ key } = await importFolder(graphOnly, { store, name: 'mine' }));
    const failure = await failureOf(quantizeStored(store, key, options));
    expect(failure).toMatchObject({ code: 'model-unavailable' });
    expect(failure.message).toContain(Object.keys(model.files)[0]!);
  });

  test('with other bits it is another model beside the first', async () => {
    await quantizeStored(store, key, options);
    const both = await quantizeStored(store, key, { ...options, bits: 8 });
    expect(both.derived.map(({ path }) => path)).toEqual([
      ...[paths.graph, paths.data],
      ...['lateral/model_q8e8.onnx', 'lateral/model_q8e8.onnx_data'],
    ]);
  });
});
