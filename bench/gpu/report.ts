/** What the times through Dawn mean: tokens per second, and the share of what the device could do at best. Pure. */
import { rateOf, speedup } from '../race.ts';
import { dim, operationsPerToken, queryRows, type Timing } from '../results.ts';
import { columns, rounded, shown } from '../table.ts';
import type { GpuContender, GpuMeasured, SearchContender } from './results.ts';

export interface GpuEnvironment {
  readonly commit: string;
  /** 'Dawn (npm webgpu 0.6.2)' */
  readonly runtime: string;
  readonly rounds: number;
}

export type GpuReport = ReturnType<typeof toGpuReport>;

export const assumptions = [
  'A token of 128 components is read once per search: 128 bytes for int8, 64 for int4, 512 for f32.',
  'It takes 32 × 128 multiplications and as many additions; maxima and sums are not counted.',
  'The bandwidth limit is what buffer to buffer copies reach, read and written bytes together.',
  'The arithmetic limit is what a loop of dot4I8Packed (8 operations), or fma (2), reaches in registers.',
] as const;

export function toGpuReport({ gpu, subgroups, timings, integerBitEqual }: GpuMeasured, environment: GpuEnvironment) {
  const { commit, runtime, rounds } = environment;
  const timing = (name: GpuContender): Timing => timings.find((candidate) => candidate.name === name)!;
  const [copy, dot4, multiplyAdd] = [rateOf(timing('copy')), rateOf(timing('dot4')), rateOf(timing('multiplyAdd'))];
  const search = (name: SearchContender) => {
    const { amount, bestMs, runs } = timing(name);
    return rounded({ tokens: amount, bestMs, runs, gigatokensPerSecond: rateOf(timing(name)) / 1e9 });
  };
  return {
    commit,
    runtime,
    device: { gpu, subgroups },
    ratios: {
      ...rounded({
        int8OfBandwidth: (rateOf(timing('int8Gpu')) * dim) / copy,
        int8OfArithmetic: (rateOf(timing('int8Gpu')) * operationsPerToken) / dot4,
        int4OfBandwidth: (rateOf(timing('int4Gpu')) * dim) / 2 / copy,
        int4OfArithmetic: (rateOf(timing('int4Gpu')) * operationsPerToken) / dot4,
        f32OfBandwidth: (rateOf(timing('f32Gpu')) * dim * 4) / copy,
        f32OfArithmetic: (rateOf(timing('f32Gpu')) * operationsPerToken) / multiplyAdd,
        int8BatchOverSingle: speedup(timings, 'int8GpuBatch', 'int8Gpu'),
        int4OverInt8: speedup(timings, 'int4Gpu', 'int8Gpu'),
        f32BatchOverSingle: speedup(timings, 'f32GpuBatch', 'f32Gpu'),
        int8SubgroupsOverShared: subgroups ? speedup(timings, 'int8Gpu', 'int8GpuShared') : null,
        f32SubgroupsOverShared: subgroups ? speedup(timings, 'f32Gpu', 'f32GpuShared') : null,
      }),
      integerBitEqual,
    },
    figures: {
      rounds,
      dim,
      queryRows,
      operationsPerToken,
      int8Gpu: search('int8Gpu'),
      int8GpuShared: search('int8GpuShared'),
      int8GpuBatch: search('int8GpuBatch'),
      int4Gpu: search('int4Gpu'),
      f32Gpu: search('f32Gpu'),
      f32GpuShared: search('f32GpuShared'),
      f32GpuBatch: search('f32GpuBatch'),
      int8Search: search('int8Search'),
      limits: rounded({
        copyGigabytesPerSecond: copy / 1e9,
        dot4TeraOperationsPerSecond: dot4 / 1e12,
        multiplyAddTeraOperationsPerSecond: multiplyAdd / 1e12,
      }),
      assumptions,
    },
  };
}

export function toGpuTable({ commit, runtime, device, ratios, figures }: GpuReport): string {
  const { gpu } = device;
  const { limits } = figures;
  const row = (label: string, name: SearchContender, bandwidth?: number, arithmetic?: number) => {
    const { tokens, bestMs, gigatokensPerSecond } = figures[name];
    const shares = [bandwidth, arithmetic].map((share) => (share === undefined ? '' : shown(share)));
    return [label, `${shown(bestMs)} ms`, shown(gigatokensPerSecond), ...shares, String(tokens)];
  };
  return [
    `Commit ${commit}, ${runtime}`,
    gpu.software ? `${gpu.name}: a software adapter; it shows that this works, never how fast` : gpu.name,
    `Subgroups: ${device.subgroups ? 'used, unless said otherwise' : 'none, or not right'}`,
    `Best of ${figures.rounds} interleaved rounds; integers equal the reference's to the bit: ${shown(ratios.integerBitEqual)}`,
    '',
    ...columns([
      ['search', 'time', 'Gtoken/s', 'of bandwidth', 'of arithmetic', 'tokens'],
      row('int8, GPU time', 'int8Gpu', ratios.int8OfBandwidth, ratios.int8OfArithmetic),
      row('int8, without subgroups', 'int8GpuShared'),
      row('int8, four queries', 'int8GpuBatch'),
      row('int4, GPU time', 'int4Gpu', ratios.int4OfBandwidth, ratios.int4OfArithmetic),
      row('f32, GPU time', 'f32Gpu', ratios.f32OfBandwidth, ratios.f32OfArithmetic),
      row('f32, without subgroups', 'f32GpuShared'),
      row('f32, four queries', 'f32GpuBatch'),
      row('int8, with the way there and back', 'int8Search'),
    ]),
    '',
    `Limits: ${shown(limits.copyGigabytesPerSecond)} GB/s copied, ${shown(limits.dot4TeraOperationsPerSecond)} Tera-operations/s in dot4I8Packed, ${shown(limits.multiplyAddTeraOperationsPerSecond)} in fma`,
    ...figures.assumptions,
    '',
    'Goals on an NVIDIA H200: int8 ≥ 6.5 Gtoken/s (40 % of 16.3), f32 ≥ 4.1 (50 % of 8.2), ten million int8 tokens in ≤ 1.6 ms.',
  ].join('\n');
}
