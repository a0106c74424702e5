/**
 * MaxSim in WebAssembly SIMD, on one thread or several; runs in Node, a worker or a page. All vectors lie without gaps in one
 * linear memory, which cannot shrink: `unload` moves the later blocks down, and the room at the end is used again. Further
 * threads share the memory and take chunks from the same list, so that each search ends on all of them at once.
 */
import { LateralError } from '../errors.ts';
import { sampleTokens, timingQuery } from './calibrate.ts';
import { work, type Job, type Scratch } from './job.ts';
import { prepareQuery, type PreparedQuery } from './query.ts';
import { checkAmong, type Format, paddedDim, ResidentBlocks, rowBytesOf } from './resident.ts';
import type { ChunkExplanation, QueryRows, Scorer, ScorerBlock } from './scorer.ts';
import { Threads, type ThreadWorker } from './threads.ts';
import { loadKernels, packQuery, rowsPerBlock, type Int8Choice, type WasmKernels } from './wasm-kernels.ts';

export interface WasmScorerOptions {
  /** Which int8 kernel: the quicker one by measurement, unless said otherwise. Scores are the same. */
  readonly int8?: Int8Choice;
  /** Most memory to use; 4 GiB at most, which is also the default. */
  readonly maxBytes?: number;
  /**
   * Most threads in all, the caller's included; 1 unless said otherwise. More need `createThread`, and SharedArrayBuffer
   * (in a page: cross-origin isolation). They start once there is enough to search; where they do not, one does it all.
   */
  readonly threads?: number;
  /** Starts a worker that runs `serveThread` (threads.ts). */
  readonly createThread?: () => ThreadWorker;
  /** Most bytes of sums that a batch keeps at once, except for a single query; 64 MiB unless said otherwise. */
  readonly maxResultBytes?: number;
  /** false: all threads are used, whether that is quicker or not. */
  readonly calibrate?: boolean;
}

/** How long a search took with so many threads. */
export interface ThreadFigure {
  readonly threads: number;
  readonly tokensPerSecond: number;
}

/** A scorer, and what was chosen for it. */
export interface WasmScorer extends Scorer {
  readonly int8Kernel: 'int8' | 'int8-relaxed';
  /** What the number of threads was chosen by; empty until there is enough to search. */
  readonly threadFigures: readonly ThreadFigure[];
}

/** @throws 'invalid-argument' for relaxed SIMD where there is none */
export async function createWasmScorer(options: WasmScorerOptions = {}): Promise<WasmScorer> {
  const { int8 = 'auto', createThread, threads = 1, maxBytes = Infinity, maxResultBytes = 64 * 2 ** 20 } = options;
  const maximum = Math.min(wasm32Pages, Math.floor(maxBytes / pageBytes));
  if (threads > 1 && createThread !== undefined) {
    const memory = sharedMemory(firstByte(threads) / pageBytes, maximum);
    const team = { size: threads, createThread, calibrate: options.calibrate ?? true };
    if (memory !== null) return new SimdScorer(memory, await loadKernels(memory, int8), maxResultBytes, team);
  }
  const memory = new WebAssembly.Memory({ initial: firstByte(1) / pageBytes, maximum });
  return new SimdScorer(memory, await loadKernels(memory, int8), maxResultBytes, null);
}

/** Null where pages may not share memory, and where the whole address range cannot be set aside, as on some phones. */
function sharedMemory(initial: number, maximum: number): WebAssembly.Memory | null {
  if (typeof SharedArrayBuffer === 'undefined') return null;
  try {
    return new WebAssembly.Memory({ initial, maximum, shared: true });
  } catch {
    return null;
  }
}

const pageBytes = 65536;
/** One page short of 4 GiB, so that the end of the last block is still a 32-bit address. */
const wasm32Pages = 65535;

/** Bytes of the query: it goes through in groups of rows that fit (512 rows of 128 f32 components). */
const queryBytes = 4 * pageBytes;
/** A tile is 32 tokens × maxDim × 2 bytes, or 48 × maxDim and 256 bytes; a maximum is kept for each row of a group, at most 4,096 (dim 16). */
const tileBytes = 4 * pageBytes;
const maximaBytes = pageBytes;

/** The query is at 0; each thread's tile and maxima follow, then the vectors. */
function scratchOf(thread: number): Scratch {
  const tile = queryBytes + thread * (tileBytes + maximaBytes);
  return { query: 0, tile, maxima: tile + tileBytes };
}

function firstByte(threads: number): number {
  return scratchOf(threads).tile;
}

/** Below so many tokens a search is over before another thread has woken up. */
const tokensWorthSharing = 20_000;

