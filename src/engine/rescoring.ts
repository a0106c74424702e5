/**
 * Exact scores where four bits a component are searched: the best passages by those get the scores of their int8 rows, which are
 * read from the store for each search. What a search shows is then what an index held in int8 shows, to the bit.
 */
import { LateralError, toLateralError } from '../errors.ts';
import { createReferenceScorer } from '../maxsim/reference.ts';
import type { ChunkExplanation, QueryRows, Scorer } from '../maxsim/scorer.ts';
import { createWasmScorer } from '../maxsim/wasm.ts';
import { topK } from '../ranking/top-k.ts';
import type { IndexStore } from '../store/index-store.ts';
import type { Fingerprint } from '../types.ts';
import { isSameShape } from '../vectors/narrow.ts';
import type { ResidentIndex, StoredPlace } from './resident.ts';

/** Rows of passages, by position. */
export type PassageRows = ReadonlyMap<number, Int8Array>;

export interface Rescorer {
  /** Rows kept for the next search, and room to score some. */
  readonly heldBytes: number;
  /** @returns one exact score per position, in the order given. @throws UnreadableRows */
  score(query: QueryRows, positions: readonly number[]): Promise<Float32Array>;
  /** Int8 rows of passages. @throws UnreadableRows */
  read(positions: readonly number[]): Promise<PassageRows>;
  /** As the scorer's own `explain`, of one of these passages. */
  explain(query: QueryRows, rows: Int8Array, among?: Uint8Array): Promise<ChunkExplanation>;
  destroy(): void;
}

/** Rows of a loaded block that are no longer there, or no longer right. */
export class UnreadableRows extends Error {
  readonly blockId: string;
  readonly damaged: boolean;

  constructor(blockId: string, cause: LateralError) {
    super(`Rows of block ${blockId} cannot be read.`, { cause });
    this.blockId = blockId;
    this.damaged = cause.code === 'storage-corrupt';
  }
}

/** Rows kept at most, least recently read first to go: those of the last searches, since who types asks for much the same again. */
const maxKeptBytes = 16 * 2 ** 20;

/** Rows that are scored at a time, which bounds what that takes whatever k is. */
const maxScoredBytes = 8 * 2 ** 20;

/** Blocks that rows are read of at a time. A block that must be read whole is read alone, for all of its bytes are then in memory. */
const maxBlocksAtOnce = 4;

/**
 * How many passages get exact scores where `depth` are asked for, for k hits: ten times as deep as the deepest rank by four bits
 * that any of the ten best had on the sets it was measured on (docs/performance.md), and never less than are fused with words
 * (`fusionDepth`).
 */
export function passagesToRescore(depth: number, k: number): number {
  return Math.min(maxRescored, Math.max(depth, 3 * k));
}

/** Reading more takes seconds; who asks for that many passages gets the others by their scores in four bits. */
const maxRescored = 4000;

export interface ScoredPosition {
  readonly position: number;
  readonly score: number;
}

/**
 * A ranking by coarse scores whose head is by exact ones. A passage that was not rescored is below all that were, and is said to
 * be no better than they.
 * @param coarse one per selected passage
 * @param positionOf of the i-th of them
 * @param score exact scores of positions
 * @returns the best `depth` of them, equal scores by ascending position
 */
export function createExactRanking(
  coarse: Float32Array,
  positionOf: (i: number) => number,
  score: (positions: readonly number[]) => Promise<Float32Array>,
  k: number,
): (depth: number) => Promise<ScoredPosition[]> {
  const exact = new Map<number, number>();
  return async (depth) => {
    const count = passagesToRescore(depth, k);
    const order = topK(coarse, Math.max(count, depth)); // indices ascend as positions do
    const head = order.slice(0, count).map(positionOf);
    const missing = head.filter((position) => !exact.has(position));
    const scores = missing.length === 0 ? [] : await score(missing);
    missing.forEach((position, i) => exact.set(position, scores[i]!));
    const ranked = head
      .map((position) => ({ position, score: exact.get(position)! }))
      .sort((a, b) => b.score - a.score || a.position - b.position);
    const lowest = ranked.at(-1)?.score ?? Infinity;
    for (const i of order.slice(count)) {
      ranked.push({ position: positionOf(i), score: Math.min(lowest, coarse[i]!) });
    }
    return ranked.slice(0, depth);
  };
}

/**
 * @param fingerprint of the index, which is int8
 * @param openScorer makes the one that the best are scored by; where it fails, the reference takes its place
 */
