import { describe, expect, it } from 'vitest';
import type { ByteSource } from '../byte-source.ts';
import { memoryFile } from './bytes.ts';
import { decodeModel, encodeModel, message, schemas } from './onnx.ts';
import { inlineBytes, readSkeleton } from './skeleton.ts';
import { readFixture } from './testing/models.ts';

/** Says which ranges were read. */
function watched(bytes: Uint8Array): ByteSource & { readonly reads: [number, number][] } {
  const reads: [number, number][] = [];
  const file = memoryFile(bytes);
  return {
    reads,
    size: bytes.length,
    read(offset, length) {
      reads.push([offset, length]);
      return file.read(offset, length);
    },
  };
}

/** A graph with one tensor of `length` bytes and a field 99 that no schema knows. */
function modelWith(length: number): Uint8Array {
  const values = new Uint8Array(length).fill(7);
  const tensor = message(schemas.tensor, { name: 'w', dims: [BigInt(length / 4)], dataType: 1, rawData: values });
  const model = message(schemas.model, {
    irVersion: 8n,
    graph: {
      initializer: [tensor],
      output: [{ name: 'y' }],
      node: [{ opType: 'Identity', input: ['w'], output: ['y'] }],
    },
  });
  const unknown = Uint8Array.of(0x9a, 0x06, 3, 1, 2, 3); // field 99, three bytes
  return Uint8Array.of(...encodeModel(model), ...unknown);
}

it('steps over large values: 40 MB of weights, and less than 1 MB is read', async () => {
  const small = modelWith(inlineBytes + 4);
  const values = 40_000_000;
  const large = new Uint8Array(small.length + values + 16);
  // The same message with longer values: built by the library, as spreading 40 MB into arguments would not do.
  const model = decodeModel(small);
  model.graph.initializer[0]!.rawData = new Uint8Array(values).fill(7);
  model.graph.initializer[0]!.dims = [BigInt(values / 4)];
  const encoded = encodeModel(model);
  large.set(encoded);
  const source = watched(large.subarray(0, encoded.length));
  const { bytes, payloads } = await readSkeleton(source);

  expect(source.reads.reduce((sum, [, length]) => sum + length, 0)).toBeLessThan(1_000_000);
  expect(bytes.length).toBeLessThan(1000);
  expect(payloads).toHaveLength(1);
  const [{ offset, length }] = payloads as [(typeof payloads)[0]];
  expect(length).toBe(values);
  expect([encoded[offset - 1], encoded[offset], encoded[offset + length - 1]]).not.toContain(undefined);
  expect(encoded.subarray(offset, offset + length).every((byte) => byte === 7)).toBe(true);
  const tensor = decodeModel(bytes).graph.initializer[0]!;
  expect([tensor.name, tensor.dims, tensor.rawData.length, tensor.payload]).toEqual(['w', [10_000_000n], 0, 1]);
});

it('keeps fields that it does not know', async () => {
  const { bytes } = await readSkeleton(memoryFile(modelWith(8)));
  expect([...encodeModel(decodeModel(bytes)).slice(-6)]).toEqual([0x9a, 0x06, 3, 1, 2, 3]);
});

it.each(['bert-dynamo-18', 'bert-script-14'])('%s survives decoding and encoding', async (name) => {
  const { graph } = readFixture(name);
  const once = encodeModel(decodeModel(graph));
  expect(once.length).toBeGreaterThan(graph.length * 0.99);
  expect(encodeModel(decodeModel(once))).toEqual(once);
  const { bytes, payloads } = await readSkeleton(memoryFile(graph));
  expect(bytes.length + payloads.reduce((sum, { length }) => sum + length, 0)).toBeGreaterThan(graph.length * 0.95);
});

describe('refuses what is no ONNX file', () => {
  const good = modelWith(inlineBytes + 4);

  it('at every length that a broken download may have', async () => {
    for (let length = 1; length < good.length - 6; length += 7) {
      const cut = good.slice(0, length);
      await expect(readSkeleton(memoryFile(cut)).then(({ bytes }) => decodeModel(bytes))).rejects.toMatchObject({
        code: 'model-invalid',
      });
    }
  });

  it.each([
    ['text', new TextEncoder().encode('<!doctype html><title>404</title>')],
    ['nothing', new Uint8Array(0)],
    ['a message without a graph', Uint8Array.of(8, 9)],
    ['a length beyond the file', Uint8Array.of(0x3a, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f)],
    ['a number without an end', new Uint8Array(64).fill(0xff)],
  ])('%s', async (_, bytes) => {
    await expect(readSkeleton(memoryFile(bytes)).then((skeleton) => decodeModel(skeleton.bytes))).rejects.toMatchObject(
      {
        code: 'model-invalid',
      },
    );
  });

  it('graphs within graphs without end', async () => {
    // attribute.g = graph{node{attribute{g …}}}, wrapped until it is too deep; each is long enough to be walked into
    const length = (n: number) =>
      n < 128 ? [n] : [(n & 127) | 128, ...((n >> 7) & ~127 ? [((n >> 7) & 127) | 128, n >> 14] : [n >> 7])];
    let inner = [0x12, ...length(1100), ...new Array<number>(1100).fill(97)]; // a graph's name
    for (let depth = 0; depth < 60; depth++) {
      for (const key of [0x32, 0x2a, 0x0a]) inner = [key, ...length(inner.length), ...inner];
    }
    const bytes = Uint8Array.from([0x3a, ...length(inner.length), ...inner]);
    await expect(readSkeleton(memoryFile(bytes))).rejects.toMatchObject({ code: 'model-invalid' });
  });
});
