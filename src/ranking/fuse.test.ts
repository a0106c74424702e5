import { expect, test } from 'vitest';
import { fuse, fusion, listsToFuse } from './fuse.ts';

test('adds the reciprocal ranks', () => {
  //                 rank   1  2  3
  const fused = fuse([
    [7, 3, 5],
    [3, 9],
  ]);
  expect(fused).toEqual([
    { position: 3, score: 1 / 62 + 1 / 61 },
    { position: 7, score: 1 / 61 },
    { position: 9, score: 1 / 62 },
    { position: 5, score: 1 / 63 },
  ]);
});

test('weights and k', () => {
  // 8 leads the second list, which counts a quarter: 0.25 / 11 is less than 1 / 12.
  const fused = fuse([[1, 2], [8]], { k: 10, weights: [1, 0.25] });
  expect(fused.map(({ position }) => position)).toEqual([1, 2, 8]);
  expect(fused[2]!.score).toBe(0.25 / 11);
});

test('equal scores by position; nothing from nothing', () => {
  expect(fuse([[4], [2]]).map(({ position }) => position)).toEqual([2, 4]);
  expect(fuse([[], []])).toEqual([]);
});

test('what a few passages alone hold word by word is above what is only like it', () => {
  const meaning = Array.from({ length: 400 }, (_, i) => i);
  const ranked = (words: readonly number[], whole: readonly number[]): number[] =>
    fuse(
      listsToFuse(
        meaning,
        words.map((position) => ({ position, terms: whole.includes(position) ? 2 : 1 })),
        ['old', 'old', 'port'],
      ),
      fusion,
    ).map(({ position }) => position);
  expect(ranked([399, 50], [399])[0]).toBe(399);
  expect(ranked([50, 399], [])[0]).toBe(0);
  // So many are no name and no number.
  const many = meaning.slice(380, 391);
  expect(ranked(many, many)[0]).toBe(0);
});