/** How often each number of threads searches the sample: some ten milliseconds in all. */
const calibrationRounds = 3;

/** More threads than this share of the time is worth are not kept busy. */
const worthAThread = 0.95;

/** The chunks of a search. */
interface ChunkList {
  /** As in a job. */
  readonly chunks: Uint32Array;
  readonly numTokens: number;
}

/** Threads to be started. */
interface Team {
  /** The caller's included. */
  readonly size: number;
  readonly createThread: () => ThreadWorker;
  readonly calibrate: boolean;
}

class SimdScorer implements WasmScorer {
  readonly kind = 'wasm';
  readonly #memory: WebAssembly.Memory;
  readonly #kernels: WasmKernels;
  /** Storage is the block's first byte. */
  readonly #resident = new ResidentBlocks<{ start: number; readonly bytes: number }>();
  readonly #maxResultBytes: number;
  readonly #first: number;
  #end: number;
  /** Those that may still be started. */
  #team: Team | null;
  #threads: Threads | null = null;
  #numThreads = 1;
  #threadFigures: readonly ThreadFigure[] = [];
  #destroyed = false;
  /** Of all blocks, until one comes or goes. */
  #allChunks: ChunkList | undefined;
  /** One thing at a time: other threads must be done before vectors move. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(memory: WebAssembly.Memory, kernels: WasmKernels, maxResultBytes: number, team: Team | null) {
    this.#memory = memory;
    this.#kernels = kernels;
    this.#maxResultBytes = maxResultBytes;
    this.#team = team;
    this.#first = this.#end = firstByte(team?.size ?? 1);
  }

  get int8Kernel(): 'int8' | 'int8-relaxed' {
    return this.#kernels.int8.name === 'int8' ? 'int8' : 'int8-relaxed';
  }

  get threads(): number {
    return this.#threads === null ? 1 : this.#numThreads;
  }

  get threadFigures(): readonly ThreadFigure[] {
    return this.#threadFigures;
  }

  get blocks(): Scorer['blocks'] {
    return this.#resident.summary;
  }

  get residentBytes(): number {
    return this.#end - this.#first;
  }

  load(block: ScorerBlock): Promise<void> {
    return this.#inTurn(async () => {
      this.#resident.checkBlock(block);
      const rowBytes = rowBytesOf(block);
      const bytes = block.offsets.at(-1)! * rowBytes;
      this.#reserve(bytes);
      const start = this.#end;
      if (block.precision === 'int4') new Uint8Array(this.#memory.buffer, start, bytes).set(block.vectors);
      else copyRows(block.vectors, block.dim, this.#view(block.precision, start, bytes), paddedDim(block.dim));
      this.#end += bytes;
      this.#resident.append(block, { start, bytes });
      this.#allChunks = undefined;
      if (this.residentBytes >= tokensWorthSharing * rowBytes) await this.#startThreads();
    });
  }

  unload(blockId: string): Promise<void> {
    return this.#inTurn(() => {
      const removed = this.#resident.remove(blockId);
      if (removed === undefined) return;
      const { start, bytes } = removed.storage;
      new Uint8Array(this.#memory.buffer).copyWithin(start, start + bytes, this.#end);
      this.#end -= bytes;
      for (const { storage } of this.#resident.all) if (storage.start > start) storage.start -= bytes;
      this.#allChunks = undefined;
    });
  }

  async score(query: QueryRows, selection?: Uint32Array): Promise<Float32Array> {
    const [scores] = await this.scoreBatch([query], selection);
    return scores!;
  }

  scoreBatch(queries: readonly QueryRows[], selection?: Uint32Array): Promise<Float32Array[]> {
    return this.#inTurn(async () => {
      for (const query of queries) this.#resident.checkQuery(query);
      this.#resident.checkSelection(selection);
      const length = selection?.length ?? this.#resident.numChunks;
      const format = this.#resident.format;
      if (format === undefined || length === 0) return queries.map(() => new Float32Array(length));
      const list = selection === undefined ? (this.#allChunks ??= this.#listChunks()) : this.#listChunks(selection);
      const scores: Float32Array[] = [];
      const most = Math.max(1, Math.floor(this.#maxResultBytes / (length * 8)));
      for (let first = 0; first < queries.length; first += most) {
        const prepared = queries.slice(first, first + most).map((query) => prepareQuery(query, format));
        const numRows = prepared.reduce((sum, query) => sum + query.numRows, 0);
        const shared = list.numTokens * numRows >= tokensWorthSharing * 32;
        const sums = await this.#sums(prepared, format, list, shared ? this.#numThreads : 1);
        prepared.forEach(({ toScore }, i) => {
          const own = new Float32Array(length);
          for (let chunk = 0; chunk < length; chunk++) own[chunk] = toScore(sums[i * length + chunk]!);
          scores.push(own);
        });
      }
      return scores;
    });
  }

  explain(query: QueryRows, chunk: number, among?: Uint8Array): Promise<ChunkExplanation> {
    return this.#inTurn(() => {
      this.#resident.checkQuery(query);
      const { block, chunk: local } = this.#resident.locate(chunk);
      checkAmong(among, block.offsets[local + 1]! - block.offsets[local]!);
      const format = this.#resident.format!;
      const prepared = prepareQuery(query, format);
      const bestToken = new Int32Array(prepared.numRows).fill(-1);
      const best = new Float64Array(prepared.numRows).fill(-Infinity);
      let firstRow = 0;
      for (const group of rowGroups([prepared], format.dim)) {
        const kernel = this.#pack(group, format);
        // The maxima of a chunk of one token are that token's dot products: no second kernel is needed.
        const { numRows } = group.parts[0]!;
        const products = new kernel.Maxima(this.#memory.buffer, scratch.maxima, numRows);
        for (let token = block.offsets[local]!; token < block.offsets[local + 1]!; token++) {
          if (among?.[token - block.offsets[local]!] === 0) continue;
          kernel.maxSim(block.storage.start + token * kernel.rowBytes);
          for (let row = 0; row < numRows; row++) {
            if (!(products[row]! > best[firstRow + row]!)) continue;
            best[firstRow + row] = products[row]!;
            bestToken[firstRow + row] = token - block.offsets[local]!;
          }
        }
        firstRow += group.parts[0]!.numRows;
      }
      const similarity = Float32Array.from(best, (product, row) =>
        bestToken[row]! < 0 ? 0 : prepared.toScore(product),
      );
      return { bestToken, similarity };
    });
  }

  destroy(): void {
    this.#destroyed = true;
    this.#resident.destroy();
    this.#allChunks = undefined;
    this.#end = this.#first;
    this.#team = null;
    this.#threads?.destroy();
    this.#threads = null;
  }

  /** [queries, chunks]: each chunk's sum of maxima over all rows of a query. */
  async #sums(
    queries: readonly PreparedQuery[],
    format: Format,
    list: ChunkList,
    numThreads: number,
  ): Promise<Float64Array> {
    const { chunks } = list;
    const threads = numThreads > 1 ? this.#threads : null;
    const make = threads === null ? newBuffer : newSharedBuffer;
    const sums = new Float64Array(make(queries.length * (chunks.length / 2) * 8));
    for (const group of rowGroups(queries, format.dim)) {
      const { precision, stride } = this.#pack(group, format);
      const parts = Uint32Array.from(group.parts.flatMap(({ query, firstRow, numRows }) => [query, firstRow, numRows]));
      const next = new Int32Array(make(4));
      const job: Job = { precision, stride, numRows: group.numRows, parts, chunks, sums, next };
      const own = (): void => work(job, this.#kernels, this.#memory, scratch);
      if (threads === null) own();
      else if (!(await threads.work(job, numThreads - 1, own))) {
        this.#withoutThreads();
        return this.#sums(queries, format, list, 1);
      }
    }
    return sums;
  }

  async #startThreads(): Promise<void> {
    const team = this.#team;
    if (team === null) return;
    this.#team = null; // once
    const workers = Array.from({ length: team.size - 1 }, team.createThread);
    const int8 = this.int8Kernel === 'int8' ? 'plain' : 'relaxed';
    const threads = await Threads.start(workers, this.#memory, int8, (thread) => scratchOf(thread + 1));
    if (threads === null) return;
    if (this.#destroyed) {
      threads.destroy();
      return;
    }
    this.#threads = threads;
    this.#numThreads = team.calibrate ? await this.#quickestThreads(team.size) : team.size;
    if (this.#numThreads === 1) this.#withoutThreads();
  }

  /** Searches the first passages with 1, 2, 4, … threads, in turn. */
  async #quickestThreads(most: number): Promise<number> {
    const format = this.#resident.format!;
    let numTokens = 0;
    const chosen: number[] = [];
    this.#resident.visit(undefined, ({ offsets }, chunk, position) => {
      if (numTokens >= sampleTokens) return;
      chosen.push(position);
      numTokens += offsets[chunk + 1]! - offsets[chunk]!;
    });
    const list = this.#listChunks(Uint32Array.from(chosen));
    const queries = [prepareQuery(timingQuery(format.dim), format)];
    const counts = [...new Set([1, 2, 4, 8, 16, most].filter((count) => count <= most))].sort((a, b) => a - b);
    const best = new Map(counts.map((count) => [count, Infinity]));
    for (let round = 0; round < calibrationRounds; round++) {
      for (const [count, shortest] of best) {
        const started = performance.now();
        await this.#sums(queries, format, list, count);
        best.set(count, Math.min(shortest, performance.now() - started));
      }
    }
    this.#threadFigures = counts.map((threads) => ({
      threads,
      tokensPerSecond: (numTokens / best.get(threads)!) * 1000,
    }));
    return counts.reduce((kept, count) => (best.get(count)! < best.get(kept)! * worthAThread ? count : kept));
  }

  /** From now on the calling thread does it all. */
  #withoutThreads(): void {
    this.#threads?.destroy();
    this.#threads = null;
  }

  #listChunks(selection?: Uint32Array): ChunkList {
    const numChunks = selection?.length ?? this.#resident.numChunks;
    const make = this.#threads === null ? newBuffer : newSharedBuffer;
    const chunks = new Uint32Array(make(numChunks * 8));
    const format = this.#resident.format!;
    const rowBytes = rowBytesOf(format);
    let numTokens = 0;
    this.#resident.visit(selection, ({ offsets, storage }, chunk, position) => {
      const first = offsets[chunk]!;
      const count = offsets[chunk + 1]! - first;
      chunks[position * 2] = storage.start + first * rowBytes;
      chunks[position * 2 + 1] = count;
      numTokens += count;
    });
    return { chunks, numTokens };
  }

  /** Puts query rows into the scratch memory. @returns the kernel bound to them for one token, good until the next call */
  #pack({ parts, numRows }: RowGroup, format: Format) {
    const { dim, precision } = format;
    const kernel = this.#kernels[precision];
    const stride = paddedDim(dim);
    const { query, tile, maxima } = scratch;
    for (const { rows, firstRow } of parts) {
      packQuery(kernel, this.#memory, query + firstRow * stride * kernel.componentBytes, rows, dim, stride);
    }
    return {
      precision,
      stride,
      rowBytes: rowBytesOf(format),
      Maxima: precision === 'f32' ? Float32Array : Int32Array,
      maxSim: (token: number) => kernel.maxSim(token, 1, stride, query, numRows, tile, maxima),
    } as const;
  }

  #inTurn<T>(task: () => T | Promise<T>): Promise<T> {
    const done = this.#turn.then(task);
    this.#turn = done.then(nothing, nothing); // one failure does not stop the next
    return done;
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

