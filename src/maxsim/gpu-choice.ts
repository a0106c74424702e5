/**
 * Which kernel a device is given. Subgroup operations are used where the device has them and finds with them what the
 * specification finds: drivers have had them wrong.
 */
import { kernelFor, type GpuKernel, type PackedDot } from './gpu-kernel.ts';
import { toInt4Block } from './int4.ts';
import { createReferenceScorer } from './reference.ts';
import type { Format } from './resident.ts';
import type { QueryRows, Scorer, ScorerBlock } from './scorer.ts';

/** How the lanes' maxima come together: through shared memory, by subgroup operations, or by the second where it is right. */
export type Reduction = 'auto' | 'shared' | 'subgroups';

export interface KernelOptions {
  readonly packedDot: PackedDot;
  readonly reduction: Reduction;
}

/**
 * @param makeTrial a scorer that uses subgroups, to be tried and destroyed
 * @throws 'gpu-unavailable' where the device cannot run it, 'gpu-lost'
 */
export async function chooseKernel(
  device: GPUDevice,
  format: Format,
  { packedDot, reduction }: KernelOptions,
  makeTrial: () => Scorer,
): Promise<GpuKernel> {
  const subgroups =
    reduction === 'auto'
      ? device.features.has('subgroups') && (await areRight(device, format, makeTrial))
      : reduction === 'subgroups';
  return kernelFor(device, format, { packedDot, subgroups });
}

const answers = new WeakMap<GPUDevice, Map<string, Promise<boolean>>>();

/** Asked once per device and shape. */
function areRight(device: GPUDevice, format: Format, makeTrial: () => Scorer): Promise<boolean> {
  let known = answers.get(device);
  if (known === undefined) answers.set(device, (known = new Map<string, Promise<boolean>>()));
  const key = `${format.precision} ${format.dim}`;
  let answer = known.get(key);
  if (answer === undefined) {
    answer = agrees(makeTrial(), format).catch(() => false);
    known.set(key, answer);
  }
  return answer;
}

/** Fewer tokens than lanes, as many, more than a tile; the last chunk has nothing but negative products. */
const lengths = [1, 33, 32, 130, 64];
const rowCounts = [1, 32, 40];

async function agrees(trial: Scorer, format: Format): Promise<boolean> {
  const reference = createReferenceScorer();
  try {
    const block = makeBlock(format);
    const queries = rowCounts.map((numRows) => makeQuery(numRows, format.dim));
    for (const scorer of [trial, reference]) await scorer.load(block);
    const [actual, expected] = [await trial.scoreBatch(queries), await reference.scoreBatch(queries)];
    // f32 may differ in the last bits; a maximum that was missed differs in the first.
    const tolerance = format.precision === 'f32' ? 1e-3 : 0;
    return expected.every((scores, i) =>
      scores.every((score, chunk) => Math.abs(score - actual[i]![chunk]!) <= tolerance),
    );
  } finally {
    trial.destroy();
    reference.destroy();
  }
}

function makeBlock({ dim, precision, scale }: Format): ScorerBlock {
  const offsets = new Uint32Array(lengths.length + 1);
  lengths.forEach((length, chunk) => (offsets[chunk + 1] = offsets[chunk]! + length));
  const numTokens = offsets.at(-1)!;
  const components = Array.from({ length: numTokens * dim }, (_, i) => {
    const value = ((i * 7919) % 251) - 125;
    return i >= offsets.at(-2)! * dim ? -1 - Math.abs(value) : value;
  });
  const id = 'trial';
  if (precision === 'f32') {
    const vectors = Float32Array.from(components, (value) => value / 125 / dim);
    return { id, dim, precision, scale, vectors, offsets };
  }
  const int8 = { id, dim, precision: 'int8', scale, vectors: Int8Array.from(components), offsets } as const;
  return precision === 'int4' ? toInt4Block(int8) : int8;
}

/** Positive components, so that tokens of negative ones score below 0. */
function makeQuery(numRows: number, dim: number): QueryRows {
  return { rows: Float32Array.from({ length: numRows * dim }, (_, i) => (1 + ((i * 104729) % 97)) / 98), dim };
}
