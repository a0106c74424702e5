/** Files that wait, through the whole engine: with a toy encoder, so that what is tested is who reads what and when. */
import { describe, expect, test } from 'vitest';
import { embeddedTokenizer } from '../colbert/testing/embedded.ts';
import { LateralError } from '../errors.ts';
import type { FileToKeep, IndexStore } from '../store/index-store.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import type { AddResult, DocumentInput, EngineStatus, Progress } from '../types.ts';
import { createLocalExtraction, type Extraction } from './extraction.ts';
import { createLocalLocks } from './tab-locks.ts';
import { acrossTabs, context } from './testing/engine-over.ts';
import { type Tab, toyTabs } from './testing/toy-tab.ts';

const { tokenizer, config } = embeddedTokenizer();
const openTab = toyTabs(tokenizer, config);

function notes(count: number, prefix = 'note'): DocumentInput[] {
  return Array.from({ length: count }, (_, i) => ({
    ...{ name: `${prefix}-${i}.txt`, path: 'folder', tags: [prefix], language: 'en' },
    content: `About the ${prefix} number ${i}.`,
  }));
}

/** Adds until the first files are through, then cancels. */
function addSome(tab: Tab, documents: readonly DocumentInput[]): Promise<AddResult> {
  const controller = new AbortController();
  const onProgress = ({ phase, done }: Progress): void => {
    if (phase === 'reading' && done > 2) controller.abort();
  };
  return tab.engine.add(documents, { signal: controller.signal, onProgress });
}

async function names(tab: Tab): Promise<string[]> {
  return (await tab.engine.documents(undefined, context())).map(({ name }) => name).sort();
}

describe('a batch that was cut short', () => {
  test('by a cancel: the rest is pending, and resume reads it, in order, once, with all that was given', async () => {
    const tab = await openTab(createMemoryStore('toy'));
    const given = notes(30);
    const { added, remaining, stopped } = await addSome(tab, given);
    expect(stopped?.code).toBe('aborted');
    expect(added.length).toBeGreaterThan(0);
    expect(remaining).toEqual(Array.from({ length: 30 - added.length }, (_, i) => i + added.length));
    const bytes = remaining.reduce((sum, i) => sum + (given[i]!.content as string).length, 0);
    expect((await tab.status()).pending).toEqual({ files: remaining.length, bytes });

    const resumed = await tab.engine.resume(undefined, context());
    expect(resumed.added.map(({ name }) => name)).toEqual(remaining.map((i) => given[i]!.name));
    expect(resumed.added[0]).toMatchObject({ path: 'folder', tags: ['note'], language: 'en' });
    expect(resumed).toMatchObject({ failed: [], remaining: [] });
    expect(await names(tab)).toEqual(given.map(({ name }) => name).sort());
    expect((await tab.status()).pending).toEqual({ files: 0, bytes: 0 });
    const source = await tab.engine.source(resumed.added[0]!.id, context());
    expect(await source!.text()).toBe(given[remaining[0]!]!.content);
    expect((await tab.engine.resume(undefined, context())).added).toEqual([]);
  });

  test('by a cancel, twice: what resume leaves is pending again', async () => {
    const tab = await openTab(createMemoryStore('toy'));
    await addSome(tab, notes(30));
    const controller = new AbortController();
    const again = await tab.engine.resume(undefined, {
      signal: controller.signal,
      onProgress: ({ done }) => done > 0 && controller.abort(),
    });
    expect(again.stopped?.code).toBe('aborted');
    expect((await tab.status()).pending.files).toBe(again.remaining.length);
    await tab.engine.resume(undefined, context());
    expect(await names(tab)).toHaveLength(30);
  });

  test('by a reload: the next start says how many, and reads them', async () => {
    const store = createMemoryStore('toy');
    const before = await openTab(store);
    const stillThere = store.stage([{ ...fileToKeep('left.txt'), content: new Blob(['Left alone.']) }], 'gone'); // its tab crashed
    const { remaining } = await addSome(before, notes(20));
    await stillThere;
    const after = await openTab(store);
    expect((await after.status()).pending.files).toBe(remaining.length + 1);
    await after.engine.resume(undefined, context());
    expect(await names(after)).toHaveLength(21);
  });

  test('and is not wanted: discarded, all of it and nothing else', async () => {
    const tab = await openTab(createMemoryStore('toy'));
    const { added, remaining } = await addSome(tab, notes(20));
    expect(await tab.engine.discardPending(undefined, context())).toBe(remaining.length);
    expect((await tab.status()).pending.files).toBe(0);
    expect((await tab.engine.resume(undefined, context())).added).toEqual([]);
    expect(await names(tab)).toHaveLength(added.length);
  });

  test('by clear: nothing is brought back', async () => {
    const tab = await openTab(createMemoryStore('toy'));
    let cleared: Promise<void> | undefined;
    const result = await tab.engine.add(
      notes(30),
      context({
        onProgress: ({ phase, done }) => {
          if (phase === 'reading' && done > 2) cleared ??= tab.engine.clear(undefined, context());
        },
      }),
    );
    await cleared;
    expect(result.failed).toEqual([]);
    expect(result.remaining).toEqual([]);
    expect((await tab.status()).pending.files).toBe(0);
    await tab.engine.resume(undefined, context());
    expect((await names(tab)).length).toBeLessThan(30);
  });
});

