/**
 * An index taken over by another model while the one before serves it, through two whole engines over one store: with toy encoders,
 * so that what is tested is who reads what, what is searched when, and what every interruption leaves.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { embeddedTokenizer } from '../colbert/testing/embedded.ts';
import { LateralError } from '../errors.ts';
import type { IndexStore } from '../store/index-store.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import type { DocumentInput, Progress } from '../types.ts';
import type { OpenOptions } from './engine-api.ts';
import { createLocalLocks } from './tab-locks.ts';
import { context } from './testing/engine-over.ts';
import { add, notes, reencode, type Tab, toyTabs, vectors } from './testing/toy-tab.ts';

const { tokenizer, config } = embeddedTokenizer();
/** More dimensions and other rows: as another model's, they do not follow from those that are stored. */
const old: OpenOptions = { dim: 64 };
const next: OpenOptions = { dim: 128, poolFactor: 2, onMismatch: 'aside' };

const openTab = toyTabs(tokenizer, config);

async function hits(tab: Tab, query = 'the toll of a ship, number 3', match: 'meaning' | 'both' | 'words' = 'meaning') {
  const found = await tab.engine.search({ query, options: { match, k: 100 } }, context());
  return found.hits
    .map(({ documentName, chunk, score }) => ({ documentName, chunk, score }))
    .toSorted((a, b) => b.score - a.score || a.chunk - b.chunk || (a.documentName < b.documentName ? -1 : 1));
}

/** An index of these, built by the next model from the start. */
async function built(documents: readonly DocumentInput[]) {
  const store = createMemoryStore('fresh');
  const tab = await openTab(store, next);
  await add(tab, documents);
  return { vectors: await vectors(store), hits: await hits(tab) };
}

const code = (expected: LateralError['code']) => ({ code: expected });
const whole = { damagedBlocks: [], lostDocuments: [], lostFiles: [] };

type Write = (...given: unknown[]) => Promise<unknown>;

/** Rejects writes of the store with this error from the nth on, until told otherwise. */
function failing(store: IndexStore, names: readonly ('putAside' | 'switchTo' | 'takeAside')[], error: LateralError) {
  let left = Infinity;
  const check = (): void => {
    if (left-- <= 0) throw error;
  };
  const wrapped = { ...store };
  for (const name of names) {
    const work = (...given: unknown[]): Promise<unknown> => (store[name] as Write)(...given);
    Object.assign(wrapped, {
      [name]: async (...given: unknown[]) => {
        check();
        return work(...given);
      },
    });
  }
  return { store: wrapped, failFrom: (nth: number) => (left = nth) };
}

