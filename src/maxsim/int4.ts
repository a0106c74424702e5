/** A stored block → the block of four bits a component that is searched in its place. */
import { int4Scale, packInt4Rows } from '../vectors/int4.ts';
import type { Int4Block, VectorBlock } from './scorer.ts';

/** @param block of int8 */
export function toInt4Block({ id, dim, scale, vectors, offsets }: VectorBlock): Int4Block {
  const packed = packInt4Rows(vectors as Int8Array, dim);
  return { id, dim, precision: 'int4', scale: scale * int4Scale(dim), vectors: packed, offsets };
}
