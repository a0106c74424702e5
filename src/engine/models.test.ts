/** Models from a hub on this machine to ready, on disk, by the runtime that Node has; stopped on the way, and going on. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createNodeRuntime } from '../colbert/session-node.ts';
import { LateralError } from '../errors.ts';
import { createModelStore, type ModelStore } from '../models/hub.ts';
import { createDiskFolders } from '../models/kept/disk-folders.ts';
import type { ModelInfo } from '../models/model-info.ts';
import { storedEntry } from '../models/stored-entry.ts';
import { HubServer, type Files, type HubServerOptions } from '../models/testing/hub-server.ts';
import { failureOf, quick } from '../models/testing/setting.ts';
import { smallDim, smallModel, smallOnnx } from '../models/testing/small-model.ts';
import { seededRandom } from '../maxsim/testing/random-blocks.ts';
import type { Progress } from '../types.ts';
import { runSelfTest } from '../models/self-test.ts';
import { createModels } from './models.ts';
import type { ModelsApi } from './models-api.ts';
import { createLocalLocks } from './tab-locks.ts';

let root: string;
let store: ModelStore;
let models: ModelsApi;
let hub: HubServer;
const locks = createLocalLocks();
const repo = 'maker/model';

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'lateral-models-'));
  open();
});
afterEach(async () => {
  await hub.stop();
  await rm(root, { recursive: true, force: true });
});

/** As after a reload: nothing of before is in memory. */
function open(): void {
  store = createModelStore(createDiskFolders(root, { sync: false }), locks);
  const devices = async () => ({
    runtime: await createNodeRuntime({ threads: 1 }),
    half: false,
    devices: ['wasm'] as const,
  });
  models = createModels({ store, retry: quick, minElements: 256, devices });
}

async function serve(files: Files, options: HubServerOptions = {}): Promise<{ model: string; endpoint: string }> {
  hub = await new HubServer(files, { repo, ...options }).start();
  return { model: options.repo ?? repo, endpoint: hub.endpoint };
}

const calls = (onProgress: (progress: Progress) => void = () => undefined, signal = new AbortController().signal) => ({
  signal,
  onProgress,
});

const listed = async (id: string): Promise<ModelInfo | undefined> =>
  (await models.list(undefined, calls())).find((info) => info.id === id);

