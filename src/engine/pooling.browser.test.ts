/** Pooled rows through the public API: real worker, model and IndexedDB, opened again as after a reload. */
import { expect, test } from 'vitest';
import { openIndex, type Hit, type LateralIndex, type PoolFactor } from '../index.ts';

const open = (name: string, poolFactor: PoolFactor): Promise<LateralIndex> =>
  openIndex({ baseUrl: `${location.origin}/`, scorer: 'wasm', name, poolFactor, onMismatch: 'reencode' });

const opening =
  'When the river silted up, the merchants moved their warehouses to the coast, and the harbour stood empty.';
const documents = [
  { name: 'trade.txt', content: `${opening}\n\n${'The toll was paid in full at the gate. '.repeat(60)}` },
  { name: 'bread.txt', content: 'Mix flour, water and salt, let the dough rise overnight and bake it in a hot oven.' },
];

async function find(index: LateralIndex): Promise<{ readonly hit: Hit; readonly lit: readonly string[] }> {
  const [hit] = await index.search('why did merchants leave the harbour', { k: 1, match: 'meaning' });
  const { text } = await index.text(hit!.documentId);
  return { hit: hit!, lit: hit!.lit.map(({ start, end }) => text.slice(start, end)) };
}

test('half the rows, the same words lit, and so again after closing', async () => {
  const whole = await open('pooling', 1);
  await whole.clear();
  await whole.add(documents);
  const { tokens } = whole.status();
  await whole.close();

  let index = await open('pooling', 2); // of another factor: its documents are read again
  expect(index.status()).toMatchObject({ documents: 2, unencoded: 2, tokens: 0 });
  expect(await index.reencode()).toBe(2);
  const pooled = index.status().tokens;
  expect(pooled / tokens).toBeGreaterThan(0.48);
  expect(pooled / tokens).toBeLessThan(0.56); // [CLS] and the marker are not pooled
  const reread = await find(index);
  expect(reread.hit.documentName).toBe('trade.txt');
  expect(reread.lit).toEqual(expect.arrayContaining(['merchants', 'harbour']));

  await index.clear();
  await index.add(documents);
  expect(index.status().tokens).toBe(pooled);
  const added = await find(index);
  expect(added.lit).toEqual(reread.lit);

  await index.close();
  index = await open('pooling', 2);
  expect(index.status()).toMatchObject({ documents: 2, unencoded: 0, tokens: pooled });
  expect(await find(index)).toEqual(added);

  const file = await index.export();
  await index.clear();
  expect(await index.import(file)).toEqual({ documents: 2, skipped: 0, unencoded: 0 });
  expect(await find(index)).toEqual(added);
  await index.close();
});
