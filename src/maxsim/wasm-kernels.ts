/**
 * The compiled kernels, and the layouts of the query they ask for. All kernels share one memory (wasm.ts owns it).
 * Which of the two int8 kernels is quicker depends on the processor (relaxed SIMD wins with VNNI and loses without),
 * so it is measured, not detected.
 */
import { LateralError } from '../errors.ts';
import * as f32Code from './kernels/f32.generated.ts';
import * as relaxedCode from './kernels/int8-relaxed.generated.ts';
import * as int8Code from './kernels/int8.generated.ts';

/** Query rows that one register tile holds; queries are filled up to a multiple with rows that nobody sums. */
export const rowsPerBlock = 16;

/** MaxSim of one chunk; the parameters are explained in kernels/*.as.ts. Positions are byte addresses. */
type MaxSim = (
  vectors: number,
  numTokens: number,
  dim: number,
  query: number,
  numRows: number,
  tile: number,
  maxima: number,
) => number;

export interface WasmKernel {
  readonly name: 'f32' | 'int8' | 'int8-relaxed';
  readonly maxSim: MaxSim;
  /** Components of a row that lie together in the packed query, [ceil(numRows / 16), dim / group, 16, group]. */
  readonly group: 1 | 2 | 4;
  /** Bytes of a packed component. */
  readonly componentBytes: 1 | 2 | 4;
  /** Added to each packed component; the kernel takes it out again. */
  readonly bias: 0 | 64;
}

export type Int8Choice = 'auto' | 'plain' | 'relaxed';

/** Base64 of a kernel for each kind of memory. */
interface Code {
  readonly wasmBase64: string;
  readonly sharedWasmBase64: string;
}

export interface WasmKernels {
  readonly f32: WasmKernel;
  readonly int8: WasmKernel;
  /** The same kernel over rows of four bits a component. */
  readonly int4: WasmKernel;
}

interface Int8Kernel extends WasmKernel {
  readonly maxSimInt4: MaxSim;
}

/**
 * @param memory shared by the kernels; its first `scratchBytes` are theirs to use during the choice
 * @throws 'invalid-argument' where 'relaxed' is asked for and the engine does not know relaxed SIMD
 */
export async function loadKernels(memory: WebAssembly.Memory, choice: Int8Choice): Promise<WasmKernels> {
  const f32 = await instantiate(f32Code, memory, { name: 'f32', group: 1, componentBytes: 4, bias: 0 });
  const { maxSimInt4, ...int8 } = await chooseInt8(memory, choice);
  return { f32, int8, int4: { ...int8, maxSim: maxSimInt4 } };
}

async function chooseInt8(memory: WebAssembly.Memory, choice: Int8Choice): Promise<Int8Kernel> {
  const plain = () => instantiate(int8Code, memory, { name: 'int8', group: 2, componentBytes: 2, bias: 0 });
  const relaxed = () =>
    instantiate(relaxedCode, memory, { name: 'int8-relaxed', group: 4, componentBytes: 1, bias: 64 });

  if (choice === 'plain') return plain();
  const hasRelaxed = relaxedSimdValidates();
  if (choice === 'relaxed') {
    if (!hasRelaxed) throw new LateralError('invalid-argument', 'Relaxed SIMD was asked for, but is not known here.');
    return relaxed();
  }
  if (!hasRelaxed) return plain();
  const [slow, quick] = [await plain(), await relaxed()];
  return agree(slow, quick, memory) ? quicker(slow, quick) : slow;
}

export function relaxedSimdValidates(): boolean {
  return WebAssembly.validate(bytesOf(relaxedCode.wasmBase64));
}

/**
 * Writes query rows in the kernel's layout.
 * @param rows [numRows, dim], integers for int8
 * @param at byte address in `memory`, 16-byte aligned
 * @param stride `dim` filled up to a multiple of 16
 */
export function packQuery(
  kernel: WasmKernel,
  memory: WebAssembly.Memory,
  at: number,
  rows: Int8Array | Float32Array,
  dim: number,
  stride: number,
): void {
  const numRows = rows.length / dim;
  const length = packedComponents(numRows, stride);
  const make = { 1: Uint8Array, 2: Int16Array, 4: Float32Array }[kernel.componentBytes];
  const packed = new make(memory.buffer, at, length).fill(kernel.bias);
  const { group, bias } = kernel;
  for (let row = 0; row < numRows; row++) {
    const block = Math.floor(row / rowsPerBlock) * rowsPerBlock * stride;
    const lane = (row % rowsPerBlock) * group;
    for (let k = 0; k < dim; k++) {
      const step = Math.floor(k / group) * rowsPerBlock * group;
      packed[block + step + lane + (k % group)] = rows[row * dim + k]! + bias;
    }
  }
}

/** Components of a packed query, the rows that fill it up included. */
export function packedComponents(numRows: number, stride: number): number {
  return Math.ceil(numRows / rowsPerBlock) * rowsPerBlock * stride;
}

const [vectors, query, tile, maxima] = [0, 0x8000, 0x10000, 0x18000];

/**
 * Whether the two give the same sums, before the engine has optimised anything: an engine of before the standard was settled
 * (V8 11.3, behind a flag) had them wrong until then.
 */
function agree(plain: WasmKernel, relaxed: WasmKernel, memory: WebAssembly.Memory): boolean {
  const [numTokens, dim] = [9, 128];
  const tokens = new Int8Array(memory.buffer, vectors, numTokens * dim);
  tokens.forEach((_, i) => (tokens[i] = ((i * 31) % 255) - 127));
  return [1, 19].every((numRows) => {
    const rows = Int8Array.from({ length: numRows * dim }, (_, i) => ((i * 17) % 127) - 63);
    const [one, other] = [plain, relaxed].map((kernel) => {
      packQuery(kernel, memory, query, rows, dim, dim);
      return kernel.maxSim(vectors, numTokens, dim, query, numRows, tile, maxima);
    });
    return one === other;
  });
}

/** Runs both over made-up tokens until the engine has optimised them, and compares their best runs. About 10 ms. */
function quicker(plain: Int8Kernel, relaxed: Int8Kernel): Int8Kernel {
  const [numTokens, dim, numRows] = [256, 128, 32]; // whatever lies there takes as long as anything else
  const budgetMs = 10;
  const best = new Map([plain, relaxed].map((kernel) => [kernel, Infinity]));
  const begin = performance.now();
  for (let round = 0; round < 3 || performance.now() - begin < budgetMs; round++) {
    for (const [kernel, shortest] of best) {
      const start = performance.now();
      for (let i = 0; i < 4; i++) kernel.maxSim(vectors, numTokens, dim, query, numRows, tile, maxima);
      best.set(kernel, Math.min(shortest, performance.now() - start));
    }
  }
  return best.get(relaxed)! < best.get(plain)! ? relaxed : plain;
}

async function instantiate(
  { wasmBase64, sharedWasmBase64 }: Code,
  memory: WebAssembly.Memory,
  traits: Omit<WasmKernel, 'maxSim'>,
): Promise<Int8Kernel> {
  const bytes = bytesOf(isShared(memory) ? sharedWasmBase64 : wasmBase64);
  const { instance } = await WebAssembly.instantiate(bytes, { env: { memory } });
  const { maxSim, maxSimInt4 } = instance.exports as Record<string, MaxSim>;
  return { ...traits, maxSim: maxSim!, maxSimInt4: maxSimInt4! }; // f32 has none of the second, and nobody asks for it
}

export function isShared(memory: WebAssembly.Memory): boolean {
  return typeof SharedArrayBuffer !== 'undefined' && memory.buffer instanceof SharedArrayBuffer;
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}
