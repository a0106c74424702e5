/**
 * What every scorer must know about the blocks it holds: which, in what order, and whether the next block, query or
 * selection fits them. Kept apart from the arithmetic so that all scorers refuse the same mistakes in the same words.
 */
import { LateralError } from '../errors.ts';
import { int4RowBytes } from '../vectors/int4.ts';
import type { QueryRows, Scorer, ScorerBlock } from './scorer.ts';

/** More would leave no room in the kernels' scratch memory, and no model of the kind comes near. */
export const maxDim = 4096;
export const maxQueryRows = 8192;

/** What all blocks of one scorer share. */
export interface Format {
  readonly dim: number;
  readonly precision: ScorerBlock['precision'];
  readonly scale: number;
}

/** A loaded block; `Storage` is where its scorer keeps the vectors. */
export interface ResidentBlock<Storage> {
  readonly id: string;
  readonly numChunks: number;
  readonly numTokens: number;
  /** [numChunks + 1] token rows within the block. */
  readonly offsets: Uint32Array;
  readonly storage: Storage;
}

/** The loaded blocks, in order. Checks first and changes afterwards, so a refused call leaves it as it was. */
export class ResidentBlocks<Storage> {
  readonly #blocks: ResidentBlock<Storage>[] = [];
  #format: Format | undefined;
  #numChunks = 0;
  #destroyed = false;

  /** Undefined while nothing is loaded: the next block then decides. */
  get format(): Format | undefined {
    return this.#format;
  }

  get numChunks(): number {
    return this.#numChunks;
  }

  get all(): readonly ResidentBlock<Storage>[] {
    return this.#blocks;
  }

  /** The public face: without storage. */
  get summary(): Scorer['blocks'] {
    return this.#blocks.map(({ id, numChunks, numTokens }) => ({ id, numChunks, numTokens }));
  }

  /** @throws 'invalid-argument' where `load` must refuse the block */
  checkBlock(block: ScorerBlock): void {
    this.#checkAlive();
    checkShape(block);
    if (this.#blocks.some(({ id }) => id === block.id)) throw invalid(`Block '${block.id}' is already loaded.`);
    const format = this.#format;
    if (format === undefined) return;
    for (const field of ['dim', 'precision', 'scale'] as const) {
      if (block[field] !== format[field]) {
        throw invalid(
          `Block '${block.id}' has ${field} ${String(block[field])}; the blocks already loaded have ${String(format[field])}. Unload them first.`,
        );
      }
    }
  }

  append(block: ScorerBlock, storage: Storage): void {
    this.#format = { dim: block.dim, precision: block.precision, scale: block.scale };
    const numChunks = block.offsets.length - 1;
    this.#numChunks += numChunks;
    this.#blocks.push({
      id: block.id,
      numChunks,
      numTokens: block.offsets[numChunks]!,
      offsets: block.offsets.slice(),
      storage,
    });
  }

  /** Takes a block out; undefined where the id is unknown. */
  remove(id: string): ResidentBlock<Storage> | undefined {
    const index = this.#blocks.findIndex((block) => block.id === id);
    if (index < 0) return undefined;
    const [removed] = this.#blocks.splice(index, 1);
    this.#numChunks -= removed!.numChunks;
    if (this.#blocks.length === 0) this.#format = undefined;
    return removed;
  }

  /** @throws 'invalid-argument' for a query that does not fit the loaded blocks */
  checkQuery(query: QueryRows): void {
    this.#checkAlive();
    const { rows, dim } = query;
    if (!isDim(dim)) throw invalid(`A query of dimension ${dim}; 1 to ${maxDim} are possible.`);
    const numRows = rows.length / dim;
    if (!Number.isInteger(numRows) || numRows < 1 || numRows > maxQueryRows) {
      throw invalid(
        `A query of ${rows.length} components is not a whole number of 1 to ${maxQueryRows} rows of ${dim}.`,
      );
    }
    if (this.#format !== undefined && dim !== this.#format.dim) {
      throw invalid(`The query has dimension ${dim}; the index has ${this.#format.dim}. Encode it for this index.`);
    }
  }

  /** @throws 'invalid-argument' unless strictly ascending and in range */
  checkSelection(selection: Uint32Array | undefined): void {
    if (selection === undefined) return;
    let previous = -1;
    for (const chunk of selection) {
      if (chunk <= previous) throw invalid(`The selection must ascend strictly; ${chunk} follows ${previous}.`);
      previous = chunk;
    }
    if (previous >= this.#numChunks) {
      throw invalid(`The selection names chunk ${previous}, but ${this.#numChunks} are loaded.`);
    }
  }

  /** @returns the block of a chunk, and the chunk's place in it. @throws 'invalid-argument' out of range */
  locate(chunk: number): { readonly block: ResidentBlock<Storage>; readonly chunk: number } {
    if (!Number.isInteger(chunk) || chunk < 0 || chunk >= this.#numChunks) {
      throw invalid(`There is no chunk ${chunk}; ${this.#numChunks} are loaded.`);
    }
    let first = 0;
    for (const block of this.#blocks) {
      if (chunk < first + block.numChunks) return { block, chunk: chunk - first };
      first += block.numChunks;
    }
    throw new LateralError('internal', `Chunk ${chunk} is counted but belongs to no block.`);
  }

  /** Calls back for every chunk, or every selected one, in order. The cost falls with the selection. */
  visit(
    selection: Uint32Array | undefined,
    visitor: (block: ResidentBlock<Storage>, chunk: number, position: number) => void,
  ): void {
    let first = 0;
    let position = 0;
    for (const block of this.#blocks) {
      const end = first + block.numChunks;
      if (selection === undefined) {
        for (let chunk = 0; chunk < block.numChunks; chunk++) visitor(block, chunk, position++);
      } else {
        for (; position < selection.length && selection[position]! < end; position++) {
          visitor(block, selection[position]! - first, position);
        }
      }
      first = end;
    }
  }

  /** Forgets the blocks; from now on `checkBlock` and `checkQuery` refuse. */
  destroy(): void {
    this.#blocks.length = 0;
    this.#format = undefined;
    this.#numChunks = 0;
    this.#destroyed = true;
  }

  #checkAlive(): void {
    if (this.#destroyed) throw invalid('This scorer was destroyed. Make a new one.');
  }
}

