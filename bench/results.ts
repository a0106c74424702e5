/** What the page measures and hands to Node, and how both name it. */

export type TokenContender =
  | 'js'
  | 'wasmF32'
  | 'wasmInt8'
  | 'wasmInt8Relaxed'
  | 'int8Batch'
  | 'maxsimWeb'
  | 'ortMatMul'
  | 'int8Tenth'
  | 'int8Whole'
  | 'int8Selected'
  | 'int8TwoWorkers'
  | 'wgslInt8'
  | 'wgslF32'
  | 'wgslInt8Batch'
  | 'wgslNaive'
  | 'ortWebgpuMatMul';

export type StorageContender = 'blocks' | 'perDocument' | 'perDocumentGetAll';

export interface Timing<Name extends string = string> {
  readonly name: Name;
  /** Of one run: tokens (for a batch as many times as there are queries), or bytes for storage. */
  readonly amount: number;
  /** The quickest run. */
  readonly bestMs: number;
  readonly runs: number;
}

export interface MeasureOptions {
  readonly tokens: number;
  readonly rounds: number;
  /** Whether /maxsim-web/ is served. */
  readonly hasMaxsimWeb: boolean;
}

export interface Measured {
  readonly gpu: { readonly name: string; readonly software: boolean } | null;
  readonly bestInt8Kernel: Int8Kernel;
  readonly tokens: readonly Timing<TokenContender>[];
  readonly storage: readonly Timing<StorageContender>[];
  readonly agreement: {
    readonly equal: boolean;
    /** Scorers whose scores were compared with the JavaScript reference's. */
    readonly scorers: readonly string[];
  };
  readonly overlap: { readonly share: number; readonly queries: number; readonly passages: number };
  /** What could not be measured here, and why. */
  readonly notes: readonly string[];
}

/** The `ratios` of the output. Null where something was missing; `figures.notes` says what. */
export interface Ratios {
  readonly wasmF32OverJs: number | null;
  readonly int8OverJs: number | null;
  readonly int8OverMaxsimWeb: number | null;
  readonly int8OverOrtMatMul: number | null;
  readonly twoWorkersOverOne: number | null;
  /** Sixteen queries in one call, per query and token, over one query a call. */
  readonly batchOverSingle: number | null;
  readonly wgslBatchOverSingle: number | null;
  readonly wgslOverNaiveWgsl: number | null;
  readonly wgslOverOrtWebgpu: number | null;
  /** Time, not speed: 10 is proportional. */
  readonly timeForTenTimesTokens: number | null;
  /** Time for a hundredth of the passages, picked here and there as by a filter, over that for all: 0.01 is proportional. */
  readonly timeForOnePercent: number | null;
  readonly int8Top10Overlap: number;
  readonly integerBitEqual: boolean;
  readonly blocksOverPerDocument: number | null;
  readonly vnniSeen: boolean;
  readonly bestInt8Kernel: 'int8' | 'int8-relaxed';
}

export type Int8Kernel = Extract<TokenContender, 'wasmInt8' | 'wasmInt8Relaxed'>;

/** The common case: 32 query rows of 128 components. */
export const queryRows = 32;
export const dim = 128;
/** Queries of a batch. */
export const batchQueries = 16;
/** Multiplications and additions per token. */
export const operationsPerToken = 2 * queryRows * dim;
