import { expect, test } from 'vitest';
import type { WeightsFile } from '../colbert/session-api.ts';
import { halfWeights } from './half-weights.ts';
import { halfFile } from './quantize/half-graph.ts';
import { quantize, readFixture } from './quantize/testing/models.ts';

const { result } = await quantize(readFixture('xlmr-rotary-dynamo-18'));
const [[path, bytes]] = Object.entries(result.files) as [[string, Uint8Array]];

function halvesOf(file: Uint8Array | WeightsFile): WeightsFile {
  const { external, half } = halfWeights({ graph: result.graph, external: [{ path, bytes: file }] })!;
  expect(half).toBe(true);
  return external.find((one) => one.path === halfFile)!.bytes as WeightsFile;
}

test('halves are made of the floats that are asked for, any range of them', () => {
  const reads: number[] = [];
  const lazily = halvesOf({
    size: bytes.length,
    readSync(offset, length) {
      reads.push(length);
      return bytes.slice(offset, offset + length);
    },
  });
  expect(reads).toEqual([]); // none before it is asked
  const whole = halvesOf(bytes).readSync(0, lazily.size);
  expect(new Set(whole).size).toBeGreaterThan(100);
  for (const [offset, length] of [
    [0, 2],
    [6, 10],
    [1, 1],
    [3, lazily.size - 8],
    [lazily.size - 7, 7],
  ] as const) {
    reads.length = 0;
    expect(lazily.readSync(offset, length)).toEqual(whole.slice(offset, offset + length));
    expect(reads.reduce((sum, read) => sum + read, 0)).toBeLessThanOrEqual(2 * length + 8);
  }
});

test('weights that are not where the graph says are an error', () => {
  const { external } = halfWeights({ graph: result.graph, external: [] })!;
  const read = () => (external[0]!.bytes as WeightsFile).readSync(0, 2);
  expect(read).toThrow(`The graph's weights should lie in ${path}, which is not there.`);
});
