/** An index held in four bits a component beside one held as it is stored: the real model in Node, one store in memory. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Encoder } from '../colbert/encoder.ts';
import { LateralError } from '../errors.ts';
import { createWasmScorer } from '../maxsim/wasm.ts';
import type { IndexStore, NewDocument } from '../store/index-store.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import type { DocumentInput, Fingerprint, SearchResult } from '../types.ts';
import type { CallContext, Engine, OpenOptions, SearchOptions } from './engine-api.ts';
import { openNodeEncoder } from './node.ts';
import { models } from './testing/real-engine.ts';
import { engineOver } from './testing/engine-over.ts';

const context: CallContext = { signal: new AbortController().signal, onProgress: () => undefined };

const sentences = [
  'When the river silted up, the merchants moved their warehouses to the coast.',
  'Mix flour, water and salt, let the dough rise overnight and bake it in a hot oven.',
  'Spare parts: valve XK-4471 fits the water pump of the old boiler.',
  'A new port for large ships was built beside the old one; its cranes work at night.',
  'Mars looks red because of the rust in its soil.',
  'The toll was paid in full at the gate, in coin or in grain.',
  'Her letters from the front were read aloud in the kitchen.',
  'The choir sang in the empty church until the candles went out.',
];
const documents = Array.from({ length: 18 }, (_, i): DocumentInput => {
  const pick = (n: number): string => sentences[(i * n + n) % sentences.length]!;
  return {
    ...{ id: `d${i}`, name: `d${i}.txt`, path: i % 2 === 0 ? 'even' : 'odd', tags: i < 6 ? ['few'] : [] },
    content: `Chapter ${i}. ${pick(1)} ${pick(3)} ${pick(5)}\n\n${`${pick(7)} `.repeat(i % 5 === 0 ? 16 : 1)}`,
  };
});
const queries = [
  'why did traders leave the harbour',
  'how to bake a loaf',
  'XK-4471',
  '"church" music',
  'the red planet',
];

let encoder: Encoder;
beforeAll(async () => {
  encoder = await openNodeEncoder('lateral-mini', models, { threads: 1 });
});
afterAll(() => encoder.release());

/** Closing the engine leaves the store and the model for the next one. */
async function opened(store: IndexStore, options: OpenOptions = {}): Promise<Engine> {
  const engine = await started(store, options);
  await vi.waitFor(async () => expect((await engine.status(undefined, context)).opening).toBeNull());
  return engine;
}

/** Open as soon as the first block is loaded. */
async function started(store: IndexStore, options: OpenOptions = {}): Promise<Engine> {
  const engine = engineOver(store, () => Promise.resolve(encoder), { createScorer: () => createWasmScorer() });
  await engine.open(options, context);
  return engine;
}

const int4: OpenOptions = { residentPrecision: 'int4' };

let read: readonly NewDocument[] = [];
beforeAll(async () => {
  const store = createMemoryStore('first');
  const engine = await opened(store);
  expect((await engine.add(documents, context)).added).toHaveLength(documents.length);
  read = await Promise.all(documents.map(async ({ id }) => (await store.parts(id!))!));
  fingerprint = (await store.fingerprint())!;
});
let fingerprint: Fingerprint;

/** All documents, in blocks of six. */
async function filled(): Promise<IndexStore> {
  const store = createMemoryStore('int4');
  for (let i = 0; i < read.length; i += 6) await store.add(read.slice(i, i + 6), fingerprint);
  return store;
}

/** All that a search shows, but for how long it took. */
async function find(engine: Engine, query: string, options: SearchOptions = {}): Promise<unknown> {
  const { elapsedMs, ...result }: SearchResult = await engine.search({ query, options }, context);
  expect(elapsedMs.score).toBeGreaterThanOrEqual(0);
  return result;
}

async function expectSame(a: Engine, b: Engine, options: SearchOptions = {}): Promise<void> {
  for (const query of queries) expect(await find(a, query, options)).toEqual(await find(b, query, options));
}

describe('hits, scores and lit words are those of an index held in int8', () => {
  let store: IndexStore;
  let whole: Engine;
  let half: Engine;
  beforeAll(async () => {
    store = await filled();
    [whole, half] = [await opened(store), await opened(store, int4)];
  });

  test.each<SearchOptions>([
    { match: 'meaning' },
    { match: 'both' },
    { match: 'words' },
    { match: 'meaning', by: 'document', k: 3 },
    { match: 'meaning', k: 1000 },
    { match: 'meaning', filter: { pathPrefix: 'odd' } },
    { match: 'both', filter: { tags: ['few'], documentIds: ['d1', 'd5', 'd9'] } },
  ])('%j', async (options) => {
    await expectSame(half, whole, options);
  });

  test('in half of the memory, and for rows of the last searches', async () => {
    const [{ residentBytes: all, tokens }, fresh] = [await whole.status(undefined, context), await opened(store, int4)];
    expect(all).toBe(tokens * 128);
    expect((await fresh.status(undefined, context)).residentBytes).toBe(tokens * 64);
    expect((await fresh.stats(undefined, context)).residentPrecision).toBe('int4');
    expect((await whole.stats(undefined, context)).residentPrecision).toBe('stored');
  });

  test('after documents came, went and came back, and after compaction', async () => {
    const changes: (() => Promise<unknown>)[] = [
      () => half.add([{ id: 'late', name: 'late.txt', content: `${sentences[0]!} ${sentences[4]!}` }], context),
      () => half.remove(['d0', 'd7'], context).then(({ undo }) => half.restore(undo!, context)),
      () => half.remove(['d3', 'd4', 'd5', 'd16'], context),
      () => store.compact(), // behind its back
    ];
    for (const change of changes) {
      await change();
      // Neither waits for the store's notice: a search that finds rows moved looks for them anew.
      const found = await find(half, queries[0]!, { match: 'meaning' });
      await vi.waitFor(async () => expect(await find(whole, queries[0]!, { match: 'meaning' })).toEqual(found));
      await expectSame(half, whole);
    }
  });

  test('opened again, and so both ways, without reading anything again', async () => {
    const before = [await store.version(), await find(whole, queries[1]!)];
    for (const options of [int4, {}, int4]) {
      const engine = await opened(store, options);
      expect([await store.version(), await find(engine, queries[1]!)]).toEqual(before);
      await engine.close(undefined, context);
    }
  });

  test('at fewer dimensions, and with pooled rows', async () => {
    for (const setting of [{ dim: 64 }, { poolFactor: 2 } as const]) {
      const other = createMemoryStore('other');
      const filling = await opened(other, setting);
      await filling.add(documents.slice(0, 3), context);
      await expectSame(await opened(other, { ...setting, ...int4 }), filling);
    }
  });
});

