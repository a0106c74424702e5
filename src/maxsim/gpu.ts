/**
 * MaxSim on WebGPU. One search, or a batch of them, is one submit and one wait, whatever the number of shards: chunk by chunk
 * the shader leaves a sum, and JavaScript turns the sums into scores. int8 and int4 sums are integers, bit-equal with reference.ts.
 */
import { gpuError, inErrorScopes } from '../gpu/scope.ts';
import { lossOf } from '../gpu/device.ts';
import { unpackInt4Rows } from '../vectors/int4.ts';
import { blockRows, packQueries, slicesOf, type GpuKernel, type PackedDot, type PackedQueries } from './gpu-kernel.ts';
import { chooseKernel, type Reduction } from './gpu-choice.ts';
import { GpuVectors, largestShardBytes, type PlacedRun } from './gpu-vectors.ts';
import { buildWork, itemsPerDispatch, itemsPerStep, offsetOf, slotsOf, type Work } from './gpu-work.ts';
import { deinterleave, tileTokens } from './interleave.ts';
import { prepareQuery, type PreparedQuery } from './query.ts';
import { explainChunk } from './reference.ts';
import { checkAmong, paddedDim, ResidentBlocks, type Format } from './resident.ts';
import type { ChunkExplanation, QueryRows, Scorer, ScorerBlock } from './scorer.ts';

export interface GpuScorerOptions {
  /** Largest buffer of vectors; the device's limit or 256 MiB unless said otherwise. */
  readonly maxShardBytes?: number;
  /** Most chunks per dispatch; the device's limit unless said otherwise. */
  readonly maxWorkgroups?: number;
  /** How bytes are multiplied: by the language's own instruction where it has one, unless said otherwise. */
  readonly packedDot?: PackedDot;
  /** How the lanes' maxima come together: by subgroups where the device has them right, unless said otherwise. */
  readonly reduction?: Reduction;
  /** Most bytes of scores that a batch brings back at once, except for a single query; 64 MiB unless said otherwise. */
  readonly maxResultBytes?: number;
}

/** A scorer, and what was chosen for it. */
export interface GpuScorer extends Scorer {
  /** Whether the loaded vectors' kernel uses subgroups. */
  readonly subgroups: boolean;
}

/** Most of a batch in one submit, so that none keeps the device for long: bytes of vectors (as int8, those of int4) times blocks of query rows. */
const submitBytes = 32 * largestShardBytes;
/** And blocks, however few the vectors: a megabyte of int8. */
const submitBlocks = 256;

/**
 * @param device stays the caller's; `destroy()` of the scorer leaves it as it was
 * @throws 'gpu-unavailable' where the device cannot run the shader, 'gpu-lost'
 */
export async function createGpuScorer(device: GPUDevice, options: GpuScorerOptions = {}): Promise<GpuScorer> {
  const scorer = new WgslScorer(device, options);
  // Whether this device can do it at all shall be known now, not at the first load.
  await scorer.kernelFor({ dim: 128, precision: 'int8', scale: 1 / 127 });
  return scorer;
}

class WgslScorer implements GpuScorer {
  readonly kind = 'webgpu';
  readonly threads = 0;
  readonly #device: GPUDevice;
  readonly #options: GpuScorerOptions;
  readonly #maxItems: number;
  readonly #vectors: GpuVectors;
  readonly #resident = new ResidentBlocks<readonly PlacedRun[]>();
  /** Of the loaded blocks' format. */
  #kernel: GpuKernel | undefined;
  /** The list of all chunks, until a block comes or goes. */
  #allWork: Work | undefined;
  /** Loads, unloads and batches in parts, one after the other. */
  #changes: Promise<unknown> = Promise.resolve();

  constructor(device: GPUDevice, options: GpuScorerOptions) {
    this.#device = device;
    this.#options = options;
    const { maxShardBytes, maxWorkgroups = Infinity } = options;
    this.#maxItems = itemsPerDispatch(Math.min(maxWorkgroups, device.limits.maxComputeWorkgroupsPerDimension));
    this.#vectors = new GpuVectors(device, maxShardBytes);
    lossOf(device); // from now on the loss is known at once
  }

  get subgroups(): boolean {
    return this.#kernel?.subgroups ?? false;
  }

  get blocks(): Scorer['blocks'] {
    return this.#resident.summary;
  }

  get residentBytes(): number {
    return this.#vectors.usedBytes;
  }

