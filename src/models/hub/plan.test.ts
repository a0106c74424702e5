/** What is known before the first byte, and what keeps a download from beginning. */
import { afterEach, describe, expect, test } from 'vitest';
import { downloadModel } from './download.ts';
import { askToPersist, planDownload } from './plan.ts';
import { pathSource } from './source.ts';
import { createSetting, failureOf, quick, smallModel, stopAt, weights, type Setting } from '../testing/setting.ts';
import { sha256, someBytes } from '../testing/hub-server.ts';

const opened: Setting[] = [];
async function setting(...given: Parameters<typeof createSetting>): Promise<Setting> {
  const made = await createSetting(...given);
  opened.push(made);
  return made;
}
afterEach(async () => {
  for (const made of opened.splice(0)) await made.close();
});

const total = Object.values(smallModel).reduce((sum, bytes) => sum + bytes.length, 0);
const room = (quota: number, usage = 0) => ({ estimate: () => Promise.resolve({ quota, usage }) });

describe('a plan', () => {
  test('says how much, where to, and how long', async () => {
    const made = await setting();
    const plan = await made.plan({ derivedBytes: 50_000, bytesPerSecond: total / 10, ...room(1_000_000, 400_000) });
    expect(plan).toMatchObject({
      source: { kind: 'hub', repo: 'maker/model', revision: made.hub.publish(smallModel) },
      totalBytes: total,
      presentBytes: 0,
      bytesToFetch: total,
      bytesNeeded: total + 50_000,
      bytesFree: 600_000,
      fits: true,
      seconds: 10,
      unknownSizes: 0,
    });
    expect(plan.files[0]).toMatchObject({ path: 'config.json', published: { kind: 'git-sha1' } });
    expect(plan.files[3]).toMatchObject({
      path: weights,
      published: { kind: 'sha256', hex: sha256(smallModel[weights]!) },
    });
    expect(made.hub.log.map(({ path }) => path.split('/')[5])).toEqual(['revision', 'tree']); // no file was asked for
    expect(await made.folders.list()).toEqual([]);
  });

  test('reads a list of files over several pages', async () => {
    const made = await setting({ pageSize: 1 });
    expect((await made.plan()).files).toHaveLength(4);
    expect(made.hub.log.filter(({ path }) => path.includes('/tree/'))).toHaveLength(4);
  });

  test('leaves out what is optional and not there', async () => {
    const made = await setting();
    const plan = await made.plan({ files: ['config.json', { path: 'artifact.metadata', optional: true }] });
    expect(plan.files.map(({ path }) => path)).toEqual(['config.json']);
  });

  test.each([
    ['a file that is not there', { files: ['onnx/model_q4.onnx'] }, 'model-unavailable', /has no onnx\/model_q4\.onnx/],
    ['a path out of the model', { files: ['../secret'] }, 'invalid-argument', /cannot be the path/],
    [
      'weights that Lateral knows otherwise',
      { files: [{ path: weights, sha256: '0'.repeat(64) }] },
      'model-invalid',
      /not the file that Lateral knows/,
    ],
  ])('%s is said', async (_, options, code, message) => {
    const made = await setting();
    const error = await failureOf(made.plan(options));
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) as string });
  });

  test.each([
    ['revision', { kind: 'html', typed: true }, 'web-page'],
    ['tree', { kind: 'html', typed: false }, 'web-page'],
    ['revision', { kind: 'truncate', at: 0.5 }, 'not-a-hub'],
  ] as const)('an address that is no hub: %s, %o', async (path, fault, reason) => {
    const made = await setting();
    made.hub.fail(path, fault);
    expect(await failureOf(made.plan())).toMatchObject({ code: 'model-unavailable', details: { reason } });
  });

  test('says that a hub wants an account', async () => {
    const made = await setting({ gated: 'auto' });
    expect((await made.plan()).gated).toBe(true);
  });
});

