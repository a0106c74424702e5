/** What the threads of the WebAssembly scorer do together: one pass of up to 512 query rows over a list of chunks. */
import type { WasmKernels } from './wasm-kernels.ts';

export interface Job {
  readonly precision: 'int4' | 'int8' | 'f32';
  /** Components of a row in memory, a multiple of 16. */
  readonly stride: number;
  /** Of the packed query, rows that fill it up included: they are zeros, and add none. */
  readonly numRows: number;
  /** [numParts, 3]: which sums a query's rows add to, the first of these rows, and how many they are. */
  readonly parts: Uint32Array;
  /** [numChunks, 2]: the first token's byte address, and how many there are. */
  readonly chunks: Uint32Array;
  /** [numQueries, numChunks]: each chunk's sums of maxima are added here. */
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

/**
 * Chunks that a thread takes at a time, and rows that they are compared with together: some hundred microseconds of work, so
 * that all end at nearly the same moment.
 */
const chunksPerTurn = 8;
const rowsPerTurn = 256;

/** Takes chunks until none are left. Several threads may be at it. */
export function work(job: Job, kernels: WasmKernels, memory: WebAssembly.Memory, scratch: Scratch): void {
  const { precision, stride, numRows, parts, chunks, sums, next } = job;
  const { query, tile, maxima } = scratch;
  const { maxSim } = kernels[precision];
  const numChunks = chunks.length / 2;
  const best = new (precision === 'f32' ? Float32Array : Int32Array)(memory.buffer, maxima, numRows);
  const single = parts.length === 3;
  const firstSum = parts[0]! * numChunks;
  const turn = Math.max(1, Math.min(chunksPerTurn, Math.floor(rowsPerTurn / numRows)));
  for (;;) {
    const first = Atomics.add(next, 0, turn);
    const end = Math.min(first + turn, numChunks);
    if (first >= end) return;
    for (let chunk = first; chunk < end; chunk++) {
      const numTokens = chunks[chunk * 2 + 1]!;
      if (numTokens === 0) continue;
      const sum = maxSim(chunks[chunk * 2]!, numTokens, stride, query, numRows, tile, maxima);
      if (single) sums[firstSum + chunk]! += sum;
      else addMaxima(best, parts, sums, chunk, numChunks);
    }
  }
}

/** The kernel leaves the maximum of each row, and a query's are added in the order of its rows, as the kernel adds them all. */
function addMaxima(
  best: Int32Array | Float32Array,
  parts: Uint32Array,
  sums: Float64Array,
  chunk: number,
  numChunks: number,
): void {
  for (let part = 0; part < parts.length; part += 3) {
    const firstRow = parts[part + 1]!;
    const endRow = firstRow + parts[part + 2]!;
    let sum = 0;
    for (let row = firstRow; row < endRow; row++) sum += best[row]!;
    sums[parts[part]! * numChunks + chunk]! += sum;
  }
}
