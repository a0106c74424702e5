/** Made-up vectors for tests and calibrations: the same from the same seed, everywhere. */
import { quantizeRows } from '../../vectors/quantize.ts';
import type { Precision } from '../../types.ts';
import { toInt4Block } from '../int4.ts';
import type { QueryRows, ScorerBlock, VectorBlock } from '../scorer.ts';

/** Numbers in [0, 1). mulberry32. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface RandomBlockOptions {
  readonly id?: string;
  readonly precision?: Precision;
  /** Sign of every component; 'any' by default. */
  readonly sign?: 'any' | 'positive';
}

/** A block of unit rows with the given number of tokens per chunk. */
export function randomBlock(
  seed: number,
  dim: number,
  chunkLengths: readonly number[],
  { id = `block-${seed}`, precision = 'int8', sign = 'any' }: RandomBlockOptions = {},
): VectorBlock {
  const offsets = new Uint32Array(chunkLengths.length + 1);
  chunkLengths.forEach((length, chunk) => {
    offsets[chunk + 1] = offsets[chunk]! + length;
  });
  const rows = unitRows(seed, offsets[chunkLengths.length]!, dim, sign);
  const scale = precision === 'int8' ? 1 / 127 : 1;
  const vectors = precision === 'int8' ? quantizeRows(rows, scale) : rows;
  return { id, dim, precision, scale, vectors, offsets };
}

/** The same in any precision that a scorer takes. */
export function randomScorerBlock(
  precision: ScorerBlock['precision'],
  seed: number,
  dim: number,
  chunkLengths: readonly number[],
  options: RandomBlockOptions = {},
): ScorerBlock {
  if (precision !== 'int4') return randomBlock(seed, dim, chunkLengths, { ...options, precision });
  return toInt4Block(randomBlock(seed, dim, chunkLengths, options));
}

export function randomQuery(
  seed: number,
  numRows: number,
  dim: number,
  sign: 'any' | 'positive' | 'negative' = 'any',
): QueryRows {
  return { rows: unitRows(seed, numRows, dim, sign), dim };
}

function unitRows(
  seed: number,
  numRows: number,
  dim: number,
  sign: 'any' | 'positive' | 'negative',
): Float32Array<ArrayBuffer> {
  const random = seededRandom(seed);
  const rows = new Float32Array(numRows * dim);
  for (let row = 0; row < numRows; row++) {
    let squares = 0;
    for (let k = row * dim; k < (row + 1) * dim; k++) {
      const value = random() * 2 - 1 || 0.5;
      rows[k] = sign === 'any' ? value : sign === 'positive' ? Math.abs(value) : -Math.abs(value);
      squares += value * value;
    }
    for (let k = row * dim; k < (row + 1) * dim; k++) rows[k]! /= Math.sqrt(squares);
  }
  return rows;
}
