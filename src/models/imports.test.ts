/**
 * Folders taken in under a name that a model has already, and imports that end early: over files on disk, with everything real but the
 * check, which says what a test wants (engine/models.test.ts has it).
 */
import { cpSync } from 'node:fs';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLocalLocks } from '../engine/tab-locks.ts';
import { LateralError } from '../errors.ts';
import type { Progress } from '../types.ts';
import { catalogue } from './catalogue.ts';
import { createModelStore, type ByteFolder, type ByteFolders, type ModelLocks, type ModelStore } from './hub.ts';
import { createDiskFolders } from './kept/disk-folders.ts';
import {
  discardImport,
  importModel,
  prepareModel,
  type CheckOutcome,
  type PrepareParts,
  removeModel,
} from './prepare.ts';
import { storedEntry } from './stored-entry.ts';
import type { Files } from './testing/hub-server.ts';
import { failureOf } from './testing/setting.ts';
import { smallModel, smallOnnx } from './testing/small-model.ts';

const name = 'mine';
const id = `folder:${name}`;
/** Of other settings, so of another version; the files have the same names. */
const [first, second] = [smallModel(), smallModel({ query_length: 20 })];
const bytesOf = (files: Files): number => Object.values(files).reduce((sum, { length }) => sum + length, 0);

/** By folder: those of one origin. */
const locks = new Map<string, ModelLocks>();
let root: string;
let tab: Tab;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'lateral-imports-'));
  tab = open();
});
afterEach(() => rm(root, { recursive: true, force: true }));

interface Tab {
  readonly store: ModelStore;
  take(files: Files, calls?: Partial<Calls>): ReturnType<typeof importModel>;
  /** Goes on without the folder. */
  goOn(calls?: Partial<Calls>, how?: { readonly recheck: true }): ReturnType<typeof prepareModel>;
  info(): Promise<ReturnType<typeof catalogue>[number] | undefined>;
}

type Calls = Parameters<PrepareParts['check']>[2];

const calls = (given: Partial<Calls> = {}): Calls => ({
  signal: new AbortController().signal,
  onProgress: () => undefined,
  ...given,
});

/** As after a reload: nothing of before is in memory. */
function open({ check = passes, onWrite, folder = root, estimate }: Partial<TabOptions> = {}): Tab {
  const onDisk = createDiskFolders(folder, { sync: false });
  const own = locks.get(folder) ?? createLocalLocks();
  locks.set(folder, own);
  const store = createModelStore(onWrite === undefined ? onDisk : watched(onDisk, onWrite), own);
  const parts = { store, check, minElements: 256, ...(estimate === undefined ? {} : { estimate }) };
  return {
    store,
    take(files, given) {
      const blobs = Object.entries(files).map(([path, bytes]) => ({ path, blob: new Blob([new Uint8Array(bytes)]) }));
      return importModel(parts, { name, files: blobs }, calls(given));
    },
    goOn: (given, how) => prepareModel(parts, { model: id, ...how }, calls(given)),
    info: async () => catalogue(await store.list()).find((one) => one.id === id),
  };
}

interface TabOptions {
  readonly folder: string;
  readonly check: PrepareParts['check'];
  /** Called before each write, with the bytes of it. */
  readonly onWrite: (bytes: number) => void;
  readonly estimate: NonNullable<PrepareParts['estimate']>;
}

const outcome = (passed: boolean, model: string): CheckOutcome => ({
  report: { device: 'wasm', passed, minCosine: 1, required: 0.98, elapsedMs: 1, message: '' },
  ...{ device: 'wasm', half: false, devices: ['wasm'], tokensPerSecond: 100, hasRows: false },
  selfTest: { model, tolerance: { cosine: 0.99 }, cases: [{ kind: 'query', text: 'a', rows: [] }] },
  levels: { close: 0.4, strong: 0.6, relevant: 0.4, baseline: 0.3 },
});
const passes: PrepareParts['check'] = (_, subject) => Promise.resolve(outcome(true, subject.name));

