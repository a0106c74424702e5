/**
 * The ratios to reach in one run, on two processor cores and the software adapter. They are printed beside the values;
 * nothing fails on time.
 */
import type { Ratios } from './results.ts';

export interface Goal {
  readonly ratio: keyof Ratios;
  readonly label: string;
  /** 'least' where more is better. */
  readonly kind: 'least' | 'most' | 'true';
  readonly value: number;
  /** Where the processor has no VNNI. */
  readonly withoutVnni?: number;
}

export const goals: readonly Goal[] = [
  { ratio: 'wasmF32OverJs', label: 'WASM f32 SIMD / naive JS', kind: 'least', value: 20 },
  { ratio: 'int8OverJs', label: 'best int8 / naive JS', kind: 'least', value: 110, withoutVnni: 35 },
  { ratio: 'int8OverMaxsimWeb', label: 'best int8 / maxsim-web', kind: 'least', value: 10 },
  { ratio: 'int8OverOrtMatMul', label: 'best int8 / ONNX Runtime Web WASM MatMul', kind: 'least', value: 7 },
  { ratio: 'twoWorkersOverOne', label: 'two workers / one', kind: 'least', value: 1.8 },
  { ratio: 'wgslOverNaiveWgsl', label: 'our WGSL / naive WGSL', kind: 'least', value: 8 },
  { ratio: 'wgslOverOrtWebgpu', label: 'our WGSL / ONNX Runtime WebGPU MatMul', kind: 'least', value: 4 },
  { ratio: 'timeForTenTimesTokens', label: 'time for 10 × the tokens', kind: 'most', value: 10.5 },
  { ratio: 'int8Top10Overlap', label: 'int8 top 10 shared with f32', kind: 'least', value: 0.98 },
  { ratio: 'integerBitEqual', label: 'JS = WASM = WGSL on integers', kind: 'true', value: 1 },
  { ratio: 'blocksOverPerDocument', label: 'loading: blocks / one record per document', kind: 'least', value: 5 },
];

export type Verdict = 'reached' | 'not reached' | 'not measured';

export function goalValue({ value, withoutVnni }: Goal, vnniSeen: boolean): number {
  return vnniSeen ? value : (withoutVnni ?? value);
}

export function judge(goal: Goal, ratios: Ratios): Verdict {
  const value = ratios[goal.ratio];
  if (value === null) return 'not measured';
  const wanted = goalValue(goal, ratios.vnniSeen);
  const reached = goal.kind === 'most' ? Number(value) <= wanted : Number(value) >= wanted;
  return reached ? 'reached' : 'not reached';
}
