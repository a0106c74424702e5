/** What the threads of the WebAssembly scorer do together: one pass of up to 512 query rows over a list of chunks. */
import type { WasmKernels } from './wasm-kernels.ts';

export interface Job {
  readonly precision: 'int4' | 'int8' | 'f32';
  /** Components of a row in memory, a multiple of 16. */
  readonly stride: number;
  readonly numRows: number;
  /** [numChunks, 2]: the first token's byte address, and how many there are. */
  readonly chunks: Uint32Array;
  /** [numChunks]: each chunk's sum of maxima is added here. */
  readonly sums: Float64Array;
  /** [1]: the first chunk that nobody has taken. */
  readonly next: Int32Array;
}

/** Byte addresses of a thread's working memory; the packed query is the same for all. */
export interface Scratch {
  readonly query: number;
  readonly tile: number;
  readonly maxima: number;
}

/** Chunks that a thread takes at a time: some hundred microseconds of work, so that all end at nearly the same moment. */
const chunksPerTurn = 8;

/** Takes chunks until none are left. Several threads may be at it. */
export function work(job: Job, kernels: WasmKernels, { query, tile, maxima }: Scratch): void {
  const { stride, numRows, chunks, sums, next } = job;
  const { maxSim } = kernels[job.precision];
  for (;;) {
    const first = Atomics.add(next, 0, chunksPerTurn);
    const end = Math.min(first + chunksPerTurn, sums.length);
    if (first >= end) return;
    for (let chunk = first; chunk < end; chunk++) {
      const numTokens = chunks[chunk * 2 + 1]!;
      if (numTokens > 0) sums[chunk]! += maxSim(chunks[chunk * 2]!, numTokens, stride, query, numRows, tile, maxima);
    }
  }
}
