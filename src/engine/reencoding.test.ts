/** A collection of another model's, opened by this one: the real model in Node, over a store in memory. */
import { expect, test } from 'vitest';
import { createMemoryStore } from '../store/memory-store.ts';
import type { DocumentInput, MatchBy } from '../types.ts';
import type { CallContext, Engine } from './engine-api.ts';
import { realEngine } from './testing/real-engine.ts';

const context = (given: Partial<CallContext> = {}): CallContext => ({
  signal: new AbortController().signal,
  onProgress: () => undefined,
  ...given,
});

const documents: readonly DocumentInput[] = [
  { name: 'trade.md', content: 'When the river silted up, the merchants moved their warehouses to the coast.' },
  {
    name: 'bread.txt',
    content: 'Mix flour, water and salt. Let the dough rise overnight, then bake it in a hot oven.',
  },
  // More passages than share a transaction, which are eight.
  { name: 'register.txt', content: 'The toll was paid in full, and the ship was let through the gate. '.repeat(200) },
];

async function scoresOf(engine: Engine, match: MatchBy): Promise<[string, number][]> {
  const { hits } = await engine.search(
    { query: 'why did traders leave', options: { match, k: 50, by: 'document' } },
    context(),
  );
  return hits.map(({ documentName, score }) => [documentName, score]);
}

test('documents of another model are found by words at once, and by meaning once they are read again', async () => {
  const store = createMemoryStore('older');
  const before = realEngine({ store });
  await before.open({}, context());
  const { added } = await before.add(documents, context());
  expect(added.at(-1)!.chunkCount).toBeGreaterThan(8);
  const expected = await scoresOf(before, 'meaning');
  expect(expected.map(([name]) => name)).toHaveLength(3);
  const fingerprint = (await store.fingerprint())!;
  await store.dropVectors({ ...fingerprint, model: 'older@7' }); // now it is another model's

  const refused = realEngine({ store });
  await expect(refused.open({}, context())).rejects.toMatchObject({ code: 'model-mismatch' });

  const engine = realEngine({ store });
  const status = await engine.open({ onMismatch: 'reencode' }, context());
  expect(status).toMatchObject({ state: 'ready', documents: 3, unencoded: 3, error: null });
  expect(await store.fingerprint()).toEqual(fingerprint);
  const byWords = { query: 'merchants warehouses', options: { match: 'words' } } as const;
  expect((await engine.search(byWords, context())).hits.map(({ documentName }) => documentName)).toEqual(['trade.md']);
  const both = await engine.search({ query: 'merchants warehouses', options: {} }, context());
  expect(both.hits.map(({ documentName, relevant }) => [documentName, relevant])).toEqual([['trade.md', true]]);
  expect(await scoresOf(engine, 'meaning')).toEqual([]);

  const controller = new AbortController();
  const stopped = engine.reencode(
    undefined,
    context({
      signal: controller.signal,
      onProgress: ({ done }) => {
        if (done === 2) controller.abort();
      },
    }),
  );
  await expect(stopped).rejects.toMatchObject({ code: 'aborted' });
  expect(await engine.status(undefined, context())).toMatchObject({ documents: 3, unencoded: 1 });
  expect((await scoresOf(engine, 'meaning')).map(([name]) => name).sort()).toEqual(['bread.txt', 'trade.md']);

  const progress: string[] = [];
  const onProgress: CallContext['onProgress'] = ({ phase, done, total }) =>
    progress.push(`${phase} ${String(done)}/${String(total)}`);
  expect(await engine.reencode(undefined, context({ onProgress }))).toBe(1);
  expect([progress.at(0), progress.at(-1)]).toEqual(['reencoding 0/1', 'reencoding 1/1']);
  expect(await engine.status(undefined, context())).toMatchObject({ documents: 3, unencoded: 0 });
  expect(await scoresOf(engine, 'meaning')).toEqual(expected);
  expect(await store.verify()).toEqual({ damagedBlocks: [], lostDocuments: [], lostFiles: [] });
});

test('documents that are removed while they wait, or come meanwhile, are no trouble', async () => {
  const store = createMemoryStore('older');
  const before = realEngine({ store });
  await before.open({}, context());
  await before.add(documents.slice(0, 2), context());
  const [trade] = (await before.documents(undefined, context())).filter(({ name }) => name === 'trade.md');
  await store.dropVectors({ ...(await store.fingerprint())!, model: 'older@7' });
  const engine = realEngine({ store });
  await engine.open({ onMismatch: 'reencode' }, context());

  const { undo } = await engine.remove([trade!.id], context());
  await engine.restore(undo!, context());
  await engine.add([{ name: 'new.txt', content: 'Herring was salted on the quay.' }], context());
  expect(await engine.status(undefined, context())).toMatchObject({ documents: 3, unencoded: 2 });
  await engine.reencode(undefined, context());
  expect((await scoresOf(engine, 'meaning')).map(([name]) => name).sort()).toEqual([
    'bread.txt',
    'new.txt',
    'trade.md',
  ]);
});

/** An index of this model's, and the same one as another model's would be opened. */
async function ofAnotherModel(given: readonly DocumentInput[]) {
  const store = createMemoryStore('older');
  const before = realEngine({ store });
  await before.open({}, context());
  await before.add(given, context());
  const fingerprint = (await store.fingerprint())!;
  await store.dropVectors({ ...fingerprint, model: 'older@7' });
  const engine = realEngine({ store });
  await engine.open({ onMismatch: 'reencode' }, context());
  return { store, before, engine, fingerprint };
}

const named = (count: number, name: string, text: (i: number) => string): DocumentInput[] =>
  Array.from({ length: count }, (_, i) => ({ name: `${name} ${i}`, content: text(i) }));

