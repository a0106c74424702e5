/** What is measured through Dawn. */
import type { Timing } from '../results.ts';

/** `…Gpu` are times of the compute pass alone, `int8Search` is what a caller waits, the last three are the device's limits. */
export type GpuContender = 'int8Gpu' | 'f32Gpu' | 'int8Search' | 'copy' | 'dot4' | 'multiplyAdd';

export interface GpuMeasureOptions {
  /** Null: as many as suit the device. */
  readonly tokens: number | null;
  readonly rounds: number;
}

export interface GpuMeasured {
  readonly gpu: { readonly name: string; readonly software: boolean };
  /** Amounts: tokens; bytes read and written for 'copy'; multiplications and additions for 'dot4' and 'multiplyAdd'. */
  readonly timings: readonly Timing<GpuContender>[];
  readonly integerBitEqual: boolean;
}