describe('an index that is taken over', () => {
  test('is served by the old model until all is encoded, and by the new one from then on', async () => {
    const store = createMemoryStore('toy');
    const before = await openTab(store, old);
    const documents = notes(20);
    await add(before, documents);
    const expected = await hits(before);
    expect(expected.length).toBeGreaterThan(20);
    const [version, stored] = [await store.version(), await vectors(store)];

    let checked = 0;
    const after = await openTab(store, next, {
      onEncode: async () => {
        if ((await after.status()).switchingFrom === null) return;
        expect(await hits(before)).toEqual(expected); // at every point before the switch
        checked++;
      },
    });
    const from = await store.fingerprint();
    expect(await after.status()).toMatchObject({
      ...{
        state: 'ready',
        documents: 20,
        unencoded: 20,
        tokens: 0,
        residentBytes: 0,
        switchingFrom: from,
        error: null,
      },
    });
    expect([await store.version(), await vectors(store)]).toEqual([version, stored]); // opening changes nothing

    const told: Progress[] = [];
    let waiting = 20;
    const onProgress = (progress: Progress): void => void told.push(progress);
    after.engine.subscribe((event) => {
      if (event.type !== 'status') return;
      expect(event.status.unencoded).toBeLessThanOrEqual(waiting);
      if (event.status.switchingFrom !== null) waiting = event.status.unencoded;
    });
    expect(await reencode(after, { onProgress })).toBe(20);
    expect(checked).toBeGreaterThan(10);
    expect(waiting).toBe(0);
    expect(told.filter(({ phase }) => phase === 'reencoding').at(-1)).toMatchObject({ done: 20, total: 20 });
    expect(told.at(-1)).toMatchObject({ phase: 'switching', done: 20, total: 20, unit: 'files' });

    const fresh = await built(documents);
    expect(await vectors(store)).toEqual(fresh.vectors);
    expect(await after.status()).toMatchObject({ documents: 20, unencoded: 0, switchingFrom: null, error: null });
    expect(await hits(after)).toEqual(fresh.hits);
    expect((await store.usage()).asideBytes).toBe(0);
    expect(await store.verify()).toEqual(whole);
    await expect.poll(async () => (await before.status()).error?.code).toBe('model-mismatch');
    await before.engine.close(undefined, context());
    await add(after, notes(3, 'late'));
    expect((await hits(after, 'late', 'words')).length).toBe(3);
  });

  test('says so to whoever searches or adds too early; what needs no index works', async () => {
    const store = createMemoryStore('toy');
    const before = await openTab(store, old);
    await add(before, notes(3));
    const { engine } = await openTab(store, next);
    const { id } = (await engine.documents(undefined, context()))[0]!;
    const refused: (() => Promise<unknown>)[] = [
      ...(['meaning', 'both', 'words'] as const).map(
        (match) => () => engine.search({ query: 'toll', options: { match } }, context()),
      ),
      () => engine.add(notes(1, 'new'), context()),
      () => engine.resume(undefined, context()),
      () => engine.remove([id], context()),
      () => engine.restore('', context()),
      () => engine.clear(undefined, context()),
      () => engine.export({}, context()),
      () => engine.import(new Blob([]), context()),
      () => engine.dropSources(undefined, context()),
    ];
    for (const call of refused) {
      await expect(call()).rejects.toMatchObject({
        code: 'model-mismatch',
        message: expect.stringContaining('still has vectors of lateral-mini@') as string,
      });
    }
    expect(await store.documents()).toHaveLength(3);
    const [embedded] = await engine.embed({ texts: ['toll'], options: {} }, context());
    expect(embedded!.dim).toBe(128);
    expect(await engine.rerank({ query: 'toll', documents: ['toll', 'gate'] }, context())).toHaveLength(2);
    expect((await engine.text(id, context())).text).toContain('About the note');
    expect(await engine.stats(undefined, context())).toMatchObject({ documents: 3, asideBytes: 0 });
    expect(await hits(before)).toHaveLength(3);
  });

  test('can be added to, removed from and restored to meanwhile', async () => {
    const store = createMemoryStore('toy');
    const before = await openTab(store, old);
    await add(before, notes(12));
    const idOf = async (name: string) => (await store.documents()).find((record) => record.name === name)!.id;
    let step = 0;
    let undo = '';
    const after = await openTab(store, next, {
      onEncode: async () => {
        step++;
        if (step === 3) await add(before, notes(6, 'more'));
        if (step === 5) undo = (await before.engine.remove([await idOf('note-0.txt')], context())).undo!;
        if (step === 6) await before.engine.restore(undo, context());
        if (step === 7) await before.engine.remove([await idOf('note-1.txt')], context());
      },
    });
    await reencode(after);
    expect(step).toBeGreaterThanOrEqual(7);
    const expected = await built([...notes(12).filter(({ name }) => name !== 'note-1.txt'), ...notes(6, 'more')]);
    expect(await vectors(store)).toEqual(expected.vectors);
    expect((await store.usage()).asideBytes).toBe(0);
    expect(await hits(after)).toHaveLength(expected.hits.length);
  });

  test('leaves files that were being added at that moment pending, for the new one to read', async () => {
    const store = createMemoryStore('toy');
    const before = await openTab(store, old, {
      onEncode: () => (adding ? switched : Promise.resolve()),
    });
    let adding = false;
    let done = (): void => undefined;
    const switched = new Promise<void>((resolve) => (done = resolve));
    await add(before, notes(3));
    const after = await openTab(store, next);
    adding = true;
    const late = add(before, notes(2, 'late'));
    await reencode(after);
    done();
    expect(await late).toMatchObject({ added: [], failed: [], remaining: [0, 1], stopped: code('model-mismatch') });
    await before.engine.close(undefined, context());
    const later = await openTab(store, next); // in a browser any tab may do it, once the old one has ended
    expect((await later.status()).pending.files).toBe(2);
    expect((await later.engine.resume(undefined, context())).added).toHaveLength(2);
    expect(await vectors(store)).toEqual((await built([...notes(3), ...notes(2, 'late')])).vectors);
  });

  test('and cleared meanwhile: then there is nothing to encode', async () => {
    const store = createMemoryStore('toy');
    const before = await openTab(store, old);
    await add(before, notes(3));
    const after = await openTab(store, next);
    await before.engine.clear(undefined, context());
    await expect.poll(async () => (await after.status()).documents).toBe(0);
    expect(await reencode(after)).toBe(0);
    expect((await after.status()).switchingFrom).toBeNull();
    await add(after, notes(3));
    expect(await hits(after)).toHaveLength(3);
  });

  test('goes on after a cancel with what is left, in another engine too', async () => {
    const store = createMemoryStore('toy');
    const before = await openTab(store, old);
    await add(before, notes(20));
    const stored = await vectors(store);
    const first = await openTab(store, next);
    const controller = new AbortController();
    const onProgress = ({ done }: Progress): void => {
      if (done >= 9) controller.abort();
    };
    await expect(reencode(first, { signal: controller.signal, onProgress })).rejects.toMatchObject(code('aborted'));
    const { unencoded } = await first.status();
    expect(unencoded).toBeGreaterThan(0);
    expect(unencoded).toBeLessThan(20);
    expect(await vectors(store)).toEqual(stored);
    const { asideBytes } = await first.engine.stats(undefined, context());
    expect(asideBytes).toBeGreaterThan(0);
    await first.engine.close(undefined, context());

    const second = await openTab(store, next);
    expect((await second.status()).unencoded).toBe(unencoded);
    expect(await reencode(second)).toBe(unencoded);
    expect(await vectors(store)).toEqual((await built(notes(20))).vectors);
  });

  test('goes on from a switch that was interrupted, without encoding, however it is opened', async () => {
    for (const onMismatch of ['fail', 'reencode', 'aside', 'clear'] as const) {
      const store = createMemoryStore('toy', { blockBytes: 4_000 });
      const before = await openTab(store, old);
      await add(before, notes(20));
      const gone = failing(store, ['takeAside'], new LateralError('storage-closed', 'The tab is gone.'));
      gone.failFrom(2);
      const first = await openTab(gone.store, next);
      await expect(reencode(first)).rejects.toMatchObject(code('storage-closed'));
      expect(await first.status()).toMatchObject({ documents: 20, switchingFrom: null });
      await first.engine.close(undefined, context());
      // Found by words meanwhile.
      const second = await openTab(store, { ...next, onMismatch });
      const { unencoded, switchingFrom } = await second.status();
      expect([unencoded > 0 && unencoded < 20, switchingFrom]).toEqual([true, null]);
      expect(new Set((await hits(second, 'about note', 'both')).map(({ documentName }) => documentName)).size).toBe(20);
      expect(second.encoded()).toBe(1); // the query
      expect(await reencode(second)).toBe(0);
      expect(second.encoded()).toBe(1);
      expect(await vectors(store)).toEqual((await built(notes(20))).vectors);
      expect((await second.status()).unencoded).toBe(0);
      expect((await store.usage()).asideBytes).toBe(0);
    }
  });

  test('stays as it was where the disk is full, with what was made kept', async () => {
    const store = createMemoryStore('toy');
    const before = await openTab(store, old);
    await add(before, notes(20));
    const [stored, expected] = [await vectors(store), await hits(before)];
    const full = failing(store, ['putAside'], new LateralError('storage-full', 'Full.'));
    full.failFrom(2);
    const after = await openTab(full.store, next);
    await expect(reencode(after)).rejects.toMatchObject(code('storage-full'));
    const { unencoded } = await after.status();
    expect(unencoded).toBeLessThan(20);
    expect([await vectors(store), await hits(before)]).toEqual([stored, expected]);
    full.failFrom(Infinity);
    expect(await reencode(after)).toBe(unencoded);
    expect(await vectors(store)).toEqual((await built(notes(20))).vectors);
  });

  test('does not wait for a document that cannot be encoded, which is named, and found by its words', async () => {
    const store = createMemoryStore('toy');
    const before = await openTab(store, old);
    await add(before, notes(12));
    const bad = (await store.documents()).find(({ name }) => name === 'note-4.txt')!;
    const broken: IndexStore = {
      ...store,
      chunks: (id) => (id === bad.id ? Promise.reject(new Error('unreadable')) : store.chunks(id)),
    };
    const after = await openTab(broken, next);
    let failed: string[] = [];
    const onProgress = (progress: Progress): void => {
      failed = (progress.failed ?? []).map(({ name }) => name);
    };
    expect(await reencode(after, { onProgress })).toBe(11);
    expect(failed).toEqual(['note-4.txt']);
    expect(await after.status()).toMatchObject({ unencoded: 1, switchingFrom: null });
    const mended = await openTab(store, next);
    expect((await hits(mended, 'about the note 4', 'words')).map(({ documentName }) => documentName)).toContain(
      bad.name,
    );
    expect(await reencode(mended)).toBe(1);
    expect(await vectors(store)).toEqual((await built(notes(12))).vectors);
  });

  test('is not given to a model that can encode nothing of it', async () => {
    const store = createMemoryStore('toy');
    const before = await openTab(store, old);
    await add(before, notes(12));
    const stored = await vectors(store);
    const after = await openTab(store, next, {
      onEncode: () => {
        throw new Error('This model fails.');
      },
    });
    await expect(reencode(after)).rejects.toMatchObject({ code: 'internal', message: 'This model fails.' });
    expect(await vectors(store)).toEqual(stored);
    expect(await after.status()).toMatchObject({ unencoded: 12, switchingFrom: { dim: 64 } });
    expect(await hits(before)).not.toEqual([]);
  });

  test('is not given to a model that can encode little of it; more of it later', async () => {
    const store = createMemoryStore('toy');
    const before = await openTab(store, old);
    await add(before, notes(3));
    const [good] = await store.documents();
    const unreadable = new Set((await store.documents()).map(({ id }) => id).filter((id) => id !== good!.id));
    const broken: IndexStore = {
      ...store,
      chunks: (id) => (unreadable.has(id) ? Promise.reject(new Error('unreadable')) : store.chunks(id)),
    };
    const after = await openTab(broken, next);
    await expect(reencode(after)).rejects.toMatchObject({ details: { failed: 2, documents: 3 } });
    expect(await after.status()).toMatchObject({ unencoded: 2, switchingFrom: { dim: 64 } });
    unreadable.delete([...unreadable][0]!);
    expect(await reencode(after)).toBe(1);
    expect(await after.status()).toMatchObject({ unencoded: 1, switchingFrom: null });
  });

  test('is given up: what was made for it goes when another switch begins, or at once', async () => {
    const store = createMemoryStore('toy');
    const before = await openTab(store, old);
    await add(before, notes(20));
    const stored = await vectors(store);
    const cancelled = async (options: OpenOptions, after: number): Promise<Tab> => {
      const tab = await openTab(store, options);
      const controller = new AbortController();
      const onProgress = ({ done }: Progress): void => {
        if (done >= after) controller.abort();
      };
      await expect(reencode(tab, { signal: controller.signal, onProgress })).rejects.toMatchObject(code('aborted'));
      return tab;
    };
    const first = await cancelled(next, 9);
    expect((await first.status()).unencoded).toBeLessThan(12);
    const third = { ...next, poolFactor: 1 } as const;
    const second = await cancelled(third, 1); // of fewer documents than the first
    expect((await (await openTab(store, next)).status()).unencoded).toBe(20);
    const largest = (await second.engine.stats(undefined, context())).asideBytes;
    expect(await before.engine.discardAside(undefined, context())).toBe(largest);
    expect((await store.usage()).asideBytes).toBe(0);
    expect(await second.engine.discardAside(undefined, context())).toBe(0);
    expect((await second.status()).unencoded).toBe(20);
    expect(await vectors(store)).toEqual(stored);
    expect(await before.status()).toMatchObject({ unencoded: 0, error: null });
    expect(await reencode(before)).toBe(0); // of its own index nothing is missing
    expect(await reencode(first)).toBe(20);
  });

  test('is given up for a third model that reads it at once; one that has begun aside goes on at once', async () => {
    const store = createMemoryStore('toy');
    await add(await openTab(store, old), notes(12));
    const begun = async (): Promise<void> => {
      const tab = await openTab(store, next);
      const controller = new AbortController();
      const onProgress = ({ done }: Progress): void => {
        if (done >= 1) controller.abort();
      };
      await expect(reencode(tab, { signal: controller.signal, onProgress })).rejects.toMatchObject(code('aborted'));
      expect((await store.usage()).asideBytes).toBeGreaterThan(0);
    };
    await begun();
    const third = await openTab(store, { dim: 128, poolFactor: 3, onMismatch: 'reencode' });
    expect(await third.status()).toMatchObject({ unencoded: 12, switchingFrom: null });
    expect((await store.usage()).asideBytes).toBe(0);
    await begun();
    const impatient = await openTab(store, { ...next, onMismatch: 'reencode' });
    expect((await impatient.status()).unencoded).toBe(12);
    const encoded = await reencode(impatient);
    expect(encoded).toBeGreaterThan(0);
    expect(encoded).toBeLessThan(12); // the others lay aside
    expect(await vectors(store)).toEqual((await built(notes(12))).vectors);
  });

  test('by one of two tabs, while the other waits; both serve it then', async () => {
    const store = createMemoryStore('toy');
    const before = await openTab(store, old);
    await add(before, notes(12));
    const locks = createLocalLocks();
    const tabs = [await openTab(store, next, { locks }), await openTab(store, next, { locks })] as const;
    const phases: string[] = [];
    const counts = await Promise.all([
      reencode(tabs[0]),
      reencode(tabs[1], { onProgress: ({ phase }) => void phases.push(phase) }),
    ]);
    expect(counts).toEqual([12, 0]);
    expect(phases).toEqual(['waiting']);
    const [first, second] = [await hits(tabs[0]), await hits(tabs[1])];
    expect(first).toEqual(second);
    expect(first.length).toBeGreaterThan(12);
    expect((await tabs[1].status()).switchingFrom).toBeNull();
  });

  test('needs nothing aside where its vectors follow from those that are here', async () => {
    const store = createMemoryStore('toy');
    const before = await openTab(store, { dim: 128 });
    await add(before, notes(3));
    const after = await openTab(store, { dim: 96, onMismatch: 'aside' });
    expect(await after.status()).toMatchObject({ documents: 3, unencoded: 0, switchingFrom: null });
    expect(await hits(after)).toHaveLength(3);
  });

  test('is refused where passages would be cut otherwise', async () => {
    const store = createMemoryStore('toy');
    await store.dropVectors({ ...(await fingerprintOf(old)), chunker: 0 });
    await expect(openTab(store, next)).rejects.toMatchObject(code('model-mismatch'));
    expect((await store.fingerprint())!.chunker).toBe(0);
  });
});

