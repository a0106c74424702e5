/**
 * Room in GPU buffers, counted in tiles. Blocks share a few large buffers ("shards"): a device binds only so many and
 * so large ones, and a tail of one-document blocks must not cost a buffer each. Pure; gpu-vectors.ts makes the buffers.
 */

/** Free ranges of one shard: first fit, neighbours join. */
export class FreeTiles {
  readonly capacity: number;
  /** In order, never touching each other. */
  readonly #free: { start: number; length: number }[];

  constructor(capacity: number) {
    this.capacity = capacity;
    this.#free = [{ start: 0, length: capacity }];
  }

  get isEmpty(): boolean {
    return this.#free[0]?.length === this.capacity;
  }

  /** @returns the first tile of a free range now taken, or −1 where none is long enough */
  take(length: number): number {
    const index = this.#free.findIndex((range) => range.length >= length);
    if (index < 0) return -1;
    const range = this.#free[index]!;
    const { start } = range;
    range.start += length;
    range.length -= length;
    if (range.length === 0) this.#free.splice(index, 1);
    return start;
  }

  give(start: number, length: number): void {
    const found = this.#free.findIndex((range) => range.start > start);
    const index = found < 0 ? this.#free.length : found;
    this.#free.splice(index, 0, { start, length });
    this.#join(index);
    this.#join(index - 1);
  }

  #join(index: number): void {
    const range = this.#free[index];
    const next = this.#free[index + 1];
    if (range === undefined || next?.start !== range.start + range.length) return;
    range.length += next.length;
    this.#free.splice(index + 1, 1);
  }
}

/** Consecutive chunks of a block that lie together in one shard. */
export interface ChunkRun {
  readonly firstChunk: number;
  readonly endChunk: number;
  /** Token rows within the block. */
  readonly firstToken: number;
  readonly endToken: number;
}

/**
 * Cuts a block between chunks into runs of at most `maxTokens`; a block without tokens gives none.
 * @returns undefined where one chunk alone is longer
 */
export function cutIntoRuns(offsets: Uint32Array, maxTokens: number): readonly ChunkRun[] | undefined {
  const runs: ChunkRun[] = [];
  const numChunks = offsets.length - 1;
  for (let firstChunk = 0; firstChunk < numChunks;) {
    const firstToken = offsets[firstChunk]!;
    let endChunk = firstChunk;
    while (endChunk < numChunks && offsets[endChunk + 1]! - firstToken <= maxTokens) endChunk++;
    if (endChunk === firstChunk) return undefined;
    const endToken = offsets[endChunk]!;
    if (endToken > firstToken) runs.push({ firstChunk, endChunk, firstToken, endToken });
    firstChunk = endChunk;
  }
  return runs;
}