function watched(folders: ByteFolders, onWrite: (bytes: number) => void): ByteFolders {
  const told =
    <Args extends readonly unknown[], T>(work: (...args: Args) => Promise<T>) =>
    async (...args: Args): Promise<T> => {
      onWrite(args.reduce<number>((sum, arg) => sum + (arg instanceof Uint8Array ? arg.length : 0), 0));
      return work(...args);
    };
  const wrap = (folder: ByteFolder): ByteFolder => ({
    ...folder,
    remove: told((one: string) => folder.remove(one)),
    async sink(one) {
      const sink = await folder.sink(one);
      return {
        get size() {
          return sink.size;
        },
        append: told((bytes: Uint8Array) => sink.append(bytes)),
        truncate: told((length: number) => sink.truncate(length)),
        flush: told(() => sink.flush()),
        close: () => sink.close(),
      };
    },
    async file(one) {
      const file = await folder.file(one);
      return {
        get size() {
          return file.size;
        },
        read: (offset, length) => file.read(offset, length),
        write: told((offset: number, bytes: Uint8Array) => file.write(offset, bytes)),
        truncate: told((length: number) => file.truncate(length)),
        flush: told(() => file.flush()),
        close: () => file.close(),
      };
    },
  });
  return {
    list: () => folders.list(),
    open: told(async (one: string) => wrap(await folders.open(one))),
    find: async (one) => {
      const found = await folders.find(one);
      return found === null ? null : wrap(found);
    },
    remove: told((one: string) => folders.remove(one)),
  };
}

/** The version that an index opens: all of its files are as they were checked. */
async function usable({ store }: Tab): Promise<string> {
  const found = await storedEntry(store, id);
  await found.load();
  return String(found.entry.version);
}

test('the model that is here serves until the new one has passed its check; then there is only that one', async () => {
  await tab.take(first);
  const before = await usable(tab);
  const seen = new Set<string>();
  const look = async (): Promise<void> => {
    expect(await usable(open())).toBe(before);
    expect(await open().info()).toMatchObject({ state: 'ready', interrupted: { totalBytes: bytesOf(second) } });
  };
  const looks: Promise<void>[] = [];
  const next = open({
    check: async (_, subject) => {
      await look();
      return outcome(true, subject.name);
    },
  });
  const ready = await next.take(second, {
    onProgress({ phase }) {
      if (seen.has(phase)) return;
      seen.add(phase);
      looks.push(
        open()
          .store.list()
          .then(() => usable(open()).then((version) => expect(version).toBe(before))),
      );
    },
  });
  await Promise.all(looks);
  expect([...seen]).toEqual(['copying', 'quantizing']);
  expect(ready).toMatchObject({ id, state: 'ready', interrupted: null });
  expect(await usable(open())).not.toBe(before);
  expect(await tab.store.list()).toHaveLength(1);
  expect(await readdir(root)).toHaveLength(1);
  expect(await tab.store.cleanUp()).toBe(0);
});

test('a new one that fails its check goes, and the one that is here stays', async () => {
  await tab.take(first);
  const before = await usable(tab);
  const failing = open({ check: (_, subject) => Promise.resolve(outcome(false, subject.name)) });
  expect(await failureOf(failing.take(second))).toMatchObject({ code: 'self-test-failed' });
  expect(await usable(open())).toBe(before);
  expect(await open().info()).toMatchObject({ state: 'ready', interrupted: null });
  expect(await tab.store.list()).toHaveLength(1);
});

