/** Against a hub on this machine (testing/hub-server.ts) and files on disk: every fault ends in the right bytes or in a clear error. */
import { afterEach, describe, expect, test } from 'vitest';
import { hubSource } from './source.ts';
import { downloadModel, type DownloadProgress } from './download.ts';
import { planDownload } from './plan.ts';
import {
  createSetting,
  failureOf,
  quick,
  impatient,
  smallModel,
  stopAt,
  weights,
  type Setting,
  type SettingOptions,
} from '../testing/setting.ts';
import { sha256, someBytes, type Fault } from '../testing/hub-server.ts';

const opened: Setting[] = [];
async function setting(options?: SettingOptions): Promise<Setting> {
  const made = await createSetting(options);
  opened.push(made);
  return made;
}
afterEach(async () => {
  for (const made of opened.splice(0)) await made.close();
});

const size = smallModel[weights]!.length; // 200,000

const breakOff = (made: Setting, at: number): Promise<void> => stopAt(made, at * size, size);

describe('a download', () => {
  test('brings every file, compares it with what the hub publishes, and lists it', async () => {
    const made = await setting();
    const model = await made.download();
    expect(model).toMatchObject({
      key: `maker/model@${made.hub.publish(smallModel)}`, // the commit that main was
      complete: true,
      requested: 'main',
      licence: { id: 'apache-2.0', conditions: false },
    });
    expect(model.files.map(({ path }) => path)).toEqual(['config.json', 'tokenizer.json', 'onnx/model.onnx', weights]);
    for (const file of model.files) {
      expect(await made.bytes(model, file.path)).toEqual(smallModel[file.path]);
      expect(file).toMatchObject({ state: 'whole', verified: true, sha256: sha256(smallModel[file.path]!) });
    }
    // Large files came by way of a redirect.
    expect(made.hub.log.some(({ path, status }) => status === 302 && path.includes('/resolve/'))).toBe(true);
  });

  test('is over at once where everything is here', async () => {
    const made = await setting();
    await made.download();
    const before = made.hub.requestsOf(weights).length;
    expect(await made.plan()).toMatchObject({ bytesToFetch: 0, presentBytes: (await made.plan()).totalBytes });
    await made.download();
    expect(made.hub.requestsOf(weights).length).toBe(before);
  });

  test('says how far it is', async () => {
    const made = await setting();
    const seen: DownloadProgress[] = [];
    await made.download({ onProgress: (progress) => seen.push(progress) });
    const total = Object.values(smallModel).reduce((sum, bytes) => sum + bytes.length, 0);
    expect(seen.at(-1)).toMatchObject({ phase: 'downloading', done: total, total, filesDone: 4, filesTotal: 4 });
    expect(seen.every((progress, i) => i === 0 || progress.done >= seen[i - 1]!.done)).toBe(true);
  });

  test('goes on where it broke off, by itself', async () => {
    const made = await setting();
    made.hub.fail(weights, { kind: 'drop', at: 0.5 });
    const phases: string[] = [];
    const model = await made.download({ onProgress: ({ phase }) => phases.push(phase) });
    expect(await made.bytes(model, weights)).toEqual(smallModel[weights]);
    const [first, second] = made.hub.requestsOf(weights);
    expect([first!.range, second!.range]).toEqual([null, expect.stringMatching(/^bytes=[1-9]\d*-$/)]);
    expect(phases).toContain('retrying');
  });

  test('goes on after a reload, with the bytes that are here checked, and costs no more than the rest', async () => {
    const made = await setting();
    await breakOff(made, 0.5);
    const before = made.hub.bytesSent(weights);
    const store = made.reopened();
    expect((await store.list())[0]!.files.at(-1)).toMatchObject({ path: weights, state: 'partial', bytes: 100_000 });
    expect(await made.plan({ store })).toMatchObject({ bytesToFetch: 100_000 });

    const phases: string[] = [];
    const model = await made.download({ store, onProgress: ({ phase }) => phases.push(phase) });
    expect(await made.bytes(model, weights)).toEqual(smallModel[weights]);
    expect(made.hub.bytesSent(weights) - before).toBe(size - 100_000);
    expect(phases).toContain('checking');
  });

  test('goes on with the commit that it began with, when the branch has moved on', async () => {
    const made = await setting();
    await breakOff(made, 0.5);
    const later = made.hub.publish({ ...smallModel, [weights]: someBytes(size, 9) });
    const model = await made.download();
    expect(await made.bytes(model, weights)).toEqual(smallModel[weights]);
    expect(model.key).not.toContain(later);
    // Once that is whole, the branch means the new commit.
    expect((await made.plan()).key).toBe(`maker/model@${later}`);
  });

  test('starts over where the bytes that are here turn out wrong', async () => {
    const made = await setting();
    await breakOff(made, 0.5);
    const [folder] = await made.folders.list();
    const sink = await (await made.folders.open(folder!)).sink(`f-${encodeURIComponent(weights)}`);
    await sink.truncate(99_999);
    await sink.append(Uint8Array.of(smallModel[weights]![99_999]! ^ 1));
    await sink.close();
    const model = await made.download();
    expect(await made.bytes(model, weights)).toEqual(smallModel[weights]);
    expect(made.hub.requestsOf(weights).map(({ range }) => range)).toEqual([null, 'bytes=100000-', null]);
  });

  test('goes on through a mirror', async () => {
    const made = await setting();
    await breakOff(made, 0.5);
    const mirror = await setting();
    mirror.hub.publish(smallModel);
    const source = hubSource(mirror.hub.repo, 'main', `${mirror.hub.endpoint}/`);
    const options = { store: made.store, retry: quick };
    const model = await downloadModel(await planDownload(source, { ...options, files: [weights] }), options);
    expect(await made.bytes(model, weights)).toEqual(smallModel[weights]);
    expect(mirror.hub.bytesSent(weights)).toBe(100_000);
  });
});

