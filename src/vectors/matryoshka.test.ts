import { expect, test } from 'vitest';
import { normalizeRows, truncateRows } from './matryoshka.ts';

test('leading components, brought back to unit length', () => {
  // (0.6, 0, 0.8) → (0.6, 0) → (1, 0);  (0, 1, 0) → (0, 1)
  const rows = truncateRows(Float32Array.of(0.6, 0, 0.8, 0, 1, 0), 3, 2);
  expect([...rows]).toEqual([1, 0, 0, 1]);
});

test('the same dimension is the same array; a larger one is refused', () => {
  const rows = Float32Array.of(1, 0);
  expect(truncateRows(rows, 2, 2)).toBe(rows);
  expect(() => truncateRows(rows, 2, 4)).toThrow('Cannot make 4 dimensions of 2');
});

test('a row of zeros stays a row of zeros', () => {
  const rows = Float32Array.of(0, 0, 3, 4);
  normalizeRows(rows, 2);
  expect([...rows]).toEqual([0, 0, Math.fround(0.6), Math.fround(0.8)]);
});
