import { expect, it } from 'vitest';
import { memoryFile } from './bytes.ts';
import { readHead } from './safetensors.ts';
import { join } from './skeleton.ts';

/** The length of the header in eight bytes, the header, the values. */
function file(header: unknown, values: Uint8Array): Uint8Array {
  const json = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(json.length), true);
  return join([length, json, values]);
}

const entry = (dtype: string, shape: number[], data_offsets: number[]) => ({ dtype, shape, data_offsets });

it.each([
  ['F32', new Uint8Array(Float32Array.of(1, -2, 0.5, 3, 4, 5).buffer)],
  ['F16', new Uint8Array(Uint16Array.of(0x3c00, 0xc000, 0x3800, 0x4200, 0x4400, 0x4500).buffer)],
  ['BF16', new Uint8Array(Uint16Array.of(0x3f80, 0xc000, 0x3f00, 0x4040, 0x4080, 0x40a0).buffer)],
])('reads a matrix in %s, and only its bytes', async (dtype, values) => {
  const before = 1_000_000;
  const header = {
    __metadata__: { format: 'pt' },
    'embeddings.weight': entry('F32', [500, 500], [0, before]),
    'linear.weight': entry(dtype, [2, 3], [before, before + values.length]),
  };
  const source = memoryFile(file(header, join([new Uint8Array(before), values])));
  let read = 0;
  const watched = {
    size: source.size,
    read(offset: number, length: number) {
      read += length;
      return source.read(offset, length);
    },
  };
  expect(await readHead(watched)).toEqual({ dim: 2, width: 3, weight: Float32Array.of(1, -2, 0.5, 3, 4, 5) });
  expect(read).toBeLessThan(1000);
});

it.each([
  [
    'another name',
    file({ 'dense.weight': entry('F32', [1, 1], [0, 4]) }, new Uint8Array(4)),
    /no tensor "linear.weight" \(dense/,
  ],
  ['integers', file({ 'linear.weight': entry('I64', [1, 1], [0, 8]) }, new Uint8Array(8)), /of type I64/],
  ['a vector', file({ 'linear.weight': entry('F32', [4], [0, 16]) }, new Uint8Array(16)), /not a matrix/],
  ['too few bytes', file({ 'linear.weight': entry('F32', [2, 2], [0, 12]) }, new Uint8Array(12)), /not as many bytes/],
  [
    'an end beyond the file',
    file({ 'linear.weight': entry('F32', [2, 2], [0, 16]) }, new Uint8Array(8)),
    /of a file of/,
  ],
  ['no JSON', file('<html>', new Uint8Array(0)), /not JSON/],
  ['a list', file([], new Uint8Array(0)), /not a JSON object/],
  ['a header beyond the file', Uint8Array.of(255, 255, 0, 0, 0, 0, 0, 0, 1), /of a file of/],
  ['a header beyond all measure', new Uint8Array(8).fill(255), /header is too long/],
  ['nothing', new Uint8Array(0), /of a file of 0/],
])('refuses %s', async (_, bytes, text) => {
  await expect(readHead(memoryFile(bytes))).rejects.toMatchObject({
    code: 'model-invalid',
    message: expect.stringMatching(text) as unknown,
  });
});
