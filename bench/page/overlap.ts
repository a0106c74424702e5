/** How much of the top 10 by f32 is kept by int8, over made-up passages in clusters: what ranks close is hard to tell apart. */
import type { VectorBlock } from '../../src/maxsim/scorer.ts';
import { seededRandom } from '../../src/maxsim/testing/random-blocks.ts';
import { createWasmScorer } from '../../src/maxsim/wasm.ts';
import { topK } from '../../src/ranking/top-k.ts';
import { quantizeRows } from '../../src/vectors/quantize.ts';
import { dim, queryRows, type Measured } from '../results.ts';
import { passageLengths } from './sample.ts';

const numQueries = 100;
const numTokens = 100_000;
const numClusters = 256;
/** Clusters that a passage's tokens come from. */
const topicsPerPassage = 8;
const k = 10;
/** Length of what is added to a unit centre: cosines of about 0.8 within a cluster. */
const spread = 0.75;

export async function measureOverlap(): Promise<Measured['overlap']> {
  const normal = createNormal(11);
  const random = seededRandom(12);
  const centres = Array.from({ length: numClusters }, () => near(new Float32Array(dim), normal));
  const topics = (): Float32Array[] =>
    Array.from({ length: topicsPerPassage }, () => centres[Math.floor(random() * numClusters)]!);
  const rowsAbout = (numRows: number): Float32Array => {
    const chosen = topics();
    const rows = new Float32Array(numRows * dim);
    for (let row = 0; row < numRows; row++) {
      rows.set(near(chosen[Math.floor(random() * chosen.length)]!, normal), row * dim);
    }
    return rows;
  };

  const lengths = passageLengths(numTokens, 13);
  const vectors = new Float32Array(numTokens * dim);
  const offsets = new Uint32Array(lengths.length + 1);
  lengths.forEach((length, i) => {
    vectors.set(rowsAbout(length), offsets[i]! * dim);
    offsets[i + 1] = offsets[i]! + length;
  });
  const f32: VectorBlock = { id: 'clusters', dim, precision: 'f32', scale: 1, vectors, offsets };
  const exact = await createWasmScorer();
  const quantized = await createWasmScorer();
  try {
    await exact.load(f32);
    await quantized.load({ ...f32, precision: 'int8', scale: 1 / 127, vectors: quantizeRows(vectors) });
    let kept = 0;
    for (let i = 0; i < numQueries; i++) {
      const query = { rows: rowsAbout(queryRows), dim };
      const wanted = new Set(topK(await exact.score(query), k));
      kept += topK(await quantized.score(query), k).filter((position) => wanted.has(position)).length;
    }
    return { share: kept / (numQueries * k), queries: numQueries, passages: lengths.length };
  } finally {
    exact.destroy();
    quantized.destroy();
  }
}

/** A unit row around a centre; around 0, one in any direction. */
function near(centre: Float32Array, normal: () => number): Float32Array {
  const row = centre.map((value) => value + (normal() * spread) / Math.sqrt(dim));
  const length = Math.hypot(...row);
  return row.map((value) => value / length);
}

/** Standard normal numbers (Box and Muller). */
function createNormal(seed: number): () => number {
  const random = seededRandom(seed);
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
