/** The WGSL scorer on whatever device `navigator.gpu` gives; bench/gpu.ts puts Dawn there. */
import { requestGpu } from '../../src/gpu/device.ts';
import { createGpuScorer, type GpuScorer } from '../../src/maxsim/gpu.ts';
import { toInt4Block } from '../../src/maxsim/int4.ts';
import type { QueryRows, VectorBlock } from '../../src/maxsim/scorer.ts';
import { compareScorers } from '../page/agreement.ts';
import { benchBatch, benchQuery, int8Blocks } from '../page/sample.ts';
import { race, type Contender } from '../race.ts';
import { arithmeticContender, copyContender } from './limits.ts';
import { timePasses, type PassTimer } from './pass-timer.ts';
import type { GpuContender, GpuMeasured, GpuMeasureOptions, SearchContender } from './results.ts';

const softwareTokens = 4096;
/** So many that no cache holds them. */
const hardwareTokens = 10_000_000;
const query = benchQuery();
/** As many as the shader takes side by side. */
const batch = benchBatch().slice(0, 4);

/** @throws 'gpu-unavailable'; or where the device has no timestamps */
export async function measureGpu(
  { tokens, rounds }: GpuMeasureOptions,
  onProgress: (text: string) => void,
): Promise<GpuMeasured> {
  const { device, info } = await requestGpu();
  try {
    if (!device.features.has('timestamp-query')) {
      throw new Error(`${info.name} has no timestamp-query, so its time cannot be measured.`);
    }
    const { name, software } = info;
    const numTokens = tokens ?? (software ? softwareTokens : hardwareTokens);
    onProgress(`comparing scores on ${name}`);
    const agreement = await compareScorers(device);
    onProgress(`making ${numTokens} tokens`);
    // f32 gets a quarter, which is as many bytes.
    const f32Tokens = Math.ceil(numTokens / 4);
    const makeScorers = async (reduction: 'auto' | 'shared'): Promise<[GpuScorer, GpuScorer]> => {
      const [int8, f32] = [await createGpuScorer(device, { reduction }), await createGpuScorer(device, { reduction })];
      for (const block of int8Blocks(numTokens, 5)) await int8.load(block);
      for (const block of int8Blocks(f32Tokens, 5)) await f32.load(toFloats(block));
      return [int8, f32];
    };
    const [int8, f32] = await makeScorers('auto');
    const int4 = await createGpuScorer(device);
    for (const block of int8Blocks(numTokens, 5)) await int4.load(toInt4Block(block));
    const [int8Shared, f32Shared] = int8.subgroups ? await makeScorers('shared') : [int8, f32];

    const timer = timePasses(device);
    const one = [query];
    const contenders: Contender<GpuContender>[] = [
      passContender('int8Gpu', int8, one, numTokens, timer),
      passContender('int8GpuShared', int8Shared, one, numTokens, timer),
      passContender('int8GpuBatch', int8, batch, numTokens, timer),
      passContender('int4Gpu', int4, one, numTokens, timer),
      passContender('f32Gpu', f32, one, f32Tokens, timer),
      passContender('f32GpuShared', f32Shared, one, f32Tokens, timer),
      passContender('f32GpuBatch', f32, batch, f32Tokens, timer),
      { name: 'int8Search', amount: numTokens, run: () => int8.score(query) },
      await copyContender(device, software),
      await arithmeticContender(device, software, timer, 'dot4'),
      await arithmeticContender(device, software, timer, 'multiplyAdd'),
    ];
    const onRound = (round: number): void => onProgress(`round ${round} of ${rounds}`);
    const timings = await race(contenders, { rounds, onRound });
    return { gpu: { name, software }, subgroups: int8.subgroups, timings, integerBitEqual: agreement.equal };
  } finally {
    device.destroy();
  }
}

/** @param queries that go into one compute pass */
function passContender(
  name: SearchContender,
  scorer: GpuScorer,
  queries: readonly QueryRows[],
  numTokens: number,
  timer: PassTimer,
): Contender<GpuContender> {
  let lastMs = 0;
  return {
    name,
    amount: queries.length * numTokens,
    async run() {
      await scorer.scoreBatch(queries);
      lastMs = (await timer.read()) / 1e6;
    },
    lastMs: () => lastMs,
  };
}

function toFloats(block: VectorBlock): VectorBlock {
  return { ...block, precision: 'f32', scale: 1, vectors: Float32Array.from(block.vectors, (value) => value / 127) };
}