describe('a repository that Lateral does not know', () => {
  test('is looked up, downloaded, made smaller, checked, and then loads with the rows it was checked with', async () => {
    const request = await serve(smallModel());
    const files = smallModel();
    const bytes = Object.values(files).reduce((sum, file) => sum + file.length, 0);
    expect(await models.plan(request, calls())).toMatchObject({
      ...{ id: repo, downloadBytes: bytes, presentBytes: 0, gated: false },
      licence: { name: 'apache-2.0', conditions: false },
    });
    expect(hub.bytesSent(smallOnnx)).toBe(0);
    expect(await listed(repo)).toBeUndefined();

    const phases: string[] = [];
    const ready = await models.prepare(
      request,
      calls(({ phase }) => phases.at(-1) !== phase && phases.push(phase)),
    );
    expect(phases).toEqual(['downloading', 'quantizing', 'checking']);
    expect(ready).toMatchObject({
      ...{ id: repo, origin: 'repository', repository: repo, state: 'ready', dims: [smallDim] },
      check: { passed: true, device: 'wasm', minCosine: null },
    });
    expect(ready.check!.tokensPerSecond).toBeGreaterThan(0);
    expect(await listed(repo)).toEqual(ready);

    const { files: stored } = (await store.list())[0]!;
    expect(stored.find(({ path }) => path === smallOnnx)!.state).toBe('replaced'); // the fp32 weights are gone
    const stands = await storedEntry(store, repo);
    const { entry, selfTest } = stands;
    expect(entry).toMatchObject({
      id: repo,
      dims: [smallDim],
      version: expect.stringMatching(/^[0-9a-f]{8}$/) as string,
    });
    const encoder = await (await stands.load()).createEncoder(await createNodeRuntime({ threads: 1 }), 'wasm');
    const report = await runSelfTest(encoder, selfTest);
    await encoder.release();
    expect(report).toMatchObject({ passed: true });
    expect(report.minCosine).toBeGreaterThan(0.99999);

    const asked = hub.log.length;
    expect(await models.prepare(request, calls())).toEqual(ready);
    expect(hub.log.length).toBe(asked); // a model that is ready asks nothing
    expect(await models.remove(repo, calls())).toBeGreaterThan(ready.keptBytes!);
    expect(await listed(repo)).toBeUndefined();
    expect(await failureOf(storedEntry(store, repo))).toMatchObject({ code: 'model-unavailable' });
  });

  test('whose licence has conditions is not fetched before a person agrees', async () => {
    const request = await serve(smallModel(), { licence: 'cc-by-nc-4.0' });
    expect((await models.plan(request, calls())).licence).toMatchObject({ conditions: true, nonCommercial: true });
    expect(await failureOf(models.prepare(request, calls()))).toMatchObject({ code: 'consent-required' });
    expect(hub.bytesSent(smallOnnx)).toBe(0);
    expect(await models.prepare({ ...request, consent: true }, calls())).toMatchObject({ state: 'ready' });
  });

  test('has bits of its own: 8 make other weights, and another version, from weights that are fetched again', async () => {
    const request = await serve(smallModel());
    const four = await models.prepare(request, calls());
    const { entry } = await storedEntry(store, repo);
    const sent = hub.bytesSent(smallOnnx);
    const eight = await models.prepare({ ...request, bits: 8 }, calls());
    expect(hub.bytesSent(smallOnnx)).toBe(2 * sent);
    expect((await storedEntry(store, repo)).entry.version).not.toBe(entry.version);
    expect(await failureOf(storedEntry(store, `${repo}@${String(entry.version)}`))).toMatchObject({
      code: 'model-unavailable',
    });
    // Nothing of the other weights is kept.
    const { derived } = (await store.list())[0]!;
    expect(derived.map(({ path }) => path).filter((path) => path.includes('q4'))).toEqual([]);
    expect(eight.keptBytes).not.toBe(four.keptBytes);
    expect((await models.prepare(request, calls())).check).toEqual(eight.check); // as it was asked for last
  });

  test('is another version where its settings are, though its weights are the same', async () => {
    const request = await serve(smallModel());
    await models.prepare(request, calls());
    const { version } = (await storedEntry(store, repo)).entry;
    await models.remove(repo, calls());
    hub.publish(smallModel({ query_length: 20 }));
    await models.prepare(request, calls());
    expect((await storedEntry(store, repo)).entry.version).not.toBe(version);
  });

  test('whatever way it is written, is one model', async () => {
    const request = await serve(smallModel());
    await models.prepare({ ...request, model: `https://huggingface.co/${repo}/` }, calls());
    const asked = hub.log.length;
    await models.prepare({ ...request, model: `${repo}/tree/main` }, calls());
    expect(hub.log.length).toBe(asked);
    expect(await models.remove(`https://huggingface.co/${repo}`, calls())).toBeGreaterThan(0);
    expect(await store.list()).toEqual([]);
  });

  test('of which a part has gone is not ready, and made again', async () => {
    const request = await serve(smallModel());
    await models.prepare(request, calls());
    const { key, derived } = (await store.list())[0]!;
    const data = derived.find(({ kind }) => kind === 'onnx-data')!;
    await store.work(key, (writer) => writer.folder.remove(writer.nameOf(data.path)));
    expect(await listed(repo)).not.toMatchObject({ state: 'ready' });
    expect(await failureOf(storedEntry(store, repo))).toMatchObject({ code: 'model-unavailable' });
    expect(await models.prepare(request, calls())).toMatchObject({ state: 'ready' });
    expect(await (await storedEntry(store, repo)).load()).toMatchObject({ config: { dim: smallDim } });
  });

  test('is checked again on request, without the network', async () => {
    const request = await serve(smallModel());
    const { check } = await models.prepare(request, calls());
    const asked = hub.log.length;
    const told: Progress[] = [];
    const again = await models.prepare(
      { ...request, recheck: true },
      calls((progress) => told.push(progress)),
    );
    expect(new Set(told.map(({ phase }) => phase))).toEqual(new Set(['checking']));
    const dones = told.map(({ done }) => done);
    expect(dones.length).toBeGreaterThan(30); // a step a text
    expect(dones).toEqual([...dones].sort((a, b) => a - b));
    expect(told.at(-1)).toMatchObject({ done: told[0]!.total });
    expect(hub.log.length).toBe(asked);

    const cancel = new AbortController();
    let last = 0;
    const stopped = models.prepare(
      { ...request, recheck: true },
      calls(({ done }) => {
        last = done;
        if (done === 10) cancel.abort();
      }, cancel.signal),
    );
    expect(await failureOf(stopped)).toMatchObject({ code: 'aborted' });
    expect(last).toBe(10);
    expect(await listed(repo)).toEqual(again); // which was not lost
    expect(again.check!.checkedAt).toBeGreaterThan(check!.checkedAt);
  });

  test('in two tabs at once is made once', async () => {
    const request = await serve(smallModel());
    const first = models;
    open();
    const phases: string[] = [];
    const note = ({ phase, done }: Progress): void => {
      phases.push(phase === 'waiting' ? phase : `${phase} ${done}`);
    };
    const [one, two] = await Promise.all([first.prepare(request, calls(note)), models.prepare(request, calls(note))]);
    expect(one.check).toEqual(two.check);
    expect(phases).toContain('waiting');
    expect(phases.filter((phase) => phase === 'quantizing 0')).toHaveLength(1);
    expect(hub.requestsOf(smallOnnx)).toHaveLength(1);
  });

  test('stopped at any point, it goes on, and ends with the same weights', async () => {
    const request = await serve(smallModel({}, 'xlmr-rotary-script-17'));
    await models.prepare(request, calls());
    const { version } = (await storedEntry(store, repo)).entry;
    await models.remove(repo, calls());

    const random = seededRandom(11);
    const states = new Set<string>();
    for (let stops = 0; stops < 40; stops++) {
      open();
      const cancel = new AbortController();
      let left = Math.floor(random() * 6);
      const stopped = models.prepare(
        request,
        calls(() => left-- <= 0 && cancel.abort(), cancel.signal),
      );
      const end = await stopped.then(
        () => 'ready',
        (error: unknown) => (error instanceof LateralError ? error.code : String(error)),
      );
      states.add((await listed(repo))?.state ?? 'absent');
      if (end === 'ready') break;
      expect(end).toBe('aborted');
    }
    open();
    expect(await models.prepare(request, calls())).toMatchObject({ state: 'ready' });
    expect((await storedEntry(store, repo)).entry.version).toBe(version);
    expect(states.size).toBeGreaterThan(1);
  });

  test.each([
    ['no ONNX', { [smallOnnx]: null, 'model.safetensors': new Uint8Array(10) }, 'model-invalid', /export it to ONNX/],
    ['no tokenizer', { 'tokenizer.json': null }, 'model-invalid', /tokenizer/],
    ['nothing that says how it is asked', { 'onnx_config.json': null }, 'model-invalid', /marks queries/],
  ])('with %s says what would work, before a byte is fetched', async (_what, change, code, message) => {
    const changed = Object.entries({ ...smallModel(), ...change }).filter((entry) => entry[1] !== null);
    const request = await serve(Object.fromEntries(changed) as Files);
    const error = await failureOf(models.plan(request, calls()));
    expect(error).toMatchObject({ code });
    expect(error.message).toMatch(message);
    expect(await failureOf(models.prepare(request, calls()))).toMatchObject({ code });
    expect(await store.list()).toEqual([]);
  });

  test('whose graph has other dimensions than its files say cannot be checked, and stays unfinished', async () => {
    const request = await serve(smallModel({ embedding_dim: smallDim + 1 }));
    expect(await failureOf(models.prepare(request, calls()))).toMatchObject({ code: 'model-invalid' });
    expect(await listed(repo)).toMatchObject({ state: 'unfinished' });
    expect(await failureOf(storedEntry(store, repo))).toMatchObject({ code: 'model-unavailable' });
  });
});

