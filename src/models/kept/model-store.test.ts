/** The store over real files: what counts as whole, what a crash leaves, and what deleting leaves. */
import { appendFile, readdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LateralError } from '../../errors.ts';
import { createSetting, failureOf, smallModel, stopAt, weights, type Setting } from '../testing/setting.ts';
import { sha256, someBytes } from '../testing/hub-server.ts';
import type { ByteFolders } from './byte-folders.ts';
import type { StoredModel } from './describe.ts';
import { manifestSlots, readManifest } from './manifest.ts';
import { nameOf } from './names.ts';

let made: Setting;
let model: StoredModel;
beforeEach(async () => {
  made = await createSetting();
  model = await made.download();
});
afterEach(() => made.close());

const folderOf = async (): Promise<string> => join(made.root, (await readdir(made.root))[0]!);
const fileOf = async (path: string): Promise<string> => join(await folderOf(), nameOf(path));
const total = Object.values(smallModel).reduce((sum, bytes) => sum + bytes.length, 0);
const quantised = {
  path: 'made/q4.onnx',
  kind: 'q4-onnx',
  options: { block: 32 },
  replaces: ['onnx/model.onnx', weights],
};

describe('reading', () => {
  test('anywhere in a file, and never beyond it', async () => {
    const source = await made.store.open(model.key, weights);
    expect(source.size).toBe(200_000);
    expect(await source.read(199_990, 10)).toEqual(smallModel[weights]!.slice(199_990));
    expect((await failureOf(source.read(199_991, 10))).code).toBe('invalid-argument');
  });

  test.each(['cut short', 'longer', 'gone'])('a file that is %s on disk does not count as whole', async (how) => {
    const path = await fileOf(weights);
    if (how === 'cut short') await truncate(path, 150_000);
    if (how === 'longer') await appendFile(path, 'x');
    if (how === 'gone') await (await made.folders.open((await readdir(made.root))[0]!)).remove(nameOf(weights));
    expect((await failureOf(made.store.open(model.key, weights))).code).toBe('model-unavailable');
    expect((await made.store.get(model.key))!.complete).toBe(false);
    expect(await made.bytes(await made.download(), weights)).toEqual(smallModel[weights]);
  });

  test('a bit that changed on disk is found by verify, and fetched again', async () => {
    const damaged = smallModel[weights]!.slice();
    damaged[123_456]! ^= 1;
    await writeFile(await fileOf(weights), damaged);
    expect(await made.store.verify(model.key)).toEqual([weights]);
    expect((await failureOf(made.store.open(model.key, weights))).code).toBe('model-unavailable');
    expect(await made.bytes(await made.download(), weights)).toEqual(smallModel[weights]);
    expect(await made.store.verify(model.key)).toEqual([]);
  });
});

describe('the record of a model', () => {
  test('survives a crash while it is written: the other slot is whole', async () => {
    const folder = await made.folders.open((await readdir(made.root))[0]!);
    const before = (await readManifest(folder))!;
    await made.store.touch(model.key);
    const after = (await readManifest(folder))!;
    expect(after.sequence).toBe(before.sequence + 1);
    const newest = join(await folderOf(), manifestSlots[after.sequence % 2 === 0 ? 0 : 1]);
    await truncate(newest, 40); // half written
    expect(await readManifest(folder)).toEqual(before);
    await made.store.touch(model.key);
    expect((await readManifest(folder))!.sequence).toBe(after.sequence);
  });

  test('that cannot be read at all is as if there were none, and cleaned up', async () => {
    for (const slot of manifestSlots) await writeFile(join(await folderOf(), slot), '00000000\n{"format":1}');
    expect(await made.store.list()).toEqual([]);
    expect(await made.store.cleanUp()).toBeGreaterThan(total);
    expect(await readdir(made.root)).toEqual([]);
  });

  test('lists what was used last first', async () => {
    made.hub.publish({ ...smallModel, 'config.json': new TextEncoder().encode('{"v":2}') });
    const newer = await made.download();
    expect((await made.store.list()).map(({ key }) => key)).toEqual([newer.key, model.key]);
    await new Promise((resolve) => setTimeout(resolve, 2));
    await made.store.touch(model.key);
    expect((await made.store.list()).map(({ key }) => key)).toEqual([model.key, newer.key]);
  });
});

