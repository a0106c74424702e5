/**
 * The MaxSim pipeline for one precision and dimension, and the query in the layout that it reads. Shared by all shards
 * and queries of a format.
 */
import { lossOf } from '../gpu/device.ts';
import { compilePipeline } from '../gpu/pipeline.ts';
import type { PreparedQuery } from './query.ts';
import { rowsPerInt32 } from './query.ts';
import { piecesPerToken } from './interleave.ts';
import type { Precision } from '../types.ts';
import type { Format } from './resident.ts';
import dot4Native from './shaders/dot4-native.wgsl?raw';
import dot4Portable from './shaders/dot4-portable.wgsl?raw';
import maxSimF32 from './shaders/maxsim-f32.wgsl?raw';
import maxSimInt8 from './shaders/maxsim-int8.wgsl?raw';

/** Query rows per dispatch: what the shader keeps in registers. */
export const blockRows = 32;

/** firstSum and three unused words, before the rows. */
const headerWords = 4;

/** What this scorer takes: no int4. */
export type GpuFormat = Format & { readonly precision: Precision };

export type PackedDot = 'auto' | 'native' | 'portable';

export interface GpuKernel {
  readonly pipeline: GPUComputePipeline;
  /** Tokens of a shard, list of chunks. */
  readonly workLayout: GPUBindGroupLayout;
  /** Sums, query block. */
  readonly callLayout: GPUBindGroupLayout;
  readonly queryUsage: GPUBufferUsageFlags;
  /** Bytes of a query block as bound, and from one block to the next. */
  readonly queryBlockBytes: number;
  readonly queryStrideBytes: number;
}

const kernels = new WeakMap<GPUDevice, Map<string, Promise<GpuKernel>>>();

/**
 * Compiled once per device and shape: a driver may take seconds.
 * @throws 'gpu-unavailable' where the device cannot run it, 'gpu-lost'
 */
export function kernelFor(device: GPUDevice, { dim, precision }: GpuFormat, packedDot: PackedDot): Promise<GpuKernel> {
  const { error: lost } = lossOf(device);
  if (lost !== null) return Promise.reject(lost);
  let known = kernels.get(device);
  if (known === undefined) kernels.set(device, (known = new Map<string, Promise<GpuKernel>>()));
  const pieces = piecesPerToken(dim, precision);
  const key = `${precision} ${pieces} ${packedDot}`;
  let kernel = known.get(key);
  if (kernel === undefined) {
    kernel = buildKernel(device, precision, pieces, packedDot);
    known.set(key, kernel);
    kernel.catch(() => known.delete(key)); // the next call tries again
  }
  return kernel;
}

async function buildKernel(
  device: GPUDevice,
  precision: Precision,
  pieces: number,
  packedDot: PackedDot,
): Promise<GpuKernel> {
  const queryBlockBytes = (headerWords + blockRows * pieces * 4) * 4;
  const inUniform = queryBlockBytes <= device.limits.maxUniformBufferBindingSize;
  const label = `maxsim ${precision}, ${pieces} pieces`;
  const visibility = GPUShaderStage.COMPUTE;
  const workLayout = device.createBindGroupLayout({
    label: `${label} work`,
    entries: [
      { binding: 0, visibility, buffer: { type: 'read-only-storage' } },
      { binding: 1, visibility, buffer: { type: 'read-only-storage' } },
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
          minBindingSize: queryBlockBytes,
        },
      },
    ],
  });
  const shader = precision === 'int8' ? `${chooseDot4(packedDot)}\n${maxSimInt8}` : maxSimF32;
  const pipeline = await compilePipeline(device, {
    label,
    code:
      `const pieces = ${pieces}u;\n` +
      (inUniform ? shader : shader.replace('var<uniform> query', 'var<storage, read> query')),
    entryPoint: 'maxSim',
    bindGroupLayouts: [workLayout, callLayout],
  });
  return {
    pipeline,
    workLayout,
    callLayout,
    queryUsage: (inUniform ? GPUBufferUsage.UNIFORM : GPUBufferUsage.STORAGE) | GPUBufferUsage.COPY_DST,
    queryBlockBytes,
    // 256 is the largest alignment of dynamic offsets that a device may ask for.
    queryStrideBytes: Math.ceil(queryBlockBytes / 256) * 256,
  };
}

export interface PackedQuery {
  readonly words: Uint32Array<ArrayBuffer>;
  /** Dispatches per shard, each with the next stride of the query buffer. */
  readonly numBlocks: number;
  /** Sums per chunk, to be added in f64: more than one where 32 bits could not hold the whole. */
  readonly numSlices: number;
}

/** [block][header, [pieces][32 rows][16 bytes]], filled up with zeros. */
export function packQueryBlocks(
  kernel: Pick<GpuKernel, 'queryStrideBytes'>,
  query: PreparedQuery,
  dim: number,
  numChunks: number,
): PackedQuery {
  const isInt8 = query.rows instanceof Int8Array;
  const numBlocks = Math.ceil(query.numRows / blockRows);
  const blocksPerSlice = isInt8 ? Math.max(1, Math.floor(rowsPerInt32(dim) / blockRows)) : numBlocks;
  const strideWords = kernel.queryStrideBytes / 4;
  const words = new Uint32Array(numBlocks * strideWords);
  const components = isInt8 ? new Int8Array(words.buffer) : new Float32Array(words.buffer);
  const perWord = isInt8 ? 4 : 1;
  const perPiece = 4 * perWord;
  for (let block = 0; block < numBlocks; block++) {
    const firstRow = block * blockRows;
    const numRows = Math.min(blockRows, query.numRows - firstRow);
    words[block * strideWords] = Math.floor(block / blocksPerSlice) * numChunks;
    const base = (block * strideWords + headerWords) * perWord;
    for (let row = 0; row < numRows; row++) {
      for (let k = 0; k < dim; k++) {
        const piece = Math.floor(k / perPiece);
        components[base + (piece * blockRows + row) * perPiece + (k % perPiece)] =
          query.rows[(firstRow + row) * dim + k]!;
      }
    }
  }
  return { words, numBlocks, numSlices: Math.ceil(numBlocks / blocksPerSlice) };
}

function chooseDot4(choice: PackedDot): string {
  const native = choice === 'native' || (choice === 'auto' && hasPackedDot());
  return native ? dot4Native : dot4Portable;
}

function hasPackedDot(): boolean {
  return navigator.gpu.wgslLanguageFeatures.has('packed_4x8_integer_dot_product');
}
