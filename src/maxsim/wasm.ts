/**
 * MaxSim in WebAssembly SIMD, one thread; runs in Node, a worker or a page. All vectors lie without gaps in one linear
 * memory, which cannot shrink: `unload` moves the later blocks down, and the room at the end is used again.
 */
import { LateralError } from '../errors.ts';
import { prepareQuery, type PreparedQuery } from './query.ts';
import { checkAmong, paddedDim, ResidentBlocks, settle } from './resident.ts';
import type { ChunkExplanation, QueryRows, Scorer, VectorBlock } from './scorer.ts';
import { loadKernels, packQuery, rowsPerBlock, type Int8Choice, type WasmKernels } from './wasm-kernels.ts';

export interface WasmScorerOptions {
  /** Which int8 kernel: the quicker one by measurement, unless said otherwise. Scores are the same. */
  readonly int8?: Int8Choice;
  /** Most memory to use; 4 GiB at most, which is also the default. */
  readonly maxBytes?: number;
}

/** A scorer, and what was chosen for it. */
export interface WasmScorer extends Scorer {
  readonly int8Kernel: 'int8' | 'int8-relaxed';
}

/** @throws 'invalid-argument' for relaxed SIMD where there is none */
export async function createWasmScorer(options: WasmScorerOptions = {}): Promise<WasmScorer> {
  const maximum = Math.min(wasm32Pages, Math.floor((options.maxBytes ?? Infinity) / pageBytes));
  const memory = new WebAssembly.Memory({ initial: scratch.end / pageBytes, maximum });
  return new SimdScorer(memory, await loadKernels(memory, options.int8 ?? 'auto'));
}

const pageBytes = 65536;
/** One page short of 4 GiB, so that the end of the last block is still a 32-bit address. */
const wasm32Pages = 65535;

/**
 * Byte addresses. The query goes through in groups of rows that fit (512 rows of 128 f32 components); a tile is
 * 32 tokens × maxDim × 2 bytes; a maximum is kept for each row of a group, at most 4,096 (dim 16). Vectors follow.
 */
const scratch = { query: 0, tile: 4 * pageBytes, maxima: 8 * pageBytes, end: 9 * pageBytes } as const;
const queryBytes = scratch.tile - scratch.query;

class SimdScorer implements WasmScorer {
  readonly kind = 'wasm';
  readonly #memory: WebAssembly.Memory;
  readonly #kernels: WasmKernels;
  /** Storage is the block's first byte. */
  readonly #resident = new ResidentBlocks<{ start: number; readonly bytes: number }>();
  #end: number = scratch.end;

  constructor(memory: WebAssembly.Memory, kernels: WasmKernels) {
    this.#memory = memory;
    this.#kernels = kernels;
  }

  get int8Kernel(): 'int8' | 'int8-relaxed' {
    return this.#kernels.int8.name === 'int8' ? 'int8' : 'int8-relaxed';
  }

  get blocks(): Scorer['blocks'] {
    return this.#resident.summary;
  }

  get residentBytes(): number {
    return this.#end - scratch.end;
  }

