import { expect, it } from 'vitest';
import { ratiosOf, toReport, toTable } from './report.ts';
import type { Measured } from './results.ts';

const timing = <Name extends string>(name: Name, amount: number, bestMs: number) => ({ name, amount, bestMs, runs: 1 });

/** Per token: JavaScript 1 unit, f32 25, int8 50, relaxed 125; no graphics device and no peer. */
const measured: Measured = {
  gpu: null,
  bestInt8Kernel: 'wasmInt8Relaxed',
  tokens: [
    timing('js', 100_000, 1000),
    timing('wasmF32', 100_000, 40),
    timing('wasmInt8', 100_000, 20),
    timing('wasmInt8Relaxed', 100_000, 8),
    timing('int8Batch', 1_600_000, 100),
    timing('ortMatMul', 50_000, 40),
    timing('int8Tenth', 100_000, 8),
    timing('int8Whole', 1_000_000, 88),
    timing('int8Selected', 10_000, 1.1),
    timing('int8TwoWorkers', 1_000_000, 44),
  ],
  storage: [timing('blocks', 2 ** 20, 2), timing('perDocument', 2 ** 20, 12)],
  agreement: { equal: true, scorers: ['wasm'] },
  overlap: { share: 0.98765, queries: 50, passages: 400 },
  notes: ['no WebGPU'],
};
const environment = { commit: 'abc', browser: '156', cpu: { name: 'a processor', cores: 2 }, rounds: 5 };

it('divides speeds per token', () => {
  expect(ratiosOf(measured)).toEqual({
    wasmF32OverJs: 25,
    int8OverJs: 125,
    int8OverMaxsimWeb: null,
    int8OverOrtMatMul: 10, // 100,000 in 8 ms against 50,000 in 40 ms
    twoWorkersOverOne: 2,
    batchOverSingle: 1.28, // 16 × 100,000 in 100 ms against 100,000 in 8 ms
    wgslBatchOverSingle: null,
    wgslOverNaiveWgsl: null,
    wgslOverOrtWebgpu: null,
    timeForTenTimesTokens: 11, // 88 ms / 8 ms
    timeForOnePercent: 0.0125, // 1.1 ms / 88 ms
    int8Top10Overlap: 0.9877,
    integerBitEqual: true,
    blocksOverPerDocument: 6,
    vnniSeen: true, // 2.5 × the plain kernel
    bestInt8Kernel: 'int8-relaxed',
  });
});

it('gives speeds with their units', () => {
  const { contenders, storage } = toReport(measured, environment).figures;
  // 100,000 tokens in 40 ms, 8,192 operations each
  expect(contenders.wasmF32).toMatchObject({ megatokensPerSecond: 2.5, gigaflopsPerSecond: 20.48 });
  expect(storage.blocks).toMatchObject({ mebibytesPerSecond: 500 });
});

it('sets goals beside the values', () => {
  const table = toTable(toReport(measured, environment));
  expect(table).toMatch(/best int8 \/ naive JS +125 +≥ 110 +reached/);
  expect(table).toMatch(/10 × the tokens +11 +≤ 10\.5 +not reached/);
  expect(table).toMatch(/our WGSL \/ naive WGSL +– +≥ 8 +not measured/);
  expect(table).toMatch(/JS = WASM = WGSL on integers +yes +yes +reached/);
  expect(table).toContain('no WebGPU');
});

it('asks less where the processor has no VNNI', () => {
  const tokens = measured.tokens.filter(({ name }) => name !== 'wasmInt8Relaxed');
  const without = toReport({ ...measured, tokens, bestInt8Kernel: 'wasmInt8' }, environment);
  expect(without.ratios).toMatchObject({ vnniSeen: false, int8OverJs: 50, bestInt8Kernel: 'int8' });
  expect(toTable(without)).toMatch(/best int8 \/ naive JS +50 +≥ 35 +reached/);
});
