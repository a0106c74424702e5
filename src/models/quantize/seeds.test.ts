/** Graphs as PyTorch's two exporters, ONNX Runtime's optimiser and fp16 converters write them, quantised and run. */
import { describe, expect, it } from 'vitest';
import { fixtureNames, quantize, readFixture, runModel, worstCosine } from './testing/models.ts';

/** Exports whose products are of operators that cannot be quantised in place: what is left is said. */
const fused = 'bert-fused-14';

describe.each(fixtureNames)('%s', (name) => {
  const original = readFixture(name);

  it.each([
    { bits: 8, required: 0.99 },
    { bits: 4, required: 0.95 },
  ] as const)('gives the rows of the fp32 session at $bits bits', async ({ bits, required }) => {
    const expected = await runModel(original);
    const { result } = await quantize(original, { bits });
    const got = await runModel(result);
    const cosine = worstCosine(got.rows, expected.rows);
    expect(cosine).toBeGreaterThan(required);
    expect(cosine).toBeLessThan(1); // something was rounded
  });

  it.runIf(name !== fused)('has no large matrix left but the positions', async () => {
    const { plan } = await quantize(original);
    const kinds = plan.quantized.map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === 'embedding')).toHaveLength(1);
    // Query, key, value and two more in a layer; ModernBERT has one for the three.
    expect(kinds.filter((kind) => kind === 'matrix').length).toBeGreaterThanOrEqual(4);
    expect(plan.left.filter((left) => left.shape.length === 2 && !left.name.includes('position_embeddings'))).toEqual(
      [],
    );
  });
});

it("leaves ONNX Runtime's fused Attention and EmbedLayerNormalization as they are", async () => {
  const { plan } = await quantize(readFixture(fused));
  expect(plan.left.filter(({ reason }) => reason === 'used-otherwise').map(({ name }) => name)).toEqual([
    'inner.embeddings.word_embeddings.weight',
    'inner.embeddings.position_embeddings.weight',
    'Attention_0_qkv_weight',
    'Attention_1_qkv_weight',
  ]);
});
