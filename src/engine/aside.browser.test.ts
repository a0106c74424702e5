/** An index taken over while another handle serves it, through the public API: real workers, model, IndexedDB and locks. */
import { expect, test } from 'vitest';
import { openIndex, type Hit, type LateralIndex, type OpenOptions, type Progress } from '../index.ts';

const open = (options: OpenOptions): Promise<LateralIndex> =>
  openIndex({ baseUrl: `${location.origin}/`, scorer: 'wasm', name: 'aside', ...options });

const documents = [
  { name: 'trade.txt', content: 'When the river silted up, the merchants moved their warehouses to the coast.' },
  { name: 'bread.txt', content: 'Mix flour, water and salt, let the dough rise overnight and bake it in a hot oven.' },
  ...Array.from({ length: 22 }, (_, i) => ({
    name: `register ${i}.txt`,
    content: `Port register ${i}. ${'The toll was paid in full, and the ship was let through. '.repeat(4)}`,
  })),
];
const find = async (index: LateralIndex): Promise<readonly Pick<Hit, 'documentName' | 'score'>[]> =>
  (await index.search('why did merchants leave the harbour', { k: 5, match: 'meaning' })).map(
    ({ documentName, score }) => ({ documentName, score }),
  );

test('the old one serves it until the new one has all; stopped and opened again it goes on', async () => {
  const before = await open({});
  await before.clear();
  await before.add(documents.slice(0, 20));
  const expected = await find(before);
  expect(expected[0]!.documentName).toBe('trade.txt');

  const first = await open({ poolFactor: 2, onMismatch: 'aside' });
  expect(first.status()).toMatchObject({
    state: 'ready',
    documents: 20,
    unencoded: 20,
    switchingFrom: { poolFactor: 1 },
  });
  await expect(first.search('toll')).rejects.toMatchObject({ code: 'model-mismatch' });
  const controller = new AbortController();
  const stopped = first.reencode({
    signal: controller.signal,
    onProgress: ({ done }) => done >= 9 && controller.abort(),
  });
  await expect(stopped).rejects.toMatchObject({ code: 'aborted' });
  const { unencoded } = first.status();
  expect(unencoded).toBeGreaterThan(0);
  expect(unencoded).toBeLessThan(20);
  expect(await find(before)).toEqual(expected);
  expect((await before.stats()).asideBytes).toBeGreaterThan(0);
  await first.close();

  await before.add(documents.slice(20));
  const withMore = await find(before);
  const second = await open({ poolFactor: 2, onMismatch: 'aside' });
  expect(second.status().unencoded).toBe(unencoded + 4);
  const told: Progress[] = [];
  const done = second.reencode({ onProgress: (progress) => told.push(progress) });
  expect(await find(before)).toEqual(withMore);
  expect(await done).toBe(unencoded + 4);
  expect(told.at(-1)).toMatchObject({ phase: 'switching', done: 24, total: 24 });
  expect(second.status()).toMatchObject({ documents: 24, unencoded: 0, switchingFrom: null, error: null });
  await expect.poll(() => before.status().error?.code).toBe('model-mismatch');
  await before.close();
  const found = await find(second);
  expect(found[0]!.documentName).toBe('trade.txt');
  expect((await second.stats()).asideBytes).toBe(0);

  const { tokens } = second.status();
  await second.clear();
  await second.add(documents); // as if it had been built so
  expect(second.status().tokens).toBe(tokens);
  expect(await find(second)).toEqual(found);
  await second.close();
});
