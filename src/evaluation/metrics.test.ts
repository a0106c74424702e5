import { describe, expect, it } from 'vitest';
import { averagePrecision, meanMeasures, ndcg, rank, recall, reciprocalRank } from './metrics.ts';

const judged = (grades: Record<string, number>) => new Map(Object.entries(grades));
const scored = (scores: Record<string, number>) => Object.entries(scores).map(([id, score]) => ({ id, score }));

describe('nDCG, against pytrec_eval', () => {
  it('0.5: the relevant document third', () => {
    // 1/log2(4) = 0.5; the best order gives 1/log2(2) = 1
    const ranked = rank(scored({ d1: 1, d2: 0, d3: 1.5 }));
    expect(ndcg(ranked, judged({ d1: 0, d2: 1, d3: 0 }))).toBe(0.5);
  });

  it('1: the relevant document first', () => expect(ndcg(['a', 'b'], judged({ a: 1 }), 10)).toBe(1));

  it('0.6309297535714575: the relevant document second', () => {
    expect(ndcg(['b', 'a'], judged({ a: 1 }), 10)).toBe(0.6309297535714575); // 1/log2(3)
  });

  it('0.6934264036172708: two relevant documents, second and third', () => {
    // (1/log2(3) + 1/log2(4)) / (1 + 1/log2(3)) = 1.1309 / 1.6309
    const ranked = rank(scored({ d1: 1.5, d2: 0.2, d3: 0.5 }));
    expect(ndcg(ranked, judged({ d2: 1, d3: 1 }))).toBe(0.6934264036172708);
  });

  it('the gain is the grade itself; below 0 counts as 0', () => {
    // (1 + 3/log2(3)) / (3 + 1/log2(3))
    expect(ndcg(['a', 'b', 'c'], judged({ a: 1, b: 3, c: -2 }))).toBeCloseTo(
      (1 + 3 / Math.log2(3)) / (3 + 1 / Math.log2(3)),
      12,
    );
  });

  it('looks at k only, also for the best order', () => {
    expect(ndcg(['x', 'a'], judged({ a: 1 }), 1)).toBe(0);
    // Two relevant, one place: the best possible DCG@1 is 1.
    expect(ndcg(['a'], judged({ a: 1, b: 1 }), 1)).toBe(1);
  });

  it('0 where nothing is relevant', () => expect(ndcg(['a'], judged({ a: 0 }), 10)).toBe(0));
});

describe('rank', () => {
  it('breaks ties by descending document id, whatever the order given', () => {
    expect(rank(scored({ a: 1, c: 1, b: 1, z: 0.5 }))).toEqual(['c', 'b', 'a', 'z']);
  });

  it('compares in single precision, as trec_eval does', () => {
    expect(rank(scored({ a: 1 + 1e-12, b: 1 }))).toEqual(['b', 'a']);
  });

  it('keeps the first', () => expect(rank(scored({ a: 1, b: 3, c: 2 }), 2)).toEqual(['b', 'c']));
});

it('recall, reciprocal rank, average precision', () => {
  const judgements = judged({ a: 1, b: 2, lost: 1, no: 0 });
  const ranked = ['no', 'a', 'x', 'b'];
  expect(recall(ranked, judgements, 2)).toBeCloseTo(1 / 3);
  expect(recall(ranked, judgements, 100)).toBeCloseTo(2 / 3);
  expect(reciprocalRank(ranked, judgements, 10)).toBe(1 / 2);
  expect(reciprocalRank(ranked, judgements, 1)).toBe(0);
  // (1/2 + 2/4 + 0) / 3
  expect(averagePrecision(ranked, judgements)).toBeCloseTo(1 / 3);
});

it('means are over queries; none gives 0', () => {
  const hit = { ranked: ['a'], judgements: judged({ a: 1 }) };
  const miss = { ranked: ['b'], judgements: judged({ a: 1 }) };
  expect(meanMeasures([hit, miss])).toEqual({ ndcg10: 0.5, recall100: 0.5, mrr10: 0.5, map: 0.5 });
  expect(meanMeasures([])).toEqual({ ndcg10: 0, recall100: 0, mrr10: 0, map: 0 });
});
