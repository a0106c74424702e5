/**
 * A query made ready for blocks of one format. Quantised once, in JavaScript, whatever device scores: so all devices
 * multiply the same integers, and one function turns their sums into scores.
 */
import { LateralError } from '../errors.ts';
import { integerToScore, quantizeQuery, queryLimit } from '../vectors/quantize.ts';
import type { Format } from './resident.ts';
import type { QueryRows } from './scorer.ts';

export interface PreparedQuery {
  /** [numRows, dim]: Int8Array in −63 … 63 for int8 and int4 blocks, Float32Array for f32 blocks. */
  readonly rows: Int8Array | Float32Array;
  readonly numRows: number;
  /** A dot product, or a sum of them, in units of cosine. */
  readonly toScore: (sum: number) => number;
}

/** @throws 'invalid-argument' for a component that is not a number */
export function prepareQuery({ rows, dim }: QueryRows, { precision, scale }: Format): PreparedQuery {
  const numRows = rows.length / dim;
  if (precision !== 'f32') {
    const quantized = quantizeQuery(rows);
    return { rows: quantized.rows, numRows, toScore: (sum) => integerToScore(sum, quantized.scale, scale) };
  }
  if (!rows.every(Number.isFinite)) {
    throw new LateralError('invalid-argument', 'The query has a component that is not a number.');
  }
  return { rows, numRows, toScore: Math.fround };
}

/**
 * How many query rows' maxima an i32 holds whatever the vectors: 2,080 at 128 dimensions. Longer queries are summed in
 * slices of this many rows and the slices added in f64, which is exact.
 */
export function rowsPerInt32(dim: number): number {
  return Math.floor((2 ** 31 - 1) / (queryLimit * 128 * dim));
}
