/** What is measured through Dawn. */
import type { Timing } from '../results.ts';

/**
 * `…Gpu` are times of the compute pass alone, by subgroups where the device has them right, `…GpuShared` without them;
 * `int8Search` is what a caller waits, the last three are the device's limits.
 */
export type GpuContender = SearchContender | 'copy' | 'dot4' | 'multiplyAdd';

export type SearchContender =
  'int8Gpu' | 'int8GpuShared' | 'int8GpuBatch' | 'int4Gpu' | 'f32Gpu' | 'f32GpuShared' | 'f32GpuBatch' | 'int8Search';

export interface GpuMeasureOptions {
  /** Null: as many as suit the device. */
  readonly tokens: number | null;
  readonly rounds: number;
}

export interface GpuMeasured {
  readonly gpu: { readonly name: string; readonly software: boolean };
  /** Whether the device's subgroups are used. */
  readonly subgroups: boolean;
  /** Amounts: tokens, for a batch as many times as there are queries; bytes read and written for 'copy'; multiplications and additions for 'dot4' and 'multiplyAdd'. */
  readonly timings: readonly Timing<GpuContender>[];
  readonly integerBitEqual: boolean;
}