describe('a derived file', () => {
  const derived = someBytes(50_000, 8);
  const write = () =>
    made.store.writeDerived(model.key, quantised, async (sink) => {
      await sink.append(derived.subarray(0, 30_000));
      await sink.append(Uint8Array.of(1, 2, 3));
      await sink.truncate(30_000); // a header that is written again, say
      await sink.append(derived.subarray(30_000));
      expect(sink.size).toBe(50_000);
    });

  test('is listed once it is whole, with what made it', async () => {
    const after = await write();
    expect(after.derived).toEqual([
      {
        ...{ path: 'made/q4.onnx', kind: 'q4-onnx', options: { block: 32 }, size: 50_000, bytes: 50_000 },
        ...{ state: 'whole', sha256: sha256(derived), madeAt: expect.any(Number) as number },
        replaces: ['onnx/model.onnx', weights],
      },
    ]);
    expect(await made.bytes(after, 'made/q4.onnx')).toEqual(derived);
  });

  test('takes the place of what it was made of', async () => {
    expect((await failureOf(made.store.removeReplaced(model.key))).code).toBe('invalid-argument');
    await write();
    const after = await made.store.removeReplaced(model.key);
    expect(after.files.map(({ state }) => state)).toEqual(['whole', 'whole', 'replaced', 'replaced']);
    expect(after.complete).toBe(true);
    expect(model.bytes - after.bytes).toBeGreaterThan(203_000 - 50_000 - 2_000);
    expect((await failureOf(made.store.open(model.key, weights))).code).toBe('model-unavailable');
    // Who wants to make another one of it can fetch it again.
    expect(await made.bytes(await made.download(), weights)).toEqual(smallModel[weights]);
  });

  test('that fails half-way leaves nothing', async () => {
    const failing = made.store.writeDerived(model.key, quantised, async (sink) => {
      await sink.append(derived);
      throw new LateralError('out-of-memory', 'No more.');
    });
    expect((await failureOf(failing)).code).toBe('out-of-memory');
    expect((await made.store.get(model.key))!.derived).toEqual([]);
    expect(await made.store.cleanUp()).toBe(0);
  });

  test('that a crash left half-written is no file of the model, and is cleaned up', async () => {
    await writeFile(await fileOf('made/q4.onnx'), 'half');
    expect((await failureOf(made.store.open(model.key, 'made/q4.onnx'))).code).toBe('model-unavailable');
    expect(await made.store.cleanUp()).toBe(4);
    expect((await made.store.get(model.key))!.complete).toBe(true);
  });
});

describe('deleting', () => {
  test('a model leaves nothing of it', async () => {
    await made.store.remove(model.key);
    expect(await readdir(made.root)).toEqual([]);
    expect(await made.store.get(model.key)).toBeNull();
    await made.store.remove(model.key); // already gone
  });

  test('cleaning up leaves a partial download, which can go on', async () => {
    await made.store.remove(model.key);
    await stopAt(made, 100_000, 200_000);
    expect(await made.store.cleanUp()).toBe(0);
    expect((await made.plan()).bytesToFetch).toBe(100_000);
  });
});

test('a disk that fills up on the way: said, and what arrived goes on later', async () => {
  let room = 120_000;
  const limited = (folders: ByteFolders): ByteFolders => ({
    ...folders,
    async open(name) {
      const folder = await folders.open(name);
      return {
        ...folder,
        async sink(file) {
          const sink = await folder.sink(file);
          return {
            ...sink,
            get size() {
              return sink.size;
            },
            async append(bytes) {
              const taken = Math.min(bytes.length, room);
              room -= taken;
              await sink.append(bytes.subarray(0, taken)); // as much as there is room for
              if (taken < bytes.length) throw new DOMException('full', 'QuotaExceededError');
            },
          };
        },
      };
    },
  });
  const small = await createSetting({ wrap: limited });
  try {
    const error = await failureOf(small.download());
    expect(error).toMatchObject({ code: 'storage-full', details: { file: weights } });
    const left = (await small.plan()).bytesToFetch;
    expect(left).toBeLessThan(200_000);
    room = Infinity;
    const whole = await small.download();
    expect(await small.bytes(whole, weights)).toEqual(smallModel[weights]);
    expect(small.hub.requestsOf(weights)[1]!.range).toBe(`bytes=${200_000 - left}-`);
  } finally {
    await small.close();
  }
});
