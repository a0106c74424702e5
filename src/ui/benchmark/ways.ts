/** What ways of comparing are called, and their speeds as people read them. */
import type { BenchmarkFigure, BenchmarkResult, BenchmarkWay } from '../../index.ts';
import { count } from '../format.ts';

/** 'WebAssembly', 'int8, relaxed SIMD, 2 threads' */
export function wayName(
  { kind, precision, kernel, threads }: BenchmarkWay,
  gpu: BenchmarkResult['gpu'],
): { readonly where: string; readonly how: string } {
  if (kind === 'js') return { where: 'JavaScript', how: `${precision}, plain loops` };
  if (kind === 'webgpu') {
    return { where: gpu?.software === true ? 'Software adapter' : 'Graphics card', how: `${precision}, WGSL` };
  }
  const simd = kernel === 'relaxed-simd' ? 'relaxed SIMD' : 'SIMD';
  return { where: 'WebAssembly', how: `${precision}, ${simd}${threads > 1 ? `, ${count(threads, 'thread')}` : ''}` };
}

/** Million token vectors a second: '0.21', '4.8', '63'. */
export function millions({ tokensPerSecond }: BenchmarkFigure): string {
  const value = tokensPerSecond / 1e6;
  return value.toFixed(value < 0.995 ? 2 : value < 9.95 ? 1 : 0);
}

/** How many times as quick as plain JavaScript; '' where that was not measured. */
export function timesJavaScript({ tokensPerSecond }: BenchmarkFigure, figures: readonly BenchmarkFigure[]): string {
  const js = figures.find(({ kind }) => kind === 'js');
  if (js === undefined) return '';
  const times = tokensPerSecond / js.tokensPerSecond;
  return `${times.toFixed(times < 9.95 && times !== 1 ? 1 : 0)} ×`;
}

/** What is the same for all figures, in a sentence. */
export function sampleSentence({ origin, figures, dim, queryRows, rounds }: BenchmarkResult): string {
  const most = Math.max(0, ...figures.map(({ tokens }) => tokens));
  const vectors = count(most, 'token vector');
  const whose =
    origin === 'stored'
      ? `Up to ${vectors} of your documents`
      : `Up to ${vectors}, made up since there are few here yet`;
  return `${whose}, each of ${dim} numbers, compared with the ${queryRows} of a question. In turns; the best of ${count(rounds, 'round')} counts.`;
}