test('passages whose stored rows are damaged are left out and told, the others are found', async () => {
  const store = await filled();
  const [broken] = await store.blocks();
  let damaged = false;
  const failing: IndexStore = {
    ...store,
    rows: (id, ranges) =>
      damaged && id === broken!.id
        ? Promise.reject(new LateralError('storage-corrupt', 'Its bytes do not fit their checksum.'))
        : store.rows(id, ranges),
  };
  const engine = await opened(failing, int4);
  damaged = true; // since it was loaded
  const result = await engine.search({ query: queries[0]!, options: { match: 'meaning', k: 1000 } }, context);
  const expected = documents.slice(6).map(({ id }) => id);
  expect(new Set(result.hits.map(({ documentId }) => documentId))).toEqual(new Set(expected));
  await vi.waitFor(async () =>
    expect(await engine.status(undefined, context)).toMatchObject({ error: { code: 'storage-corrupt' } }),
  );
});

test('a tab that is open while another changes the vectors goes on with four bits alone', async () => {
  const store = await filled();
  const engine = await opened(store, int4);
  const expected = (await find(engine, queries[0]!, { match: 'meaning', k: 3 })) as SearchResult;
  const rows = vi.fn<IndexStore['rows']>((...parameters) => store.rows(...parameters));
  const fresh = await opened({ ...store, rows }, int4); // has read no rows yet
  const other = await opened(store, { dim: 64, onMismatch: 'reencode' });
  const { hits } = (await find(fresh, queries[0]!, { match: 'meaning', k: 3 })) as SearchResult;
  // Documents 7 and 15 differ by a number alone.
  expect(expected.hits.map(({ documentId }) => documentId)).toContain(hits[0]!.documentId);
  expect(Math.abs(hits[0]!.score / expected.hits[0]!.score - 1)).toBeLessThan(0.1); // not to the bit any more
  expect(await fresh.status(undefined, context)).toMatchObject({ error: { code: 'model-mismatch' } });
  // From then on each search compares all passages once, and asks the store for no rows.
  rows.mockClear();
  const again = (await find(fresh, queries[0]!, { match: 'meaning', k: 3 })) as SearchResult;
  expect(again.hits).toEqual(hits);
  expect(rows).not.toHaveBeenCalled();
  await other.close(undefined, context);
});

describe('while blocks are being loaded', () => {
  /** A store that gives the first block at once, and the others when `goOn` is called. */
  async function slowStore(changes: (store: IndexStore) => Partial<IndexStore> = () => ({})) {
    const store = await filled();
    let goOn: () => void = () => undefined;
    const waits = new Promise<void>((resolve) => (goOn = resolve));
    const [first] = await store.blocks();
    const slow: IndexStore = {
      ...store,
      async block(id) {
        if (id !== first!.id) await waits;
        return store.block(id);
      },
      ...changes(store),
    };
    return { store, slow, goOn };
  }

  test('a search whose rows have moved is answered by four bits a component, and then exactly', async () => {
    const { store, slow, goOn } = await slowStore();
    const engine = await started(slow, int4);
    await store.remove(['d3']);
    await store.compact(); // behind its back: all rows lie elsewhere
    const options: SearchOptions = { match: 'meaning', k: 3 };
    const early = await engine.search({ query: queries[0]!, options }, context);
    expect(early.searchedShare).toBeLessThan(1);
    expect(early.hits).toHaveLength(3);
    goOn();
    const whole = await opened(store);
    await vi.waitFor(async () =>
      expect(await find(engine, queries[0]!, options)).toEqual(await find(whole, queries[0]!, options)),
    );
  });

  test('old blocks are not written anew', async () => {
    const compact = vi.fn(() => Promise.resolve(true));
    const { slow, goOn } = await slowStore((store) => ({
      blocks: async () => (await store.blocks()).map((info) => ({ ...info, wholeOnly: true })),
      compact,
    }));
    const engine = await started(slow, int4);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(compact).not.toHaveBeenCalled();
    expect((await engine.status(undefined, context)).opening).not.toBeNull();
    goOn();
    await vi.waitFor(() => expect(compact.mock.calls).toEqual([[{ rewriteWholeOnly: true }]]));
  });
});

test('what cannot be is refused', async () => {
  const wrong = { residentPrecision: 'int2' } as unknown as OpenOptions;
  await expect(opened(createMemoryStore('x'), wrong)).rejects.toMatchObject({
    code: 'invalid-argument',
    message: "residentPrecision is 'stored' or 'int4', not int2.",
  });
  await expect(opened(createMemoryStore('x'), { ...int4, precision: 'f32' })).rejects.toMatchObject({
    code: 'invalid-argument',
    message: expect.stringContaining("'int8'") as string,
  });
});
