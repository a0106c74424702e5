/** The contenders on WebGPU, over a sample of their own: a software adapter is slow, a graphics card needs more to do. */
import { requestGpu } from '../../src/gpu/device.ts';
import { createGpuScorer } from '../../src/maxsim/gpu.ts';
import type { Contender } from '../race.ts';
import { batchQueries, type Measured, type TokenContender } from '../results.ts';
import { createNaiveGpu } from './naive-gpu.ts';
import { ortGpuContender } from './ort.ts';
import { benchBatch, makeSample } from './sample.ts';

const softwareTokens = 4096;
const hardwareTokens = 262_144;

type Making = Promise<readonly Contender<TokenContender>[]>;

export interface BenchGpu {
  readonly device: GPUDevice;
  readonly info: NonNullable<Measured['gpu']>;
  ours(): Making;
  naive(): Making;
  ort(): Making;
}

/** @throws 'gpu-unavailable' */
export async function openBenchGpu(): Promise<BenchGpu> {
  const { device, info } = await requestGpu();
  const sample = makeSample(info.software ? softwareTokens : hardwareTokens);
  const { numTokens: amount, query } = sample;
  const batch = benchBatch();
  return {
    device,
    info: { name: info.name, software: info.software },
    async ours() {
      const scorer = await createGpuScorer(device);
      await scorer.load(sample.int8);
      const f32Scorer = await createGpuScorer(device);
      await f32Scorer.load(sample.f32);
      return [
        { name: 'wgslInt8', amount, run: () => scorer.score(query) },
        { name: 'wgslF32', amount, run: () => f32Scorer.score(query) },
        { name: 'wgslInt8Batch', amount: batchQueries * amount, run: () => scorer.scoreBatch(batch) },
      ];
    },
    async naive() {
      const naive = await createNaiveGpu(device, sample);
      return [{ name: 'wgslNaive', amount, run: () => naive.score() }];
    },
    ort: () => ortGpuContender(sample, device),
  };
}
