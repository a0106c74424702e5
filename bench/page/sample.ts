/** The passages that every contender scores: made up, the same each time, 64 to 256 tokens each. */
import type { QueryRows, VectorBlock } from '../../src/maxsim/scorer.ts';
import { randomBlock, randomQuery } from '../../src/maxsim/testing/random-blocks.ts';
import { quantizeRows } from '../../src/vectors/quantize.ts';
import { batchQueries, dim, queryRows } from '../results.ts';

export interface Sample {
  readonly numTokens: number;
  readonly query: QueryRows;
  /** The same vectors twice. */
  readonly f32: VectorBlock & { readonly vectors: Float32Array };
  readonly int8: VectorBlock & { readonly vectors: Int8Array };
}

export function makeSample(numTokens: number): Sample {
  const made = randomBlock(1, dim, passageLengths(numTokens, 2), { id: 'sample', precision: 'f32' });
  const vectors = made.vectors as Float32Array;
  const scale = 1 / 127;
  return {
    numTokens,
    query: benchQuery(),
    f32: { ...made, vectors },
    int8: { ...made, precision: 'int8', scale, vectors: quantizeRows(vectors, scale) },
  };
}

export function benchQuery(): QueryRows {
  return randomQuery(3, queryRows, dim);
}

/** Different ones, of as many rows each. */
export function benchBatch(): QueryRows[] {
  return Array.from({ length: batchQueries }, (_, i) => randomQuery(4 + i, queryRows, dim));
}

/** Fast, and random enough to time with: a 10-million-token collection takes a second or two. */
export function* int8Blocks(numTokens: number, seed: number): Generator<VectorBlock> {
  const blockTokens = 65_536;
  const random = xorshift32(seed);
  for (let done = 0; done < numTokens; done += blockTokens) {
    const count = Math.min(blockTokens, numTokens - done);
    const words = new Uint32Array((count * dim) / 4);
    for (let i = 0; i < words.length; i++) words[i] = random();
    const vectors = new Int8Array(words.buffer);
    const offsets = offsetsOf(passageLengths(count, seed + done));
    yield { id: `block-${done}`, dim, precision: 'int8', scale: 1 / 127, vectors, offsets };
  }
}

/** 64 to 256 each, `numTokens` together: the last may be shorter. */
export function passageLengths(numTokens: number, seed: number): number[] {
  const random = xorshift32(seed);
  const lengths: number[] = [];
  for (let left = numTokens; left > 0;) {
    const length = Math.min(left, 64 + (random() % 193));
    lengths.push(length);
    left -= length;
  }
  return lengths;
}

function offsetsOf(lengths: readonly number[]): Uint32Array {
  const offsets = new Uint32Array(lengths.length + 1);
  lengths.forEach((length, i) => (offsets[i + 1] = offsets[i]! + length));
  return offsets;
}

/** Marsaglia's generator: unsigned 32-bit numbers, never 0. */
function xorshift32(seed: number): () => number {
  let state = Math.imul(seed, 0x9e3779b1) | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}
