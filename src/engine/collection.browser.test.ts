/** Collections as files through the public API: real worker, model and IndexedDB. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openIndex, type DocumentInput, type DocumentRecord, type LateralIndex, type OpenOptions } from '../index.ts';

const open = (options: OpenOptions): Promise<LateralIndex> =>
  openIndex({ baseUrl: `${location.origin}/`, scorer: 'wasm', ...options });

const documents: readonly DocumentInput[] = [
  { name: 'trade.md', content: '# The old port\n\nWhen the river silted up, the merchants moved to the coast.\n' },
  { name: 'bread.txt', content: 'Mix flour, water and salt, and let the dough rise overnight.', tags: ['kitchen'] },
  { name: 'mars.html', content: '<title>Mars</title><h1>Mars</h1><p>Rust makes its soil red.</p>', path: 'a/b' },
];
const query = 'why did traders leave';

const bytesOf = async (file: Blob): Promise<Uint8Array<ArrayBuffer>> => new Uint8Array(await file.arrayBuffer());
const hitsOf = async (index: LateralIndex) => index.search(query, { k: 3, match: 'meaning' });

describe('a collection as a file', () => {
  let index: LateralIndex;
  let file: Blob;
  let records: readonly DocumentRecord[];
  beforeAll(async () => {
    index = await open({ name: 'saved' });
    await index.clear();
    expect(await index.add(documents)).toMatchObject({ failed: [], remaining: [] });
    records = await index.documents();
    file = await index.export();
  }, 60_000);
  afterAll(() => index.close());

  test('comes back as it was: records, texts, originals, hits, and every bit of the vectors', async () => {
    expect(file.type).toBe('application/x-lateral');
    const hits = await hitsOf(index);
    expect(hits[0]!.documentName).toBe('trade.md');

    await index.clear();
    expect(await hitsOf(index)).toEqual([]);
    expect(await index.import(file)).toEqual({ documents: 3, skipped: 0, unencoded: 0 });
    expect(await index.documents()).toEqual(records);
    expect(await hitsOf(index)).toEqual(hits);
    const mars = records.find(({ name }) => name === 'mars.html')!;
    expect(await (await index.source(mars.id))!.text()).toBe(documents[2]!.content);
    expect((await index.text(mars.id)).title).toBe('Mars');
    // The file holds the vectors raw: saved again it is the same file.
    expect(await bytesOf(await index.export())).toEqual(await bytesOf(file));

    // Durable: the next one who opens it finds it, and leaves it as it is.
    await index.close();
    index = await open({ name: 'saved' });
    expect(await hitsOf(index)).toEqual(hits);
    expect(await index.import(file)).toEqual({ documents: 0, skipped: 3, unencoded: 0 });
    expect(await index.documents()).toEqual(records);
  });

  test('of it, the documents named', async () => {
    const bread = records.find(({ name }) => name === 'bread.txt')!;
    const part = await index.export([bread.id]);
    await index.clear();
    expect(await index.import(part)).toEqual({ documents: 1, skipped: 0, unencoded: 0 });
    expect(await index.documents()).toEqual([bread]);
    expect(await index.import(file)).toEqual({ documents: 2, skipped: 1, unencoded: 0 });
  });

  test('comes without vectors where others do not follow from theirs, and is read again', async () => {
    const exact = await open({ name: 'exact', precision: 'f32', storage: 'memory' });
    try {
      expect(await exact.import(file)).toEqual({ documents: 3, skipped: 0, unencoded: 3 });
      expect(exact.status()).toMatchObject({ documents: 3, unencoded: 3 });
      expect(await exact.reencode()).toBe(3);
      expect(exact.status()).toMatchObject({ documents: 3, unencoded: 0 });
    } finally {
      await exact.close();
    }
  });

  test('of more dimensions is turned into those of the index', async () => {
    const small = await open({ name: 'small', dim: 64, storage: 'memory' });
    try {
      expect(await small.import(file)).toEqual({ documents: 3, skipped: 0, unencoded: 0 });
      const [hit] = await small.search('flour and dough', { k: 1, match: 'meaning' });
      expect(hit!.documentName).toBe('bread.txt');
    } finally {
      await small.close();
    }
  });

  test('damaged: what is whole is added, the rest is said', async () => {
    const bytes = await bytesOf(file);
    bytes[bytes.length - 200]! ^= 4;
    await index.clear();
    await expect(index.import(new File([bytes], 'notes.lateral'))).rejects.toMatchObject({
      code: 'file-damaged',
      message: expect.stringMatching(
        /^notes\.lateral is damaged: mars\.html .* 2 of its 3 documents were added/,
      ) as string,
      details: { documents: 2, skipped: 0, damaged: 1 },
    });
    expect((await index.documents()).map(({ name }) => name)).toEqual(['bread.txt', 'trade.md']);
    const [hit] = await index.search('flour and dough', { k: 1, match: 'meaning' });
    expect(hit!.documentName).toBe('bread.txt');
    const letter = new File(['Dear Ms Halloran,'], 'letter.txt');
    await expect(index.import(letter)).rejects.toMatchObject({ code: 'file-damaged' });
  });

  test('can be stopped before it begins', async () => {
    const signal = AbortSignal.abort();
    await expect(index.export(undefined, { signal })).rejects.toMatchObject({ code: 'aborted' });
    await index.clear();
    await expect(index.import(file, { signal })).rejects.toMatchObject({ code: 'aborted' });
    expect(await index.documents()).toEqual([]);
  });
});
