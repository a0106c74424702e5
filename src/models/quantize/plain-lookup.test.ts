import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { decodeModel } from './onnx.ts';
import { plainLookups } from './plain-lookup.ts';
import { fixtures, quantize, readFixture, runModel } from './testing/models.ts';

const embedded = join(fixtures, '../../public/models/lateral-mini/onnx/model_q4.onnx');

it.each(['bert-script-14', 'bert-dynamo-18', 'xlmr-rotary-script-17'])('%s: the same rows to the bit', async (name) => {
  const { result } = await quantize(readFixture(name));
  const plain = { ...result, graph: plainLookups(result.graph)! };
  expect(decodeModel(plain.graph).graph.node.map(({ opType }) => opType)).not.toContain('GatherBlockQuantized');
  expect(await runModel(plain)).toEqual(await runModel(result));
});

it('the embedded model too', async () => {
  const graph = new Uint8Array(readFileSync(embedded));
  expect(await runModel({ graph: plainLookups(graph)!, files: {} })).toEqual(await runModel({ graph, files: {} }));
});

it('a model with 8-bit rows has none to change', async () => {
  const { result } = await quantize(readFixture('bert-script-14'), { embeddingBits: 8 });
  expect(plainLookups(result.graph)).toBeNull();
});