describe('a model that Lateral knows', () => {
  test('is listed before anything is here, the embedded one first', async () => {
    await serve(smallModel());
    const list = await models.list(undefined, calls());
    expect(list[0]).toMatchObject({ id: 'lateral-mini', origin: 'built-in', state: 'ready' });
    expect(list.map(({ id }) => id)).toContain('jina-colbert-v2');
    expect(list.find(({ id }) => id === 'jina-colbert-v2')).toMatchObject({
      ...{ state: 'absent', dims: [128, 96, 64], licence: { nonCommercial: true, conditions: true } },
    });
    expect(list.every(({ instead, downloadBytes }) => (instead === '') === (downloadBytes !== null))).toBe(true);
    expect(hub.log).toEqual([]);
  });

  test('whose files say otherwise is refused', async () => {
    const files = { ...smallModel(), 'model.onnx': smallModel()[smallOnnx]! };
    const request = await serve(files, { repo: 'lightonai/GTE-ModernColBERT-v1' });
    const error = await failureOf(models.prepare({ ...request, model: 'gte-modern-colbert-v1' }, calls()));
    expect(error).toMatchObject({ code: 'model-invalid' });
    expect(error.message).toContain('is known to have');
    expect(await listed('gte-modern-colbert-v1')).toMatchObject({ state: 'unfinished' });
  });

  test('without an ONNX says what would work', async () => {
    await serve(smallModel());
    const error = await failureOf(models.prepare({ model: 'jina-colbert-v1-en', endpoint: hub.endpoint }, calls()));
    expect(error).toMatchObject({ code: 'model-unavailable' });
    expect(error.message).toContain('No ONNX');
    expect(hub.log).toEqual([]);
  });

  test('serves only its own dimensions', async () => {
    await serve(smallModel());
    const request = { model: 'jina-colbert-v2', endpoint: hub.endpoint, dim: 100, consent: true };
    expect(await failureOf(models.prepare(request, calls()))).toMatchObject({ code: 'invalid-argument' });
  });
});

