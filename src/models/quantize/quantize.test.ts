import * as ortWeb from 'onnxruntime-web';
import { describe, expect, it } from 'vitest';
import type { ByteFile } from '../byte-source.ts';
import { memoryFile, type ModelSource } from './bytes.ts';
import { decodeModel, encodeModel, message, schemas } from './onnx.ts';
import { planQuantization, quantizeModel, type QuantizeOptions } from './quantize.ts';
import { graphBytes, randomWeight } from './testing/graphs.ts';
import {
  dataName,
  newTarget,
  quantize,
  readFixture,
  rowsOf,
  runModel,
  sourceOf,
  worstCosine,
  type ModelBytes,
} from './testing/models.ts';

const options: QuantizeOptions = { minElements: 256, dataName };

describe('a run that is interrupted goes on where it was', () => {
  const model = readFixture('xlmr-rotary-dynamo-18');

  /** Fails at the n-th write to any of the three files; half of the bytes may have arrived. */
  function failing(target: ReturnType<typeof newTarget>, allowed: number) {
    const guard = (file: ByteFile): ByteFile => ({
      get size() {
        return file.size;
      },
      read: (offset, length) => file.read(offset, length),
      truncate: (length) => file.truncate(length),
      flush: () => file.flush(),
      async write(offset, bytes) {
        if (allowed-- <= 0) {
          await file.write(offset, bytes.subarray(0, bytes.length >> 1));
          throw new Error('power cut');
        }
        await file.write(offset, bytes);
      },
    });
    return { graph: guard(target.graph), data: guard(target.data), journal: guard(target.journal) };
  }

  it('at every write, with the same bytes in the end and no step done twice', async () => {
    const whole = newTarget();
    let steps = 0;
    await quantizeModel(sourceOf(model), whole, options, { onProgress: () => steps++ });
    let interruptions = 0;
    for (let allowed = 0; ; allowed++) {
      const target = newTarget();
      const cut = await quantizeModel(sourceOf(model), failing(target, allowed), options).then(
        () => false,
        () => true,
      );
      if (!cut) break;
      interruptions++;
      const noted = new TextDecoder().decode(target.journal.bytes).match(/^done \d+$/gm)?.length ?? 0;
      let writes = 0;
      const counted = {
        ...target.data,
        write: (at: number, bytes: Uint8Array) => (writes++, target.data.write(at, bytes)),
      };
      Object.defineProperty(counted, 'size', { get: () => target.data.size });
      await quantizeModel(sourceOf(model), { ...target, data: counted }, options);
      expect(writes).toBeLessThanOrEqual(3 * (steps - noted));
      expect(Buffer.compare(target.graph.bytes, whole.graph.bytes)).toBe(0);
      expect(Buffer.compare(target.data.bytes, whole.data.bytes)).toBe(0);
      expect(target.journal.size).toBe(0);
    }
    expect(interruptions).toBeGreaterThan(2 * steps);
  });

  it('and starts anew with another source, another option, or where the file of weights is gone', async () => {
    const otherModel = { graph: model.graph, files: { ...model.files } };
    const [file] = Object.keys(model.files) as [string];
    otherModel.files[file] = model.files[file]!.slice();
    otherModel.files[file][0]! ^= 1; // one bit of the head
    for (const [other, more, isGone] of [
      [otherModel, options, false],
      [model, { ...options, zeroPoints: true }, false],
      [model, options, true],
    ] as const) {
      const target = newTarget();
      await quantizeModel(sourceOf(model), failing(target, 20), options).catch(() => undefined);
      expect(target.journal.size).toBeGreaterThan(0);
      if (isGone) await target.data.truncate(0);
      await quantizeModel(sourceOf(other), target, more);
      const fresh = newTarget();
      await quantizeModel(sourceOf(other), fresh, more);
      expect(Buffer.compare(target.data.bytes, fresh.data.bytes)).toBe(0);
      expect(Buffer.compare(target.graph.bytes, fresh.graph.bytes)).toBe(0);
    }
  });

  it('stops on request, says how far it is, and ends at the total', async () => {
    const target = newTarget();
    const stop = new AbortController();
    const seen: number[] = [];
    const run = quantizeModel(sourceOf(model), target, options, {
      signal: stop.signal,
      onProgress(done) {
        seen.push(done);
        if (seen.length === 3) stop.abort();
      },
    });
    await expect(run).rejects.toMatchObject({ code: 'aborted' });
    expect(seen).toHaveLength(3);
    let last = [0, 1];
    await quantizeModel(sourceOf(model), target, options, { onProgress: (done, total) => (last = [done, total]) });
    expect(last[0]).toBe(last[1]);
  });
});

