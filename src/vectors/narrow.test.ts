import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Fingerprint } from '../types.ts';
import { truncateRows } from './matryoshka.ts';
import { canNarrow, narrowRows } from './narrow.ts';
import { defaultScale, quantizeRows } from './quantize.ts';

const wide: Fingerprint = {
  ...{ model: 'm@1', dim: 128, precision: 'int8', scale: defaultScale },
  ...{ poolFactor: 1, longDocument: 'truncate', chunker: 1 },
};

test('what can be turned into what', () => {
  expect(canNarrow(wide, { ...wide, dim: 64 })).toBe(true);
  expect(canNarrow({ ...wide, precision: 'f32', scale: 1 }, wide)).toBe(true);
  expect(canNarrow({ ...wide, precision: 'f32', scale: 1 }, { ...wide, dim: 96 })).toBe(true);
  expect(canNarrow(wide, wide)).toBe(false);
  expect(canNarrow({ ...wide, dim: 64 }, wide)).toBe(false);
  expect(canNarrow(wide, { ...wide, precision: 'f32', scale: 1 })).toBe(false);
  expect(canNarrow(wide, { ...wide, scale: 1 / 100 })).toBe(false);
  for (const other of [{ model: 'm@2' }, { chunker: 2 }, { poolFactor: 2 }]) {
    expect(canNarrow(wide, { ...wide, ...other, dim: 64 })).toBe(false);
  }
  const pooled = { ...wide, poolFactor: 2 };
  expect(canNarrow(pooled, { ...pooled, dim: 64 })).toBe(true);
  expect(canNarrow(wide, pooled)).toBe(false);
  expect(canNarrow(pooled, wide)).toBe(false);
});

describe('narrowRows', () => {
  const unit = (dim: number, length: number) =>
    fc
      .array(fc.float({ min: -1, max: 1, noNaN: true }), { minLength: dim * length, maxLength: dim * length })
      .map((values) =>
        truncateRows(
          Float32Array.from(values, (value, i) => value + (i % dim === 0 ? 2 : 0)),
          dim,
          dim,
        ),
      )
      .map((rows) => normalised(rows, dim));

  test('gives nearly what encoding at that dimension gives: a step of a byte at most', () => {
    fc.assert(
      fc.property(unit(12, 3), (rows) => {
        const [from, to] = [
          { ...wide, dim: 12 },
          { ...wide, dim: 8 },
        ];
        const direct = quantizeRows(truncateRows(rows, 12, 8), defaultScale);
        const turned = narrowRows(quantizeRows(rows, defaultScale), from, to);
        expect(turned).toBeInstanceOf(Int8Array);
        // Half a step of rounding, divided by the length of what is left of the row (at least 2/√15 of it).
        turned.forEach((value, i) => expect(Math.abs(value - direct[i]!)).toBeLessThanOrEqual(2));
      }),
    );
  });

  test('f32 rounds as it does when documents are added', () => {
    const rows = normalised(
      Float32Array.from({ length: 64 }, (_, i) => Math.sin(i * i)),
      16,
    );
    const from = { ...wide, dim: 16, precision: 'f32', scale: 1 } as const;
    expect(narrowRows(rows, from, { ...wide, dim: 16 })).toEqual(quantizeRows(rows, defaultScale));
    expect(narrowRows(rows, from, { ...from, dim: 8 })).toEqual(truncateRows(rows, 16, 8));
  });

  test('many rows go through in pieces', () => {
    const rows = new Int8Array(8193 * 4).map((_, i) => (i * 31) % 127);
    const narrow = narrowRows(rows, { ...wide, dim: 4 }, { ...wide, dim: 2 });
    const last = narrowRows(rows.slice(-4), { ...wide, dim: 4 }, { ...wide, dim: 2 });
    expect(narrow.length).toBe(8193 * 2);
    expect(narrow.slice(-2)).toEqual(last);
  });

  test('nothing to do is nothing done', () => {
    const rows = new Int8Array(4);
    expect(narrowRows(rows, { ...wide, dim: 4 }, { ...wide, dim: 4 })).toBe(rows);
  });
});

function normalised(rows: Float32Array, dim: number): Float32Array {
  const out = rows.slice();
  for (let start = 0; start < rows.length; start += dim) {
    const length = Math.hypot(...rows.subarray(start, start + dim));
    for (let i = start; i < start + dim; i++) out[i] = rows[i]! / length;
  }
  return out;
}
