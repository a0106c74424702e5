import { expect, it } from 'vitest';
import { buildBm25 } from './bm25.ts';

const words = (text: string) => text.split(' ');

it('scores as the formula says', () => {
  // N = 2, mean length 3; |d0| = 2, |d1| = 4
  const bm25 = buildBm25(['late ship', 'late late night train'].map(words), { k1: 0.9, b: 0.4 });
  const late = Math.log(1 + (2 - 2 + 0.5) / (2 + 0.5)); // in both
  const ship = Math.log(1 + (2 - 1 + 0.5) / (1 + 0.5)); // in one
  const k0 = 0.9 * (0.6 + (0.4 * 2) / 3);
  const k1 = 0.9 * (0.6 + (0.4 * 4) / 3);
  const scores = bm25.score(words('late ship'));
  expect(scores.get(0)).toBeCloseTo(late / (1 + k0) + ship / (1 + k0), 12);
  expect(scores.get(1)).toBeCloseTo((late * 2) / (2 + k1), 12);
});

it('counts a word of the query as often as it is there', () => {
  const bm25 = buildBm25(['a b', 'b c'].map(words));
  expect(bm25.score(['a', 'a']).get(0)).toBeCloseTo(2 * bm25.score(['a']).get(0)!, 12);
});

it('leaves out documents without a word of the query; names are only words', () => {
  const bm25 = buildBm25(['__proto__ constructor', 'a'].map(words));
  expect([...bm25.score(['constructor', 'toString']).keys()]).toEqual([0]);
  expect(buildBm25([]).score(['a']).size).toBe(0);
});
