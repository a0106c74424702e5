import fc from 'fast-check';
import { expect, test } from 'vitest';
import { topK } from './top-k.ts';

test('best first, ties by position', () => {
  //                              0  1  2  3  4
  expect(topK(Float32Array.of(1, 3, 2, 3, 0), 3)).toEqual([1, 3, 2]);
});

test('positions that are not live, NaN, more asked than there is, nothing asked', () => {
  expect(topK(Float32Array.of(5, 4, 3), 2, (position) => position !== 0)).toEqual([1, 2]);
  expect(topK(Float32Array.of(Number.NaN, 1), 2)).toEqual([1]);
  expect(topK(Float32Array.of(1, 2), 9)).toEqual([1, 0]);
  expect(topK(Float32Array.of(1, 2), 0)).toEqual([]);
});

test('agrees with sorting everything', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -4, max: 4 })), fc.integer({ min: 0, max: 12 }), (values, k) => {
      const sorted = values.map((value, i) => ({ value, i })).sort((a, b) => b.value - a.value || a.i - b.i);
      expect(topK(Float32Array.from(values), k)).toEqual(sorted.slice(0, k).map(({ i }) => i));
    }),
  );
});
