/** What ways of comparing are timed on: the vectors that are stored, where there are enough of them, else made-up ones. */
import { firstPassages } from '../maxsim/calibrate.ts';
import type { VectorBlock } from '../maxsim/scorer.ts';
import type { IndexStore } from '../store/index-store.ts';
import { defaultScale, dequantizeRows, quantizeRows } from '../vectors/quantize.ts';
import { tokensWorthMeasuring } from './scorer-choice.ts';

export interface BenchmarkSample {
  readonly origin: 'stored' | 'made-up';
  readonly int8: VectorBlock;
}

/** @param maxTokens at most so many token vectors, but a whole passage at least */
export async function benchmarkSample(store: IndexStore, dim: number, maxTokens: number): Promise<BenchmarkSample> {
  const stored = await storedPassages(store, dim, maxTokens);
  return stored === null
    ? { origin: 'made-up', int8: madeUpPassages(dim, maxTokens) }
    : { origin: 'stored', int8: asInt8(join(stored)) };
}

/** The same vectors in four times as many bytes. */
export function asFloats(block: VectorBlock): VectorBlock {
  const vectors = dequantizeRows(block.vectors as Int8Array, block.scale);
  return { ...block, precision: 'f32', scale: 1, vectors };
}

/** Passages of the same lengths as documents have, of rows of about unit length; the same each time. */
export function madeUpPassages(dim: number, numTokens: number): VectorBlock {
  const random = xorshift32(1);
  const offsets = [0];
  for (let end = 0; end < numTokens; offsets.push(end)) end = Math.min(numTokens, end + 64 + (random() % 193));
  const largest = Math.min(127, Math.round(127 * Math.sqrt(3 / dim))); // evenly spread up to it: a row is 127 long
  const vectors = Int8Array.from({ length: numTokens * dim }, () => (random() % (2 * largest + 1)) - largest);
  return { id: 'sample', dim, precision: 'int8', scale: defaultScale, vectors, offsets: Uint32Array.from(offsets) };
}

/** The largest blocks' first passages; null where too little is stored, or too little can be read. */
async function storedPassages(store: IndexStore, dim: number, maxTokens: number): Promise<VectorBlock[] | null> {
  const infos = (await store.blocks()).filter(({ numTokens }) => numTokens > 0);
  if (infos.reduce((sum, { numTokens }) => sum + numTokens, 0) < tokensWorthMeasuring) return null;
  const taken: VectorBlock[] = [];
  let left = maxTokens;
  for (const { id } of infos.toSorted((a, b) => b.numTokens - a.numTokens)) {
    const block = await store.block(id).catch(() => null); // damaged, or gone meanwhile: whoever loads it says so
    if (block?.dim !== dim) continue; // another tab can have changed the setting
    const first = firstPassages(block, left);
    const numTokens = first.vectors.length / first.dim;
    if (numTokens > left && taken.length > 0) break;
    taken.push(first);
    left -= numTokens;
    if (left <= 0) break;
  }
  const enough = maxTokens - left >= Math.min(maxTokens, tokensWorthMeasuring) / 2;
  return enough ? taken : null;
}

function join(blocks: readonly VectorBlock[]): VectorBlock {
  const [first] = blocks as [VectorBlock];
  const length = blocks.reduce((sum, { vectors }) => sum + vectors.length, 0);
  const vectors = first.precision === 'int8' ? new Int8Array(length) : new Float32Array(length);
  const offsets = [0];
  let rows = 0;
  for (const block of blocks) {
    vectors.set(block.vectors, rows * first.dim);
    for (const end of block.offsets.subarray(1)) offsets.push(rows + end);
    rows += block.vectors.length / first.dim;
  }
  return { ...first, id: 'sample', vectors, offsets: Uint32Array.from(offsets) };
}

function asInt8(block: VectorBlock): VectorBlock {
  if (block.vectors instanceof Int8Array) return block;
  return { ...block, precision: 'int8', scale: defaultScale, vectors: quantizeRows(block.vectors) };
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
