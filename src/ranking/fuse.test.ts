import { expect, test } from 'vitest';
import { fuse, type FoundByMeaning, type FoundByWords } from './fuse.ts';

/** MaxSim falls by one a rank. */
const byMeaning = (...positions: number[]): FoundByMeaning[] =>
  positions.map((position, i) => ({ position, score: positions.length - i }));

const byWords = (...found: [position: number, score: number, terms: number][]): FoundByWords[] =>
  found.map(([position, score, terms]) => ({ position, score, terms }));

const order = (...given: Parameters<typeof fuse>): number[] => fuse(...given).map(({ position }) => position);

const query = ['old', 'port', 'silt', 'trade'];

test('meaning from 1 to 0, words from their weight to 0', () => {
  //                      meaning: 7 → 1, 3 → 0.5, 5 → 0. Words: 5 and 9 alike, so that their weight is the least.
  const fused = fuse(byMeaning(7, 3, 5), byWords([5, 2, 2], [9, 2, 2], [3, 1, 1]), query);
  expect(fused).toEqual([
    { position: 7, score: 1 },
    { position: 3, score: 0.5 + 0.5 / 2 },
    { position: 5, score: 0.5 },
    { position: 9, score: 0.5 }, // not in the other list: as its last
  ]);
});

test('words count more where one passage stands out that has most of them', () => {
  const meaning = byMeaning(1, 2, 3, 4, 5);
  expect(order(meaning, byWords([4, 8, 1], [5, 2, 1]), query)[0]).toBe(1); // far ahead, with one word of four
  expect(order(meaning, byWords([4, 8, 3], [5, 7.9, 3]), query)[0]).toBe(1); // three of four, but so has another
  expect(order(meaning, byWords([4, 8, 3], [5, 2, 1]), query)[0]).toBe(4);
});

test('words alone do not put a passage above the best by meaning', () => {
  const meaning = byMeaning(...Array.from({ length: 200 }, (_, i) => i));
  expect(order(meaning, byWords([150, 9, 3]), query)[0]).toBe(0);
});

test('what a few passages alone hold word by word is above what is only like it', () => {
  const meaning = byMeaning(...Array.from({ length: 400 }, (_, i) => i));
  const ranked = (words: readonly number[], whole: readonly number[]): number[] =>
    order(
      meaning,
      words.map((position) => ({ position, score: 1, terms: whole.includes(position) ? 2 : 1 })),
      ['old', 'old', 'port'],
    );
  expect(ranked([99, 50], [99])[0]).toBe(99);
  expect(ranked([50, 99], [])[0]).toBe(0);
  // So many are no name and no number.
  const many = Array.from({ length: 11 }, (_, i) => 80 + i);
  expect(ranked(many, many)[0]).toBe(0);
});

test('without vectors, words stand in for meaning', () => {
  const words = byWords([8, 4, 1], [9, 4, 1], [2, 1, 1]);
  expect(order(byMeaning(1, 2, 3), words, query, (position) => position === 9)[0]).toBe(9);
});

test('equal scores by position; nothing from nothing; all alike', () => {
  expect(order(byMeaning(4), [], query)).toEqual([4]);
  expect(
    order(
      [
        { position: 4, score: 3 },
        { position: 2, score: 3 },
      ],
      [],
      query,
    ),
  ).toEqual([2, 4]);
  expect(fuse([], [], query)).toEqual([]);
  expect(order([], byWords([3, 2, 1], [2, 2, 1]), query)).toEqual([2, 3]);
});
