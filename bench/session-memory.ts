/**
 * What a model's session takes of WebAssembly's memory, beside the estimate of src/models/memory.ts.
 *
 *   npx tsx bench/session-memory.ts <folder with config.json> <graph, as onnx/model_q4.onnx> [length …]
 *
 * Prints a line of JSON after loading and after each length: the heap of ONNX Runtime Web in Node, which never shrinks and grows in steps
 * of up to a fifth, so that lengths are sorted. One thread, graphs without external data.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type * as ortTypes from 'onnxruntime-web/webgpu';
import { modelShape, sessionMemory } from '../src/models/memory.ts';

const [folder, file, ...words] = process.argv.slice(2);
if (folder === undefined || file === undefined) {
  console.error('usage: npx tsx bench/session-memory.ts <folder> <graph> [length …]');
  process.exit(2);
}
const lengths = (words.length === 0 ? [256, 1024, 2048] : words.map(Number)).sort((a, b) => a - b);
const graph = readFileSync(join(folder, file));
const shape = modelShape(JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')));
const estimate = (length: number): number => megabytes(sessionMemory({ ...shape, weightsBytes: graph.length, length }));

// The runtime makes its memory itself; the largest that is made is its own.
const heaps: WebAssembly.Memory[] = [];
WebAssembly.Memory = class extends WebAssembly.Memory {
  constructor(descriptor: WebAssembly.MemoryDescriptor) {
    super(descriptor);
    heaps.push(this);
  }
};
const measured = (): number => megabytes(Math.max(...heaps.map(({ buffer }) => buffer.byteLength)));

const ort = await (import('onnxruntime-web') as unknown as Promise<typeof ortTypes>);
ort.env.wasm.numThreads = 1;
const session = await ort.InferenceSession.create(graph, { executionProviders: ['wasm'], logSeverityLevel: 3 });
console.log(JSON.stringify({ file, fileMB: megabytes(graph.length), loadedMB: measured(), estimateMB: estimate(1) }));
for (const length of lengths) {
  const ids = BigInt64Array.from({ length }, (_, i) => BigInt(1000 + ((i * 7919) % 6000)));
  const output = await session.run({
    input_ids: new ort.Tensor('int64', ids, [1, length]),
    attention_mask: new ort.Tensor('int64', new BigInt64Array(length).fill(1n), [1, length]),
  });
  for (const tensor of Object.values(output)) tensor.dispose();
  console.log(JSON.stringify({ length, heapMB: measured(), estimateMB: estimate(length) }));
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1e6);
}
