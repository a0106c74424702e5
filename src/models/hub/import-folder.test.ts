/** Folders as people drop them: right ones, and what is commonly wrong with them. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLocalLocks } from '../../engine/tab-locks.ts';
import { createDiskFolders } from '../kept/disk-folders.ts';
import { createModelStore, type ModelStore } from '../kept/model-store.ts';
import { failureOf } from '../testing/setting.ts';
import { sha256, someBytes } from '../testing/hub-server.ts';
import { importFolder, type FolderFile } from './import-folder.ts';

let root: string;
let store: ModelStore;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'lateral-folder-'));
  store = createModelStore(createDiskFolders(root, { sync: false }), createLocalLocks());
});
afterEach(() => rm(root, { recursive: true, force: true }));

const weights = someBytes(3_000_000, 4);
const file = (path: string, content: string | Uint8Array<ArrayBuffer>): FolderFile => ({
  path,
  blob: new Blob([content]),
});
const good: readonly FolderFile[] = [
  file('my-model/config.json', '{}'),
  file('my-model/tokenizer.json', '{"model":{}}'),
  file('my-model/onnx/model.onnx', weights),
];

test('comes into the store like a download', async () => {
  const seen: number[] = [];
  const more = [file('my-model/.git/HEAD', 'ref'), file('my-model/model.safetensors', 'other weights')];
  const model = await importFolder([...good, ...more], {
    ...{ store, name: 'my-model', onProgress: (done) => seen.push(done) },
  });
  expect(model).toMatchObject({ complete: true, source: { kind: 'folder', name: 'my-model' } });
  expect(model.files.map(({ path }) => path)).toEqual(['config.json', 'tokenizer.json', 'onnx/model.onnx']);
  expect(model.files[2]).toMatchObject({ size: 3_000_000, sha256: sha256(weights), verified: false });
  const source = await store.open(model.key, 'onnx/model.onnx');
  expect(await source.read(2_000_000, 5)).toEqual(weights.slice(2_000_000, 2_000_005));
  expect(seen.at(-1)).toBe(3_000_000 + 2 + 12);
});

test('leaves others of its name alone, and is the later one whatever the clock says', async () => {
  const first = await importFolder(good, { store, name: 'm', now: () => 2_000 });
  const second = await importFolder(good, { store, name: 'm', now: () => 1_000 });
  expect(await store.list()).toHaveLength(2);
  expect(second.addedAt).toBeGreaterThan(first.addedAt);
});

test('gone on with: what is no longer in the folder goes, and what was made of its files', async () => {
  const more = [...good, file('my-model/extra.json', '{}')];
  const { key } = await importFolder(more, { store, name: 'm', wanted: { bits: 8 } });
  await store.writeDerived(key, { path: 'made', kind: 'x', options: {}, replaces: [] }, (sink) =>
    sink.append(Uint8Array.of(1)),
  );
  const same = await importFolder(more, { store, name: 'm', goOnWith: key });
  expect(same).toMatchObject({ key, wanted: { bits: 8 }, derived: [{ path: 'made', state: 'whole' }] });
  const fewer = await importFolder(good, { store, name: 'm', goOnWith: key });
  expect(fewer).toMatchObject({ key, wanted: { bits: 8 }, derived: [], complete: true });
  expect(fewer.files).toHaveLength(3);
  expect(await store.cleanUp()).toBe(0);
});

test.each([
  ['no tokenizer, no ONNX', [good[0]!], 'model-unavailable', /lacks tokenizer\.json, an \.onnx file/],
  ['nothing', [], 'model-unavailable', /lacks tokenizer\.json/],
  [
    'a pointer of Git LFS',
    [...good.slice(0, 2), file('my-model/model.onnx', 'version https://git-lfs.github.com/spec/v1\noid sha256:00')],
    'model-invalid',
    /git lfs pull/,
  ],
  [
    'a saved web page',
    [...good.slice(1), file('my-model/config.json', '<!doctype html>')],
    'model-invalid',
    /web page/,
  ],
  ['JSON cut short', [...good.slice(1), file('my-model/config.json', '{"a":')], 'model-invalid', /not valid JSON/],
  ['an odd path', [...good, file('my-model/a\\b.json', 'x')], 'invalid-argument', /cannot be the path/],
] as const)('%s is said, and nothing is kept', async (_, files, code, message) => {
  const error = await failureOf(importFolder(files, { store, name: 'm' }));
  expect(error).toMatchObject({ code, message: expect.stringMatching(message) as string });
  expect(await readdir(root)).toEqual([]);
});

test('no room, or a cancel before the first file: nothing stays', async () => {
  const full = importFolder(good, { store, name: 'm', estimate: () => Promise.resolve({ quota: 10, usage: 0 }) });
  expect((await failureOf(full)).code).toBe('storage-full');
  const cancel = new AbortController();
  const stopped = importFolder(good, {
    ...{ store, name: 'm', signal: cancel.signal },
    onProgress: () => cancel.abort(),
  });
  expect((await failureOf(stopped)).code).toBe('aborted');
  expect(await store.list()).toEqual([]);
  await store.cleanUp();
  expect(await readdir(root)).toEqual([]);
});
