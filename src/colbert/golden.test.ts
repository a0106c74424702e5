/**
 * Against Python, run once (training/make_fixtures.py): ids, masks and kept positions, which training/check_pylate.py has
 * found to be PyLate's, and the vectors of the weights in PyTorch.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openNodeEncoder } from '../engine/node.ts';
import type { Encoder } from './encoder.ts';
import { documentSequence, querySequence } from './sequence.ts';
import { embeddedTokenizer } from './testing/embedded.ts';

interface GoldenCase {
  readonly name: string;
  readonly kind: 'query' | 'document';
  readonly text: string;
  readonly inputIds: readonly number[];
  readonly attentionMask: readonly number[];
  /** 1 for each position whose vector is kept. */
  readonly kept: readonly number[];
  /** fp32 rows by PyTorch, and rows of the shipped file by ONNX Runtime in Python; short texts only. */
  readonly rows?: readonly (readonly number[])[];
  readonly quantizedRows?: readonly (readonly number[])[];
}

const golden = JSON.parse(readFileSync(new URL('../../fixtures/colbert/golden.json', import.meta.url), 'utf8')) as {
  readonly skiplistIds: readonly number[];
  readonly cases: readonly GoldenCase[];
};
const { tokenizer, config } = embeddedTokenizer();

describe('sequences are those of PyLate', () => {
  test('the skiplist', () => {
    expect([...config.skiplist].sort((a, b) => a - b)).toEqual([...golden.skiplistIds].sort((a, b) => a - b));
  });

  test.each(golden.cases)('$kind: $name', ({ kind, text, inputIds, attentionMask, kept }) => {
    const sequence = (kind === 'query' ? querySequence : documentSequence)(tokenizer.encode(text), config);
    expect(sequence.inputIds).toEqual(inputIds);
    expect(sequence.attentionMask).toEqual(attentionMask);
    expect(sequence.kept).toEqual(kept.flatMap((bit, i) => (bit === 1 ? [i] : [])));
  });
});

const withRows = golden.cases.filter(({ rows }) => rows !== undefined);

describe.each([{ wasm: false }, { wasm: true }])('vectors (wasm: $wasm)', ({ wasm }) => {
  let encoder: Encoder;
  beforeAll(async () => {
    encoder = await openNodeEncoder('lateral-mini', fileURLToPath(new URL('../../public/models', import.meta.url)), {
      wasm,
    });
  }, 60_000);
  afterAll(() => encoder.release());

  const encode = async ({ kind, text }: GoldenCase) =>
    kind === 'query' ? encoder.encodeQuery(text) : (await encoder.encodeDocuments([text]))[0]!;

  test('there are some to compare', () => expect(withRows.length).toBeGreaterThan(3));

  test.each(withRows)('$kind: $name', async (example) => {
    const { rows, numTokens, sequence } = await encode(example);
    const keptRows = (all: readonly (readonly number[])[]) =>
      all.length === numTokens ? all : sequence.kept.map((i) => all[i]!);
    keptRows(example.quantizedRows!).forEach((reference, i) => {
      // The same file on another build of the runtime: rounding only.
      expect(cosine(rows.subarray(i * 128, (i + 1) * 128), reference)).toBeGreaterThan(0.9995);
    });
    keptRows(example.rows!).forEach((reference, i) => {
      // Against PyTorch in fp32, on the weights that the file stands for: another implementation, the same numbers.
      expect(cosine(rows.subarray(i * 128, (i + 1) * 128), reference)).toBeGreaterThan(0.999);
    });
  });
});

function cosine(a: Float32Array, b: readonly number[]): number {
  const norm = Math.hypot(...a) * Math.hypot(...b);
  return b.reduce((sum, value, i) => sum + value * a[i]!, 0) / norm;
}
