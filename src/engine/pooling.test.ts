/** An index whose rows are pooled, from opening it to the words that are lit: the real model in Node, a store in memory. */
import { expect, test } from 'vitest';
import type { IndexStore } from '../store/index-store.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import type { DocumentInput, PoolFactor } from '../types.ts';
import type { Engine, OpenOptions } from './engine-api.ts';
import { builtOf, context, openedOver } from './testing/real-engine.ts';

const documents: readonly DocumentInput[] = [
  {
    name: 'trade.md',
    content:
      'When the river silted up, the merchants moved their warehouses to the coast, and the old harbour stood empty.\n\n' +
      'The toll was paid in full at the gate. '.repeat(60),
  },
  {
    name: 'bread.txt',
    content: 'Mix flour, water and salt. Let the dough rise overnight, then bake it in a hot oven.',
  },
];

const built = (poolFactor: PoolFactor, options: OpenOptions = {}) => builtOf(documents, { poolFactor, ...options });

/** The best passage for a question that shares two words with it: what is lit there, and which word each word was set beside. */
async function found(engine: Engine) {
  const query = 'why did merchants leave the harbour';
  const { hits } = await engine.search({ query, options: { match: 'meaning' } }, context);
  const { text } = await engine.text(hits[0]!.documentId, context);
  return {
    name: hits[0]!.documentName,
    score: hits[0]!.score,
    lit: hits[0]!.lit.map(({ start, end }) => text.slice(start, end)),
    why: Object.fromEntries(
      hits[0]!.why.map(({ word, matched }) => [['why', 'did', 'merchants', 'leave', 'the', 'harbour'][word]!, matched]),
    ),
  };
}

test('about a half, a third or a quarter of the rows is kept, and words are lit as before', async () => {
  const { engine: whole } = await built(1);
  const all = (await whole.status(undefined, context)).tokens;
  const expected = await found(whole);
  expect(expected).toMatchObject({ name: 'trade.md', why: { merchants: 'merchants', harbour: 'harbour' } });
  for (const poolFactor of [2, 3, 4] as const) {
    const { engine, store } = await built(poolFactor);
    const { tokens } = await engine.status(undefined, context);
    // A passage of n tokens keeps 2 + ⌊(n − 2) / factor⌋.
    expect(tokens / all).toBeGreaterThan(1 / poolFactor - 0.02);
    expect(tokens / all).toBeLessThan(1 / poolFactor + 0.1);
    expect(await found(engine)).toMatchObject({
      name: 'trade.md',
      why: { merchants: 'merchants', harbour: 'harbour' },
    });
    expect((await found(engine)).lit).toEqual(expect.arrayContaining(['merchants', 'harbour']) as string[]);
    expect(await store.verify()).toEqual({ damagedBlocks: [], lostDocuments: [], lostFiles: [] });
    expect((await engine.stats(undefined, context)).fingerprint).toMatchObject({ poolFactor });
  }
});

test('a factor that there is not is refused', async () => {
  for (const poolFactor of [0, 5, 1.5] as number[] as PoolFactor[]) {
    await expect(openedOver(createMemoryStore('refused'), { poolFactor })).rejects.toMatchObject({
      code: 'invalid-argument',
      message: `poolFactor is one of 1, 2, 3, 4, not ${String(poolFactor)}.`,
    });
  }
});

test.each([
  [1, 2],
  [4, 2],
  [2, 1],
] as const)('from factor %d to %d the documents are read again', async (from, to) => {
  const { engine: before, store } = await built(from);
  await found(before);
  await expect(openedOver(store, { poolFactor: to })).rejects.toMatchObject({
    code: 'model-mismatch',
    message: expect.stringContaining(`poolFactor ${from}; ${to} was asked for`) as string,
  });
  const engine = await openedOver(store, { poolFactor: to, onMismatch: 'reencode' });
  expect(await engine.status(undefined, context)).toMatchObject({ documents: 2, unencoded: 2, tokens: 0 });
  // Their words are found meanwhile; what is held of them then must not be taken for what is stored afterwards.
  const byWords = await engine.search({ query: 'harbour', options: { match: 'words' } }, context);
  expect(byWords.hits.map(({ documentName }) => documentName)).toEqual(['trade.md']);
  expect(await engine.reencode(undefined, context)).toBe(2);
  const { engine: direct, store: other } = await built(to);
  expect(await found(engine)).toEqual(await found(direct));
  const rowsOf = async (of: IndexStore) =>
    Promise.all((await of.documents()).map(async ({ id }) => [id, await of.tokenRows(id)]));
  expect(await rowsOf(store)).toEqual(await rowsOf(other));
});

test('fewer dimensions are made of pooled vectors too: the clusters are the same at any dimension', async () => {
  const { store } = await built(2, { precision: 'f32' });
  const engine = await openedOver(store, { poolFactor: 2, precision: 'f32', dim: 64, onMismatch: 'reencode' });
  expect(await engine.status(undefined, context)).toMatchObject({ documents: 2, unencoded: 0 });
  const { engine: direct } = await built(2, { precision: 'f32', dim: 64 });
  const [narrowed, expected] = [await found(engine), await found(direct)];
  expect(narrowed).toEqual({ ...expected, score: narrowed.score });
  expect(narrowed.score).toBeCloseTo(expected.score, 3);
});

test('undo and a saved collection bring the lit words back', async () => {
  const { engine, store } = await built(2);
  const expected = await found(engine);
  const file = await engine.export({}, context);
  const ids = (await store.documents()).map(({ id }) => id);
  const { undo } = await engine.remove(ids, context);
  await engine.restore(undo!, context);
  expect(await found(engine)).toEqual(expected);

  const taken = await openedOver(createMemoryStore('taken'), { poolFactor: 2 });
  expect(await taken.import(file, context)).toMatchObject({ documents: 2, unencoded: 0 });
  expect(await found(taken)).toEqual(expected);
  // In an index without pooling they are found by their words until they are read again.
  const whole = await openedOver(createMemoryStore('whole'), {});
  expect(await whole.import(file, context)).toMatchObject({ documents: 2, unencoded: 2 });
  expect(await whole.reencode(undefined, context)).toBe(2);
  expect(await found(whole)).toEqual(await found((await built(1)).engine));
});

test('a tab that is open while another changes the pooling goes on with what it has, lit by the same words', async () => {
  const { store } = await built(2);
  const before = await openedOver(store, { poolFactor: 2 }); // has read no passage yet
  const other = await openedOver(store, { poolFactor: 1, onMismatch: 'reencode' });
  const asked = (): Promise<unknown> => found(before);
  expect(await asked()).toMatchObject({ name: 'trade.md', lit: ['merchants', 'harbour'], why: { harbour: 'harbour' } });
  await other.reencode(undefined, context);
  expect(await asked()).toMatchObject({ name: 'trade.md', lit: ['merchants', 'harbour'] });
  expect(await before.status(undefined, context)).toMatchObject({ error: { code: 'model-mismatch' } });
});
