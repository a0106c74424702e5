/** The WGSL scorer on whatever device `navigator.gpu` gives; bench/gpu.ts puts Dawn there. */
import { requestGpu } from '../../src/gpu/device.ts';
import { createGpuScorer } from '../../src/maxsim/gpu.ts';
import type { Scorer, VectorBlock } from '../../src/maxsim/scorer.ts';
import { compareScorers } from '../page/agreement.ts';
import { benchQuery, int8Blocks } from '../page/sample.ts';
import { race, type Contender } from '../race.ts';
import { arithmeticContender, copyContender } from './limits.ts';
import { timePasses, type PassTimer } from './pass-timer.ts';
import type { GpuContender, GpuMeasured, GpuMeasureOptions } from './results.ts';

const softwareTokens = 4096;
/** So many that no cache holds them. */
const hardwareTokens = 10_000_000;
const query = benchQuery();

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
    const int8 = await createGpuScorer(device);
    for (const block of int8Blocks(numTokens, 5)) await int8.load(block);
    const f32 = await createGpuScorer(device);
    // A quarter, which is as many bytes.
    const f32Tokens = Math.ceil(numTokens / 4);
    for (const block of int8Blocks(f32Tokens, 5)) await f32.load(toFloats(block));

    const timer = timePasses(device);
    const contenders: Contender<GpuContender>[] = [
      passContender('int8Gpu', int8, numTokens, timer),
      passContender('f32Gpu', f32, f32Tokens, timer),
      { name: 'int8Search', amount: numTokens, run: () => int8.score(query) },
      await copyContender(device, software),
      await arithmeticContender(device, software, timer, 'dot4'),
      await arithmeticContender(device, software, timer, 'multiplyAdd'),
    ];
    const onRound = (round: number): void => onProgress(`round ${round} of ${rounds}`);
    const timings = await race(contenders, { rounds, onRound });
    return { gpu: { name, software }, timings, integerBitEqual: agreement.equal };
  } finally {
    device.destroy();
  }
}

function passContender(name: GpuContender, scorer: Scorer, amount: number, timer: PassTimer): Contender<GpuContender> {
  let lastMs = 0;
  return {
    name,
    amount,
    async run() {
      await scorer.score(query);
      lastMs = (await timer.read()) / 1e6;
    },
    lastMs: () => lastMs,
  };
}

function toFloats(block: VectorBlock): VectorBlock {
  return { ...block, precision: 'f32', scale: 1, vectors: Float32Array.from(block.vectors, (value) => value / 127) };
}
