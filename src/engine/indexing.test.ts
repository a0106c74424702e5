import { describe, expect, test } from 'vitest';
import { createEncoder } from '../colbert/encoder.ts';
import { embeddedTokenizer } from '../colbert/testing/embedded.ts';
import { LateralError } from '../errors.ts';
import type { IndexStore, NewDocument } from '../store/index-store.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import type { DocumentInput, Fingerprint, Progress } from '../types.ts';
import { createLocalExtraction } from './extraction.ts';
import { addDocuments, givenFile, type IndexingParts } from './indexing.ts';

const { tokenizer, config } = embeddedTokenizer();
const fingerprint: Fingerprint = {
  model: 'toy@0',
  dim: 16,
  precision: 'int8',
  scale: 1 / 127,
  poolFactor: 1,
  longDocument: 'truncate',
  chunker: 1,
};
const encoder = createEncoder(
  tokenizer,
  { ...config, dim: 16 },
  {
    device: 'wasm',
    threads: 1,
    run: (_ids, _mask, batch, length) =>
      Promise.resolve({ rows: new Float32Array(batch * length * 16).fill(0.25), dim: 16 }),
    release: () => Promise.resolve(),
  },
);

/** A store that refuses documents with these names, each time with this error. */
function refusing(store: IndexStore, code: LateralError['code'], ...names: string[]): IndexStore {
  return Object.assign(Object.create(store) as IndexStore, {
    add: (documents: readonly NewDocument[], given: Fingerprint) =>
      documents.some(({ record }) => names.includes(record.name))
        ? Promise.reject(new LateralError(code, 'Refused.'))
        : store.add(documents, given),
    findByHash: (hash: string) => store.findByHash(hash),
    document: (id: string) => store.document(id),
  });
}

function add(store: IndexStore, names: readonly string[], overrides: Partial<IndexingParts> = {}) {
  const documents: DocumentInput[] = names.map((name) => ({
    name,
    content: name === 'empty' ? ' ' : `About ${name}.`,
  }));
  const { signal } = new AbortController();
  return addDocuments(partsOf(store, overrides), documents.map(givenFile), signal, () => undefined);
}

function partsOf(store: IndexStore, overrides: Partial<IndexingParts>): IndexingParts {
  return {
    store,
    fingerprint,
    keepSources: () => false,
    extraction: createLocalExtraction(),
    encoder: () => encoder,
    recover: () => Promise.resolve(false),
    onStored: () => Promise.resolve(),
    ...overrides,
  };
}

type OnProgress = (progress: Progress) => void;

const names = ['a', 'b', 'empty', 'c', 'd', 'e', 'f'];