test('whichever write is the last of a tab, a model of the name can be used; going on ends with the new one', async () => {
  const live = join(root, 'live');
  const kept = (write: number): string => join(root, `before-${write}`);
  await open({ folder: live }).take(first);
  const before = await usable(open({ folder: live }));
  let writes = 0;
  const onWrite = (): void => cpSync(live, kept(writes++), { recursive: true }); // what a tab that ends here leaves
  await open({ folder: live, onWrite }).take(second);
  const after = await usable(open({ folder: live }));
  expect(after).not.toBe(before);

  const versions: string[] = [];
  for (let write = 0; write < writes; write += write < writes - 30 ? 5 : 1) {
    const later = open({ folder: kept(write) });
    versions.push(await usable(later));
    expect((await later.info())!.state).toBe('ready');
  }
  expect(new Set(versions)).toEqual(new Set([before, after]));
  expect(versions.indexOf(after)).toBe(versions.lastIndexOf(before) + 1); // at one moment

  for (let write = 0; write < writes; write += 19) {
    const later = open({ folder: kept(write) });
    const { interrupted } = (await later.info())!;
    if (interrupted?.complete === true) await later.goOn();
    else await later.take(second);
    expect(await usable(later)).toBe(after);
    expect(await later.store.list()).toHaveLength(1);
    expect(await later.store.cleanUp()).toBe(0);
  }
}, 60_000);

test('an import that was stopped copies only what is missing, or is another now', async () => {
  const files = first;
  const order = Object.keys(files).sort((a, b) => files[a]!.length - files[b]!.length);
  expect(order.at(-1)).toBe(smallOnnx);
  const cancel = new AbortController();
  const stopAt = bytesOf(files) - files[smallOnnx]!.length;
  const stopped = tab.take(files, {
    signal: cancel.signal,
    onProgress: ({ done }) => done > stopAt && cancel.abort(),
  });
  expect(await failureOf(stopped)).toMatchObject({ code: 'aborted' });
  const interrupted = { presentBytes: stopAt, totalBytes: bytesOf(files), complete: false };
  expect(await open().info()).toMatchObject({ state: 'partial', presentBytes: bytesOf(files), interrupted });
  expect(await failureOf(open().goOn())).toMatchObject({
    message: expect.stringContaining('Drop its folder') as string,
  });
  expect(await failureOf(storedEntry(tab.store, id))).toMatchObject({ code: 'model-unavailable' });

  const changed = {
    ...files,
    'config.json': new TextEncoder().encode(text(files['config.json']!).replace('32', '48')),
  };
  expect(changed['config.json'].length).toBe(files['config.json']!.length);
  const read: Progress[] = [];
  const copied: number[] = [];
  const again = open({ onWrite: (bytes) => read.every(({ phase }) => phase === 'copying') && copied.push(bytes) });
  await again.take(changed, { onProgress: (progress) => read.push(progress) });
  expect(read.filter(({ phase }) => phase === 'copying').at(-1)).toMatchObject({
    done: bytesOf(files),
    total: bytesOf(files),
  });
  for (const path of order) {
    const isCopied = path === 'config.json' || path === smallOnnx;
    expect([path, copied.includes(files[path]!.length)]).toEqual([path, isCopied]);
  }
  expect((await again.store.list())[0]!.files.map(({ path }) => path)).toEqual(order);
  expect(text(await contentOf(again, 'config.json'))).toBe(text(changed['config.json']));
});

test('stopped later, it goes on without the folder', async () => {
  await tab.take(first);
  for (const phase of ['quantizing', 'checking']) {
    const cancel = new AbortController();
    const check: PrepareParts['check'] = (_, subject, { signal, onProgress }) => {
      onProgress({ phase: 'checking', done: 0, total: 1, unit: 'turns' });
      return signal.aborted
        ? Promise.reject(new LateralError('aborted', 'Stopped on request.'))
        : Promise.resolve(outcome(true, subject.name));
    };
    const stopped = open({ check }).take(second, {
      signal: cancel.signal,
      onProgress: (progress) => progress.phase === phase && cancel.abort(),
    });
    expect(await failureOf(stopped)).toMatchObject({ code: 'aborted' });
    expect(await open().info()).toMatchObject({ state: 'ready', interrupted: { complete: true } });
  }
  const before = await usable(tab);
  const phases = new Set<string>();
  expect(await open().goOn({ onProgress: (progress) => phases.add(progress.phase) })).toMatchObject({
    ...{ state: 'ready', interrupted: null },
  });
  expect(phases).not.toContain('copying');
  expect(await usable(open())).not.toBe(before);
  expect(await tab.store.list()).toHaveLength(1);
});

