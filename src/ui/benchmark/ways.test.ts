import { describe, expect, test } from 'vitest';
import type { BenchmarkFigure } from '../../index.ts';
import { millions, timesJavaScript, wayName } from './ways.ts';

const figure = (changes: Partial<BenchmarkFigure>): BenchmarkFigure => ({
  ...{ kind: 'wasm', precision: 'int8', kernel: 'simd', threads: 1, tokens: 1000, bestMs: 1, tokensPerSecond: 1e6 },
  ...changes,
});

describe('ways of comparing', () => {
  test.each([
    [{ kind: 'js', kernel: 'loops' }, 'JavaScript', 'int8, plain loops'],
    [{ precision: 'f32' }, 'WebAssembly', 'f32, SIMD'],
    [{ precision: 'int4' }, 'WebAssembly', 'int4, SIMD'],
    [{ kernel: 'relaxed-simd', threads: 2 }, 'WebAssembly', 'int8, relaxed SIMD, 2 threads'],
    [{ kind: 'webgpu', kernel: 'wgsl', threads: 0 }, 'Software adapter', 'int8, WGSL'],
  ] as const)('%j', (changes, where, how) => {
    expect(wayName(figure(changes), { name: 'Google SwiftShader', software: true })).toEqual({ where, how });
  });

  test.each([
    [212_000, '0.21'],
    [994_000, '0.99'],
    [996_000, '1.0'],
    [9_940_000, '9.9'],
    [9_960_000, '10'],
    [63_400_000, '63'],
  ])('%i a second is %s million', (tokensPerSecond, shown) => {
    expect(millions(figure({ tokensPerSecond }))).toBe(shown);
  });

  test('are told beside plain JavaScript, where that is there', () => {
    const js = figure({ kind: 'js', tokensPerSecond: 2e5 });
    const all = [js, figure({ tokensPerSecond: 1e6 }), figure({ tokensPerSecond: 2e7 })];
    expect(all.map((one) => timesJavaScript(one, all))).toEqual(['1 ×', '5.0 ×', '100 ×']);
    expect(timesJavaScript(all[1]!, all.slice(1))).toBe('');
  });
});
