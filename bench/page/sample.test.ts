import { expect, it } from 'vitest';
import { int8Blocks, passageLengths } from './sample.ts';

it('cuts any number of tokens into passages of 64 to 256, but for the last', () => {
  const lengths = passageLengths(10_000, 1);
  expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(10_000);
  expect(Math.min(...lengths.slice(0, -1))).toBeGreaterThanOrEqual(64);
  expect(Math.max(...lengths)).toBeLessThanOrEqual(256);
});

it('makes collections block by block, the same from the same seed', () => {
  const blocks = [...int8Blocks(70_000, 7)];
  expect(blocks.map(({ vectors, dim }) => vectors.length / dim)).toEqual([65_536, 4464]);
  for (const { vectors, offsets, dim } of blocks) expect(offsets.at(-1)).toBe(vectors.length / dim);
  const [again] = int8Blocks(1000, 7);
  expect(blocks[0]!.vectors.slice(0, 64)).toEqual(again!.vectors.slice(0, 64));
  expect(new Set(blocks[0]!.vectors).size).toBe(256);
});