describe('a fault that passes costs nothing but time', () => {
  const faults: readonly (readonly [string, readonly Fault[]])[] = [
    ['the connection breaks before the first byte', [{ kind: 'drop', at: 0 }]],
    ['… three times', [0.2, 0.5, 0.9].map((at) => ({ kind: 'drop', at }))],
    ['nothing more comes', [{ kind: 'stall', at: 0.5 }]],
    ['nothing comes at all', [{ kind: 'stall', at: 0 }]],
    ['a proxy cuts the body and says that this is all', [{ kind: 'truncate', at: 0.5 }]],
    ['a bit is flipped', [{ kind: 'flip', at: 0.7 }]],
    ['more comes than there is', [{ kind: 'longer' }]],
    ['429', [{ kind: 'status', status: 429, headers: { 'Retry-After': '0' } }]],
    ['500, 502, 503', [500, 502, 503].map((status) => ({ kind: 'status', status }))],
    ['ranges are not known after a break', [{ kind: 'drop', at: 0.5 }, { kind: 'no-range' }]],
    ['another range comes than was asked for', [{ kind: 'drop', at: 0.5 }, { kind: 'wrong-range' }]],
    [
      '416 after a break',
      [
        { kind: 'drop', at: 0.5 },
        { kind: 'status', status: 416 },
      ],
    ],
    [
      'a bit is flipped after a break',
      [
        { kind: 'drop', at: 0.5 },
        { kind: 'flip', at: 0 },
      ],
    ],
  ];
  test.each(faults)('%s', async (_, list) => {
    const made = await setting();
    made.hub.fail(weights, ...list);
    const model = await made.download({ retry: list.some(({ kind }) => kind === 'stall') ? impatient : quick });
    expect(await made.bytes(model, weights)).toEqual(smallModel[weights]);
    expect(model.complete).toBe(true);
  });

  test('in the API too', async () => {
    const made = await setting();
    made.hub.fail('revision', { kind: 'status', status: 503 }, { kind: 'drop', at: 0.5 });
    made.hub.fail('tree', { kind: 'stall', at: 0.5 }, { kind: 'status', status: 429 });
    expect((await made.download({ retry: impatient })).complete).toBe(true);
  });
});

