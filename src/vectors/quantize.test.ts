import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultScale, dequantizeRows, integerToScore, quantizeQuery, quantizeRows } from './quantize.ts';

describe('quantizeRows', () => {
  it('rounds half away from zero, on both sides alike', () => {
    // Scale 1: 0.5 → 1, −0.5 → −1 (Math.round alone would give 0), 1.49 → 1.
    expect([...quantizeRows(Float32Array.of(0.5, -0.5, 1.25, -2.5, 0), 1)]).toEqual([1, -1, 1, -3, 0]);
  });

  it('maps ±1 to ±127 with the default scale, and clips nothing', () => {
    expect([...quantizeRows(Float32Array.of(1, -1, 0.5))]).toEqual([127, -127, 64]); // 63.5 rounds up
  });

  it.each([1.01, -1.01, NaN, Infinity])('refuses %d instead of clipping it', (value) => {
    expect(() => quantizeRows(Float32Array.of(0, value))).toThrow(
      expect.objectContaining({ name: 'LateralError', code: 'invalid-argument' }),
    );
  });

  it('comes back within half a step', () => {
    fc.assert(
      fc.property(fc.array(fc.float({ min: -1, max: 1, noNaN: true })), (values) => {
        const rows = Float32Array.from(values);
        const back = dequantizeRows(quantizeRows(rows));
        rows.forEach((value, i) => expect(Math.abs(back[i]! - value)).toBeLessThanOrEqual(defaultScale / 2 + 1e-7));
      }),
      { seed: 1 },
    );
  });
});

describe('quantizeQuery', () => {
  it('puts the largest magnitude of the whole query at 63', () => {
    // Scale 0.5/63; 0.25 → 31.5 → 32; the second row shares the scale.
    const { rows, scale } = quantizeQuery(Float32Array.of(0.25, -0.5, 0.125, 0));
    expect([...rows]).toEqual([32, -63, 16, 0]);
    expect(scale).toBe(0.5 / 63);
  });

  it('stays in seven bits whatever comes', () => {
    fc.assert(
      fc.property(
        fc.array(fc.float({ noNaN: true, noDefaultInfinity: true, min: -(2 ** 100), max: 2 ** 100 })),
        (values) => {
          const { rows } = quantizeQuery(Float32Array.from(values));
          for (const value of rows) expect(Math.abs(value)).toBeLessThanOrEqual(63);
        },
      ),
      { seed: 2 },
    );
  });

  it('takes a query of zeros, and refuses what is not a number', () => {
    expect(quantizeQuery(new Float32Array(2))).toEqual({ rows: new Int8Array(2), scale: 1 });
    expect(() => quantizeQuery(Float32Array.of(NaN))).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
    expect(() => quantizeQuery(Float32Array.of(Infinity))).toThrow(
      expect.objectContaining({ code: 'invalid-argument' }),
    );
  });
});

describe('integerToScore', () => {
  it('is the product of sum and scales, rounded once', () => {
    expect(integerToScore(63 * 127, 1 / 63, 1 / 127)).toBe(1);
    expect(integerToScore(-8001, 1 / 63, 1 / 127)).toBe(-1);
    expect(integerToScore(0, 1, 1)).toBe(0);
  });
});
