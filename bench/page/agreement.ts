/** Whether every scorer gives the reference's scores of int8 and int4 to the bit, on ragged random input, one by one and in a batch. */
import { createGpuScorer } from '../../src/maxsim/gpu.ts';
import { createReferenceScorer } from '../../src/maxsim/reference.ts';
import type { Scorer } from '../../src/maxsim/scorer.ts';
import { randomQuery, randomScorerBlock } from '../../src/maxsim/testing/random-blocks.ts';
import { relaxedSimdValidates } from '../../src/maxsim/wasm-kernels.ts';
import { createWasmScorer } from '../../src/maxsim/wasm.ts';
import type { Measured } from '../results.ts';

/** Around the kernels' tiles (2, 32 and 64 tokens), with empty chunks. */
const lengths = [1, 2, 3, 0, 17, 31, 32, 33, 63, 64, 65, 0, 129, 1];
const shapes = [128, 96, 64, 20].flatMap((dim) => [
  { dim, precision: 'int8' } as const,
  { dim, precision: 'int4' } as const,
]);
const rowCounts = [1, 32, 33];

export async function compareScorers(device: GPUDevice | null): Promise<Measured['agreement']> {
  const makers: Record<string, () => Promise<Scorer>> = {
    'wasm int8': () => createWasmScorer({ int8: 'plain' }),
    ...(relaxedSimdValidates() ? { 'wasm int8-relaxed': () => createWasmScorer({ int8: 'relaxed' }) } : {}),
    ...(device === null ? {} : { 'wgsl int8': () => createGpuScorer(device) }),
    ...(device?.features.has('subgroups') === true
      ? { 'wgsl int8 without subgroups': () => createGpuScorer(device, { reduction: 'shared' }) }
      : {}),
  };
  let equal = true;
  for (const { dim, precision } of shapes) {
    const block = randomScorerBlock(precision, dim, dim, lengths);
    const reference = createReferenceScorer();
    await reference.load(block);
    for (const make of Object.values(makers)) {
      const scorer = await make();
      try {
        await scorer.load(block);
        const queries = rowCounts.map((rows) => randomQuery(rows, rows, dim));
        const batch = await scorer.scoreBatch(queries);
        for (const [i, query] of queries.entries()) {
          const expected = await reference.score(query);
          equal &&= isSame(await scorer.score(query), expected) && isSame(batch[i]!, expected);
        }
      } finally {
        scorer.destroy();
      }
    }
  }
  return { equal, scorers: Object.keys(makers) };
}

/** By bits. */
function isSame(a: Float32Array, b: Float32Array): boolean {
  const [left, right] = [new Uint32Array(a.buffer), new Uint32Array(b.buffer)];
  return left.length === right.length && left.every((word, i) => word === right[i]);
}
