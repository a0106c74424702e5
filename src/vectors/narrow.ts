/**
 * Stored rows → rows of fewer dimensions or of bytes, without the model: the leading components of a Matryoshka row serve alone
 * once they have unit length again, and f32 can be rounded to int8. The other ways need the model.
 */
import type { Fingerprint, Precision } from '../types.ts';
import { truncateRows } from './matryoshka.ts';
import { dequantizeRows, quantizeRows } from './quantize.ts';

/** What of a fingerprint the bytes of a row follow from. */
export type RowShape = Pick<Fingerprint, 'dim' | 'precision' | 'scale'>;

/** Rows that are turned at a time: as f32 they take a few megabytes. */
const rowsAtOnce = 8192;

export function isSameShape(a: RowShape, b: RowShape): boolean {
  return a.dim === b.dim && a.precision === b.precision && a.scale === b.scale;
}

/** Whether vectors of one index can be turned into those of the other. False where they are the same. */
export function canNarrow(from: Fingerprint, to: Fingerprint): boolean {
  const others = Object.keys(to) as (keyof Fingerprint)[];
  const isShape = (field: keyof Fingerprint): boolean => ['dim', 'precision', 'scale'].includes(field);
  const sameBut = others.every((field) => isShape(field) || from[field] === to[field]);
  const precision: Precision = from.precision;
  const possible = precision === to.precision ? from.scale === to.scale : precision === 'f32';
  return sameBut && possible && to.dim <= from.dim && !isSameShape(from, to);
}

/**
 * @param vectors [n, from.dim]
 * @returns [n, to.dim], the same array where nothing changes
 */
export function narrowRows(vectors: Int8Array | Float32Array, from: RowShape, to: RowShape): Int8Array | Float32Array {
  if (isSameShape(from, to)) return vectors;
  const numRows = vectors.length / from.dim;
  const out = to.precision === 'int8' ? new Int8Array(numRows * to.dim) : new Float32Array(numRows * to.dim);
  for (let first = 0; first < numRows; first += rowsAtOnce) {
    const some = vectors.subarray(first * from.dim, Math.min(first + rowsAtOnce, numRows) * from.dim);
    const rows = some instanceof Int8Array ? dequantizeRows(some, from.scale) : some;
    const narrow = truncateRows(rows, from.dim, to.dim);
    out.set(to.precision === 'int8' ? quantizeRows(narrow, to.scale) : narrow, first * to.dim);
  }
  return out;
}
