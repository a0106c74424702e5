import { expect, test } from 'vitest';
import { largestHalf, narrowFloat, widenHalf } from './half.ts';

const bytesOf = (halves: Uint16Array): Uint8Array => new Uint8Array(halves.buffer);
const rounded = (...values: number[]): number[] => [
  ...widenHalf(bytesOf(narrowFloat(Float32Array.from(values), 30_000))),
];

test('all finite halves become floats and themselves again', () => {
  const halves = Uint16Array.from({ length: 65536 }, (_, i) => i).filter((half) => ((half >> 10) & 31) !== 31);
  expect(narrowFloat(widenHalf(bytesOf(halves)), largestHalf)).toEqual(halves);
});

test('what lies between two halves becomes the nearer one; in the middle, the even one', () => {
  // Halves of 1 to 2 lie 2^-10 apart.
  const step = 2 ** -10;
  expect(rounded(1 + 0.49 * step, 1 + 0.5 * step, 1 + 0.51 * step, 1 + 1.5 * step)).toEqual([
    1,
    1,
    1 + step,
    1 + 2 * step,
  ]);
  expect(rounded(-1.9999)).toEqual([-2]); // carries into the exponent
  // Below 2^-14 they lie 2^-24 apart.
  const least = 2 ** -24;
  expect(rounded(0.5 * least, 0.51 * least, 1.5 * least, -2.4 * least)).toEqual([0, least, 2 * least, -2 * least]);
  expect(Object.is(rounded(-1e-30)[0], -0)).toBe(true);
});

test('what has no finite half becomes the limit; what is no number stays none', () => {
  expect(rounded(65_519, 65_520, -3.4e38, Infinity, -Infinity)).toEqual([65_504, 30_000, -30_000, 30_000, -30_000]);
  expect(rounded(Number.NaN)).toEqual([Number.NaN]);
});
