/**
 * Token vectors in GPU memory: a few large buffers ("shards") that grow in number and size with what they hold. Who
 * places a block releases it; an empty shard is destroyed at once.
 */
import { LateralError } from '../errors.ts';
import { inErrorScopes } from '../gpu/scope.ts';
import { cutIntoRuns, FreeTiles, type ChunkRun } from './gpu-allocator.ts';
import { interleave, tileBytes, tileTokens } from './interleave.ts';
import type { ScorerBlock } from './scorer.ts';

/** A run of chunks and where it lies. */
export interface PlacedRun extends ChunkRun {
  readonly shard: Shard;
  readonly firstTile: number;
  readonly numTiles: number;
}

export interface Shard {
  readonly buffer: GPUBuffer;
  readonly tileBytes: number;
  readonly tiles: FreeTiles;
}

/** A shard is never larger, so that one dispatch stays short on slow devices too: 2 million tokens of 128 int8. */
export const largestShardBytes = 256 * 2 ** 20;
const smallestShardBytes = 4 * 2 ** 20;
/** Left free on the device, for the buffers of a search and for whoever else computes there. */
const spareBytes = 64 * 2 ** 20;
/** Interleaved and handed over in pieces, so that a large block is not held twice. */
const uploadBytes = 4 * 2 ** 20;

export class GpuVectors {
  readonly #device: GPUDevice;
  readonly #maxShardBytes: number;
  readonly #shards: Shard[] = [];
  #usedBytes = 0;

  /** @param maxShardBytes at most what the device can bind, which is also the default */
  constructor(device: GPUDevice, maxShardBytes = largestShardBytes) {
    this.#device = device;
    const { maxStorageBufferBindingSize, maxBufferSize } = device.limits;
    this.#maxShardBytes = Math.min(maxShardBytes, maxStorageBufferBindingSize, maxBufferSize);
  }

  get shards(): readonly Shard[] {
    return this.#shards;
  }

  /** Of tiles in use. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /**
   * Copies a block's vectors to the device.
   * @returns its runs in chunk order; chunks without tokens may lie in none
   * @throws 'out-of-memory', 'gpu-lost'; nothing is kept then
   */
  async place(block: ScorerBlock): Promise<readonly PlacedRun[]> {
    const { offsets, id } = block;
    const bytes = tileBytes(block);
    const maxTiles = Math.floor(this.#maxShardBytes / bytes);
    const runs = cutIntoRuns(offsets, maxTiles * tileTokens);
    if (runs === undefined) {
      throw new LateralError(
        'out-of-memory',
        `Block '${id}' has a chunk that is larger than the ${this.#maxShardBytes} bytes this device can bind at once. Cut it into smaller chunks.`,
        { details: { limitBytes: this.#maxShardBytes } },
      );
    }
    const placed: PlacedRun[] = [];
    try {
      for (const run of runs) {
        const numTiles = Math.ceil((run.endToken - run.firstToken) / tileTokens);
        const { shard, firstTile } = await this.#take(numTiles, bytes, maxTiles);
        placed.push({ ...run, shard, firstTile, numTiles });
      }
      await inErrorScopes(this.#device, `the upload of block '${id}'`, () => {
        for (const run of placed) this.#upload(run, block);
      });
      return placed;
    } catch (error) {
      this.release(placed);
      throw error;
    }
  }

  release(runs: readonly PlacedRun[]): void {
    for (const { shard, firstTile, numTiles } of runs) {
      if (!this.#shards.includes(shard)) continue; // destroyed meanwhile
      shard.tiles.give(firstTile, numTiles);
      this.#usedBytes -= numTiles * shard.tileBytes;
      if (!shard.tiles.isEmpty) continue;
      shard.buffer.destroy(); // after what was submitted has run
      this.#shards.splice(this.#shards.indexOf(shard), 1);
    }
  }

  destroy(): void {
    for (const { buffer } of this.#shards) buffer.destroy();
    this.#shards.length = 0;
    this.#usedBytes = 0;
  }

  async #take(numTiles: number, bytes: number, maxTiles: number): Promise<{ shard: Shard; firstTile: number }> {
    for (const shard of this.#shards) {
      const firstTile = shard.tiles.take(numTiles);
      if (firstTile >= 0) return this.#taken(shard, firstTile, numTiles);
    }
    // A quarter of what there is, so that shards stay few and little lies idle; no more than needed if that is not there.
    const held = this.#shards.reduce((tiles, shard) => tiles + shard.tiles.capacity, 0);
    const wished = Math.min(maxTiles, Math.max(numTiles, Math.ceil(held / 4), Math.floor(smallestShardBytes / bytes)));
    const shard = await this.#makeShard(wished, bytes).catch((error: unknown) => {
      const canTrySmaller = error instanceof LateralError && error.code === 'out-of-memory' && wished > numTiles;
      if (!canTrySmaller) throw error;
      return this.#makeShard(numTiles, bytes);
    });
    this.#shards.push(shard);
    return this.#taken(shard, shard.tiles.take(numTiles), numTiles);
  }

  #taken(shard: Shard, firstTile: number, numTiles: number): { shard: Shard; firstTile: number } {
    this.#usedBytes += numTiles * shard.tileBytes;
    return { shard, firstTile };
  }

  async #makeShard(capacity: number, bytes: number): Promise<Shard> {
    const size = capacity * bytes;
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
    const buffer = await inErrorScopes(this.#device, `${size} bytes of vectors`, () => {
      const shard = this.#device.createBuffer({ label: 'maxsim shard', size, usage });
      const spare = Math.min(spareBytes, this.#device.limits.maxBufferSize);
      this.#device.createBuffer({ label: 'maxsim spare', size: spare, usage }).destroy();
      return shard;
    });
    return { buffer, tileBytes: bytes, tiles: new FreeTiles(capacity) };
  }

  #upload(run: PlacedRun, block: ScorerBlock): void {
    const { shard, firstTile, firstToken, endToken } = run;
    const step = Math.max(1, Math.floor(uploadBytes / shard.tileBytes)) * tileTokens;
    for (let token = firstToken; token < endToken; token += step) {
      const words = interleave(block.vectors, block, token, Math.min(token + step, endToken));
      const tile = firstTile + (token - firstToken) / tileTokens;
      this.#device.queue.writeBuffer(shard.buffer, tile * shard.tileBytes, words);
    }
  }
}
