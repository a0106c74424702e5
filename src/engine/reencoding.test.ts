/** A collection of another model's, opened by this one: the real model in Node, over a store in memory. */
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { createMemoryStore } from '../store/memory-store.ts';
import type { DocumentInput, MatchBy } from '../types.ts';
import type { CallContext, Engine } from './engine-api.ts';
import { createNodeEngine } from './node.ts';

const models = fileURLToPath(new URL('../../public/models', import.meta.url));
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
  // More passages than share a transaction.
  { name: 'register.txt', content: 'The toll was paid in full, and the ship was let through the gate. '.repeat(420) },
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
  const before = createNodeEngine(models, { store });
  await before.open({}, context());
  await before.add(documents, context());
  const expected = await scoresOf(before, 'meaning');
  expect(expected.map(([name]) => name)).toHaveLength(3);
  const fingerprint = (await store.fingerprint())!;
  await store.dropVectors({ ...fingerprint, model: 'older@7' }); // now it is another model's

  const refused = createNodeEngine(models, { store });
  await expect(refused.open({}, context())).rejects.toMatchObject({ code: 'model-mismatch' });

  const engine = createNodeEngine(models, { store });
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
  const before = createNodeEngine(models, { store });
  await before.open({}, context());
  await before.add(documents.slice(0, 2), context());
  const [trade] = (await before.documents(undefined, context())).filter(({ name }) => name === 'trade.md');
  await store.dropVectors({ ...(await store.fingerprint())!, model: 'older@7' });
  const engine = createNodeEngine(models, { store });
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
