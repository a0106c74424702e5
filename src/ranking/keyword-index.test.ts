import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildBm25 } from '../evaluation/bm25.ts';
import { lexicalTerms } from '../text/lexical.ts';
import { KeywordIndex, KeywordShard, shardPassages, type ShardSnapshot } from './keyword-index.ts';

/** One passage a document, named by its position. */
function indexOf(texts: readonly string[]): KeywordIndex {
  const index = new KeywordIndex();
  texts.forEach((text, i) => index.add({ id: String(i), addedAt: 1 }, 0, [text]));
  return index;
}

const reload = (shard: KeywordShard): KeywordShard =>
  KeywordShard.load(JSON.parse(JSON.stringify(shard.snapshot())) as ShardSnapshot);

/** A word of a vocabulary of 12, the first ones far more often than the last. */
const word = fc.nat(11).chain((most) => fc.nat(most).map((w) => `w${w}`));
const text = fc.array(word, { maxLength: 12 }).map((words) => words.join(' '));

function expectSameAsReference(texts: readonly string[], query: string, limit: number, index: KeywordIndex): void {
  const reference = buildBm25(texts.map(lexicalTerms)).score(lexicalTerms(query));
  const terms = lexicalTerms(query);
  const present = terms.filter((term) => index.frequency(term) > 0);
  const isCommon = (term: string) => index.frequency(term) > Math.max(limit, texts.length / 2);
  const rare = present.filter((term) => !isCommon(term));
  const least = Math.min(...present.map((term) => index.frequency(term)));
  const bringing = new Set(
    rare.length > 0
      ? rare
      : present
          .filter((term) => index.frequency(term) === least)
          .sort()
          .slice(0, 1),
  );
  const ranked = [...reference]
    .filter(([document]) => lexicalTerms(texts[document]!).some((term) => bringing.has(term)))
    .map(([, score]) => score)
    .sort((a, b) => b - a);
  const hits = index.search(terms, limit);
  expect(hits.length).toBeGreaterThanOrEqual(Math.min(limit, ranked.length));
  hits.forEach(({ documentId, score }, i) => {
    expect(score).toBeCloseTo(reference.get(Number(documentId))!, 5); // the right passage has the right score …
    expect(score).toBeCloseTo(ranked[i]!, 5); // … and its place
  });
}

describe('KeywordIndex', () => {
  it('scores and ranks as the formula does, whatever the limit', () => {
    fc.assert(
      fc.property(
        fc.array(text, { minLength: 1, maxLength: 40 }),
        text,
        fc.integer({ min: 1, max: 50 }),
        (...given) => {
          const [texts, query, limit] = given;
          expectSameAsReference(texts, query, limit, indexOf(texts));
        },
      ),
    );
  });

  it('scores across shards as one index, also after a reload', () => {
    const texts = Array.from(
      { length: 2 * shardPassages + 100 },
      (_, i) =>
        // Common words everywhere, rarer ones by number; later passages are longer.
        `the w${i % 7} of w${i % 50} ${'and '.repeat(1 + Math.floor(i / 500))} w${i % 900} ${i < 20 ? 'first' : ''}`,
    );
    const index = indexOf(texts);
    expect(index.shards.map(({ passages }) => passages)).toEqual([shardPassages, shardPassages, 100]);
    const loaded = new KeywordIndex();
    for (const shard of index.shards) loaded.append(reload(shard));
    for (const query of ['the first and w3', 'w899 w20 w6 the', 'the of', 'first']) {
      expectSameAsReference(texts, query, 10, index);
      expectSameAsReference(texts, query, 200, loaded);
      expect(loaded.search(lexicalTerms(query), 200)).toEqual(index.search(lexicalTerms(query), 200));
    }
  });

  it('after a removal scores as if it had never been there', async () => {
    const texts = ['late ship', 'late late night train', 'night ship ship', 'a train at night'];
    const index = indexOf(texts);
    const [shard] = index.shards;
    await shard!.discard(shard!.runs.filter(({ documentId }) => documentId === '1'));
    const rest = indexOf(['late ship', 'night ship ship', 'a train at night']);
    const scores = (of: KeywordIndex) => of.search(['night', 'late', 'ship'], 9).map(({ score }) => score);
    expect(scores(index)).toEqual(scores(rest));
    expect(index.frequency('late')).toBe(1);
    const again = new KeywordIndex();
    again.append(reload(shard!));
    expect(scores(again)).toEqual(scores(rest));
  });

  it('a shard that was emptied takes passages again', async () => {
    const index = indexOf(['one', 'two']);
    const [shard] = index.shards;
    await shard!.discard(shard!.runs);
    expect([shard!.passages, shard!.room]).toEqual([0, shardPassages]);
    index.add({ id: 'new', addedAt: 2 }, 0, ['three two']);
    expect(index.search(['two'], 5).map(({ documentId }) => documentId)).toEqual(['new']);
  });

  it('common words add to what others bring in, and bring in by themselves only where there is no other', () => {
    // 20 passages, all with "the", 12 with "sea", 3 with "port"
    const index = indexOf(
      Array.from({ length: 20 }, (_, i) => `the ${i < 12 ? 'sea' : ''} ${i % 7 === 0 ? 'port' : ''}`),
    );
    const found = (query: string, limit: number) =>
      index.search(query.split(' '), limit).map(({ documentId }) => documentId);
    expect(found('the port sea', 5)).toEqual(['0', '7', '14']);
    expect(found('the sea', 5)).toHaveLength(10); // all that are level with each other
    expect(found('the port sea', 25)).toHaveLength(20); // fewer than asked for are never too common
    expect(index.hasOnlyCommon(['the', 'sea'], 5)).toBe(true);
    expect(index.hasOnlyCommon(['the', 'port'], 5)).toBe(false);
    expect(index.hasOnlyCommon(['the', 'sea'], 25)).toBe(false);
  });

  it('finds only what is accepted, and still as many as asked for', () => {
    const index = indexOf(['sea', 'sea sea', 'sea sea sea', 'sea sea sea sea']);
    const odd = index.search(['sea'], 2, (id) => Number(id) % 2 === 1);
    expect(odd.map(({ documentId }) => documentId)).toEqual(['3', '1']);
  });

  it('holders have all of the terms; chunks are counted within their document', () => {
    const index = new KeywordIndex();
    index.add({ id: 'a', addedAt: 1 }, 0, ['old port', 'port']);
    index.add({ id: 'b', addedAt: 1 }, 7, ['the old sea', 'a port of old']);
    expect(index.holders(['old', 'port', 'old'])).toEqual(
      new Map([
        ['a', new Set([0])],
        ['b', new Set([8])],
      ]),
    );
    expect(index.holders(['nowhere']).size).toBe(0);
    expect(index.holders([]).size).toBe(0);
  });

  it('what is no snapshot is refused', () => {
    const good = indexOf(['one two']).shards[0]!.snapshot();
    expect(() => KeywordShard.load({ ...good, runs: [] })).toThrow('do not fit');
    expect(() => KeywordShard.load({ ...good, nextEntry: 0 })).toThrow('do not fit');
    expect(() => KeywordShard.load({ ...good, index: {} } as ShardSnapshot)).toThrow();
  });

  it('names of Object are only words', () => {
    const index = indexOf(['__proto__ constructor', 'toString']);
    const [shard] = index.shards;
    const loaded = new KeywordIndex();
    loaded.append(reload(shard!));
    expect(loaded.search(['constructor', '__proto__'], 5).map(({ documentId }) => documentId)).toEqual(['0']);
    expect(loaded.search(['hasownproperty'], 5)).toEqual([]);
  });
});
