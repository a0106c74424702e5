/** An index whose long documents are read in windows, from opening it to the words that are lit: the real model in Node, a store in memory. */
import { beforeAll, expect, test } from 'vitest';
import type { IndexStore } from '../store/index-store.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import type { DocumentInput, LongDocument } from '../types.ts';
import { defaultScale, quantizeRows } from '../vectors/quantize.ts';
import type { Engine, OpenOptions } from './engine-api.ts';
import { builtOf, context, openedOver } from './testing/real-engine.ts';

const toll = 'The toll was paid in full at the gate, and the ship was let through. ';
const documents: readonly DocumentInput[] = [
  {
    name: 'trade.md',
    // More than a window, with what is searched for in its middle.
    content: `${toll.repeat(33)}\n\nWhen the river silted up, the merchants moved their warehouses to the coast, and the old harbour stood empty.\n\n${toll.repeat(33)}`,
  },
  {
    name: 'bread.txt',
    content: 'Mix flour, water and salt. Let the dough rise overnight, then bake it in a hot oven.',
  },
  { name: 'marks.txt', content: '... !!! ...' },
];

const built = (longDocument: LongDocument, options: OpenOptions = {}) =>
  builtOf(documents, { longDocument, ...options });

async function found(engine: Engine) {
  const query = 'why did merchants leave the harbour';
  const { hits } = await engine.search({ query, options: { match: 'meaning' } }, context);
  const { text } = await engine.text(hits[0]!.documentId, context);
  return {
    name: hits[0]!.documentName,
    passage: text.slice(hits[0]!.start, hits[0]!.end),
    score: hits[0]!.score,
    lit: hits[0]!.lit.map(({ start, end }) => text.slice(start, end)),
    why: Object.fromEntries(
      hits[0]!.why.map(({ word, matched }) => [['why', 'did', 'merchants', 'leave', 'the', 'harbour'][word]!, matched]),
    ),
  };
}

const expected = {
  name: 'trade.md',
  passage: expect.stringContaining('the merchants moved') as string,
  lit: expect.arrayContaining(['merchants', 'harbour']) as string[],
  why: expect.objectContaining({ merchants: 'merchants', harbour: 'harbour' }) as object,
};

let windows: Awaited<ReturnType<typeof built>>;
let plain: Awaited<ReturnType<typeof built>>;
beforeAll(async () => {
  windows = await built('window');
  plain = await built('passage');
}, 120_000);

test('a passage within a long document is found, and lit by the right words', async () => {
  const [here, there] = [await found(windows.engine), await found(plain.engine)];
  expect(here).toMatchObject(expected);
  expect(there).toMatchObject(expected);
  expect(here.score).not.toBe(there.score);
  // The passages and their numbers of vectors are the same; nothing is cut off.
  for (const { id, tokenCount, chunkCount, truncatedChunks } of await windows.store.documents()) {
    expect(await plain.store.document(id)).toMatchObject({ tokenCount, chunkCount, truncatedChunks });
    expect(await windows.store.chunks(id)).toEqual(await plain.store.chunks(id));
  }
  expect(await windows.store.verify()).toEqual({ damagedBlocks: [], lostDocuments: [], lostFiles: [] });
});

test('the fingerprint says how documents were read; that of an index of before is what it was', async () => {
  const methodOf = async (engine: Engine) => (await engine.stats(undefined, context)).fingerprint.longDocument;
  expect(await methodOf(plain.engine)).toBe('truncate');
  expect(await methodOf(windows.engine)).toBe('window-1024-256');
  expect(await methodOf(await openedOver(createMemoryStore('whole'), { longDocument: 'whole' }))).toBe(
    'window-8192-2048',
  );
});

test('a short document has the vectors that it has by itself, whatever is added with it', async () => {
  const alone = createMemoryStore('alone');
  const engine = await openedOver(alone, { longDocument: 'window' });
  await engine.add(documents.slice(1, 2), context);
  const { id } = (await alone.documents())[0]!;
  const rowsIn = async (of: IndexStore) => (await of.parts(id))?.vectors;
  expect((await rowsIn(alone))!.length).toBeGreaterThan(0);
  expect(await rowsIn(windows.store)).toEqual(await rowsIn(alone));
  expect(await rowsIn(windows.store)).toEqual(await rowsIn(plain.store));
});

test('passages of a document that fits a window have the rows of one pass over its text, bit for bit', async () => {
  const store = createMemoryStore('one-window');
  const engine = await openedOver(store, { longDocument: 'window' });
  const content = `${toll.repeat(12)}\n\nThe merchants moved to the coast.\n\n${toll.repeat(12)}`.trim();
  const { added } = await engine.add([{ name: 'short.txt', content }], context);
  const { vectors, offsets } = (await store.parts(added[0]!.id))!;
  expect(offsets.length).toBeGreaterThan(2); // several passages
  const [whole] = await engine.embed({ texts: [content], options: { inputType: 'document' } }, context);
  const expectedRows = quantizeRows(whole!.rows, defaultScale);
  const dim = whole!.dim;
  // Without the special tokens of each passage: two before, one behind.
  const own = Array.from(offsets.subarray(1), (end, i) => vectors.subarray((offsets[i]! + 2) * dim, (end - 1) * dim));
  expect(own.flatMap((rows) => [...rows])).toEqual([...expectedRows.subarray(2 * dim, -dim)]);
});

test('another way of reading is another index: said, and read again where that is asked for; pooled rows are lit too', async () => {
  await expect(openedOver(windows.store, {})).rejects.toMatchObject({
    code: 'model-mismatch',
    details: { field: 'longDocument', stored: 'window-1024-256', wanted: 'truncate' },
  });
  const { store } = plain;
  await expect(openedOver(store, { longDocument: 'window' })).rejects.toMatchObject({
    code: 'model-mismatch',
    details: { field: 'longDocument', stored: 'truncate', wanted: 'window-1024-256' },
  });
  const saved = await plain.engine.export({}, context);
  const engine = await openedOver(createMemoryStore('pooled'), { longDocument: 'window', poolFactor: 2 });
  expect(await engine.import(saved, context)).toMatchObject({ documents: 3, unencoded: 3 });
  expect(await engine.reencode(undefined, context)).toBe(3);
  expect(await found(engine)).toMatchObject(expected);
}, 60_000);

test('a saved collection keeps its vectors where it goes to an index that is read alike', async () => {
  const saved = await windows.engine.export({}, context);
  const engine = await openedOver(createMemoryStore('taken'), { longDocument: 'window' });
  expect(await engine.import(saved, context)).toMatchObject({ documents: 3, unencoded: 0 });
  expect(await found(engine)).toEqual(await found(windows.engine));
});

test('a way that there is not is refused', async () => {
  await expect(
    openedOver(createMemoryStore('refused'), { longDocument: 'chapter' as LongDocument }),
  ).rejects.toMatchObject({
    code: 'invalid-argument',
    message: 'longDocument is one of passage, window, whole, not chapter.',
  });
});

test('embed and rerank read each text by itself, as in any index', async () => {
  const texts = [toll, 'When the river silted up, the merchants moved.'];
  const request = { texts, options: { inputType: 'document' } } as const;
  expect(await windows.engine.embed(request, context)).toEqual(await plain.engine.embed(request, context));
  const ranking = { query: 'why did traders leave', documents: texts };
  expect(await windows.engine.rerank(ranking, context)).toEqual(await plain.engine.rerank(ranking, context));
});
