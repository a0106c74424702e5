/** Memory stays bounded whatever the model's size: more than 1 GB of weights, made as they are asked for. */
import { expect, it } from 'vitest';
import { memoryFile, type ModelSource } from './bytes.ts';
import { encodeModel, message, schemas } from './onnx.ts';
import { quantizeModel, type QuantizeTarget } from './quantize.ts';

const long = process.env.LATERAL_LONG === '1';
const limit = 256 * 2 ** 20;

/** A table of 250,004 rows of 1,024 (1.02 GB), and products both as MatMul reads them and across. */
function largeModel(rows: number): { source: ModelSource; size: number } {
  const width = 1024;
  let size = 0;
  const tensor = (name: string, dims: number[]) => {
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
  };
  const initializer = [
    tensor('table', [rows, width]),
    tensor('columns', [width, 4 * width]),
    tensor('across', [width, 4 * width]),
    tensor('wide', [width, rows >> 2]),
  ];
  const node = [
    { opType: 'Gather', input: ['table', 'input_ids'], output: ['a'] },
    { opType: 'MatMul', input: ['a', 'columns'], output: ['b'] },
    { opType: 'Transpose', input: ['across'], output: ['c'] },
    { opType: 'MatMul', input: ['b', 'c'], output: ['d'] },
    { opType: 'MatMul', input: ['d', 'wide'], output: ['y'] },
  ];
  const graph = encodeModel(
    message(schemas.model, {
      opsetImport: [{ domain: '', version: 17n }],
      graph: { node, initializer, input: [{ name: 'input_ids' }], output: [{ name: 'y' }] },
    }),
  );
  const weights = {
    size,
    /** Values from −1 to 1 that follow from their place. */
    read(offset: number, length: number) {
      const words = new Float32Array(length / 4);
      for (let i = 0; i < words.length; i++) words[i] = (((offset / 4 + i) * 40503) % 65536) / 32768 - 1;
      return Promise.resolve(new Uint8Array(words.buffer));
    },
  };
  return { source: { graph: memoryFile(graph), external: () => Promise.resolve(weights) }, size };
}

it(`${long ? '1.3 GB' : '115 MB'} of weights take less than 256 MiB of memory`, async () => {
  const { source, size } = largeModel(long ? 250_004 : 16_000);
  if (long) expect(size).toBeGreaterThan(1e9);
  let written = 0;
  const target: QuantizeTarget = {
    graph: memoryFile(),
    journal: memoryFile(),
    // Counts what is written, and keeps nothing.
    data: {
      size: 0,
      write: (_, bytes) => Promise.resolve(void (written += bytes.length)),
      truncate: () => Promise.resolve(),
      flush: () => Promise.resolve(),
    },
  };
  const before = process.memoryUsage().rss;
  let peak = 0;
  const measure = () => (peak = Math.max(peak, process.memoryUsage().rss - before));
  const started = performance.now();
  const plan = await quantizeModel(source, target, { bits: 4 }, { onProgress: measure });
  expect(written).toBeGreaterThan(0.99 * plan.dataBytes);
  const seconds = (performance.now() - started) / 1000;
  process.stdout.write(
    `${(size / 1e6).toFixed(0)} MB → ${(plan.dataBytes / 1e6).toFixed(0)} MB in ${seconds.toFixed(0)} s, peak ${(peak / 2 ** 20).toFixed(0)} MiB\n`,
  );
  expect(peak).toBeLessThan(limit);
}, 600_000);