describe('a fault that stays is said, and nothing wrong can be opened', () => {
  const times = (fault: Fault): Fault[] => Array.from({ length: 20 }, () => fault);
  const faults: readonly (readonly [string, Fault, string, RegExp])[] = [
    ['breaks', { kind: 'drop', at: 0 }, 'download-interrupted', /broke/],
    ['stalls', { kind: 'stall', at: 0 }, 'download-interrupted', /sent nothing/],
    ['500', { kind: 'status', status: 500 }, 'download-interrupted', /500.*kept/],
    ['429', { kind: 'status', status: 429 }, 'download-interrupted', /asked for too much/],
    [
      '429 for an hour',
      { kind: 'status', status: 429, headers: { 'Retry-After': '3600' } },
      'download-interrupted',
      /60 minutes/,
    ],
    ['401', { kind: 'status', status: 401 }, 'download-refused', /agree there/],
    ['403', { kind: 'status', status: 403 }, 'download-refused', /drop their folder/],
    ['404', { kind: 'status', status: 404 }, 'model-unavailable', /has no onnx\/model\.onnx_data \(404\)/],
    ['a web page', { kind: 'html', typed: true }, 'model-unavailable', /log in/],
    ['a web page that says it is bytes', { kind: 'html', typed: false }, 'model-unavailable', /log in/],
    ['a flipped bit', { kind: 'flip', at: 0.3 }, 'download-damaged', /3 times/],
    ['too many bytes', { kind: 'longer' }, 'download-damaged', /3 times/],
    ['cut off', { kind: 'truncate', at: 0.5 }, 'download-damaged', /3 times/],
  ];
  test.each(faults)('%s', async (_, fault, code, message) => {
    const made = await setting();
    made.hub.fail(weights, ...times(fault));
    const retry = { ...(fault.kind === 'stall' ? impatient : quick), attempts: 4 };
    const error = await failureOf(made.download({ retry }));
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) as string });
    expect(error.details).toMatchObject({ file: weights });
    const [model] = await made.store.list();
    expect(model!.complete).toBe(false);
    expect((await failureOf(made.store.open(model!.key, weights))).code).toBe('model-unavailable');
    // The small files came first, and are whole.
    expect(model!.files.filter(({ state }) => state === 'whole')).toHaveLength(3);
  });

  test('a hub that is not there', async () => {
    const made = await setting();
    await made.hub.stop();
    expect(await failureOf(made.plan({ retry: { ...quick, attempts: 2 } }))).toMatchObject({
      code: 'download-interrupted',
      details: { reason: 'broken' },
    });
  });
});

test('429 with Retry-After is waited for', async () => {
  const made = await setting();
  made.hub.fail(weights, { kind: 'status', status: 429, headers: { 'Retry-After': '1' } });
  const waits: number[] = [];
  const started = performance.now();
  await made.download({ onProgress: ({ retry }) => retry !== undefined && waits.push(retry.inMs) });
  expect(waits).toEqual([1000]);
  expect(performance.now() - started).toBeGreaterThan(990);
});

describe('a cancel', () => {
  test('ends a transfer; what arrived is kept', async () => {
    const made = await setting();
    await stopAt(made, 100_000, size); // 'aborted'
    expect((await made.plan()).bytesToFetch).toBe(100_000);
    expect((await made.download()).complete).toBe(true);
  });

  test('ends a wait', async () => {
    const made = await setting();
    made.hub.fail(weights, { kind: 'status', status: 503 });
    const cancel = new AbortController();
    const error = await failureOf(
      made.download({
        signal: cancel.signal,
        retry: { ...quick, baseMs: 60_000, maxMs: 60_000 },
        onProgress: ({ phase }) => phase === 'retrying' && cancel.abort(),
      }),
    );
    expect(error.code).toBe('aborted');
  });
});

describe('two tabs', () => {
  test('one downloads, the other follows', async () => {
    const made = await setting();
    const plan = await made.plan();
    const phases: string[] = [];
    const [first, second] = await Promise.all([
      downloadModel(plan, { store: made.store, retry: quick }),
      downloadModel(plan, { store: made.reopened(), retry: quick, onProgress: ({ phase }) => phases.push(phase) }),
    ]);
    expect(phases).toEqual(['waiting']);
    expect(second).toEqual(first);
    expect(made.hub.requestsOf(weights)).toHaveLength(1);
  });

  test('or is told', async () => {
    const made = await setting();
    const plan = await made.plan();
    const first = downloadModel(plan, { store: made.store, retry: quick });
    const error = await failureOf(downloadModel(plan, { store: made.reopened(), ifBusy: 'fail' }));
    expect(error.code).toBe('model-busy');
    expect((await failureOf(made.store.remove(plan.key))).code).toBe('model-busy');
    expect((await first).complete).toBe(true);
  });
});
