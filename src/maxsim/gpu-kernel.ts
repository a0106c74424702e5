/**
 * The MaxSim pipeline for one precision and dimension, and queries in the layout that it reads. Shared by all shards
 * and queries of a format.
 */
import { lossOf } from '../gpu/device.ts';
import { compilePipeline } from '../gpu/pipeline.ts';
import type { PreparedQuery } from './query.ts';
import { rowsPerInt32 } from './query.ts';
import { piecesPerRow } from './interleave.ts';
import type { Format } from './resident.ts';
import dot4Native from './shaders/dot4-native.wgsl?raw';
import dot4Portable from './shaders/dot4-portable.wgsl?raw';
import maxSim from './shaders/maxsim.wgsl?raw';
import numbersF32 from './shaders/numbers-f32.wgsl?raw';
import numbersInt8 from './shaders/numbers-int8.wgsl?raw';
import reduceShared from './shaders/reduce-shared.wgsl?raw';
import reduceSubgroups from './shaders/reduce-subgroups.wgsl?raw';
import tokensInt4 from './shaders/tokens-int4.wgsl?raw';
import tokensWhole from './shaders/tokens-whole.wgsl?raw';

/** Query rows of a block: what the shader keeps in registers. */
export const blockRows = 32;

/** Then multiplying takes longer than reading on any graphics card, and the constants of more would not fit its caches. */
const mostBlocksPerGroup = 4;

/** A first sum for each block, before the rows. */
const headerBytes = 16;

export type PackedDot = 'auto' | 'native' | 'portable';

/** What may differ between kernels of one format; scores do not. */
export interface KernelVariant {
  readonly packedDot: PackedDot;
  /** Maxima over lanes by subgroup operations; the device must have them. */
  readonly subgroups: boolean;
}

export interface GpuKernel {
  readonly pipeline: GPUComputePipeline;
  /** Tokens of a shard, list of chunks by dynamic offset. */
  readonly workLayout: GPUBindGroupLayout;
  /** Sums, group of query blocks by dynamic offset. */
  readonly callLayout: GPUBindGroupLayout;
  readonly queryUsage: GPUBufferUsageFlags;
  /** Query blocks that a dispatch can have, each of another query. */
  readonly blocksPerGroup: number;
  readonly queryBlockBytes: number;
  /** Of a token's row as it is multiplied: int4 rows take half of it in memory, and as much time as others. */
  readonly unpackedRowBytes: number;
  /** Of a whole group, as bound. */
  readonly queryGroupBytes: number;
  readonly subgroups: boolean;
}

const kernels = new WeakMap<GPUDevice, Map<string, Promise<GpuKernel>>>();

/**
 * Compiled once per device and shape: a driver may take seconds.
 * @throws 'gpu-unavailable' where the device cannot run it, 'gpu-lost'
 */
export function kernelFor(device: GPUDevice, format: Format, variant: KernelVariant): Promise<GpuKernel> {
  const { error: lost } = lossOf(device);
  if (lost !== null) return Promise.reject(lost);
  let known = kernels.get(device);
  if (known === undefined) kernels.set(device, (known = new Map<string, Promise<GpuKernel>>()));
  const { precision } = format;
  const pieces = piecesPerRow(format);
  const key = `${precision} ${pieces} ${variant.packedDot} ${variant.subgroups}`;
  let kernel = known.get(key);
  if (kernel === undefined) {
    kernel = buildKernel(device, precision, pieces, variant);
    known.set(key, kernel);
    kernel.catch(() => known.delete(key)); // the next call tries again
  }
  return kernel;
}

async function buildKernel(
  device: GPUDevice,
  precision: Format['precision'],
  pieces: number,
  { packedDot, subgroups }: KernelVariant,
): Promise<GpuKernel> {
  const unpackedRowBytes = pieces * 16;
  const queryBlockBytes = blockRows * unpackedRowBytes;
  const uniformBlocks = Math.floor((device.limits.maxUniformBufferBindingSize - headerBytes) / queryBlockBytes);
  const inUniform = uniformBlocks >= 1;
  const blocksPerGroup = inUniform ? Math.min(uniformBlocks, mostBlocksPerGroup) : mostBlocksPerGroup;
  const queryGroupBytes = headerBytes + blocksPerGroup * queryBlockBytes;
  const label = `maxsim ${precision}, ${pieces} pieces${subgroups ? ', subgroups' : ''}`;
  const visibility = GPUShaderStage.COMPUTE;
  const workLayout = device.createBindGroupLayout({
    label: `${label} work`,
    entries: [
      { binding: 0, visibility, buffer: { type: 'read-only-storage' } },
      { binding: 1, visibility, buffer: { type: 'read-only-storage', hasDynamicOffset: true } },
    ],
  });
  const callLayout = device.createBindGroupLayout({
    label: `${label} call`,
    entries: [
      { binding: 0, visibility, buffer: { type: 'storage' } },
      {
        binding: 1,
        visibility,
        buffer: {
          type: inUniform ? 'uniform' : 'read-only-storage',
          hasDynamicOffset: true,
          minBindingSize: queryGroupBytes,
        },
      },
    ],
  });
  const pipeline = await compilePipeline(device, {
    label,
    code: [
      subgroups ? 'enable subgroups;' : '',
      `const pieces = ${pieces}u;\nconst blocksPerGroup = ${blocksPerGroup}u;`,
      ...(precision === 'f32' ? [numbersF32] : [chooseDot4(packedDot), numbersInt8]),
      precision === 'int4' ? tokensInt4 : tokensWhole,
      inUniform ? maxSim : maxSim.replace('var<uniform> queries', 'var<storage, read> queries'),
      subgroups ? reduceSubgroups : reduceShared,
    ].join('\n'),
    entryPoint: 'maxSim',
    bindGroupLayouts: [workLayout, callLayout],
  });
  return {
    pipeline,
    workLayout,
    callLayout,
    queryUsage: (inUniform ? GPUBufferUsage.UNIFORM : GPUBufferUsage.STORAGE) | GPUBufferUsage.COPY_DST,
    blocksPerGroup,
    queryBlockBytes,
    unpackedRowBytes,
    queryGroupBytes,
    subgroups,
  };
}

