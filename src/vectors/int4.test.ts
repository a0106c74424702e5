import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { int4RowBytes, int4Scale, packInt4Rows, unpackInt4Rows } from './int4.ts';

/** As a scorer reads it: sixteen times each code. */
const roundTrip = (rows: Int8Array, dim: number): Int8Array =>
  unpackInt4Rows(packInt4Rows(rows, dim), dim, 0, rows.length / dim);

describe('packInt4Rows', () => {
  it('takes the nearest of fifteen levels, half a standard deviation apart, both sides alike', () => {
    // 16 components scatter by 127 / 4 = 31.75; the step is 15.875. 8 / 15.875 = 0.504 → 1, 7 → 0, 24 / 15.875 = 1.51 → 2,
    // and 127 / 15.875 is exactly 8, which is clamped to 7, like −128.
    const row = Int8Array.of(0, 7, 8, -7, -8, 23, 24, -24, 111, 127, -111, -127, -128, 16, -16, 1);
    const codes = [0, 0, 1, 0, -1, 1, 2, -2, 7, 7, -7, -7, -7, 1, -1, 0];
    expect([...roundTrip(row, 16)]).toEqual(codes.map((code) => code * 16 || 0));
    expect(int4Scale(16)).toBe(15.875 / 16);
  });

  it('has component j in the lower half of byte j, component j + 8 in its upper half, in two’s complement', () => {
    // Codes 1, −1, 0 … | 2, 0 … −7: bytes 0x21, 0x0f, 0 … 0x90.
    const row = new Int8Array(16);
    row.set([16, -16]);
    row.set([32], 8);
    row.set([-127], 15);
    expect([...packInt4Rows(row, 16)]).toEqual([0x21, 0x0f, 0, 0, 0, 0, 0, 0x90]);
  });

  it.each([
    [1, 8],
    [16, 8],
    [17, 16],
    [64, 32],
    [96, 48],
    [128, 64],
  ])('%d components take %d bytes, filled up with zeros', (dim, bytes) => {
    expect(int4RowBytes(dim)).toBe(bytes);
    expect(packInt4Rows(new Int8Array(3 * dim), dim)).toEqual(new Uint8Array(3 * bytes));
  });

  it('no component moves by more than half a step, but for those beyond the last level', () => {
    const row = fc
      .integer({ min: 1, max: 140 })
      .chain((dim) =>
        fc.tuple(
          fc.constant(dim),
          fc.array(fc.integer({ min: -128, max: 127 }), { minLength: dim * 2, maxLength: dim * 2 }),
        ),
      );
    fc.assert(
      fc.property(row, ([dim, components]) => {
        const back = roundTrip(Int8Array.from(components), dim);
        const scale = int4Scale(dim);
        back.forEach((value, i) => {
          const given = components[i]!;
          expect(value % 16 === 0 && Math.abs(value) <= 112).toBe(true);
          if (Math.abs(given) <= 120 * scale)
            expect(Math.abs(value * scale - given)).toBeLessThanOrEqual(8 * scale + 1e-9);
          else expect(value).toBe(Math.sign(given) * 112);
        });
      }),
      { seed: 1 },
    );
  });
});

describe('unpackInt4Rows', () => {
  it('gives the rows asked for', () => {
    const dim = 20;
    const rows = Int8Array.from({ length: 5 * dim }, (_, i) => ((i * 37) % 255) - 127);
    const all = roundTrip(rows, dim);
    expect(unpackInt4Rows(packInt4Rows(rows, dim), dim, 2, 2)).toEqual(all.subarray(2 * dim, 4 * dim));
    expect(unpackInt4Rows(packInt4Rows(rows, dim), dim, 5, 0)).toEqual(new Int8Array(0));
  });
});
