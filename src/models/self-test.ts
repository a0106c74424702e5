/**
 * Numbers are checked at start: a model encodes texts whose rows are known, on the device it will use. Wrong results of a
 * graphics driver are seldom loud; this is where they show. Our own model has whole rows beside it; of others a few components
 * were published, and which of some passages answers a question (reference-rows.ts).
 */
import type { EncodedText, Encoder } from '../colbert/encoder.ts';
import { LateralError } from '../errors.ts';
import type { SelfTestReport } from '../types.ts';

export interface SelfTestFile {
  readonly model: string;
  readonly tolerance: { readonly cosine: number };
  readonly cases: readonly SelfTestCase[];
  readonly orderings?: readonly SelfTestOrdering[];
}

export interface SelfTestCase {
  readonly kind: 'query' | 'document';
  readonly text: string;
  /** Of the whole sequence; left out where they were not published. */
  readonly inputIds?: readonly number[];
  /** By position of the sequence: the leading components, at least two, or all of them; null for a row that was not published. */
  readonly rows: readonly (readonly number[] | null)[];
}

/** Of these documents one answers the question, whatever the weights are rounded to. */
export interface SelfTestOrdering {
  readonly query: string;
  readonly documents: readonly string[];
  /** Its number. */
  readonly best: number;
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

export interface TextCalls {
  readonly signal?: AbortSignal | undefined;
  /** Called after each text that was encoded. */
  readonly onText?: (() => void) | undefined;
}

/**
 * Encodes every case and compares row by row. Never throws for wrong numbers: the report says so.
 * @throws 'aborted', once the text that is being encoded is done
 */
export async function runSelfTest(
  encoder: Encoder,
  file: SelfTestFile,
  calls: TextCalls = {},
): Promise<SelfTestReport> {
  const started = performance.now();
  const required = file.tolerance.cosine;
  let minCosine = 1;
  let problem = '';
  try {
    for (const example of file.cases) {
      const encoded = await encode(encoder, example.kind, example.text, calls);
      const { inputIds, kept } = encoded.sequence;
      if (!equal(inputIds, example.inputIds ?? inputIds) || inputIds.length !== example.rows.length) {
        minCosine = -1;
        problem = `"${example.text}" became other token ids than the reference`;
        break;
      }
      kept.forEach((position, i) => {
        const reference = example.rows[position];
        if (reference === null || reference === undefined) return;
        const row = encoded.rows.subarray(i * encoder.dim, i * encoder.dim + reference.length);
        minCosine = Math.min(minCosine, cosine(row, reference));
      });
    }
    for (const ordering of problem === '' ? (file.orderings ?? []) : []) {
      const best = await bestOf(encoder, ordering, calls);
      if (best !== ordering.best) problem = `The answer to "${ordering.query}" is not ranked first`;
    }
  } catch (thrown) {
    if (!(thrown instanceof LateralError && thrown.code === 'not-finite')) throw thrown;
    minCosine = Number.NaN;
    problem = thrown.message;
  }
  const passed = minCosine >= required && problem === ''; // NaN fails
  return {
    device: encoder.device,
    half: encoder.half,
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

async function encode(
  encoder: Encoder,
  kind: SelfTestCase['kind'],
  text: string,
  { signal, onText }: TextCalls,
): Promise<EncodedText> {
  const encoded =
    kind === 'query'
      ? await encoder.encodeQuery(text, signal)
      : (await encoder.encodeDocuments([text], { signal }))[0]!;
  onText?.();
  return encoded;
}

/** The number of the document with the highest MaxSim; −1 where a score is no number. */
async function bestOf(encoder: Encoder, { query, documents }: SelfTestOrdering, calls: TextCalls): Promise<number> {
  const asked = await encode(encoder, 'query', query, calls);
  const scores: number[] = [];
  for (const text of documents) scores.push(maxSim(asked, await encode(encoder, 'document', text, calls), encoder.dim));
  return scores.some(Number.isNaN) ? -1 : scores.indexOf(Math.max(...scores));
}

/** Plain loops: a scorer would be checked along, and this checks an encoder. */
function maxSim(query: EncodedText, document: EncodedText, dim: number): number {
  let sum = 0;
  for (let q = 0; q < query.numTokens; q++) {
    let best = -Infinity;
    for (let d = 0; d < document.numTokens; d++) {
      let dot = 0;
      for (let k = 0; k < dim; k++) dot += query.rows[q * dim + k]! * document.rows[d * dim + k]!;
      best = Math.max(best, dot); // NaN stays
    }
    sum += best;
  }
  return sum;
}

/** How many texts `runSelfTest` encodes, if nothing fails. */
export function textsOf({ cases, orderings = [] }: SelfTestFile): number {
  return orderings.reduce((sum, { documents }) => sum + 1 + documents.length, cases.length);
}

function equal(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}

/** Of rows with the same place; NaN where a value is none. */
export function leastCosine(rows: Float32Array, reference: Float32Array, dim: number): number {
  let least = 1;
  for (let at = 0; at < reference.length; at += dim) {
    least = Math.min(least, cosine(rows.subarray(at, at + dim), reference.subarray(at, at + dim)));
  }
  return least;
}

function cosine(a: Float32Array, b: ArrayLike<number>): number {
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
