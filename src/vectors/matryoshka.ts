/** Matryoshka dimensions: the leading components of a row, brought back to unit length (Kusupati et al. 2022). */
import { LateralError } from '../errors.ts';

/**
 * @param rows [n, fromDim] unit rows
 * @returns [n, toDim] unit rows; the given array itself where the dimensions are equal
 * @throws 'invalid-argument' where toDim is larger than fromDim
 */
export function truncateRows(rows: Float32Array, fromDim: number, toDim: number): Float32Array {
  if (toDim === fromDim) return rows;
  if (toDim > fromDim || toDim < 1) {
    throw new LateralError('invalid-argument', `Cannot make ${toDim} dimensions of ${fromDim}.`);
  }
  const count = rows.length / fromDim;
  const out = new Float32Array(count * toDim);
  for (let row = 0; row < count; row++) {
    out.set(rows.subarray(row * fromDim, row * fromDim + toDim), row * toDim);
  }
  normalizeRows(out, toDim);
  return out;
}

/** Scales each row of [n, dim] to unit length in place; a row of zeros stays. */
export function normalizeRows(rows: Float32Array, dim: number): void {
  for (let start = 0; start < rows.length; start += dim) {
    let sum = 0;
    for (let i = start; i < start + dim; i++) sum += rows[i]! * rows[i]!;
    if (sum === 0) continue;
    const factor = 1 / Math.sqrt(sum);
    for (let i = start; i < start + dim; i++) rows[i] = rows[i]! * factor;
  }
}