describe('before the first byte', () => {
  test('conditions of a licence have to be agreed to, once', async () => {
    const made = await setting({ licence: 'cc-by-nc-4.0' });
    const plan = await made.plan();
    expect(plan.licence).toEqual({ id: 'cc-by-nc-4.0', url: `${made.hub.endpoint}/maker/model`, conditions: true });
    const asked = made.hub.log.length;
    const error = await failureOf(made.download());
    expect(error).toMatchObject({ code: 'consent-required', details: { licence: 'cc-by-nc-4.0' } });
    expect(made.hub.log.slice(asked).every(({ path }) => path.startsWith('/api/'))).toBe(true);

    await stopAt(made, 100_000, 200_000); // with consent
    expect((await made.download()).complete).toBe(true); // it is remembered with the model
  });

  test('there has to be room for what comes and what is made of it', async () => {
    const made = await setting();
    expect((await made.plan({ ...room(total - 1) })).fits).toBe(false);
    const error = await failureOf(made.download(room(total - 1)));
    expect(error).toMatchObject({ code: 'storage-full', details: { neededBytes: total, freeBytes: total - 1 } });
    expect((await failureOf(made.download({ derivedBytes: 2, ...room(total + 1) }))).code).toBe('storage-full');
    expect(made.hub.requestsOf(weights)).toEqual([]);
    expect(await made.store.list()).toEqual([]);
    expect((await made.download(room(total))).complete).toBe(true);
  });

  test('the browser can be asked to keep it', async () => {
    const ask = (persisted: boolean, persist: boolean) =>
      askToPersist({
        storage: { persisted: () => Promise.resolve(persisted), persist: () => Promise.resolve(persist) },
      });
    expect(await Promise.all([ask(true, false), ask(false, true), ask(false, false), askToPersist({})])).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });
});

describe('a server of plain files', () => {
  const plain = (hub: { plainUrl: string }) => pathSource(hub.plainUrl);

  test('serves a model by its lengths alone', async () => {
    const made = await setting({ source: plain });
    const model = await made.download();
    expect(model).toMatchObject({ complete: true, licence: null, key: `path:${made.hub.plainUrl}` });
    expect(await made.bytes(model, weights)).toEqual(smallModel[weights]);
    expect(model.files.at(-1)).toMatchObject({ verified: false, sha256: sha256(smallModel[weights]!) });
  });

  test('by digests too, where Lateral knows them', async () => {
    const made = await setting({ source: plain });
    const files = [{ path: weights, sha256: sha256(smallModel[weights]!) }];
    made.hub.fail(weights, { kind: 'truncate', at: 1 }, { kind: 'flip', at: 0.5 }); // the first is taken by HEAD
    const model = await made.download({ files });
    expect(await made.bytes(model, weights)).toEqual(smallModel[weights]);
    expect(model.files[0]!.verified).toBe(true);
  });

  test('goes on after a break while its ETag is the same', async () => {
    const made = await setting({ source: plain });
    await made.plan();
    made.hub.fail(weights, { kind: 'no-range' }, { kind: 'drop', at: 0.5 }); // HEAD, then GET
    const model = await made.download();
    expect(made.hub.requestsOf(weights).map(({ range }) => range)).toEqual([
      ...[null, null, null],
      expect.stringMatching(/^bytes=[1-9]/),
    ]);
    expect(model.complete).toBe(true);
  });

  test('starts over where the file has changed in between: never half of each', async () => {
    const made = await setting({ source: plain });
    made.hub.fail(weights, { kind: 'no-range' }, { kind: 'drop', at: 0.5 });
    await failureOf(made.download({ retry: { ...quick, attempts: 1 } }));
    const changed = { ...smallModel, [weights]: someBytes(200_000, 77) };
    made.hub.publish(changed);
    const model = await made.download();
    expect(await made.bytes(model, weights)).toEqual(changed[weights]);
  });

  test('starts over where nothing tells that the file is the same', async () => {
    const made = await setting({ source: plain, etags: false });
    made.hub.fail(weights, { kind: 'no-range' }, { kind: 'drop', at: 0.5 });
    const model = await made.download();
    expect(made.hub.requestsOf(weights).map(({ range }) => range)).toEqual([null, null, null]);
    expect(await made.bytes(model, weights)).toEqual(smallModel[weights]);
  });

  test('need not say how long its files are', async () => {
    const made = await setting({ source: plain, lengths: false });
    expect(await made.plan()).toMatchObject({ unknownSizes: 4, totalBytes: 0 });
    const model = await made.download();
    expect(await made.bytes(model, weights)).toEqual(smallModel[weights]);
  });

  test('that answers everything with its start page is found out', async () => {
    const made = await setting({ source: plain });
    made.hub.fail('config.json', { kind: 'html', typed: true });
    const optional = Object.keys(smallModel).map((path) => ({ path, optional: path === 'config.json' }));
    expect((await made.plan({ files: optional })).files.map(({ path }) => path)).not.toContain('config.json');
    made.hub.fail('config.json', { kind: 'html', typed: true });
    expect(await failureOf(made.plan())).toMatchObject({ code: 'model-unavailable', details: { reason: 'web-page' } });
  });
});

test('a plan made in another tab downloads the same', async () => {
  const made = await setting();
  const plan = structuredClone(
    await planDownload(made.source, { store: made.store, files: Object.keys(smallModel), retry: quick }),
  );
  expect((await downloadModel(plan, { store: made.store, retry: quick })).complete).toBe(true);
});