describe('the plan', () => {
  it('is exact, and reads no weights', async () => {
    const model = readFixture('modernbert-dynamo-20');
    const source: ModelSource = {
      graph: memoryFile(model.graph),
      external: (name) =>
        Promise.resolve({
          size: model.files[name]!.length,
          read: () => Promise.reject(new Error('weights were read')),
        }),
    };
    const plan = await planQuantization(source, options);
    const { result } = await quantize(model);
    expect([plan.graphBytes, plan.dataBytes]).toEqual([result.graph.length, result.files[dataName]!.length]);
    expect(plan).toMatchObject({ dim: 16, hasProjection: true });
  });

  /**
   * jina-colbert-v2 from its shapes: 250,004 rows of 1,024, 24 layers of four products each, a head of 128; its own graph
   * takes 4 MB at most.
   * Products: 24 · 12,582,912 values at 4 bits with 4 bytes for 32 = 0.625 bytes a value: 188.7 MB.
   * Table: at 4 bits 256,004,096 · 0.625 = 160.0 MB; at 8 bits one byte a value and 4 a row = 257.0 MB.
   */
  it.each([
    { embeddingBits: 4, limit: 360e6, expected: 350.3e6 },
    { embeddingBits: 8, limit: 450e6, expected: 447.3e6 },
  ] as const)(
    'keeps jina-colbert-v2 with $embeddingBits-bit embeddings below $limit bytes',
    async ({ embeddingBits, limit, expected }) => {
      const plan = await planQuantization(jinaColbert(), { bits: 4, embeddingBits });
      expect(plan.dataBytes + plan.graphBytes).toBeLessThan(limit);
      expect(plan.dataBytes + plan.graphBytes).toBeGreaterThan(0.995 * expected);
      expect(plan.dataBytes + plan.graphBytes).toBeLessThan(1.005 * expected);
      expect(plan).toMatchObject({ dim: 128, hasProjection: true });
    },
  );
});

/** Shapes alone: the weights are said to lie in a file of their size, which cannot be read. */
function jinaColbert(): ModelSource {
  const [width, inner, layers] = [1024, 4096, 24];
  const weights: [string, number[]][] = [['table', [250_004, width]]];
  const nodes: { opType: string; input: string[]; output: string[] }[] = [
    { opType: 'Gather', input: ['table', 'input_ids'], output: ['x0'] },
  ];
  let last = 'x0';
  const product = (name: string, k: number, n: number) => {
    weights.push([name, [k, n]], [`${name}.bias`, [n]]);
    nodes.push({ opType: 'MatMul', input: [last, name], output: [`${name}.product`] });
    nodes.push({ opType: 'Add', input: [`${name}.product`, `${name}.bias`], output: [`${name}.out`] });
    last = `${name}.out`;
  };
  for (let layer = 0; layer < layers; layer++) {
    product(`${layer}.qkv`, width, 3 * width);
    nodes.push({ opType: 'Slice', input: [last], output: [`${layer}.value`] });
    last = `${layer}.value`;
    product(`${layer}.out`, width, width);
    product(`${layer}.fc1`, width, inner);
    product(`${layer}.fc2`, inner, width);
    for (const norm of ['norm1', 'norm2']) {
      weights.push([`${layer}.${norm}.weight`, [width]], [`${layer}.${norm}.bias`, [width]]);
      const input = [last, `${layer}.${norm}.weight`, `${layer}.${norm}.bias`];
      nodes.push({ opType: 'LayerNormalization', input, output: [(last = `${layer}.${norm}`)] });
    }
  }
  weights.push(['linear', [width, 128]]);
  nodes.push({ opType: 'MatMul', input: [last, 'linear'], output: ['y'] });
  let size = 0;
  const initializer = weights.map(([name, dims]) => {
    const length = 4 * dims.reduce((a, b) => a * b);
    const entries = { location: 'model.onnx_data', offset: size, length };
    size += length;
    return {
      name,
      dims: dims.map(BigInt),
      dataType: 1,
      dataLocation: 1,
      externalData: Object.entries(entries).map(([key, value]) => ({ key, value: String(value) })),
    };
  });
  const model = message(schemas.model, {
    opsetImport: [{ domain: '', version: 17n }],
    graph: { node: nodes, initializer, output: [{ name: 'y' }], input: [{ name: 'input_ids' }] },
  });
  return {
    graph: memoryFile(encodeModel(model)),
    external: () => Promise.resolve({ size, read: () => Promise.reject(new Error('weights were read')) }),
  };
}

