import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { normalizeRows } from './matryoshka.ts';
import { poolRows, protectedTokens } from './pool.ts';

/** Unit rows at these angles, in degrees: two dimensions can be seen. */
const atAngles = (...degrees: readonly number[]): Float32Array =>
  Float32Array.from(
    degrees.flatMap((degree) => [Math.cos((degree * Math.PI) / 180), Math.sin((degree * Math.PI) / 180)]),
  );

describe('poolRows', () => {
  test('close tokens share a row, whose direction lies between theirs', () => {
    //  token    0  1   2   3   4   5   6      0 and 1 are [CLS] and the marker
    //  angle    0  45  0  90  10  94  200     5 behind them, factor 2: 2 clusters
    //
    //  90 and 94 merge first (4° apart), then 0 and 10 (10°). What is nearest to 200 then, by 2|A||B|/(|A|+|B|) · |mean(A) − mean(B)|²:
    //    {90, 94} and 200      108° apart   2·2·1/3 · 2.62 = 3.5
    //    {0, 10} and {90, 94}   87° apart   2·2·2/4 · 1.89 = 3.8
    const { rows, rowOf } = poolRows(atAngles(0, 45, 0, 90, 10, 94, 200), 2, 2);
    expect([...rowOf]).toEqual([0, 1, 2, 3, 2, 3, 3]);
    expect([...rows.subarray(0, 4)]).toEqual([...atAngles(0, 45)]);
    const between = atAngles(5);
    expect(rows[4]).toBeCloseTo(between[0]!, 6);
    expect(rows[5]).toBeCloseTo(between[1]!, 6);
    // The mean of 90°, 94° and 200°, brought to unit length.
    const sum = [0, 1].map((i) => atAngles(90)[i]! + atAngles(94)[i]! + atAngles(200)[i]!);
    const length = Math.hypot(...sum);
    expect(rows[6]).toBeCloseTo(sum[0]! / length, 6);
    expect(rows[7]).toBeCloseTo(sum[1]! / length, 6);
  });

  test('a token that is alone in its cluster keeps its row bit by bit', () => {
    const rows = atAngles(0, 0, 10, 100, 200, 205);
    const pooled = poolRows(rows, 2, 1); // as many clusters as tokens
    expect(pooled.rows).toEqual(rows);
    expect([...pooled.rowOf]).toEqual([0, 1, 2, 3, 4, 5]);
  });

  test.each([0, 1, 2])('a passage of %d tokens has none to pool', (length) => {
    const rows = atAngles(...[30, 60].slice(0, length));
    expect(poolRows(rows, 2, 4)).toEqual({ rows, rowOf: Uint16Array.from([0, 1].slice(0, length)) });
  });

  test('fewer tokens than the factor become one row', () => {
    expect([...poolRows(atAngles(0, 0, 10, 200, 90), 2, 4).rowOf]).toEqual([0, 1, 2, 2, 2]);
  });

  test('gives the clusters of always merging the two closest', () => {
    fc.assert(
      fc.property(unitRows(3), fc.integer({ min: 2, max: 4 }), (rows, poolFactor) => {
        const pooled = poolRows(rows, 3, poolFactor);
        const behind = rows.subarray(protectedTokens * 3);
        const expected = closestFirst(behind, 3, Math.max(1, Math.floor(behind.length / 3 / poolFactor)));
        expect(Array.from(pooled.rowOf.subarray(protectedTokens), (row) => row - protectedTokens)).toEqual(expected);
      }),
      { seed: 3 },
    );
  });

  test('with ties, and rows that are the same or cancel out, still as many rows as should be, each with a token', () => {
    const corner = fc.constantFrom([1, 0], [0, 1], [-1, 0], [0, -1]);
    fc.assert(
      fc.property(
        fc.array(corner, { minLength: 3, maxLength: 40 }),
        fc.integer({ min: 2, max: 4 }),
        (corners, factor) => {
          const { rows, rowOf } = poolRows(Float32Array.from(corners.flat()), 2, factor);
          const numRows = protectedTokens + Math.max(1, Math.floor((corners.length - protectedTokens) / factor));
          expect(rows.length).toBe(numRows * 2);
          expect(new Set(rowOf)).toEqual(new Set(Array.from({ length: numRows }, (_, row) => row)));
          expect(rows.every(Number.isFinite)).toBe(true);
        },
      ),
      { seed: 4 },
    );
  });

  test('a long passage is pooled in stretches of nearly the same length', () => {
    const rows = Float32Array.from({ length: 2 * 2502 }, (_, i) => Math.sin(i * i));
    normalizeRows(rows, 2);
    const { rows: pooled, rowOf } = poolRows(rows, 2, 3);
    expect(pooled.length / 2).toBe(protectedTokens + Math.floor(2500 / 3));
    const last = (from: number, to: number) =>
      Math.max(...rowOf.subarray(protectedTokens + from, protectedTokens + to));
    // 833, 833 and 834 tokens: 277, 278 and 278 clusters
    expect([last(0, 833), last(833, 1666), last(1666, 2500)]).toEqual([1 + 277, 1 + 277 + 278, 1 + 277 + 278 + 278]);
    expect(() => poolRows(new Float32Array(65_537), 1, 2)).toThrow(
      expect.objectContaining({ code: 'invalid-argument' }),
    );
  });
});

/** Rows that are nowhere equally far from each other, but for an accident. */
function unitRows(dim: number): fc.Arbitrary<Float32Array> {
  const component = fc.double({ min: -1, max: 1, noNaN: true });
  const row = fc.array(component, { minLength: dim, maxLength: dim }).filter((values) => Math.hypot(...values) > 0.1);
  return fc
    .uniqueArray(row, { minLength: 3, maxLength: 24, selector: (values) => values.map((v) => v.toFixed(2)).join() })
    .map((rows) => {
      const all = Float32Array.from(rows.flat(), (value, i) => value + 1e-3 * Math.sin(i * i + 1));
      normalizeRows(all, dim);
      return all;
    });
}

/**
 * The specification, O(n³): until `numClusters` are left, the two clusters are merged whose union has the least more scatter than
 * they have, |A||B| / (|A| + |B|) · |mean(A) − mean(B)|² (Ward 1963).
 */
function closestFirst(rows: Float32Array, dim: number, numClusters: number): number[] {
  const numRows = rows.length / dim;
  let clusters = Array.from({ length: numRows }, (_, row) => [row]);
  const mean = (members: readonly number[], i: number) =>
    members.reduce((sum, row) => sum + rows[row * dim + i]!, 0) / members.length;
  const cost = (a: readonly number[], b: readonly number[]): number => {
    let squared = 0;
    for (let i = 0; i < dim; i++) squared += (mean(a, i) - mean(b, i)) ** 2;
    return ((a.length * b.length) / (a.length + b.length)) * squared;
  };
  while (clusters.length > numClusters) {
    let best = { cost: Infinity, a: 0, b: 0 };
    for (let a = 0; a < clusters.length; a++) {
      for (let b = a + 1; b < clusters.length; b++) {
        const found = cost(clusters[a]!, clusters[b]!);
        if (found < best.cost) best = { cost: found, a, b };
      }
    }
    const merged = [...clusters[best.a]!, ...clusters[best.b]!].sort((x, y) => x - y);
    clusters = clusters.map((one, i) => (i === best.a ? merged : one)).filter((_, i) => i !== best.b);
  }
  clusters.sort((a, b) => a[0]! - b[0]!);
  return Array.from({ length: numRows }, (_, row) => clusters.findIndex((members) => members.includes(row)));
}
