/** For tests: the graphs of fixtures/quantize, quantised in memory and run by ONNX Runtime. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { LateralError } from '../../../errors.ts';
import { memoryFile, type ModelSource } from '../bytes.ts';
import { quantizeModel, type QuantizeOptions, type QuantizePlan } from '../quantize.ts';

export const fixtures = join(import.meta.dirname, '../../../../fixtures/quantize');

export const fixtureNames = readdirSync(fixtures)
  .filter((name) => name.endsWith('.onnx'))
  .map((name) => name.slice(0, -'.onnx'.length));

/** A graph and its external files. */
export interface ModelBytes {
  readonly graph: Uint8Array;
  readonly files: Readonly<Record<string, Uint8Array>>;
}

export function readFixture(name: string): ModelBytes {
  const files = readdirSync(fixtures).filter((file) => file.startsWith(`${name}.onnx`) && file !== `${name}.onnx`);
  return {
    graph: readFileSync(join(fixtures, `${name}.onnx`)),
    files: Object.fromEntries(files.map((file) => [file, readFileSync(join(fixtures, file))])),
  };
}

export function sourceOf({ graph, files }: ModelBytes): ModelSource {
  return {
    graph: memoryFile(graph),
    external(name) {
      const file = files[name];
      if (file === undefined) throw new LateralError('not-found', `There is no file ${name}.`);
      return Promise.resolve(memoryFile(file));
    },
  };
}

export function newTarget() {
  return { graph: memoryFile(), data: memoryFile(), journal: memoryFile() };
}

export const dataName = 'weights.bin';

export async function quantize(
  model: ModelBytes,
  options: QuantizeOptions = {},
): Promise<{ result: ModelBytes; plan: QuantizePlan }> {
  const target = newTarget();
  const plan = await quantizeModel(sourceOf(model), target, { minElements: 256, dataName, ...options });
  const files = { [options.dataName ?? dataName]: target.data.bytes };
  return { result: { graph: target.graph.bytes, files }, plan };
}

/** Token ids and attention of texts of one length. */
export interface Batch {
  readonly ids: number[][];
  readonly mask: number[][];
}

/** Ids of two texts, the second filled up. */
export const batch: Batch = {
  ids: [
    [0, 7, 12, 150, 33, 91, 199, 2],
    [0, 8, 44, 101, 2, 1, 1, 1],
  ],
  mask: [
    [1, 1, 1, 1, 1, 1, 1, 1],
    [1, 1, 1, 1, 1, 0, 0, 0],
  ],
};

/** The first output's rows of attended tokens, in ONNX Runtime, native. */
export async function runModel(
  { graph, files }: ModelBytes,
  input: Batch = batch,
): Promise<{ rows: Float32Array[]; name: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'lateral-quantize-'));
  try {
    writeFileSync(join(folder, 'model.onnx'), graph);
    for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
    const session = await ort.InferenceSession.create(join(folder, 'model.onnx'), { logSeverityLevel: 3 });
    const result = await rowsOf(session, ort.Tensor, input);
    await session.release();
    return result;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export async function rowsOf(session: ort.InferenceSession, Tensor: typeof ort.Tensor, { ids, mask }: Batch = batch) {
  const shape = [ids.length, ids[0]!.length];
  const feed = (values: number[][]) => new Tensor('int64', BigInt64Array.from(values.flat().map(BigInt)), shape);
  const all = { input_ids: feed(ids), attention_mask: feed(mask) };
  const feeds = Object.fromEntries(Object.entries(all).filter(([input]) => session.inputNames.includes(input)));
  const name = session.outputNames[0]!;
  const output = (await session.run(feeds))[name]!;
  const dim = output.dims.at(-1)!;
  const values = output.data as Float32Array;
  const rows = mask.flat().flatMap((seen, i) => (seen === 1 ? [values.slice(i * dim, (i + 1) * dim)] : []));
  return { rows, name };
}

export function worstCosine(a: readonly Float32Array[], b: readonly Float32Array[]): number {
  if (a.length !== b.length || a[0]!.length !== b[0]!.length) return Number.NaN;
  return Math.min(...a.map((row, i) => cosine(row, b[i]!)));
}

function cosine(a: Float32Array, b: Float32Array): number {
  let dot = 0;
  let aa = 0;
  let bb = 0;
  for (let i = 0; i < a.length; i++) {
    dot += a[i]! * b[i]!;
    aa += a[i]! ** 2;
    bb += b[i]! ** 2;
  }
  return dot / Math.sqrt(aa * bb);
}
