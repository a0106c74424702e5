/**
 * MaxSim on WebGPU. One search is one submit and one wait, whatever the number of shards: chunk by chunk the shader
 * leaves a sum, and JavaScript turns the sums into scores. int8 sums are integers, bit-equal with reference.ts.
 */
import { LateralError } from '../errors.ts';
import { gpuError, inErrorScopes } from '../gpu/scope.ts';
import { lossOf } from '../gpu/device.ts';
import {
  kernelFor,
  packQueryBlocks,
  type GpuFormat,
  type GpuKernel,
  type PackedDot,
  type PackedQuery,
} from './gpu-kernel.ts';
import { GpuVectors, type PlacedRun } from './gpu-vectors.ts';
import { buildWork, itemsPerDispatch, slotsOf, type Work } from './gpu-work.ts';
import { deinterleave, piecesPerToken, tileTokens } from './interleave.ts';
import { prepareQuery } from './query.ts';
import { explainChunk } from './reference.ts';
import { checkAmong, paddedDim, ResidentBlocks } from './resident.ts';
import type { ChunkExplanation, QueryRows, Scorer, ScorerBlock } from './scorer.ts';

export interface GpuScorerOptions {
  /** Largest buffer of vectors; the device's limit or 256 MiB unless said otherwise. */
  readonly maxShardBytes?: number;
  /** Most chunks per dispatch; the device's limit unless said otherwise. */
  readonly maxWorkgroups?: number;
  /** How bytes are multiplied: by the language's own instruction where it has one, unless said otherwise. */
  readonly packedDot?: PackedDot;
}

/**
 * @param device stays the caller's; `destroy()` of the scorer leaves it as it was
 * @throws 'gpu-unavailable' where the device cannot run the shader, 'gpu-lost'
 */
export async function createGpuScorer(device: GPUDevice, options: GpuScorerOptions = {}): Promise<Scorer> {
  // Whether this device can do it at all shall be known now, not at the first load.
  await kernelFor(device, { dim: 128, precision: 'int8', scale: 1 }, options.packedDot ?? 'auto');
  return new GpuScorer(device, options);
}

class GpuScorer implements Scorer {
  readonly kind = 'webgpu';
  readonly threads = 0;
  readonly #device: GPUDevice;
  readonly #packedDot: PackedDot;
  readonly #maxItems: number;
  readonly #vectors: GpuVectors;
  readonly #resident = new ResidentBlocks<readonly PlacedRun[]>();
  /** Of the loaded blocks' format. */
  #kernel: GpuKernel | undefined;
  /** The list of all chunks, until a block comes or goes. */
  #allWork: Work | undefined;
  /** Loads and unloads, one after the other. */
  #changes: Promise<unknown> = Promise.resolve();

  constructor(device: GPUDevice, { maxShardBytes, maxWorkgroups = Infinity, packedDot = 'auto' }: GpuScorerOptions) {
    this.#device = device;
    this.#packedDot = packedDot;
    this.#maxItems = itemsPerDispatch(Math.min(maxWorkgroups, device.limits.maxComputeWorkgroupsPerDimension));
    this.#vectors = new GpuVectors(device, maxShardBytes);
    lossOf(device); // from now on the loss is known at once
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
      if (block.precision === 'int4') throw new LateralError('invalid-argument', 'int4 is for the processor.');
      const kernel = await kernelFor(this.#device, block, this.#packedDot);
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
    this.#resident.checkQuery(query);
    this.#resident.checkSelection(selection);
    const length = selection?.length ?? this.#resident.numChunks;
    const format = this.#resident.format;
    const kernel = this.#kernel;
    if (format === undefined || kernel === undefined || length === 0) return new Float32Array(length);
    const prepared = prepareQuery(query, format);
    const packed = packQueryBlocks(kernel, prepared, format.dim, length);
    const { numSlices } = packed;

    const words = await this.#readBack('a search', numSlices * length * 4, (own, target) => {
      const work = this.#workFor(kernel, selection, own);
      this.#dispatch(kernel, work, packed, own, target);
    });
    const sums = format.precision === 'int8' ? new Int32Array(words) : new Float32Array(words);
    const scores = new Float32Array(length);
    for (let chunk = 0; chunk < length; chunk++) {
      let sum = 0;
      for (let slice = 0; slice < numSlices; slice++) sum += sums[slice * length + chunk]!;
      scores[chunk] = prepared.toScore(sum);
    }
    return scores;
  }

  /** Reads the one chunk back: keeping a copy of all vectors beside the GPU's would double the memory. */
  async explain(query: QueryRows, chunk: number, among?: Uint8Array): Promise<ChunkExplanation> {
    this.#resident.checkQuery(query);
    const { block, chunk: local } = this.#resident.locate(chunk);
    const { dim, precision } = this.#resident.format as GpuFormat;
    const prepared = prepareQuery(query, this.#resident.format!);
    const shape = { firstToken: 0, numTokens: 0, dim, stride: paddedDim(dim) };
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
    const pieces = piecesPerToken(dim, precision);
    const slot = firstSlot - firstTile * tileTokens;
    const vectors = deinterleave(new Uint32Array(words), pieces, slot, numTokens, precision);
    return explainChunk(prepared, vectors, { ...shape, numTokens }, among);
  }

  destroy(): void {
    this.#resident.destroy();
    this.#forgetWork();
    this.#vectors.destroy();
  }

  /** Encodes and submits all dispatches and the copy of their sums into `target`. */
  #dispatch(kernel: GpuKernel, work: Work, query: PackedQuery, own: Own, target: GPUBuffer): void {
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
      device.createBuffer({ label: 'maxsim query', size: query.words.byteLength, usage: kernel.queryUsage }),
    );
    device.queue.writeBuffer(blocks, 0, query.words);
    const call = device.createBindGroup({
      label: 'maxsim call',
      layout: kernel.callLayout,
      entries: [
        { binding: 0, resource: { buffer: sums } },
        { binding: 1, resource: { buffer: blocks, size: kernel.queryBlockBytes } },
      ],
    });
    const encoder = device.createCommandEncoder({ label: 'maxsim search' });
    const pass = encoder.beginComputePass({ label: 'maxsim search' });
    pass.setPipeline(kernel.pipeline);
    for (const { group, numItems } of work.dispatches) {
      pass.setBindGroup(0, group);
      for (let block = 0; block < query.numBlocks; block++) {
        pass.setBindGroup(1, call, [block * kernel.queryStrideBytes]);
        pass.dispatchWorkgroups(numItems);
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

  #change(work: () => Promise<void> | void): Promise<void> {
    const done = this.#changes.then(work);
    this.#changes = done.catch(() => undefined); // one failure does not stop the next
    return done;
  }
}

/** Takes over what must be destroyed. */
type Own = <T extends { destroy(): void }>(thing: T) => T;