export function createRescorer(
  store: Pick<IndexStore, 'rows'>,
  resident: Pick<ResidentIndex, 'storedPlace'>,
  fingerprint: Fingerprint,
  openScorer: () => Promise<Scorer> = createWasmScorer,
): Rescorer {
  const { dim, scale } = fingerprint;
  const kept = new KeptRows();
  let scorer: Promise<Scorer> | null = null;
  let scoredBytes = 0; // WebAssembly's memory does not shrink

  async function read(positions: readonly number[]): Promise<PassageRows> {
    const found = new Map<number, Int8Array>();
    const missing = new Map<string, Wanted[]>(); // by block
    for (const position of [...positions].sort((a, b) => a - b)) {
      const place = resident.storedPlace(position);
      const rows = kept.get(place);
      if (rows !== undefined) found.set(position, rows);
      else if (!missing.has(place.blockId)) missing.set(place.blockId, [{ position, place }]);
      else missing.get(place.blockId)!.push({ position, place });
    }
    const readOf = async ([blockId, passages]: [string, readonly Wanted[]]): Promise<void> => {
      const vectors = await readRows(
        blockId,
        passages.map(({ place }) => place.range),
      );
      let at = 0;
      for (const { position, place } of passages) {
        const { first, end } = place.range;
        const rows = vectors.slice(at, (at += (end - first) * dim));
        found.set(position, rows);
        kept.keep(place, rows);
      }
    };
    const blocks = [...missing];
    const isWholeOnly = ([, [first]]: (typeof blocks)[number]): boolean => first!.place.wholeOnly;
    await forEach(blocks.filter(isWholeOnly), 1, readOf);
    await forEach(
      blocks.filter((block) => !isWholeOnly(block)),
      maxBlocksAtOnce,
      readOf,
    );
    return found;
  }

  async function readRows(blockId: string, ranges: StoredPlace['range'][]): Promise<Int8Array> {
    try {
      const rows = await store.rows(blockId, ranges);
      if (isSameShape(rows, fingerprint)) return rows.vectors as Int8Array;
      throw new LateralError('not-found', 'Another tab has changed the vectors.');
    } catch (thrown) {
      const error = toLateralError(thrown);
      if (error.code === 'not-found' || error.code === 'storage-corrupt') throw new UnreadableRows(blockId, error);
      throw error;
    }
  }

  /** Runs work on a scorer that has these passages' rows and no others. */
  async function withLoaded<T>(passages: readonly Int8Array[], work: (scorer: Scorer) => Promise<T>): Promise<T> {
    const offsets = new Uint32Array(passages.length + 1);
    passages.forEach((rows, i) => (offsets[i + 1] = offsets[i]! + rows.length / dim));
    const vectors = new Int8Array(offsets.at(-1)! * dim);
    passages.forEach((rows, i) => vectors.set(rows, offsets[i]! * dim));
    scoredBytes = Math.max(scoredBytes, vectors.length);
    const on = async (ready: Scorer): Promise<T> => {
      await ready.load({ id: 'best', dim, precision: 'int8', scale, vectors, offsets });
      try {
        return await work(ready);
      } finally {
        await ready.unload('best');
      }
    };
    try {
      return await on(await (scorer ??= openScorer().catch(createReferenceScorer)));
    } catch (error) {
      if (toLateralError(error).code !== 'out-of-memory') throw error;
      // The memory that WebAssembly may have is full; what JavaScript needs for so few rows is there.
      const reference = createReferenceScorer();
      return on(reference).finally(() => reference.destroy());
    }
  }

  return {
    get heldBytes() {
      return kept.bytes + scoredBytes;
    },

    read,

    async score(query, positions) {
      const scores = new Map<number, number>();
      for (const some of inPortions(positions, (position) => sizeOf(resident.storedPlace(position)) * dim)) {
        const rows = await read(some);
        const exact = await withLoaded(
          some.map((position) => rows.get(position)!),
          (ready) => ready.score(query),
        );
        some.forEach((position, i) => scores.set(position, exact[i]!));
      }
      return Float32Array.from(positions, (position) => scores.get(position)!);
    },

    explain: (query, rows, among) => withLoaded([rows], (ready) => ready.explain(query, 0, among)),

    destroy() {
      scorer?.then((ready) => ready.destroy()).catch(() => undefined);
      kept.clear();
    },
  };
}

interface Wanted {
  readonly position: number;
  readonly place: StoredPlace;
}

/** Some at a time. After the first failure no other is begun, and those that were are waited for. @throws what that was */
async function forEach<T>(items: readonly T[], atOnce: number, work: (item: T) => Promise<void>): Promise<void> {
  const left = items.values();
  let failed = false;
  const next = async (): Promise<void> => {
    for (const item of left) {
      if (failed) return;
      await work(item).catch((error: unknown) => {
        failed = true;
        throw error;
      });
    }
  };
  const workers = await Promise.allSettled(Array.from({ length: Math.min(atOnce, items.length) }, next));
  for (const outcome of workers) if (outcome.status === 'rejected') throw outcome.reason;
}

const sizeOf = ({ range }: StoredPlace): number => range.end - range.first;

/** In ascending order, so that passages that lie together are read together; at least one at a time. */
function* inPortions(positions: readonly number[], bytesOf: (position: number) => number): Generator<number[]> {
  let portion: number[] = [];
  let bytes = 0;
  for (const position of [...positions].sort((a, b) => a - b)) {
    const own = bytesOf(position);
    if (portion.length > 0 && bytes + own > maxScoredBytes) {
      yield portion;
      portion = [];
      bytes = 0;
    }
    portion.push(position);
    bytes += own;
  }
  if (portion.length > 0) yield portion;
}

/** A block's rows never change while it is there, and its id is never used again. */
class KeptRows {
  /** Least recently read first. */
  readonly #rows = new Map<string, Int8Array>();
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  get(place: StoredPlace): Int8Array | undefined {
    const key = keyOf(place);
    const rows = this.#rows.get(key);
    if (rows === undefined) return undefined;
    this.#rows.delete(key);
    this.#rows.set(key, rows);
    return rows;
  }

  keep(place: StoredPlace, rows: Int8Array): void {
    this.#rows.set(keyOf(place), rows);
    this.#bytes += rows.length;
    for (const [oldest, { length }] of this.#rows) {
      if (this.#bytes <= maxKeptBytes) break;
      this.#rows.delete(oldest);
      this.#bytes -= length;
    }
  }

  clear(): void {
    this.#rows.clear();
    this.#bytes = 0;
  }
}

const keyOf = ({ blockId, range }: StoredPlace): string => `${blockId} ${range.first} ${range.end}`;