test('what waits is found by its words, whatever was read again before it', async () => {
  const recipes = named(16, 'recipe', (i) => `Recipe ${i}: knead the dough with ${i} spoons of water and bake it.`);
  const trades = named(14, 'trade', (i) => `In year ${i} the merchants moved their warehouses to the coast.`);
  const { engine } = await ofAnotherModel([...recipes, ...trades]);
  const controller = new AbortController();
  const onProgress: CallContext['onProgress'] = ({ done }) => {
    if (done >= 16) controller.abort();
  };
  await expect(engine.reencode(undefined, context({ signal: controller.signal, onProgress }))).rejects.toThrow();
  const { hits } = await engine.search({ query: 'merchants warehouses', options: { k: 12 } }, context());
  expect(hits[0]).toMatchObject({ relevant: true });
  expect(hits.filter(({ relevant }) => relevant).length).toBeGreaterThanOrEqual(6);
});

test('a word that stands in every document is found while they wait', async () => {
  const { engine } = await ofAnotherModel(named(450, 'contract', (i) => `Contract number ${i}.`));
  const { hits } = await engine.search({ query: 'contract', options: { by: 'document' } }, context());
  expect(hits).toHaveLength(10);
});

test('what is deleted and brought back while documents are read again is read too', async () => {
  const { engine } = await ofAnotherModel([...documents.slice(0, 2), ...named(8, 'note', (i) => `Note number ${i}.`)]);
  const last = (await engine.documents(undefined, context())).find(({ name }) => name === 'note 7')!;
  let undo: string | null = null;
  const onProgress: CallContext['onProgress'] = ({ done, total }) => {
    if (done === 0 && undo === null) {
      undo = '';
      void engine.remove([last.id], context()).then((result) => (undo = result.undo));
    } else if (done === total && undo !== '' && undo !== null) {
      void engine.restore(undo, context()).then(() => undefined);
      undo = '';
    }
  };
  await engine.reencode(undefined, context({ onProgress }));
  await expect.poll(async () => (await engine.status(undefined, context())).documents, { timeout: 5_000 }).toBe(10);
  await engine.reencode(undefined, context()); // the undo may have come after the last look
  expect(await engine.status(undefined, context())).toMatchObject({ documents: 10, unencoded: 0 });
});

test('a tab with the older model can undo what it deleted, and exports nothing under a wrong name', async () => {
  const store = createMemoryStore('newer');
  const older = realEngine({ store });
  await older.open({}, context());
  await older.add(documents.slice(0, 2), context());
  const newer = { ...(await store.fingerprint())!, model: 'newer@9' };
  await store.dropVectors(newer); // as a tab with a newer version does
  const [first] = await older.documents(undefined, context());
  const { undo } = await older.remove([first!.id], context());
  expect(await older.restore(undo!, context())).toBe(1);
  expect((await store.documents()).map(({ tokenCount }) => tokenCount)).toEqual([0, 0]); // that tab reads them again
  expect(await store.fingerprint()).toEqual(newer);
  await expect(older.export({}, context())).rejects.toMatchObject({ code: 'model-mismatch' });
});

test('one document that cannot be read again does not stop the others', async () => {
  const { engine, store } = await ofAnotherModel(documents.slice(0, 2));
  const [first] = await store.documents();
  const chunks = store.chunks.bind(store);
  store.chunks = (id) => (id === first!.id ? Promise.reject(new Error('unreadable')) : chunks(id));
  const failed: string[] = [];
  const onProgress: CallContext['onProgress'] = (progress) =>
    failed.splice(0, failed.length, ...(progress.failed ?? []).map(({ name }) => name));
  expect(await engine.reencode(undefined, context({ onProgress }))).toBe(1);
  expect(failed).toEqual([first!.name]);
  expect(await engine.status(undefined, context())).toMatchObject({ documents: 2, unencoded: 1 });
});

test('fewer dimensions, and bytes for f32, are made of the vectors that are here', async () => {
  const few = documents.slice(0, 2);
  const store = createMemoryStore('narrow');
  const before = realEngine({ store });
  await before.open({ precision: 'f32' }, context());
  await before.add(few, context());
  const query = { query: 'why did traders leave', options: { match: 'meaning', k: 50 } } as const;

  async function built(settings: { readonly dim?: number; readonly precision?: 'f32' | 'int8' }) {
    const engine = realEngine();
    await engine.open(settings, context());
    await engine.add(few, context());
    return (await engine.search(query, context())).hits.map(({ documentName, score }) => ({ documentName, score }));
  }
  async function opened(settings: { readonly dim?: number; readonly precision?: 'f32' | 'int8' }) {
    const engine = realEngine({ store });
    const status = await engine.open({ ...settings, onMismatch: 'reencode' }, context());
    expect(status).toMatchObject({ documents: 2, unencoded: 0 });
    return (await engine.search(query, context())).hits.map(({ documentName, score }) => ({ documentName, score }));
  }

  expect(await opened({ precision: 'int8' })).toEqual(await built({ precision: 'int8' }));
  const [narrow, direct] = [await opened({ dim: 64 }), await built({ dim: 64 })];
  expect(narrow.slice(0, 1).map(({ documentName }) => documentName)).toEqual(['trade.md']);
  expect(narrow).toHaveLength(direct.length);
  // Rounded twice: a thousandth of the score, which is 32 for the same text.
  expect(narrow[0]!.score).toBeCloseTo(direct[0]!.score, 1);
  expect((await store.blocks()).map(({ numTokens, byteLength }) => byteLength / numTokens)).toContain(64);

  const wider = realEngine({ store });
  expect(await wider.open({ onMismatch: 'reencode' }, context())).toMatchObject({ documents: 2, unencoded: 2 });
});
