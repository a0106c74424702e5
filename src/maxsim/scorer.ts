/**
 * The scorer's contract. Three implementations stand beside it: reference.ts (readable loops, the specification),
 * wasm.ts (SIMD) and gpu.ts (WGSL). For int8 and int4 blocks all three give bit-equal scores.
 *
 *   score(chunk) = Σ over query rows q of  max over the chunk's token vectors d of  q · d      (Khattab & Zaharia 2020)
 *
 * A chunk without tokens scores 0. Packed rows need no padding, so nothing but a real token can win.
 */
import type { Precision, ScorerKind } from '../types.ts';

/** Token vectors of consecutive chunks, packed. Immutable once made; the scorer copies what it keeps. */
export interface VectorBlock {
  /** Unique among the blocks loaded into one scorer. */
  readonly id: string;
  readonly dim: number;
  readonly precision: Precision;
  /** Component = stored × scale. 1 for f32. The same for all blocks of an index. */
  readonly scale: number;
  /** [numTokens, dim], row-major. Int8Array for 'int8' (−127 … 127), Float32Array for 'f32'. */
  readonly vectors: Int8Array | Float32Array;
  /** [numChunks + 1]; chunk c owns token rows offsets[c] to offsets[c + 1]. Starts at 0, never falls. */
  readonly offsets: Uint32Array;
}

/** The same with four bits a component, for half of the memory; made of an int8 block (int4.ts), never stored. */
export interface Int4Block extends Omit<VectorBlock, 'precision' | 'vectors'> {
  readonly precision: 'int4';
  /** Component = sixteen times the stored code × scale. */
  readonly scale: number;
  /** [numTokens, int4RowBytes(dim)], as vectors/int4.ts packs them. */
  readonly vectors: Uint8Array;
}

/** What a scorer takes. */
export type ScorerBlock = VectorBlock | Int4Block;

/** A query's unit rows. */
export interface QueryRows {
  /** [numRows, dim], row-major, f32, each row of unit length. 1 to 8,192 rows. */
  readonly rows: Float32Array;
  readonly dim: number;
}

/** For each query row, the chunk's token that won. Both arrays are [numRows]; token −1 and similarity 0 where no token may win. */
export interface ChunkExplanation {
  /** Row within the chunk, 0-based. */
  readonly bestToken: Int32Array;
  /** Dot product with that token, in units of cosine. */
  readonly similarity: Float32Array;
}

export interface Scorer {
  readonly kind: ScorerKind;
  /** The loaded blocks in the order in which `score` reports their chunks. */
  readonly blocks: readonly { readonly id: string; readonly numChunks: number; readonly numTokens: number }[];
  /** Bytes of vectors held, on whatever device. */
  readonly residentBytes: number;
  /** Threads of the processor that score. 0 on a graphics card. */
  readonly threads: number;

  /**
   * Appends a block. @throws 'invalid-argument' for a malformed block, another dim, precision or scale than the blocks
   * already loaded, or an id in use; 'out-of-memory' where the device cannot hold it.
   */
  load(block: ScorerBlock): Promise<void>;
  /** Drops a block; the later ones move up. Unknown ids are ignored. */
  unload(blockId: string): Promise<void>;
  /**
   * One score per chunk, in block order then chunk order, in units of cosine summed over query rows.
   * With a selection (strictly ascending positions in that order): one score per selected chunk, and the cost falls with it.
   * @throws 'invalid-argument' for another dim or a selection out of range; 'gpu-lost' when the device went away.
   */
  score(query: QueryRows, selection?: Uint32Array): Promise<Float32Array>;
  /**
   * The scores of each query, as `score` gives them one by one, in one pass over the vectors as far as the device's memory
   * allows. One selection holds for all.
   * @throws what `score` throws, for any of the queries
   */
  scoreBatch(queries: readonly QueryRows[], selection?: Uint32Array): Promise<Float32Array[]>;
  /**
   * @param chunk position in block order then chunk order
   * @param among [numTokens] 1 for each token that may win; all of them where it is left out. The score itself does
   *   not look at it: a special token may win there that has no place in the text.
   * @throws 'invalid-argument' for a position out of range or a list of another length
   */
  explain(query: QueryRows, chunk: number, among?: Uint8Array): Promise<ChunkExplanation>;
  destroy(): void;
}