/** @throws 'invalid-argument' for a list that is not one entry per token of the chunk */
export function checkAmong(among: Uint8Array | undefined, numTokens: number): void {
  if (among === undefined || among.length === numTokens) return;
  throw invalid(`The passage has ${numTokens} tokens; the list of those that may win has ${among.length}.`);
}

/** `dim` filled up with zero components to whole 16-byte pieces of int8; zeros change no dot product. */
export function paddedDim(dim: number): number {
  return Math.ceil(dim / 16) * 16;
}

/** Bytes of a row in a scorer's memory, filled up so. */
export function rowBytesOf({ dim, precision }: Pick<Format, 'dim' | 'precision'>): number {
  if (precision === 'int4') return int4RowBytes(dim);
  return paddedDim(dim) * (precision === 'int8' ? 1 : 4);
}

/** Runs synchronous work behind the asynchronous contract: what it throws rejects. */
export function settle<T>(work: () => T): Promise<T> {
  return new Promise((resolve) => {
    resolve(work());
  });
}

function checkShape({ id, dim, precision, scale, vectors, offsets }: ScorerBlock): void {
  if (!isDim(dim)) throw invalid(`Block '${id}' has dimension ${dim}; 1 to ${maxDim} are possible.`);
  const isF32 = precision === 'f32';
  if (!(vectors instanceof { int4: Uint8Array, int8: Int8Array, f32: Float32Array }[precision])) {
    throw invalid(`Block '${id}' says ${precision}, but its vectors are another kind of array.`);
  }
  if (!(scale > 0 && scale < Infinity) || (isF32 && scale !== 1)) {
    throw invalid(`Block '${id}' has scale ${scale}; it must be positive, and 1 for f32.`);
  }
  const numTokens = vectors.length / (precision === 'int4' ? int4RowBytes(dim) : dim);
  if (!Number.isInteger(numTokens)) {
    throw invalid(
      `Block '${id}' holds ${vectors.length} ${precision === 'int4' ? 'bytes' : 'components'}, not whole rows of ${dim} components.`,
    );
  }
  if (offsets[0] !== 0) throw invalid(`Block '${id}' has offsets that do not start at 0.`);
  for (let chunk = 1; chunk < offsets.length; chunk++) {
    if (offsets[chunk]! < offsets[chunk - 1]!) {
      throw invalid(`Block '${id}' has falling offsets: ${offsets[chunk]!} after ${offsets[chunk - 1]!}.`);
    }
  }
  if (offsets[offsets.length - 1] !== numTokens) {
    throw invalid(`Block '${id}' has ${numTokens} tokens, but its offsets end at ${offsets[offsets.length - 1]!}.`);
  }
  // int8 needs no look at the values: every byte is a number, and even −128 overflows nowhere.
  if (isF32 && !vectors.every(Number.isFinite)) throw invalid(`Block '${id}' has components that are not numbers.`);
}

function isDim(dim: number): boolean {
  return Number.isInteger(dim) && dim >= 1 && dim <= maxDim;
}

function invalid(message: string): LateralError {
  return new LateralError('invalid-argument', message);
}
