import { InferenceSession, Tensor } from 'onnxruntime-web';
import { expect, it } from 'vitest';
import { matMulModel } from './onnx.ts';

it('is a model that multiplies', async () => {
  // Token t is (t, 1); the query's rows are (1, 0) and (2, −1), column by column. 300 tokens: lengths of several bytes.
  const tokens = Float32Array.from({ length: 600 }, (_, i) => (i % 2 === 0 ? i / 2 : 1));
  const session = await InferenceSession.create(matMulModel(tokens, 2, 2), { executionProviders: ['wasm'] });
  const query = new Tensor('float32', Float32Array.of(1, 2, 0, -1), [2, 2]);
  const { products } = await session.run({ query });
  expect(products!.dims).toEqual([300, 2]);
  const rows = [...(products!.data as Float32Array)];
  expect(rows.slice(0, 4)).toEqual([0, -1, 1, 1]); // t and 2t − 1
  expect(rows.slice(-2)).toEqual([299, 597]);
  await session.release();
});