/** Blocks that a dispatch takes together. */
export interface QueryGroup {
  /** In the buffer. */
  readonly offset: number;
  readonly numBlocks: number;
}

export interface PackedQueries {
  readonly words: Uint32Array<ArrayBuffer>;
  /** Of the buffer that they go to: what is bound may end behind them. */
  readonly bufferBytes: number;
  readonly groups: readonly QueryGroup[];
  /** Each query's first sum per chunk; at the end how many all have together. */
  readonly firstSlices: readonly number[];
}

/**
 * Groups of [header, [block][pieces][32 rows][16 bytes]], filled up with zeros. No group has two blocks of a query, since they
 * add to the same sums: the queries' first blocks come first, then their second ones. A query's maxima are thus added in the
 * same order whatever it is searched with.
 */
export function packQueries(
  kernel: Pick<GpuKernel, 'blocksPerGroup' | 'queryBlockBytes' | 'queryGroupBytes'>,
  queries: readonly PreparedQuery[],
  dim: number,
  numChunks: number,
): PackedQueries {
  const { blocksPerGroup, queryBlockBytes, queryGroupBytes } = kernel;
  const blockCounts = queries.map(({ numRows }) => Math.ceil(numRows / blockRows));
  const firstSlices = [0];
  const precision = queries[0]?.rows instanceof Float32Array ? 'f32' : 'int8';
  for (const { numRows } of queries) firstSlices.push(firstSlices.at(-1)! + slicesOf(numRows, dim, precision));

  const groups: (QueryGroup & { readonly block: number; readonly members: readonly number[] })[] = [];
  let offset = 0;
  for (let block = 0; block < Math.max(0, ...blockCounts); block++) {
    const having = [...blockCounts.keys()].filter((query) => block < blockCounts[query]!);
    for (let first = 0; first < having.length; first += blocksPerGroup) {
      const members = having.slice(first, first + blocksPerGroup);
      groups.push({ offset, numBlocks: members.length, block, members });
      offset += alignUp(headerBytes + members.length * queryBlockBytes);
    }
  }

  const words = new Uint32Array(offset / 4);
  for (const { offset, block, members } of groups) {
    members.forEach((member, place) => {
      const query = queries[member]!;
      const slice = firstSlices[member]! + Math.floor(block / blocksPerSlice(dim, precision));
      words[offset / 4 + place] = slice * numChunks;
      packBlock(words, offset + headerBytes + place * queryBlockBytes, query, block * blockRows, dim);
    });
  }
  // The last group, too, is bound as a whole.
  const bufferBytes = (groups.at(-1)?.offset ?? 0) + queryGroupBytes;
  return { words, bufferBytes: Math.max(offset, bufferBytes), groups, firstSlices };
}

/** Sums per chunk, to be added in f64: more than one where 32 bits could not hold the whole. */
export function slicesOf(numRows: number, dim: number, precision: Format['precision']): number {
  return Math.ceil(Math.ceil(numRows / blockRows) / blocksPerSlice(dim, precision));
}

function blocksPerSlice(dim: number, precision: Format['precision']): number {
  return precision === 'f32' ? Number.MAX_SAFE_INTEGER : Math.max(1, Math.floor(rowsPerInt32(dim) / blockRows));
}

/** @param at the block's first byte */
function packBlock(
  words: Uint32Array,
  at: number,
  { rows, numRows }: PreparedQuery,
  firstRow: number,
  dim: number,
): void {
  const isInt8 = rows instanceof Int8Array;
  const components = isInt8 ? new Int8Array(words.buffer, at) : new Float32Array(words.buffer, at);
  const perPiece = isInt8 ? 16 : 4;
  for (let row = 0; row < Math.min(blockRows, numRows - firstRow); row++) {
    for (let k = 0; k < dim; k++) {
      const piece = Math.floor(k / perPiece);
      components[(piece * blockRows + row) * perPiece + (k % perPiece)] = rows[(firstRow + row) * dim + k]!;
    }
  }
}

/** 256 is the largest alignment of dynamic offsets that a device may ask for. */
function alignUp(bytes: number): number {
  return Math.ceil(bytes / 256) * 256;
}

function chooseDot4(choice: PackedDot): string {
  const native = choice === 'native' || (choice === 'auto' && hasPackedDot());
  return native ? dot4Native : dot4Portable;
}

function hasPackedDot(): boolean {
  return navigator.gpu.wgslLanguageFeatures.has('packed_4x8_integer_dot_product');
}