  load(block: ScorerBlock): Promise<void> {
    return this.#change(async () => {
      this.#resident.checkBlock(block);
      const kernel = await this.kernelFor(block);
      const runs = await this.#vectors.place(block);
      try {
        this.#resident.checkBlock(block); // again: the scorer may have been destroyed meanwhile
      } catch (error) {
        this.#vectors.destroy();
        throw error;
      }
      this.#resident.append(block, runs);
      this.#kernel = kernel;
      this.#forgetWork();
    });
  }

  unload(blockId: string): Promise<void> {
    return this.#change(() => {
      const removed = this.#resident.remove(blockId);
      if (removed === undefined) return;
      this.#forgetWork();
      this.#vectors.release(removed.storage);
    });
  }

  async score(query: QueryRows, selection?: Uint32Array): Promise<Float32Array> {
    const [scores] = await this.#scoreAtOnce([query], selection);
    return scores!;
  }

  async scoreBatch(queries: readonly QueryRows[], selection?: Uint32Array): Promise<Float32Array[]> {
    this.#check(queries, selection);
    if (this.#partsOf(queries, selection).length <= 1) return this.#scoreAtOnce(queries, selection);
    return this.#change(async () => {
      const scores: Float32Array[] = [];
      for (const part of this.#partsOf(queries, selection)) scores.push(...(await this.#scoreAtOnce(part, selection)));
      return scores;
    });
  }

  /** Reads the one chunk back: keeping a copy of all vectors beside the GPU's would double the memory. */
  async explain(query: QueryRows, chunk: number, among?: Uint8Array): Promise<ChunkExplanation> {
    this.#resident.checkQuery(query);
    const { block, chunk: local } = this.#resident.locate(chunk);
    const format = this.#resident.format!;
    const prepared = prepareQuery(query, format);
    const stride = paddedDim(format.dim);
    const shape = { firstToken: 0, numTokens: 0, dim: format.dim, stride };
    const slots = slotsOf(block, local);
    if (slots === undefined) return explainChunk(prepared, new Int8Array(0), shape, among);

    const { run, firstSlot, numTokens } = slots;
    checkAmong(among, numTokens);
    const firstTile = Math.floor(firstSlot / tileTokens);
    const numTiles = Math.ceil((firstSlot + numTokens) / tileTokens) - firstTile;
    const { tileBytes } = run.shard;
    const words = await this.#readBack('reading a passage', numTiles * tileBytes, (_own, target) => {
      const encoder = this.#device.createCommandEncoder({ label: 'maxsim explain' });
      encoder.copyBufferToBuffer(run.shard.buffer, firstTile * tileBytes, target, 0, numTiles * tileBytes);
      this.#device.queue.submit([encoder.finish()]);
    });
    const rows = deinterleave(new Uint32Array(words), format, firstSlot - firstTile * tileTokens, numTokens);
    const vectors = rows instanceof Uint8Array ? unpackInt4Rows(rows, stride, 0, numTokens) : rows;
    return explainChunk(prepared, vectors, { ...shape, numTokens }, among);
  }

  destroy(): void {
    this.#resident.destroy();
    this.#forgetWork();
    this.#vectors.destroy();
  }

  /** @throws what `load` throws for blocks that this device cannot score */
  kernelFor(format: Format): Promise<GpuKernel> {
    const { packedDot = 'auto', reduction = 'auto' } = this.#options;
    const makeTrial = (): Scorer => new WgslScorer(this.#device, { packedDot, reduction: 'subgroups' });
    return chooseKernel(this.#device, format, { packedDot, reduction }, makeTrial);
  }

  #check(queries: readonly QueryRows[], selection: Uint32Array | undefined): void {
    for (const query of queries) this.#resident.checkQuery(query);
    this.#resident.checkSelection(selection);
  }

  /** Cut such that neither the sums nor the time of a submit grow with the batch. */
  #partsOf(queries: readonly QueryRows[], selection: Uint32Array | undefined): QueryRows[][] {
    const { numChunks } = this.#resident;
    const precision = this.#resident.format?.precision ?? 'int8';
    const length = selection?.length ?? numChunks;
    if (length === 0) return [[...queries]]; // all were unloaded while it waited, or nothing was selected
    const mostSlices = (this.#options.maxResultBytes ?? 64 * 2 ** 20) / (4 * length);
    const unpackedBytes = this.#vectors.usedBytes * (precision === 'int4' ? 2 : 1);
    const mostBlocks = Math.min(submitBlocks, submitBytes / (unpackedBytes * (length / numChunks)));
    const parts: QueryRows[][] = [];
    let [slices, blocks] = [0, 0]; // of the last part
    for (const query of queries) {
      const numRows = query.rows.length / query.dim;
      const [ownSlices, ownBlocks] = [slicesOf(numRows, query.dim, precision), Math.ceil(numRows / blockRows)];
      if (parts.length === 0 || slices + ownSlices > mostSlices || blocks + ownBlocks > mostBlocks) {
        parts.push([]);
        [slices, blocks] = [0, 0];
      }
      parts.at(-1)!.push(query);
      slices += ownSlices;
      blocks += ownBlocks;
    }
    return parts;
  }

  /** In one submit; what is loaded is looked at before anything is awaited. */
  async #scoreAtOnce(queries: readonly QueryRows[], selection: Uint32Array | undefined): Promise<Float32Array[]> {
    this.#check(queries, selection);
    const length = selection?.length ?? this.#resident.numChunks;
    const { format } = this.#resident;
    const kernel = this.#kernel;
    if (format === undefined || kernel === undefined || length === 0 || queries.length === 0) {
      return queries.map(() => new Float32Array(length));
    }
    const prepared = queries.map((query) => prepareQuery(query, format));
    const packed = packQueries(kernel, prepared, format.dim, length);
    const numSlices = packed.firstSlices.at(-1)!;
    const words = await this.#readBack('a search', numSlices * length * 4, (own, target) => {
      this.#dispatch(kernel, this.#workFor(kernel, selection, own), packed, own, target);
    });
    const sums = format.precision === 'f32' ? new Float32Array(words) : new Int32Array(words);
    return prepared.map((query, i) =>
      toScores(query, sums, packed.firstSlices[i]!, packed.firstSlices[i + 1]!, length),
    );
  }

  /** Encodes and submits all dispatches and the copy of their sums into `target`. */
  #dispatch(kernel: GpuKernel, work: Work, queries: PackedQueries, own: Own, target: GPUBuffer): void {
    const device = this.#device;
    const size = target.size;
    // A new buffer is all zeros: chunks without tokens keep the sum 0.
    const sums = own(
      device.createBuffer({
        label: 'maxsim sums',
        size,
        usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC,
      }),
    );
    const blocks = own(
      device.createBuffer({ label: 'maxsim queries', size: queries.bufferBytes, usage: kernel.queryUsage }),
    );
    device.queue.writeBuffer(blocks, 0, queries.words);
    const call = device.createBindGroup({
      label: 'maxsim call',
      layout: kernel.callLayout,
      entries: [
        { binding: 0, resource: { buffer: sums } },
        { binding: 1, resource: { buffer: blocks, size: kernel.queryGroupBytes } },
      ],
    });
    const encoder = device.createCommandEncoder({ label: 'maxsim search' });
    const pass = encoder.beginComputePass({ label: 'maxsim search' });
    pass.setPipeline(kernel.pipeline);
    for (const shard of work.shards) {
      for (const { offset, numBlocks } of queries.groups) {
        pass.setBindGroup(1, call, [offset]);
        const step = itemsPerStep(shard, numBlocks, this.#maxItems);
        for (let first = 0; first < shard.numItems; first += step) {
          pass.setBindGroup(0, shard.group, [offsetOf(first)]);
          pass.dispatchWorkgroups(numBlocks, Math.min(step, shard.numItems - first));
        }
      }
    }
    pass.end();
    encoder.copyBufferToBuffer(sums, 0, target, 0, size);
    device.queue.submit([encoder.finish()]);
  }

  #workFor(kernel: GpuKernel, selection: Uint32Array | undefined, own: Own): Work {
    const build = () => buildWork(this.#device, kernel, this.#resident, this.#maxItems, selection);
    return selection === undefined ? (this.#allWork ??= build()) : own(build());
  }

  /**
   * Runs GPU calls that fill a buffer, and reads it. Everything handed to `own` is destroyed, come what may.
   * @param submit must not await
   */
  async #readBack(what: string, bytes: number, submit: (own: Own, target: GPUBuffer) => void): Promise<ArrayBuffer> {
    const owned: { destroy(): void }[] = [];
    const own: Own = (thing) => {
      owned.push(thing);
      return thing;
    };
    try {
      const { target, mapped } = await inErrorScopes(this.#device, what, () => {
        const target = own(
          this.#device.createBuffer({
            label: 'maxsim result',
            size: bytes,
            usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
          }),
        );
        submit(own, target);
        const mapped = target.mapAsync(GPUMapMode.READ);
        mapped.catch(() => undefined); // awaited below, unless the scopes had something to say
        return { target, mapped };
      });
      await mapped;
      return target.getMappedRange().slice(0);
    } catch (cause) {
      // A list that was built on a failing device is not to be trusted.
      this.#forgetWork();
      throw await gpuError(this.#device, what, cause);
    } finally {
      for (const thing of owned) thing.destroy();
    }
  }

  #forgetWork(): void {
    this.#allWork?.destroy();
    this.#allWork = undefined;
  }

  #change<T>(work: () => Promise<T> | T): Promise<T> {
    const done = this.#changes.then(work);
    this.#changes = done.catch(() => undefined); // one failure does not stop the next
    return done;
  }
}

/** @param sums [slices][numChunks], of which those from `first` to `end` are the query's */
function toScores(
  query: PreparedQuery,
  sums: Int32Array | Float32Array,
  first: number,
  end: number,
  numChunks: number,
): Float32Array {
  const scores = new Float32Array(numChunks);
  for (let chunk = 0; chunk < numChunks; chunk++) {
    let sum = 0;
    for (let slice = first; slice < end; slice++) sum += sums[slice * numChunks + chunk]!;
    scores[chunk] = query.toScore(sum);
  }
  return scores;
}

/** Takes over what must be destroyed. */
type Own = <T extends { destroy(): void }>(thing: T) => T;