test('a folder needs no network', async () => {
  await serve({});
  const files = Object.entries(smallModel()).map(([path, bytes]) => ({
    path: `mine/${path}`,
    blob: new Blob([new Uint8Array(bytes)]),
  }));
  const phases = new Set<string>();
  const ready = await models.importFolder(
    { name: 'mine', files },
    calls(({ phase }) => phases.add(phase)),
  );
  expect([...phases]).toEqual(['copying', 'quantizing', 'checking']);
  expect(ready).toMatchObject({ id: 'folder:mine', origin: 'folder', title: 'mine', state: 'ready', repository: null });
  expect((await storedEntry(store, 'folder:mine')).entry.id).toBe('folder:mine');
  expect(hub.log).toEqual([]);

  const stopped = new AbortController();
  const again = models.importFolder(
    { name: 'other', files },
    calls(() => stopped.abort(), stopped.signal),
  );
  expect(await failureOf(again)).toMatchObject({ code: 'aborted' });
  expect(await listed('folder:other')).toBeUndefined(); // no file of it was whole
  const eight = await failureOf(models.prepare({ model: 'folder:mine', bits: 8 }, calls()));
  expect(eight.message).toContain('Drop its folder again');
});

test('a name that is none says how it is written', async () => {
  await serve({});
  expect(await failureOf(models.plan({ model: 'nobody' }, calls()))).toMatchObject({ code: 'invalid-argument' });
  expect(await failureOf(models.remove('lateral-mini', calls()))).toMatchObject({ code: 'invalid-argument' });
});
