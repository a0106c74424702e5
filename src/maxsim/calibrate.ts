/** How fast a scorer compares vectors that the user has: what the choice between devices goes by. */
import type { QueryRows, Scorer, ScorerBlock, VectorBlock } from './scorer.ts';

/** As many tokens tell devices apart, and take a slow one some ten milliseconds. */
export const sampleTokens = 65_536;

const numRows = 32;
const maxRounds = 5;

/**
 * Loads a sample, searches it, and drops it again.
 * @param budgetMs no further round begins after this; there are two at least, the first of which warms up
 * @returns token vectors a second for a query of 32 rows: the best round's. @throws what `load` and `score` throw
 */
export async function tokensPerSecond(scorer: Scorer, sample: ScorerBlock, budgetMs = 40): Promise<number> {
  const query = timingQuery(sample.dim);
  await scorer.load(sample);
  try {
    const begun = performance.now();
    let best = Infinity;
    for (let round = 0; round < maxRounds && (round < 2 || performance.now() - begun < budgetMs); round++) {
      const started = performance.now();
      await scorer.score(query);
      if (round > 0) best = Math.min(best, performance.now() - started);
    }
    // Clocks are coarse in some browsers: nothing takes no time.
    return (sample.offsets.at(-1)! / Math.max(best, 0.1)) * 1000;
  } finally {
    await scorer.unload(sample.id);
  }
}

/** The first passages of a block, as many as have at most `maxTokens` together; at least one. */
export function firstPassages(block: VectorBlock, maxTokens: number): VectorBlock {
  const { offsets, dim } = block;
  let numChunks = 1;
  while (numChunks < offsets.length - 1 && offsets[numChunks + 1]! <= maxTokens) numChunks++;
  return {
    ...block,
    vectors: block.vectors.subarray(0, offsets[numChunks]! * dim),
    offsets: offsets.slice(0, numChunks + 1),
  };
}

/** A query of 32 rows. What it says makes no difference to how long it takes. */
export function timingQuery(dim: number): QueryRows {
  return { rows: Float32Array.from({ length: numRows * dim }, (_, i) => ((i * 7919) % 127) / 127 - 0.5), dim };
}
