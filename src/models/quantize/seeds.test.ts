/** Graphs as PyTorch's two exporters, ONNX Runtime's optimiser and fp16 converters write them, quantised and run. */
import { describe, expect, it } from 'vitest';
import { fixtureNames, quantize, readFixture, runModel, worstCosine } from './testing/models.ts';

describe.each(fixtureNames)('%s', (name) => {
  const original = readFixture(name);

  it.each([
    { bits: 8, required: 0.99 },
    { bits: 4, required: 0.95 },
  ] as const)('gives the rows of the fp32 session at $bits bits', async ({ bits, required }) => {
    const expected = await runModel(original);
    const { result, plan } = await quantize(original, { bits });
    console.log(
      name,
      bits,
      worstCosine((await runModel(result)).rows, expected.rows),
      JSON.stringify(plan.quantized.map((w) => w.name + ':' + w.kind + w.bits)),
      JSON.stringify(plan.left.map((l) => l.name + ':' + l.reason)),
      plan.graphBytes,
      plan.dataBytes,
    );
    const got = await runModel(result);
    expect(worstCosine(got.rows, expected.rows)).toBeGreaterThan(required);
  });
});
