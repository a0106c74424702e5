import { beforeEach, describe, expect, test, vi } from 'vitest';
import { LateralError } from '../errors.ts';
import { shardPassages } from '../ranking/keyword-index.ts';
import type { IndexStore, NewDocument } from '../store/index-store.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import type { DocumentRecord, Fingerprint } from '../types.ts';
import { createKeywords, type Keywords } from './keywords.ts';
import { createPassageReader } from './passages.ts';

const fingerprint: Fingerprint = {
  model: 'toy@0',
  dim: 16,
  precision: 'int8',
  scale: 1 / 127,
  poolFactor: 1,
  longDocument: 'truncate',
  chunker: 1,
};

/** A document whose passages are these texts, with one token each. */
function toy(id: string, passages: readonly string[], addedAt = 1): NewDocument {
  const text = passages.join('\n');
  let at = 0;
  const chunks = passages.map((passage, ordinal) => {
    const start = at;
    at += passage.length + 1;
    return { ordinal, start, end: start + passage.length, section: -1 };
  });
  const { length } = passages;
  return {
    record: {
      ...{ id, name: id, path: '', title: '', mediaType: 'text/plain', language: '', tags: [], addedAt },
      ...{ byteLength: 1, textLength: text.length, contentHash: `${id} ${addedAt}`, chunkCount: length },
      ...{ tokenCount: length, truncatedChunks: 0, notes: [] },
    },
    text: { text, sections: [], blocks: [], mediaType: 'text/plain', notes: [] },
    chunks,
    source: null,
    vectors: new Int8Array(length * 16),
    offsets: Uint32Array.from({ length: length + 1 }, (_, i) => i),
    tokenRows: null,
  };
}

let store: IndexStore;
let keywords: Keywords;
const keywordsOf = (from: IndexStore): Keywords => createKeywords(from, createPassageReader(from, fingerprint));

beforeEach(async () => {
  store = createMemoryStore('keywords');
  await store.add([toy('a', ['old port', 'new port']), toy('b', ['deep sea'])], fingerprint);
  keywords = keywordsOf(store);
});

const records = async (): Promise<ReadonlyMap<string, DocumentRecord>> =>
  new Map((await store.documents()).map((record) => [record.id, record]));
const found = ({ index }: Keywords, ...terms: string[]): string[] =>
  index
    .search(terms, 100)
    .map(({ documentId, chunk }) => `${documentId}${chunk}`)
    .sort();

/** As after a reload: another index over the same store. */
async function restarted(): Promise<{ again: Keywords; textsRead: string[] }> {
  const textsRead: string[] = [];
  const text = (id: string) => {
    textsRead.push(id);
    return store.text(id);
  };
  const again = keywordsOf({ ...store, text });
  await again.follow(await records());
  return { again, textsRead };
}

describe('createKeywords', () => {
  test('is made from the texts, and follows what comes and goes', async () => {
    expect(keywords.started).toBe(false);
    expect(keywords.missing(await records())).toBe(3);
    await keywords.follow(await records());
    expect(found(keywords, 'port')).toEqual(['a0', 'a1']);
    expect(keywords.missing(await records())).toBe(0);
    await store.remove(['a']);
    await store.add([toy('c', ['port of call'])], fingerprint);
    await keywords.follow(await records());
    expect(found(keywords, 'port')).toEqual(['c0']);
  });

  test('the same id with another content is another document', async () => {
    await keywords.follow(await records());
    await store.remove(['b']);
    await store.add([toy('b', ['high mountain'], 2)], fingerprint);
    await keywords.follow(await records());
    expect([found(keywords, 'sea'), found(keywords, 'mountain')]).toEqual([[], ['b0']]);
  });

  test('what was saved is loaded, and only what came since is read', async () => {
    await keywords.follow(await records(), 'now');
    await store.add([toy('c', ['port of call'])], fingerprint);
    const { again, textsRead } = await restarted();
    expect(textsRead).toEqual(['c']);
    expect(found(again, 'port')).toEqual(['a0', 'a1', 'c0']);
  });

  test('what went since is not found', async () => {
    await keywords.follow(await records(), 'now');
    await store.remove(['a']);
    const { again, textsRead } = await restarted();
    expect(textsRead).toEqual([]);
    expect([found(again, 'port'), found(again, 'sea')]).toEqual([[], ['b0']]);
    await again.follow(await records(), 'now');
    expect((await restarted()).again.index.passages).toBe(1);
  });

  test.each([
    ['cut off', (bytes: Uint8Array) => bytes.slice(0, 20)],
    ['no archive', () => new TextEncoder().encode('<html>')],
    ['empty', () => new Uint8Array()],
  ])('a segment that is %s is made again from the texts', async (_, damage) => {
    await keywords.follow(await records(), 'now');
    await store.putKeywordSegment('shard-0', damage((await store.keywordSegment('shard-0'))!));
    const { again, textsRead } = await restarted();
    expect(textsRead).toEqual(['a', 'b']);
    expect(found(again, 'port')).toEqual(['a0', 'a1']);
    await again.follow(await records(), 'now');
    expect((await restarted()).textsRead).toEqual([]);
  });

  test('a segment that the store calls damaged costs only its own documents', async () => {
    await store.add(
      [
        toy(
          'long',
          Array.from({ length: shardPassages + 5 }, (_, i) => `passage ${i} port`),
        ),
      ],
      fingerprint,
    );
    await store.add([toy('last', ['the last port'], 2)], fingerprint);
    await keywords.follow(await records(), 'now');
    expect(keywords.index.shards).toHaveLength(2);
    const keywordSegment = (key: string) =>
      key === 'shard-0'
        ? Promise.reject(new LateralError('storage-corrupt', 'Does not fit its checksum.'))
        : store.keywordSegment(key);
    const text = vi.fn((id: string) => store.text(id));
    const again = keywordsOf({ ...store, keywordSegment, text });
    await again.follow(await records());
    // "long" began in the damaged shard; "last" lies in the other one alone.
    expect(text.mock.calls.map(([id]) => id)).toEqual(['a', 'b', 'long']);
    expect(again.index.frequency('port')).toBe(shardPassages + 8);
    expect(again.index.passages).toBe(keywords.index.passages);
  });

  test('is written when due, or when told to', async () => {
    const write = vi.spyOn(store, 'putKeywordSegment');
    await keywords.follow(await records());
    await keywords.follow(await records(), 'when-due');
    expect(write).not.toHaveBeenCalled(); // three passages are no reason
    await keywords.follow(await records(), 'now');
    expect(write).toHaveBeenCalledTimes(1);
    await keywords.follow(await records(), 'now');
    expect(write).toHaveBeenCalledTimes(1); // nothing came since
    await store.add(
      [
        toy(
          'c',
          Array.from({ length: 300 }, (_, i) => `passage ${i}`),
        ),
      ],
      fingerprint,
    );
    await keywords.follow(await records(), 'never');
    expect(write).toHaveBeenCalledTimes(1);
    await keywords.follow(await records(), 'when-due');
    expect(write).toHaveBeenCalledTimes(2);
  });

  test('a full disk is no failure, a closed store is one', async () => {
    const full = () => Promise.reject(new LateralError('storage-full', 'The disk is full.'));
    const on = keywordsOf({ ...store, putKeywordSegment: full });
    await on.follow(await records(), 'now');
    expect(found(on, 'sea')).toEqual(['b0']);
    const all = await records();
    await store.close();
    await expect(keywordsOf(store).follow(all)).rejects.toMatchObject({ code: 'storage-closed' });
  });
});