describe('keeping files', () => {
  test('comes first, and a file that fails is out of it', async () => {
    const tab = await openTab(createMemoryStore('toy'));
    const progress: Progress[] = [];
    const gone = new Blob(['x']);
    gone.arrayBuffer = () => Promise.reject(new DOMException('No.', 'NotReadableError'));
    const { added, failed } = await tab.engine.add(
      [
        { name: 'gone.txt', content: gone },
        { name: 'empty.txt', content: '' },
        ...notes(2),
        { name: 'again.txt', content: notes(1)[0]!.content },
      ],
      context({ onProgress: (each) => progress.push(each) }),
    );
    expect(added.map(({ name }) => name)).toEqual(['note-0.txt', 'note-1.txt']);
    expect(failed.map(({ name, code }) => [name, code])).toEqual([
      ['gone.txt', 'file-damaged'],
      ['empty.txt', 'file-empty'],
      ['again.txt', 'file-duplicate'],
    ]);
    expect((await tab.status()).pending.files).toBe(0);
    expect([...new Set(progress.map(({ phase }) => phase))]).toEqual(['keeping', 'reading']);
    expect(progress.find(({ phase }) => phase === 'reading')).toMatchObject({
      ...{ done: 1, total: 5 },
      failed: [{ name: 'gone.txt' }],
    });
    expect(progress.at(-1)!.failed?.map(({ name }) => name)).toEqual(['gone.txt', 'empty.txt', 'again.txt']);
    expect((await tab.status()).progress).toBeNull();
  });

  test('that ends in a full disk adds nothing and leaves everything to be added again', async () => {
    const store = createMemoryStore('toy');
    const full = Object.assign(Object.create(store) as IndexStore, {
      stage: () => Promise.reject(new LateralError('storage-full', 'Full.')),
    });
    const tab = await openTab(full);
    const result = await tab.engine.add(notes(3), context());
    expect(result).toMatchObject({ added: [], failed: [], remaining: [0, 1, 2], stopped: { code: 'storage-full' } });
    expect((await tab.status()).pending.files).toBe(0);
  });

  test('is not done where sources are not kept; a file kept before leaves no source then', async () => {
    const store = createMemoryStore('toy');
    const tab = await openTab(store);
    await addSome(tab, notes(20));
    const bytes = (await tab.engine.stats(undefined, context())).sourceBytes;
    await tab.engine.configure({ keepSources: false }, context());
    await tab.engine.resume(undefined, context());
    const { added } = await tab.engine.add(notes(1, 'more'), context());
    expect(await tab.engine.source(added[0]!.id, context())).toBeNull();
    expect((await tab.engine.stats(undefined, context())).sourceBytes).toBe(bytes);
    const { remaining } = await addSome(tab, notes(20, 'many'));
    expect(remaining.length).toBeGreaterThan(0);
    expect((await tab.status()).pending.files).toBe(0);
    expect(await tab.engine.dropSources(undefined, context())).toBe(bytes);
    expect((await tab.engine.stats(undefined, context())).sourceBytes).toBe(0);
  });
});

