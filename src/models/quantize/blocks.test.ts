import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { quantizeBlocks, quantizeRows4, quantizeRows8, transpose, type Bits } from './blocks.ts';
import { fixtures } from './testing/models.ts';

interface Case {
  name: string;
  /** [K, N] */
  shape: [number, number];
  weight: string;
  matmul: { bits: Bits; symmetric: boolean; packed: string; scales: string; zeroPoints: string }[];
  rows4?: { packed: string; scales: string };
  rows8: { packed: string; scales: string };
}

const { cases } = JSON.parse(readFileSync(join(fixtures, 'blocks.json'), 'utf8')) as { cases: Case[] };

function hex(bytes: Uint8Array | Float32Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

/** [N, K], as the functions take it. */
function weightOf({ weight, shape }: Case): Float32Array {
  const bytes = Uint8Array.from(Buffer.from(weight, 'hex'));
  return transpose(new Float32Array(bytes.buffer), ...shape);
}

describe.each(cases)("bit for bit what ONNX Runtime's own quantisers make of a $name matrix", (example) => {
  const [width, rows] = example.shape;
  const values = weightOf(example);

  it.each(example.matmul)('MatMulNBits, $bits bits, symmetric: $symmetric', ({ bits, symmetric, ...expected }) => {
    const made = quantizeBlocks(values, rows, width, { bits, blockSize: 32, zeroPoints: !symmetric }, 'w');
    expect(hex(made.scales)).toBe(expected.scales);
    expect(hex(made.zeroPoints)).toBe(expected.zeroPoints);
    expect(hex(made.packed)).toBe(expected.packed);
  });

  it.runIf(example.rows4)('rows of an embedding at 4 bits', () => {
    const made = quantizeRows4(values, 32, 'w');
    expect({ packed: hex(made.packed), scales: hex(made.scales) }).toEqual(example.rows4);
  });

  it('rows of an embedding at 8 bits', () => {
    const made = quantizeRows8(values, width, 'w');
    expect({ packed: hex(made.packed), scales: hex(made.scales) }).toEqual(example.rows8);
  });
});

it('says which tensor has numbers that are none', () => {
  const format = { bits: 4, blockSize: 32, zeroPoints: false } as const;
  for (const bad of [NaN, Infinity, -Infinity]) {
    const values = new Float32Array(64).fill(1);
    values[40] = bad;
    expect(() => quantizeBlocks(values, 2, 32, format, 'layer.3')).toThrow(/"layer\.3" has infinite weights/);
    expect(() => quantizeRows4(values, 32, 'layer.3')).toThrow(/"layer\.3"/);
    expect(() => quantizeRows8(values, 32, 'layer.3')).toThrow(/"layer\.3"/);
  }
});

it('packs the first of two values into the lower half of a byte', () => {
  // largest size 8 → code 0; scale −8 / −8 … here value −8 becomes scale 1: codes are value + 8
  const values = Float32Array.from({ length: 32 }, (_, i) => (i === 0 ? -8 : i === 1 ? 7 : 0));
  const { packed, scales } = quantizeBlocks(values, 1, 32, { bits: 4, blockSize: 32, zeroPoints: false }, 'w');
  expect(scales[0]).toBe(1);
  expect([...packed.subarray(0, 2)]).toEqual([0xf0, 0x88]);
});