const nothing = (): void => undefined;

/** The calling thread's. */
const scratch = scratchOf(0);

const newBuffer = (bytes: number): ArrayBuffer => new ArrayBuffer(bytes);
const newSharedBuffer = (bytes: number): SharedArrayBuffer => new SharedArrayBuffer(bytes);

/** Query rows that are packed together. */
interface RowGroup {
  /** Those that fill up included. */
  readonly numRows: number;
  readonly parts: readonly {
    /** Which one. */
    readonly query: number;
    /** [numRows, dim] */
    readonly rows: Int8Array | Float32Array;
    /** A multiple of `rowsPerBlock`. */
    readonly firstRow: number;
    readonly numRows: number;
  }[];
}

/**
 * The queries' rows in groups whose packed form fits into the scratch memory. A query is cut where it would be cut alone, so
 * that its maxima are added in the same order whatever it is searched with.
 */
function* rowGroups(queries: readonly PreparedQuery[], dim: number): Generator<RowGroup> {
  const rowBytes = paddedDim(dim) * 4; // f32, the widest layout
  const most = Math.floor(queryBytes / rowBytes / rowsPerBlock) * rowsPerBlock;
  let parts: RowGroup['parts'][number][] = [];
  let used = 0;
  for (const [query, { rows, numRows }] of queries.entries()) {
    for (let first = 0; first < numRows; first += most) {
      const count = Math.min(most, numRows - first);
      if (used + count > most) {
        yield { numRows: used, parts };
        parts = [];
        used = 0;
      }
      parts.push({ query, rows: rows.subarray(first * dim, (first + count) * dim), firstRow: used, numRows: count });
      used += Math.ceil(count / rowsPerBlock) * rowsPerBlock;
    }
  }
  if (parts.length > 0) yield { numRows: used, parts };
}

function copyRows(from: Int8Array | Float32Array, dim: number, to: Int8Array | Float32Array, stride: number): void {
  if (dim === stride) {
    to.set(from);
    return;
  }
  to.fill(0);
  for (let row = 0; row * dim < from.length; row++) to.set(from.subarray(row * dim, (row + 1) * dim), row * stride);
}
