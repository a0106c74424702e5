/** Four bits a component through the public API: real worker, model and IndexedDB, opened again as after a reload. */
import { expect, test } from 'vitest';
import { openIndex, type Hit, type LateralIndex, type ResidentPrecision } from '../index.ts';
import { databaseNameOf, openIdbStore } from '../store/idb-store.ts';
import { tamper } from '../store/testing/raw-database.ts';

type Forced = 'wasm' | 'webgpu';

const openWith = (scorer: Forced, residentPrecision: ResidentPrecision): Promise<LateralIndex> =>
  openIndex({ baseUrl: `${location.origin}/`, scorer, name: 'int4', residentPrecision });

const documents = [
  { name: 'trade.txt', content: 'When the river silted up, the merchants moved their warehouses to the coast.' },
  { name: 'bread.txt', content: 'Mix flour, water and salt, let the dough rise overnight and bake it in a hot oven.' },
  { name: 'mars.txt', content: 'Mars looks red because of the rust in its soil.' },
];

const find = (index: LateralIndex): Promise<readonly Hit[]> =>
  index.search('why did traders leave the harbour', { match: 'meaning' });

test('half of the memory, the same hits to the bit, both ways, and a damaged piece costs its documents alone', async () => {
  const open = (residentPrecision: ResidentPrecision) => openWith('wasm', residentPrecision);
  let index = await open('stored');
  await index.clear();
  await index.add(documents.slice(0, 2));
  await index.add(documents.slice(2));
  const expected = await find(index);
  const { residentBytes } = index.status();
  expect(expected.map(({ documentName }) => documentName)[0]).toBe('trade.txt');
  await index.close();

  index = await open('int4');
  expect(index.status().residentBytes).toBe(residentBytes / 2);
  expect((await index.stats()).residentPrecision).toBe('int4');
  expect(await find(index)).toEqual(expected);
  await index.close();

  index = await open('stored');
  expect(await find(index)).toEqual(expected);
  await index.close();

  index = await open('int4'); // and the bytes change on the disk once it is loaded
  const store = await openIdbStore('int4');
  const [first] = await store.blocks();
  await store.close();
  await tamper<ArrayBuffer>(databaseNameOf('int4'), 'blockData', [first!.id, 0], (piece) => {
    new Uint8Array(piece)[200]! ^= 1;
    return piece;
  });
  const lost = first!.documents.map(({ id }) => id);
  expect(await find(index)).toEqual(expected.filter(({ documentId }) => !lost.includes(documentId)).map(relativeAgain));
  await expect.poll(() => index.status().error?.code).toBe('storage-corrupt');
  await index.clear();
  await index.close();

  /** The best hit of those that are left is the measure of the others. */
  function relativeAgain(hit: Hit): Hit {
    return { ...hit, relative: expect.any(Number) as number };
  }
});

test('so it is on the graphics card: half of the memory, and the hits and scores of int8 on either device', async () => {
  let index = await openWith('wasm', 'stored');
  await index.clear();
  await index.add(documents);
  const expected = await find(index);
  expect(expected.map(({ documentName }) => documentName)[0]).toBe('trade.txt');
  await index.close();

  const bytes: number[] = [];
  for (const residentPrecision of ['stored', 'int4'] as const) {
    index = await openWith('webgpu', residentPrecision);
    const { scorer, residentBytes } = index.status();
    expect(scorer).toMatchObject({ kind: 'webgpu', forced: true });
    bytes.push(residentBytes);
    expect(await find(index)).toEqual(expected);
    await index.add([{ name: 'more.txt', content: 'Traders leave a harbour that the river has filled with mud.' }]);
    const [first] = await find(index);
    expect(first!.documentName).toBe('more.txt');
    await index.remove([first!.documentId]);
    expect(await find(index)).toEqual(expected);
    await index.close();
  }
  expect(bytes[1]).toBe(bytes[0]! / 2);
  index = await openWith('wasm', 'stored');
  await index.clear();
  await index.close();
});