test('one that was stopped can be let go of by itself, or with the model', async () => {
  await tab.take(first);
  const before = await usable(tab);
  const out = open({ check: () => Promise.reject(new LateralError('out-of-memory', 'No.')) });
  expect(await failureOf(out.take(second))).toMatchObject({ code: 'out-of-memory' });
  expect(await tab.store.list()).toHaveLength(2);
  expect(await discardImport(tab.store, id)).toBeGreaterThan(bytesOf(second));
  expect(await discardImport(tab.store, id)).toBe(0);
  expect(await tab.info()).toMatchObject({ state: 'ready', interrupted: null });
  expect(await usable(tab)).toBe(before);

  await failureOf(out.take(second));
  await removeModel(tab.store, id);
  expect(await readdir(root)).toEqual([]);
});

test('a model that fails a later check is not deleted for a new one that was only begun', async () => {
  await tab.take(first);
  const before = await usable(tab);
  const out = open({ check: () => Promise.reject(new LateralError('out-of-memory', 'No.')) });
  expect(await failureOf(out.take(second))).toMatchObject({ code: 'out-of-memory' });
  const failing = open({ check: (_, subject) => Promise.resolve(outcome(false, subject.name)) });
  expect(await failureOf(failing.goOn({}, { recheck: true }))).toMatchObject({ code: 'self-test-failed' });
  expect(await tab.info()).toMatchObject({ interrupted: { complete: true } });

  await failureOf(out.take(second)); // looks for what was replaced
  expect(await tab.store.list()).toHaveLength(2);
  await discardImport(tab.store, id);
  expect(await tab.goOn()).toMatchObject({ state: 'ready', interrupted: null });
  expect(await usable(tab)).toBe(before);
});

test('one that gave no numbers is remembered as failed', async () => {
  const failing = open({
    check: (_, subject) => {
      const made = outcome(false, subject.name);
      return Promise.resolve({ ...made, hasRows: true, report: { ...made.report, minCosine: Number.NaN } });
    },
  });
  expect(await failureOf(failing.take(first))).toMatchObject({ code: 'self-test-failed' });
  expect(await open().info()).toMatchObject({ state: 'failed', check: { passed: false, minCosine: null } });
});

test('room for both is looked for before the first byte', async () => {
  await tab.take(first);
  const used = await usedBytes(root);
  const weights = second[smallOnnx]!.length;
  const needed = bytesOf(second) + (weights * 5) / 32;
  const withRoom = (bytes: number): Tab =>
    open({ estimate: async () => ({ usage: await usedBytes(root), quota: used + bytes }) });
  const error = await failureOf(withRoom(needed - 1).take(second));
  expect(error).toMatchObject({ code: 'storage-full', details: { neededBytes: needed, freeBytes: needed - 1 } });
  expect(await usedBytes(root)).toBe(used);
  expect(await withRoom(needed).take(second)).toMatchObject({ state: 'ready' });
});

test('of two tabs one waits for the other; nothing is deleted meanwhile', async () => {
  const phases: string[] = [];
  const take = (files: Files) =>
    open().take(files, { onProgress: ({ phase }) => phases.at(-1) !== phase && phases.push(phase) });
  const deleted = { code: '' };
  const both = Promise.all([take(first), take(second)]);
  await expect.poll(() => phases).toContain('quantizing');
  await Promise.all(
    [removeModel(tab.store, id), discardImport(tab.store, id)].map(async (work) => {
      deleted.code = (await failureOf(work)).code;
      expect(deleted.code).toBe('model-busy');
    }),
  );
  await both;
  expect(phases).toContain('waiting');
  expect(phases.filter((phase) => phase === 'copying')).toHaveLength(2);
  expect(await tab.store.list()).toHaveLength(1);
});

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

async function contentOf({ store }: Tab, path: string): Promise<Uint8Array> {
  const source = await store.open((await store.list())[0]!.key, path);
  return source.read(0, source.size);
}

async function usedBytes(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true });
  const sizes = await Promise.all(entries.map(async (entry) => stat(join(folder, entry))));
  return sizes.reduce((sum, one) => sum + (one.isFile() ? one.size : 0), 0);
}
