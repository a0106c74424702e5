/**
 * For tests: files that are being added by one model's engine in the very moment in which another model takes over the index. That moment
 * is put before each call of the store that adding makes, one after another.
 */
import { expect } from 'vitest';
import type { IndexStore } from '../../store/index-store.ts';
import type { AddResult } from '../../types.ts';
import type { OpenOptions } from '../engine-api.ts';
import { createLocalLocks } from '../tab-locks.ts';
import { acrossTabs, context } from './engine-over.ts';
import { add, notes, type OpenTab, reencode, vectors } from './toy-tab.ts';

const old: OpenOptions = { dim: 64 };
const next: OpenOptions = { dim: 128, poolFactor: 2, onMismatch: 'aside' };
const late = notes(4, 'late');

export interface Moment {
  /** The call before which the index changed over: 'stage', 'add', …; '' where adding made fewer calls. */
  readonly call: string;
  readonly result: AddResult;
}

/**
 * @param at the number of the call, from 0
 * @param keepSources whether files are kept in the store before they are read
 */
export async function changeOverAt(
  openTab: OpenTab,
  store: IndexStore,
  at: number,
  keepSources: boolean,
): Promise<Moment> {
  const locks = acrossTabs(createLocalLocks());
  let calls = -1; // counted from when files are added
  let call = '';
  const changing: Promise<unknown>[] = [];
  const gated = before(store, async (name) => {
    if (calls < 0 || calls++ !== at) return;
    call = name;
    changing.push(reencode(after));
    await changing[0];
  });
  const serving = await openTab(gated, { ...old, keepSources }, { locks });
  await add(serving, notes(3));
  const after = await openTab(store, next, { locks });
  calls = 0;
  const result = await add(serving, late);
  calls = -1;
  await (changing[0] ?? reencode(after)); // by a call that adding did not wait for, or after all of them
  await serving.engine.close(undefined, context());

  const told = { moment: at, call };
  const { added, failed, remaining, stopped } = result;
  expect({ ...told, failed }).toEqual({ ...told, failed: [] });
  expect({ ...told, through: added.length + remaining.length }).toEqual({ ...told, through: late.length });
  expect({ ...told, code: stopped?.code }).toEqual({
    ...told,
    code: remaining.length === 0 ? undefined : 'model-mismatch',
  });
  // The page has what no store keeps; everything else is still to be read, and nothing twice.
  await expect
    .poll(async () => (await after.status()).pending.files, { timeout: 5_000 })
    .toBe(keepSources ? remaining.length : 0);
  const rest = keepSources
    ? await after.engine.resume(undefined, context())
    : await add(
        after,
        remaining.map((i) => late[i]!),
      );
  expect({ ...told, ...rest, added: rest.added.length }).toEqual({
    ...told,
    ...{ added: remaining.length, failed: [], remaining: [] },
  });
  await reencode(after);
  const status = await after.status();
  expect({ ...told, ...status }).toMatchObject({
    ...told,
    documents: 3 + late.length,
    unencoded: 0,
    switchingFrom: null,
  });
  expect((await store.usage()).asideBytes).toBe(0);
  expect(await store.verify()).toEqual({ damagedBlocks: [], lostDocuments: [], lostFiles: [] });
  const found = await after.engine.search({ query: 'late', options: { match: 'words', k: 100 } }, context());
  expect(new Set(found.hits.map(({ documentName }) => documentName))).toEqual(new Set(late.map(({ name }) => name)));
  await after.engine.close(undefined, context());
  return { call, result };
}

/** What the store of an index holds that the next model read from the start: with this every change-over has to end. */
export async function builtByNext(openTab: OpenTab, store: IndexStore): Promise<Awaited<ReturnType<typeof vectors>>> {
  const tab = await openTab(store, next);
  await add(tab, [...notes(3), ...late]);
  return vectors(store);
}

/** The store, with a call of `work` awaited before each of its own. */
function before(store: IndexStore, work: (name: string) => Promise<void>): IndexStore {
  const entries = Object.entries(store).map(([name, value]: [string, unknown]) => {
    if (typeof value !== 'function' || name.startsWith('on')) return [name, value];
    const own = value as (...given: unknown[]) => unknown;
    return [
      name,
      async (...given: unknown[]) => {
        await work(name);
        return own.apply(store, given);
      },
    ];
  });
  return Object.fromEntries(entries) as IndexStore;
}