async function fingerprintOf(options: OpenOptions) {
  const { engine } = await openTab(createMemoryStore('other'), options);
  return (await engine.stats(undefined, context())).fingerprint;
}

describe('whatever interrupts it, and whatever is done meanwhile', () => {
  const change = fc.oneof(
    fc.record({ kind: fc.constant('add' as const), count: fc.integer({ min: 1, max: 4 }) }),
    fc.record({ kind: fc.constant('remove' as const), which: fc.nat() }),
    fc.record({ kind: fc.constant('restore' as const) }),
    fc.record({ kind: fc.constant('discard' as const) }),
  );
  const event = fc.oneof(
    { weight: 3, arbitrary: fc.record({ at: fc.integer({ min: 1, max: 12 }), does: change }) },
    {
      weight: 2,
      arbitrary: fc.record({ at: fc.integer({ min: 1, max: 12 }), does: fc.constantFrom('cancel', 'crash') }),
    },
  );

  test('the old model finds the same before the switch, and after it each document has the new model’s vectors', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 14 }), fc.array(event, { maxLength: 8 }), async (count, events) => {
        const store = createMemoryStore('toy', { blockBytes: 3_000 });
        const alone = createMemoryStore('alone'); // as it would be if nobody switched
        const [before, control] = [await openTab(store, old), await openTab(alone, old)];
        await add(before, notes(count));
        await add(control, notes(count));
        let added = 0;
        let undo: [string | null, string | null] = [null, null];

        async function doChange(what: typeof change extends fc.Arbitrary<infer T> ? T : never): Promise<void> {
          if (what.kind === 'add') {
            const documents = notes(what.count, `added-${String(added++)}`);
            await add(before, documents);
            await add(control, documents);
          } else if (what.kind === 'remove') {
            const names = (await alone.documents()).map(({ name }) => name).sort();
            const name = names[what.which % Math.max(1, names.length)];
            const idIn = async (where: IndexStore) => (await where.documents()).find((one) => one.name === name)?.id;
            const [here, there] = [await idIn(store), await idIn(alone)];
            if (here === undefined || there === undefined) return;
            undo = [
              (await before.engine.remove([here], context())).undo,
              (await control.engine.remove([there], context())).undo,
            ];
          } else if (what.kind === 'restore') {
            if (undo[0] !== null) await before.engine.restore(undo[0], context());
            if (undo[1] !== null) await control.engine.restore(undo[1], context());
            undo = [null, null];
          } else {
            await before.engine.discardAside(undefined, context());
          }
        }

        const isSwitched = async () => (await store.fingerprint())?.dim === 128;
        let controller = new AbortController();
        let steps = 0;
        let queue = [...events];
        /** Between two steps of the switch: whatever is due. */
        const between = async (): Promise<void> => {
          steps++;
          for (const { at, does } of queue.filter(({ at: due }) => due === steps)) {
            queue = queue.filter((one) => one.at !== at || one.does !== does);
            if (does === 'cancel') controller.abort();
            else if (does === 'crash') throw new LateralError('storage-closed', 'The tab is gone.');
            // After the switch the page closes the old engine; it may undo until then (reencoding.test.ts).
            else if (!(await isSwitched())) await doChange(does);
          }
          if (!(await isSwitched())) expect(await hits(before)).toEqual(await hits(control));
        };
        const watched: IndexStore = { ...store };
        for (const name of ['putAside', 'switchTo', 'takeAside', 'replaceVectors'] as const) {
          const work = (...given: unknown[]): Promise<unknown> => (store[name] as Write)(...given);
          Object.assign(watched, {
            [name]: async (...given: unknown[]) => {
              await between();
              const took = !(await isSwitched()) && name === 'switchTo';
              const result = await work(...given);
              if (took && (await isSwitched())) {
                const [fingerprint, except] = given as Parameters<IndexStore['switchTo']>;
                expect([await store.withoutAside(fingerprint), except.size]).toEqual([[], 0]); // nothing is left behind
              }
              await between(); // a crash here: it is done, and its answer never comes
              return result;
            },
          });
        }

        for (let round = 0; ; round++) {
          controller = new AbortController();
          steps = 0;
          const tab = await openTab(watched, next);
          try {
            await reencode(tab, { signal: controller.signal });
            expect(round).toBeLessThanOrEqual(events.length);
            expect(await tab.status()).toMatchObject({ unencoded: 0, switchingFrom: null, error: null });
            break;
          } catch (error) {
            expect(['aborted', 'storage-closed']).toContain((error as LateralError).code);
          } finally {
            await tab.engine.close(undefined, context());
          }
        }
        const rebuilt = createMemoryStore('rebuilt');
        const fresh = await openTab(rebuilt, next);
        const names = new Set((await store.documents()).map(({ name }) => name));
        const all = [
          ...notes(count),
          ...Array.from({ length: added }, (_, i) => notes(4, `added-${String(i)}`)).flat(),
        ];
        await add(
          fresh,
          all.filter(({ name }) => names.has(name)),
        );
        expect(await vectors(store)).toEqual(await vectors(rebuilt));
        expect([...names].sort()).toEqual((await alone.documents()).map(({ name }) => name).sort());
        expect((await store.usage()).asideBytes).toBe(0);
        expect(await store.verify()).toEqual(whole);
      }),
      { numRuns: 20 },
    );
  }, 120_000);
});