describe('several tabs', () => {
  test('read one after the other, each file once', async () => {
    const store = createMemoryStore('toy');
    const locks = acrossTabs(createLocalLocks());
    const tabs = await Promise.all(Array.from({ length: 8 }, () => openTab(store, {}, { locks })));
    let reading = 0;
    let most = 0;
    const phases = new Set<string>();
    const results = await Promise.all(
      tabs.map(async (tab, i) => {
        let mine = false;
        const result = await tab.engine.add(
          notes(3, `tab${i}`),
          context({
            onProgress: ({ phase }) => {
              phases.add(phase);
              if (phase !== 'reading' || mine) return;
              mine = true;
              most = Math.max(most, ++reading);
            },
          }),
        );
        reading--;
        return result;
      }),
    );
    expect(results.flatMap(({ added }) => added)).toHaveLength(24);
    expect(phases.has('waiting')).toBe(true);
    expect(most).toBeLessThan(3); // one reads; the one before may still be answering
    for (const tab of tabs) expect(await names(tab)).toHaveLength(24);
  });

  test('a tab that waits can be cancelled, and its files are pending in every tab', async () => {
    const store = createMemoryStore('toy');
    const locks = acrossTabs(createLocalLocks());
    const [here, there] = [await openTab(store, {}, { locks }), await openTab(store, {}, { locks })];
    let release!: () => void;
    const busy = locks.hold('lateral-default-writer', () => new Promise<void>((resolve) => (release = resolve)));
    const controller = new AbortController();
    const result = await here.engine.add(notes(3), {
      signal: controller.signal,
      onProgress: ({ phase }) => {
        if (phase === 'waiting') controller.abort();
      },
    });
    expect(result).toMatchObject({ added: [], remaining: [0, 1, 2], stopped: { code: 'aborted' } });
    expect((await here.status()).pending.files).toBe(3);
    await until(there, ({ pending }) => pending.files === 3);
    release();
    await busy;
    const both = await Promise.all([here, there].map((tab) => tab.engine.resume(undefined, context())));
    expect(both.flatMap(({ added }) => added)).toHaveLength(3);
    await until(here, ({ pending, documents }) => pending.files === 0 && documents === 3);
    await until(there, ({ pending, documents }) => pending.files === 0 && documents === 3);
  });

  test('files of a tab at work are nobody else’s; once it has crashed they are everybody’s', async () => {
    const store = createMemoryStore('toy');
    const locks = acrossTabs(createLocalLocks());
    let crash!: () => void;
    const owner = 'lateral-owner-of-another-tab';
    const working = locks.hold(owner, () => new Promise<void>((resolve) => (crash = resolve)));
    await store.stage([fileToKeep('one.txt')], owner);
    const tab = await openTab(store, {}, { locks });
    expect((await tab.status()).pending.files).toBe(0);
    expect((await tab.engine.resume(undefined, context())).added).toEqual([]);
    expect(await tab.engine.discardPending(undefined, context())).toBe(0);
    crash();
    await working;
    await until(tab, ({ pending }) => pending.files === 1);
    expect((await tab.engine.resume(undefined, context())).added).toHaveLength(1);
  });
});

test('a file for which a part of ours did not load is told of, and stays for after the reload', async () => {
  const store = createMemoryStore('toy');
  const local = createLocalExtraction();
  const extraction: Extraction = {
    ...local,
    extract: (input, signal) =>
      input.name.endsWith('.docx')
        ? Promise.reject(new LateralError('worker-failed', 'Part of Lateral did not load. Reload the page.'))
        : local.extract(input, signal),
  };
  const without = await openTab(store, {}, { extraction });
  const { added, failed } = await without.engine.add(
    [{ name: 'letter.docx', mediaType: 'text/plain', content: 'A letter.' }, ...notes(2)],
    context(),
  );
  expect(added).toHaveLength(2);
  expect(failed).toMatchObject([{ name: 'letter.docx', code: 'worker-failed' }]);
  expect((await without.status()).pending.files).toBe(1);
});

test('a tab that nobody looks at counts a large collection, and loads it when it is searched', async () => {
  const store = createMemoryStore('toy');
  const writer = await openTab(store);
  // 128 bytes a token: half a million tokens are 64 MB. Blocks say they are larger than they are.
  await writer.engine.add(notes(3), context());
  const large = Object.assign(Object.create(store) as IndexStore, {
    blocks: async () => (await store.blocks()).map((block) => ({ ...block, byteLength: 40e6 })),
  });
  const hidden = await openTab(large, { visible: false });
  expect(await hidden.status()).toMatchObject({ documents: 3, residentBytes: 0 });
  await writer.engine.add(notes(2, 'more'), context());
  await until(hidden, ({ documents }) => documents === 5);
  expect((await hidden.status()).residentBytes).toBe(0);
  const { considered } = await hidden.engine.search({ query: 'a note', options: { match: 'meaning' } }, context());
  expect(considered).toBe(5);
  expect((await hidden.status()).documents).toBe(5);

  const shown = await openTab(large, { visible: false });
  await shown.engine.configure({ visible: true }, context());
  expect((await shown.status()).residentBytes).toBeGreaterThan(0);
});

function fileToKeep(name: string): FileToKeep {
  return { name, path: '', mediaType: '', language: '', tags: [], id: '', content: new Blob([`About ${name}.`]) };
}

/** Resolves once the status is so; it changes by events. */
function until(tab: Tab, holds: (status: EngineStatus) => boolean): Promise<void> {
  return new Promise((resolve) => {
    const stop = tab.engine.subscribe((event) => {
      if (event.type === 'status' && holds(event.status)) done();
    });
    const done = (): void => {
      stop();
      resolve();
    };
    void tab.status().then((status) => holds(status) && done());
  });
}
