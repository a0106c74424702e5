/** One thread, over the sample: naive JavaScript and our WebAssembly kernels. */
import type { VectorBlock } from '../../src/maxsim/scorer.ts';
import { relaxedSimdValidates } from '../../src/maxsim/wasm-kernels.ts';
import { createWasmScorer, type WasmScorer, type WasmScorerOptions } from '../../src/maxsim/wasm.ts';
import { race, type Contender } from '../race.ts';
import { batchQueries, dim, type Int8Kernel, type TokenContender } from '../results.ts';
import { naiveMaxSim } from './naive.ts';
import { benchBatch, type Sample } from './sample.ts';

export interface CpuContenders {
  readonly contenders: readonly Contender<TokenContender>[];
  /** The quicker one by a race of its own, ahead of the others. */
  readonly bestInt8Kernel: Int8Kernel;
}

export async function cpuContenders({ numTokens: amount, query, f32, int8 }: Sample): Promise<CpuContenders> {
  const load = async (block: VectorBlock, options: WasmScorerOptions): Promise<WasmScorer> => {
    const scorer = await createWasmScorer(options);
    await scorer.load(block);
    return scorer;
  };
  const floats = await load(f32, {});
  const plain = await load(int8, { int8: 'plain' });
  const int8Kernels: Contender<Int8Kernel>[] = [{ name: 'wasmInt8', amount, run: () => plain.score(query) }];
  const relaxed = relaxedSimdValidates() ? await load(int8, { int8: 'relaxed' }) : null;
  if (relaxed !== null) {
    int8Kernels.push({ name: 'wasmInt8Relaxed', amount, run: () => relaxed.score(query) });
  }
  const trial = await race(int8Kernels, { rounds: 3 });
  const bestInt8Kernel = trial.reduce((best, timing) => (timing.bestMs < best.bestMs ? timing : best)).name;
  const best = bestInt8Kernel === 'wasmInt8' ? plain : relaxed!;
  const batch = benchBatch();
  return {
    contenders: [
      { name: 'js', amount, run: () => naiveMaxSim(query.rows, f32.vectors, f32.offsets, dim) },
      { name: 'wasmF32', amount, run: () => floats.score(query) },
      ...int8Kernels,
      { name: 'int8Batch', amount: batchQueries * amount, run: () => best.scoreBatch(batch) },
    ],
    bestInt8Kernel,
  };
}