  load(block: VectorBlock): Promise<void> {
    return settle(() => {
      this.#resident.checkBlock(block);
      const stride = paddedDim(block.dim);
      const bytes = (block.vectors.byteLength / block.dim) * stride;
      this.#reserve(bytes);
      const start = this.#end;
      copyRows(block.vectors, block.dim, this.#view(block.precision, start, bytes), stride);
      this.#end += bytes;
      this.#resident.append(block, { start, bytes });
    });
  }

  unload(blockId: string): Promise<void> {
    return settle(() => {
      const removed = this.#resident.remove(blockId);
      if (removed === undefined) return;
      const { start, bytes } = removed.storage;
      new Uint8Array(this.#memory.buffer).copyWithin(start, start + bytes, this.#end);
      this.#end -= bytes;
      for (const { storage } of this.#resident.all) if (storage.start > start) storage.start -= bytes;
    });
  }

  score(query: QueryRows, selection?: Uint32Array): Promise<Float32Array> {
    return settle(() => {
      this.#resident.checkQuery(query);
      this.#resident.checkSelection(selection);
      const length = selection?.length ?? this.#resident.numChunks;
      const format = this.#resident.format;
      if (format === undefined || length === 0) return new Float32Array(length);
      const prepared = prepareQuery(query, format);
      const sums = new Float64Array(length);
      for (const rows of rowGroups(prepared, format.dim)) this.#addSums(rows, format.dim, selection, sums);
      const scores = new Float32Array(length);
      for (let chunk = 0; chunk < length; chunk++) scores[chunk] = prepared.toScore(sums[chunk]!);
      return scores;
    });
  }

  explain(query: QueryRows, chunk: number, among?: Uint8Array): Promise<ChunkExplanation> {
    return settle(() => {
      this.#resident.checkQuery(query);
      const { block, chunk: local } = this.#resident.locate(chunk);
      checkAmong(among, block.offsets[local + 1]! - block.offsets[local]!);
      const format = this.#resident.format!;
      const prepared = prepareQuery(query, format);
      const bestToken = new Int32Array(prepared.numRows).fill(-1);
      const best = new Float64Array(prepared.numRows).fill(-Infinity);
      let firstRow = 0;
      for (const rows of rowGroups(prepared, format.dim)) {
        const kernel = this.#pack(rows, format.dim);
        // The maxima of a chunk of one token are that token's dot products: no second kernel is needed.
        const products = new kernel.Maxima(this.#memory.buffer, scratch.maxima, kernel.numRows);
        for (let token = block.offsets[local]!; token < block.offsets[local + 1]!; token++) {
          if (among?.[token - block.offsets[local]!] === 0) continue;
          kernel.maxSim(block.storage.start + token * kernel.rowBytes, 1);
          for (let row = 0; row < kernel.numRows; row++) {
            if (!(products[row]! > best[firstRow + row]!)) continue;
            best[firstRow + row] = products[row]!;
            bestToken[firstRow + row] = token - block.offsets[local]!;
          }
        }
        firstRow += kernel.numRows;
      }
      const similarity = Float32Array.from(best, (product, row) =>
        bestToken[row]! < 0 ? 0 : prepared.toScore(product),
      );
      return { bestToken, similarity };
    });
  }

  destroy(): void {
    this.#resident.destroy();
    this.#end = scratch.end;
  }

  /** Adds each chunk's sum of maxima over these query rows. */
  #addSums(
    rows: Int8Array | Float32Array,
    dim: number,
    selection: Uint32Array | undefined,
    sums: Float64Array<ArrayBuffer>,
  ): void {
    const kernel = this.#pack(rows, dim);
    this.#resident.visit(selection, ({ offsets, storage }, chunk, position) => {
      const first = offsets[chunk]!;
      const numTokens = offsets[chunk + 1]! - first;
      if (numTokens > 0) sums[position]! += kernel.maxSim(storage.start + first * kernel.rowBytes, numTokens);
    });
  }

  /** Puts query rows into the scratch memory. @returns the kernel bound to them, good until the next call */
  #pack(rows: Int8Array | Float32Array, dim: number) {
    const isInt8 = rows instanceof Int8Array;
    const { query, tile, maxima } = scratch;
    const kernel = isInt8 ? this.#kernels.int8 : this.#kernels.f32;
    const stride = paddedDim(dim);
    const numRows = rows.length / dim;
    packQuery(kernel, this.#memory, query, rows, dim, stride);
    return {
      numRows,
      rowBytes: stride * (isInt8 ? 1 : 4),
      Maxima: isInt8 ? Int32Array : Float32Array,
      maxSim: (vectors: number, numTokens: number) =>
        kernel.maxSim(vectors, numTokens, stride, query, numRows, tile, maxima),
    };
  }

  /** Makes sure that `bytes` more fit behind the last block. */
  #reserve(bytes: number): void {
    const missing = this.#end + bytes - this.#memory.buffer.byteLength;
    if (missing <= 0) return;
    try {
      this.#memory.grow(Math.ceil(missing / pageBytes));
    } catch (cause) {
      throw new LateralError(
        'out-of-memory',
        `WebAssembly memory cannot hold ${bytes} bytes of vectors beside the ${this.residentBytes} it has. Use WebGPU, a smaller dimension or fewer documents.`,
        { cause, details: { neededBytes: bytes, residentBytes: this.residentBytes } },
      );
    }
  }

  #view(precision: 'int8' | 'f32', start: number, bytes: number): Int8Array | Float32Array {
    return precision === 'int8'
      ? new Int8Array(this.#memory.buffer, start, bytes)
      : new Float32Array(this.#memory.buffer, start, bytes / 4);
  }
}

/** The query's rows in pieces whose packed form fits into the scratch memory. */
function* rowGroups({ rows, numRows }: PreparedQuery, dim: number): Generator<Int8Array | Float32Array> {
  const rowBytes = paddedDim(dim) * 4; // f32, the widest layout
  const perGroup = Math.floor(queryBytes / rowBytes / rowsPerBlock) * rowsPerBlock;
  for (let first = 0; first < numRows; first += perGroup) {
    yield rows.subarray(first * dim, Math.min(first + perGroup, numRows) * dim);
  }
}

function copyRows(from: Int8Array | Float32Array, dim: number, to: Int8Array | Float32Array, stride: number): void {
  if (dim === stride) {
    to.set(from);
    return;
  }
  to.fill(0);
  for (let row = 0; row * dim < from.length; row++) to.set(from.subarray(row * dim, (row + 1) * dim), row * stride);
}
