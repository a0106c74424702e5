/**
 * Numbers are checked at start: a model encodes texts whose rows are stored beside it, on the device it will use.
 * Wrong results of a graphics driver are seldom loud; this is where they show.
 */
import type { Encoder } from '../colbert/encoder.ts';
import { LateralError } from '../errors.ts';
import type { SelfTestReport } from '../types.ts';

export interface SelfTestFile {
  readonly model: string;
  readonly tolerance: { readonly cosine: number };
  readonly cases: readonly SelfTestCase[];
}

interface SelfTestCase {
  readonly kind: 'query' | 'document';
  readonly text: string;
  readonly inputIds: readonly number[];
  /** [numTokens, dim], every position of the sequence. */
  readonly rows: readonly (readonly number[])[];
}

/** @throws 'model-invalid' where the file does not belong to the model */
export function readSelfTest(json: unknown, model: string): SelfTestFile {
  const file = json as SelfTestFile | null;
  if (typeof file !== 'object' || file === null || !Array.isArray(file.cases) || file.cases.length === 0) {
    throw new LateralError('model-invalid', 'self-test.json has no cases.');
  }
  if (file.model !== model) {
    throw new LateralError('model-invalid', `self-test.json is for ${file.model}; the model is ${model}.`);
  }
  return file;
}

/** Encodes every case and compares row by row. Never throws for wrong numbers: the report says so. */
export async function runSelfTest(encoder: Encoder, file: SelfTestFile): Promise<SelfTestReport> {
  const started = performance.now();
  const required = file.tolerance.cosine;
  let minCosine = 1;
  let problem = '';
  for (const example of file.cases) {
    const encoded =
      example.kind === 'query'
        ? await encoder.encodeQuery(example.text)
        : (await encoder.encodeDocuments([example.text]))[0]!;
    if (!equal(encoded.sequence.inputIds, example.inputIds)) {
      minCosine = -1;
      problem = `"${example.text}" became other token ids than the reference`;
      break;
    }
    encoded.sequence.kept.forEach((position, i) => {
      const row = encoded.rows.subarray(i * encoder.dim, (i + 1) * encoder.dim);
      minCosine = Math.min(minCosine, cosine(row, example.rows[position] ?? []));
    });
  }
  const passed = minCosine >= required; // NaN fails
  return {
    device: encoder.device,
    passed,
    minCosine,
    required,
    elapsedMs: performance.now() - started,
    message: passed
      ? 'The results agree with the stored reference.'
      : problem ||
        `The results differ from the stored reference (cosine ${minCosine.toFixed(4)}, ${required} is needed).`,
  };
}

function equal(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}

function cosine(a: Float32Array, b: readonly number[]): number {
  let dot = 0;
  let aa = 0;
  let bb = 0;
  for (let i = 0; i < a.length; i++) {
    dot += a[i]! * b[i]!;
    aa += a[i]! * a[i]!;
    bb += b[i]! * b[i]!;
  }
  return dot / Math.sqrt(aa * bb);
}
