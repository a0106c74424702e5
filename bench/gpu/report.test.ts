import { expect, it } from 'vitest';
import { toGpuReport, toGpuTable } from './report.ts';
import type { GpuMeasured } from './results.ts';

const timing = <Name extends string>(name: Name, amount: number, bestMs: number) => ({ name, amount, bestMs, runs: 1 });

const measured: GpuMeasured = {
  gpu: { name: 'a card', software: false },
  subgroups: true,
  timings: [
    timing('int8Gpu', 10e6, 2), // 5 Gtoken/s: 640 GB/s and 40.96 Tera-operations/s
    timing('int8GpuShared', 10e6, 2.5),
    timing('int8GpuBatch', 40e6, 5),
    timing('int4Gpu', 10e6, 2.5), // 4 Gtoken/s: 256 GB/s and 32.768
    timing('f32Gpu', 2.5e6, 1.25), // 2 Gtoken/s: 1,024 GB/s and 16.384
    timing('f32GpuShared', 2.5e6, 1.25),
    timing('f32GpuBatch', 10e6, 2.5),
    timing('int8Search', 10e6, 2.5),
    timing('copy', 2e9, 1), // 2,000 GB/s
    timing('dot4', 81.92e9, 1), // 81.92 Tera-operations/s
    timing('multiplyAdd', 32.768e9, 1),
  ],
  integerBitEqual: true,
};
const environment = { commit: 'abc', runtime: 'Dawn', rounds: 5 };

it('compares with what the device reaches at best', () => {
  const { ratios, figures } = toGpuReport(measured, environment);
  expect(ratios).toEqual({
    int8OfBandwidth: 0.32,
    int8OfArithmetic: 0.5,
    int4OfBandwidth: 0.128,
    int4OfArithmetic: 0.4,
    f32OfBandwidth: 0.512,
    f32OfArithmetic: 0.5,
    int8BatchOverSingle: 1.6, // 40 in 5 ms against 10 in 2 ms
    int4OverInt8: 0.8,
    f32BatchOverSingle: 2,
    int8SubgroupsOverShared: 1.25,
    f32SubgroupsOverShared: 1,
    integerBitEqual: true,
  });
  expect(figures.int8Search).toMatchObject({ gigatokensPerSecond: 4 });
});

it('says when the adapter is software', () => {
  expect(toGpuTable(toGpuReport(measured, environment))).not.toContain('software');
  const software = { ...measured, gpu: { name: 'SwiftShader', software: true } };
  expect(toGpuTable(toGpuReport(software, environment))).toContain('SwiftShader: a software adapter');
});
