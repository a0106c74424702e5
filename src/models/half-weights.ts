/** Stored weights → those of a session that computes in fp16, with no second copy of them: neither on disk nor in memory. */
import type { ExternalWeights, ModelWeights, WeightsFile } from '../colbert/session-api.ts';
import { LateralError } from '../errors.ts';
import { aligned, narrowFloat } from './quantize/half.ts';
import { halfFile, halveGraph, maskLimit, type HalfTensor } from './quantize/half-graph.ts';

/**
 * The packed weights are read where they lie, as before; scales and biases become halves as they are read.
 * @returns null where nothing of the graph can be computed so
 * @throws 'model-invalid'
 */
export function halfWeights({ graph, external }: ModelWeights): ModelWeights | null {
  const halved = halveGraph(graph);
  if (halved === null) return null;
  const files = halved.tensors.length === 0 ? [] : [{ path: halfFile, bytes: fileOfHalves(halved.tensors, external) }];
  return { graph: halved.graph, external: [...external, ...files], half: true };
}

interface Placed extends HalfTensor {
  /** Bytes, in the file of halves. */
  readonly at: number;
}

function fileOfHalves(tensors: readonly HalfTensor[], external: readonly ExternalWeights[]): WeightsFile {
  const placed: Placed[] = [];
  let size = 0;
  for (const tensor of tensors) {
    placed.push({ ...tensor, at: size });
    size += 2 * tensor.count;
  }
  return {
    size,
    readSync(offset, length) {
      const out = new Uint8Array(length);
      for (const { location, offset: start, count, at } of placed) {
        const from = Math.max(offset, at);
        const to = Math.min(offset + length, at + 2 * count);
        if (from >= to) continue;
        // Whole values, also where the range begins or ends within one.
        const first = Math.floor((from - at) / 2);
        const last = Math.ceil((to - at) / 2);
        const floats = aligned(readPart(external, location, start + 4 * first, 4 * (last - first)), Float32Array);
        const halves = new Uint8Array(narrowFloat(floats, maskLimit).buffer);
        out.set(halves.subarray(from - at - 2 * first, to - at - 2 * first), from - offset);
      }
      return out;
    },
  };
}

function readPart(external: readonly ExternalWeights[], location: string, offset: number, length: number): Uint8Array {
  const file = external.find(({ path }) => path === location);
  if (file === undefined) {
    throw new LateralError('model-invalid', `The graph's weights should lie in ${location}, which is not there.`);
  }
  const { bytes } = file;
  return bytes instanceof Uint8Array ? bytes.subarray(offset, offset + length) : bytes.readSync(offset, length);
}