describe('the head', () => {
  const head = (dim: number, width: number) => ({
    dim,
    width,
    weight: randomWeight([dim, width], 3).values as Float32Array,
  });

  it('is added to an export without one; other outputs go', async () => {
    const bare = readFixture('bert-bare-17');
    expect((await planQuantization(sourceOf(bare), options)).hasProjection).toBe(false);
    const { result, plan } = await quantize(bare, { bits: 8, head: head(12, 32) });
    expect(plan).toMatchObject({ dim: 12, hasProjection: true });
    expect(plan.quantized.map(({ name }) => name)).not.toContain('inner.pooler.dense.weight');
    const hidden = (await runModel(bare)).rows;
    const { rows, name } = await runModel(result);
    expect(name).toBe('embeddings');
    expect(
      worstCosine(
        rows,
        hidden.map((row) => project(row, head(12, 32))),
      ),
    ).toBeGreaterThan(0.99);
    const { output } = decodeModel(result.graph).graph;
    expect(output).toHaveLength(1);
    expect(output[0]!.type!.tensorType!.shape!.dim.at(-1)!.dimValue).toBe(12n);
  });

  it.each(['bert-dynamo-18', 'xlmr-rotary-script-17', 'bert-unfolded-14'])(
    'takes the place of the one in %s',
    async (name) => {
      const { result, plan } = await quantize(readFixture(name), { bits: 8, head: head(8, 32) });
      expect(plan.dim).toBe(8);
      const { rows } = await runModel(result);
      expect(rows[0]).toHaveLength(8);
      // Another head of the same rows: what the first head's rows were made of is not seen here, so two heads are compared.
      const twice = await quantize(readFixture(name), { bits: 8, projectionBits: 32, head: head(8, 32) });
      expect(worstCosine((await runModel(twice.result)).rows, rows)).toBeGreaterThan(0.99);
      expect(worstCosine((await runModel(twice.result)).rows, rows)).toBeLessThan(1);
    },
  );

  it('of another width is refused', async () => {
    for (const name of ['bert-bare-17', 'bert-dynamo-18']) {
      await expect(planQuantization(sourceOf(readFixture(name)), { head: head(8, 48) })).rejects.toMatchObject({
        code: 'model-invalid',
        message: expect.stringContaining('rows of 48 numbers; the model makes rows of 32') as unknown,
      });
    }
  });
});

function project(row: Float32Array, { dim, width, weight }: { dim: number; width: number; weight: Float32Array }) {
  return Float32Array.from({ length: dim }, (_, d) => row.reduce((sum, x, i) => sum + x * weight[d * width + i]!, 0));
}

it.each([
  ['bert-dynamo-18', 4],
  ['xlmr-rotary-script-17', 8],
  ['bert-half-18', 4],
] as const)('%s at %d bits runs on WebAssembly with the rows of the native runtime', async (name, bits) => {
  const { result } = await quantize(readFixture(name), { bits });
  ortWeb.env.wasm.numThreads = 1;
  const session = await ortWeb.InferenceSession.create(result.graph, {
    executionProviders: ['wasm'],
    externalData: [{ path: dataName, data: result.files[dataName]! }],
    logSeverityLevel: 3,
  });
  const { rows } = await rowsOf(session, ortWeb.Tensor);
  await session.release();
  expect(worstCosine(rows, (await runModel(result)).rows)).toBeGreaterThan(0.9999);
});

describe('refuses', () => {
  const good = readFixture('xlmr-rotary-script-17');
  const [file] = Object.keys(good.files) as [string];

  function changed(change: (entries: Map<string, string>) => void): ModelBytes {
    const model = decodeModel(good.graph);
    const tensor = model.graph.initializer.find(({ dataLocation }) => dataLocation === 1)!;
    const entries = new Map(tensor.externalData.map(({ key, value }) => [key, value]));
    change(entries);
    tensor.externalData = [...entries].map(([key, value]) => message(schemas.entry, { key, value }));
    return { ...good, graph: encodeModel(model) };
  }

  it.each([
    ['a way out of the folder', changed((e) => e.set('location', '../secret')), /not a file beside the graph/],
    ['a way out in the middle', changed((e) => e.set('location', 'a/../../secret')), /not a file beside the graph/],
    ['an absolute place', changed((e) => e.set('location', '/etc/passwd')), /not a file beside the graph/],
    ["another system's way out", changed((e) => e.set('location', '..\\secret')), /not a file beside the graph/],
    ['no place', changed((e) => e.delete('location')), /not a file beside the graph/],
    ['a place beyond the file', changed((e) => e.set('offset', '99999999')), /should end at byte/],
    ['a wrong length', changed((e) => e.set('length', '8')), /has 8 bytes; its type and shape ask for/],
    ['an offset that is no number', changed((e) => e.set('offset', '-4')), /offset "-4" is not a whole number/],
    [
      'a file that is cut off',
      { ...good, files: { [file]: good.files[file]!.slice(0, -8) } },
      /Download that file again/,
    ],
  ])('%s', async (_, model, text) => {
    await expect(planQuantization(sourceOf(model), options)).rejects.toMatchObject({
      code: 'model-invalid',
      message: expect.stringMatching(text) as unknown,
    });
  });

  it('weights that are not finite, by name', async () => {
    const w = randomWeight([64, 64], 1);
    w.values[100] = NaN;
    const nodes = [
      { op: 'Gather', inputs: ['table', 'input_ids'], output: 'x' },
      { op: 'MatMul', inputs: ['x', 'w'], output: 'y' },
    ];
    const graph = graphBytes({ table: randomWeight([200, 64], 2), w }, nodes, 64);
    await expect(quantize({ graph, files: {} })).rejects.toMatchObject({
      code: 'model-invalid',
      message: expect.stringContaining('The tensor "w" has infinite weights') as unknown,
    });
  });

  it('a model that is quantised already', async () => {
    const { result } = await quantize(good);
    await expect(quantize(result)).rejects.toMatchObject({
      code: 'model-invalid',
      message: expect.stringContaining('It may be quantised already') as unknown,
    });
  });
});
