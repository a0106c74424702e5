import { describe, expect, test } from 'vitest';
import { createEncoder } from '../colbert/encoder.ts';
import { embeddedTokenizer } from '../colbert/testing/embedded.ts';
import { LateralError } from '../errors.ts';
import type { IndexStore, NewDocument } from '../store/index-store.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import type { DocumentInput, Fingerprint } from '../types.ts';
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
  return addDocuments(
    {
      store,
      fingerprint,
      keepSources: () => false,
      extraction: createLocalExtraction(),
      encoder: () => encoder,
      recover: () => Promise.resolve(false),
      onStored: () => Promise.resolve(),
      ...overrides,
    },
    documents.map(givenFile),
    new AbortController().signal,
    () => undefined,
  );
}

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
});