describe('addDocuments', () => {
  test('a file that cannot be stored fails by itself; its neighbours in the transaction do not', async () => {
    const store = createMemoryStore('toy');
    const result = await add(refusing(store, 'storage-corrupt', 'd'), names);
    expect(result.added.map(({ name }) => name)).toEqual(['a', 'b', 'c', 'e', 'f']);
    expect(result.failed.map(({ name, code }) => [name, code])).toEqual([
      ['empty', 'file-empty'],
      ['d', 'storage-corrupt'],
    ]);
    expect(result.remaining).toEqual([]);
    expect((await store.documents()).map(({ name }) => name).sort()).toEqual(['a', 'b', 'c', 'e', 'f']);
  });

  test('all files of one call are added at one time, however long it takes', async () => {
    const tick = () => new Promise<void>((resolve) => setTimeout(resolve, 3));
    const { added } = await add(createMemoryStore('toy'), names, { onStored: tick }); // between groups
    const [first] = added;
    expect(first!.addedAt).toBeGreaterThan(Date.now() - 60_000);
    expect(added.map(({ addedAt }) => addedAt)).toEqual(added.map(() => first!.addedAt));
  });

  test('a full disk stops the work; every file is added, failed or remaining, and none twice', async () => {
    const result = await add(refusing(createMemoryStore('toy'), 'storage-full', 'd'), names);
    expect(result.stopped?.code).toBe('storage-full');
    const accounted = [
      ...result.added.map(({ name }) => name),
      ...result.failed.map(({ name }) => name),
      ...result.remaining.map((index) => names[index]!),
    ];
    expect(accounted.sort()).toEqual([...names].sort());
  });

  test('an encoder that fails on one text fails that file alone', async () => {
    const failing = Object.assign(Object.create(encoder) as typeof encoder, {
      encodeDocuments: (texts: readonly string[]) =>
        texts.some((text) => text.includes('About c'))
          ? Promise.reject(new LateralError('model-invalid', 'No.'))
          : encoder.encodeDocuments(texts),
    });
    const result = await add(createMemoryStore('toy'), names, { encoder: () => failing });
    expect(result.failed.map(({ name }) => name)).toEqual(['empty', 'c']);
    expect(result.added).toHaveLength(5);
  });

  test('after a lost device the same passages are encoded by the next encoder', async () => {
    let lost = false;
    const losing = Object.assign(Object.create(encoder) as typeof encoder, {
      encodeDocuments: () => Promise.reject(new LateralError('gpu-lost', 'Gone.')),
    });
    const result = await add(createMemoryStore('toy'), names, {
      encoder: () => (lost ? encoder : losing),
      recover: (_error, failed) => {
        expect(failed).toBe(losing);
        lost = true;
        return Promise.resolve(true);
      },
    });
    expect(result.added).toHaveLength(6);
  });

  describe('in windows', () => {
    const inWindows: Partial<IndexingParts> = { fingerprint: { ...fingerprint, longDocument: 'window-1024-256' } };
    // 4,500 tokens: more windows than are read at a time.
    const book = { name: 'book', content: 'The toll was paid at the gate. '.repeat(560) };
    const addBook = (store: IndexStore, overrides: Partial<IndexingParts>, ...rest: [AbortSignal, OnProgress]) =>
      addDocuments(partsOf(store, { ...inWindows, ...overrides }), [givenFile(book)], ...rest);

    test('every file is stored, however many share their windows', async () => {
      const result = await add(createMemoryStore('toy'), names, inWindows);
      expect(result.added.map(({ name }) => name)).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
    });

    test('progress counts passages up and tells tokens a second; a cancel leaves nothing half done', async () => {
      const store = createMemoryStore('toy');
      const controller = new AbortController();
      const seen: Progress[] = [];
      const result = await addBook(store, {}, controller.signal, (progress) => {
        seen.push(progress);
        if ((progress.current?.done ?? 0) > 0) controller.abort();
      });
      expect(result).toMatchObject({ added: [], failed: [], remaining: [0], stopped: { code: 'aborted' } });
      const done = seen.flatMap(({ current }) => current?.done ?? []);
      expect(done).toEqual([...done].sort((a, b) => a - b));
      expect(done.length).toBeGreaterThan(4); // told of each window
      expect(seen.at(-1)!.current!.done).toBeLessThan(seen.at(-1)!.current!.total);
      expect(seen.at(-1)!.tokensPerSecond).toBeGreaterThan(0);
      expect(await store.documents()).toEqual([]);
    });

    test('documents that this device has no memory for fail by themselves; short ones are read', async () => {
      const shape = { layers: 24, hidden: 1024, heads: 16, weightsBytes: 446e6 };
      const whole = { shape, fingerprint: { ...fingerprint, longDocument: 'window-8192-2048' } as const };
      const files = [{ name: 'a', content: 'About a.' }, book, { name: 'b', content: 'About b.' }].map(givenFile);
      const store = createMemoryStore('toy');
      const result = await addDocuments(partsOf(store, whole), files, new AbortController().signal, () => undefined);
      expect(result.added.map(({ name }) => name)).toEqual(['a', 'b']);
      expect(result.failed).toEqual([
        {
          name: 'book',
          code: 'file-too-large',
          message: expect.stringMatching(
            /cannot read \d+ tokens at once here\. It would need about \d\.\d GB/,
          ) as string,
        },
      ]);
      const other = createMemoryStore('shorter');
      const shorter = await addBook(other, { shape }, new AbortController().signal, () => undefined);
      expect(shorter).toMatchObject({ added: [{ name: 'book' }], failed: [] });
    });

    test('where memory gives out, the work stops with what to do, and nothing is lost', async () => {
      const failing = Object.assign(Object.create(encoder) as typeof encoder, {
        encodeIds: () => Promise.reject(new LateralError('out-of-memory', 'Not enough memory.')),
      });
      const parts = { encoder: () => failing };
      const result = await addBook(createMemoryStore('toy'), parts, new AbortController().signal, () => undefined);
      expect(result).toMatchObject({
        ...{ added: [], failed: [], remaining: [0] },
        stopped: {
          code: 'out-of-memory',
          message: expect.stringMatching(
            /at once here\. Not enough memory\. Open .* longDocument 'passage'\.$/,
          ) as string,
        },
      });
    });

    test('after a lost device the windows that are left are read by the next encoder', async () => {
      let readings = 0;
      let lost = 0;
      const losing = Object.assign(Object.create(encoder) as typeof encoder, {
        encodeIds: (texts: readonly number[][]) =>
          ++readings === 2 ? Promise.reject(new LateralError('gpu-lost', 'Gone.')) : encoder.encodeIds(texts),
      });
      const recover = (): Promise<boolean> => Promise.resolve(++lost === 1);
      const store = createMemoryStore('toy');
      const result = await addBook(
        store,
        { encoder: () => losing, recover },
        new AbortController().signal,
        () => undefined,
      );
      expect(result.added.map(({ name }) => name)).toEqual(['book']);
      expect([readings, lost]).toEqual([3, 1]);
    });
  });
});
