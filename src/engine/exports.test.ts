/**
 * Repositories as PyLate, Stanford ColBERT, Optimum and their exporters write them (fixtures/exports), from the dropped folder to
 * rows: these have to be those that PyLate and Stanford ColBERT themselves give for the same text.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { EncodedText, Encoder } from '../colbert/encoder.ts';
import type { Session, SessionFactory } from '../colbert/session-api.ts';
import { createNodeRuntime } from '../colbert/session-node.ts';
import { denseFolders } from '../colbert/settings.ts';
import { storedModel } from '../models/catalogue.ts';
import { readDenseHead } from '../models/dense-head.ts';
import { importFolder, type StoredModel } from '../models/hub.ts';
import { memoryFile } from '../models/quantize/bytes.ts';
import type { Head } from '../models/quantize/safetensors.ts';
import { quantize } from '../models/quantize/testing/models.ts';
import { createDiskFolders } from '../models/kept/disk-folders.ts';
import { createModelStore, type ModelStore } from '../models/kept/model-store.ts';
import { loadStored } from '../models/load-stored.ts';
import type { ModelInfo } from '../models/model-info.ts';
import { storedEntry } from '../models/stored-entry.ts';
import { asFolder, exportedFiles, goldenTexts, type GoldenText } from '../models/testing/exports.ts';
import { HubServer } from '../models/testing/hub-server.ts';
import { failureOf } from '../models/testing/setting.ts';
import { createModels } from './models.ts';
import type { ModelsApi } from './models-api.ts';
import { createLocalLocks } from './tab-locks.ts';

let root: string;
let store: ModelStore;
let models: ModelsApi;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'lateral-exports-'));
  store = createModelStore(createDiskFolders(root, { sync: false }), createLocalLocks());
  const devices = async () => ({
    runtime: await createNodeRuntime({ threads: 1 }),
    devices: ['wasm'] as const,
    half: false,
  });
  models = createModels({ store, minElements: 256, devices });
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** The folder's name, the graph that is chosen in it, and what its files say. */
const repositories = [
  ['pylate-bert', 'onnx/model.onnx', { doQueryExpansion: true, lowerCase: false }],
  ['pylate-modernbert', 'onnx/model.onnx', { doQueryExpansion: false, lowerCase: true }],
  ['pylate-export-bert', 'model.onnx', { doQueryExpansion: false, lowerCase: false }],
  ['pylate-export-modernbert', 'model.onnx', { doQueryExpansion: false, skiplistWords: [] }],
  ['stanford-bert', 'vespa_colbert.onnx', { doQueryExpansion: true, attendToExpansionTokens: false }],
  ['jina', 'onnx/model.onnx', { doQueryExpansion: true, attendToExpansionTokens: true }],
] as const;

/** Of the settings: all of these models are made alike. */
const common = { queryLength: 16, documentLength: 40, dim: 16 };

describe.each(repositories)('%s', (name, onnx, settings) => {
  test.each([
    { bits: 8, required: 0.99 },
    { bits: 4, required: 0.95 },
  ] as const)('is made ready at $bits bits, and gives the rows of its maker', async ({ bits, required }) => {
    const ready = await imported(name, bits);
    expect(ready).toMatchObject({ state: 'ready', dims: [common.dim], check: { passed: true } });
    expect((await stored(name)).files).toContainEqual(expect.objectContaining({ path: onnx, state: 'replaced' }));
    await withEncoder(name, async (encoder) => {
      expect(encoder.config).toMatchObject({ ...common, ...settings });
      const worst = await worstRow(encoder, goldenTexts(name));
      expect(worst).toBeGreaterThan(required);
      expect(worst).toBeLessThan(0.99999); // something was rounded
    });
  });
});

describe('in fp32, the rows of PyLate and Stanford ColBERT to six digits', () => {
  test.each(repositories)('%s', async (name, onnx) => {
    await expectGolden(name, onnx, exportedFiles(name), 1 - 1e-6);
  });

  /** One model: the graph that Vespa's script writes, by other exporters, converted and optimised. */
  test.each(['script-11', 'dynamo-18', 'slim-17', 'fused-17', 'half-runtime-17'])(
    'stanford-bert, %s',
    async (variant) => {
      const files = only(exportedFiles('stanford-bert'), `variants/${variant}.onnx`);
      await expectGolden(
        'stanford-bert',
        `variants/${variant}.onnx`,
        files,
        variant.startsWith('half') ? 0.9999 : 1 - 1e-6,
      );
    },
  );
});

/** Of the fp16 ones, that of onnxconverter-common does not even load: it subtracts a float from a half. */
describe('what other tools make of a graph is quantised like it', () => {
  const variants = ['script-11', 'dynamo-18', 'slim-17', 'fused-17', 'half-17', 'half-runtime-17'];

  test.each(variants)('%s', async (variant) => {
    const texts = goldenTexts('stanford-bert');
    const graph = exportedFiles('stanford-bert').get(`variants/${variant}.onnx`)!;
    for (const [bits, required] of [
      [8, 0.99],
      [4, 0.95],
    ] as const) {
      const { result } = await quantize({ graph, files: {} }, { bits });
      const runtime = await createNodeRuntime({ threads: 1 });
      const external = Object.entries(result.files).map(([path, bytes]) => ({ path, bytes }));
      const session = await runtime.create({ graph: result.graph, external }, 'wasm');
      for (const { inputIds, attentionMask, kept, rows } of texts) {
        const ints = (values: readonly number[]) => BigInt64Array.from(values.map(BigInt));
        const made = await session.run(ints(inputIds), ints(attentionMask), 1, inputIds.length);
        const positions = kept.flatMap((bit, i) => (bit === 1 ? [i] : []));
        for (const [i, position] of positions.entries()) {
          const row = made.rows.subarray(position * made.dim, (position + 1) * made.dim);
          expect(cosine(row, rows[i]!)).toBeGreaterThan(required);
        }
      }
      await session.release();
    }
  });
});

test.each(['pylate-export-bert', 'pylate-export-modernbert'])('%s: int8 alone is used as it is', async (name) => {
  const files = only(exportedFiles(name), 'model_int8.onnx');
  await imported(name, 4, files);
  await withEncoder(name, async (encoder) => {
    expect(await worstRow(encoder, goldenTexts(name))).toBeGreaterThan(0.99);
  });
});

describe('a graph without its projection', () => {
  test('and none beside it says what would work, before anything is made', async () => {
    const files = exportedFiles('pylate-bert');
    files.delete('1_Dense/model.safetensors');
    expect(await failureOf(imported('pylate-bert', 4, files))).toMatchObject({
      code: 'model-invalid',
      message: expect.stringContaining(
        "onnx/model.onnx makes rows of 32 numbers where the model's are of 16: it lacks the projection, or is another model's. " +
          'Put 1_Dense/model.safetensors beside it',
      ) as string,
    });
    expect((await stored('pylate-bert')).derived).toEqual([]);
  });

  test('as transformers.js’ conversions of Stanford’s are', async () => {
    const files = only(exportedFiles('stanford-bert'), 'onnx/model.onnx');
    expect(await failureOf(imported('stanford-bert', 4, files))).toMatchObject({
      code: 'model-invalid',
      message: expect.stringContaining('lacks the projection') as string,
    });
  });

  test.each([
    [{ bias: true }, 'adds a bias'],
    [
      { activation_function: 'torch.nn.modules.activation.Tanh' },
      'has the activation torch.nn.modules.activation.Tanh',
    ],
  ])('and layers that are no one matrix (%j) cannot have it', async (change, what) => {
    const files = exportedFiles('pylate-modernbert');
    const path = '2_Dense/config.json';
    const config = JSON.parse(new TextDecoder().decode(files.get(path))) as object;
    files.set(path, new TextEncoder().encode(JSON.stringify({ ...config, ...change })));
    expect(await failureOf(imported('pylate-modernbert', 4, files))).toMatchObject({
      code: 'model-invalid',
      message: expect.stringContaining(`2_Dense ${what}`) as string,
    });
  });

  test('nor can it have some of several', async () => {
    const files = exportedFiles('pylate-modernbert');
    files.delete('1_Dense/model.safetensors');
    expect(await failureOf(imported('pylate-modernbert', 4, files))).toMatchObject({
      code: 'model-invalid',
      message: expect.stringContaining('1_Dense has no model.safetensors') as string,
    });
  });

  test('goes on, and is checked again, when the files that it was made of are gone', async () => {
    await imported('pylate-modernbert', 8);
    const again = await models.prepare({ model: 'folder:pylate-modernbert', recheck: true }, calls());
    expect(again).toMatchObject({ state: 'ready', dims: [16], check: { passed: true } });
  });
});

test('from a hub the linear layers come with the rest, and nothing that no one reads', async () => {
  const files = exportedFiles('pylate-modernbert');
  files.set('model.safetensors', new Uint8Array(5_000));
  const hub = await new HubServer(Object.fromEntries(files), { repo: 'maker/model' }).start();
  try {
    const ready = await models.prepare({ model: hub.repo, endpoint: hub.endpoint, bits: 8 }, calls());
    expect(ready).toMatchObject({ state: 'ready', dims: [16] });
    const paths = (await store.list())[0]!.files.map(({ path }) => path);
    expect(paths).toEqual(expect.arrayContaining(['1_Dense/model.safetensors', '2_Dense/model.safetensors']));
    expect(paths).not.toContain('model.safetensors');
  } finally {
    await hub.stop();
  }
});

// ── steps ──

const calls = () => ({ signal: new AbortController().signal, onProgress: () => undefined });

function imported(name: string, bits: 4 | 8, files = exportedFiles(name)): Promise<ModelInfo> {
  return models.importFolder({ name, bits, files: asFolder(name, files) }, calls());
}

async function stored(name: string): Promise<StoredModel> {
  return (await storedModel(store, `folder:${name}`))!;
}

async function withEncoder(name: string, use: (encoder: Encoder) => Promise<void>): Promise<void> {
  const loaded = await (await storedEntry(store, `folder:${name}`)).load();
  const encoder = await loaded.createEncoder(await createNodeRuntime({ threads: 1 }), 'wasm', { quietMs: 0 });
  try {
    await use(encoder);
  } finally {
    await encoder.release();
  }
}

/** The graph as it was exported, not quantised. */
async function expectGolden(
  name: string,
  onnx: string,
  files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>,
  required: number,
): Promise<void> {
  const { key } = await importFolder(asFolder(name, files), { store, name });
  const data = [...files.keys()].filter((path) => path.startsWith(`${onnx}.`) || path.startsWith(`${onnx}_`));
  const loaded = await loadStored(store, key, { onnx, graph: onnx, data }, null);
  const native = await createNodeRuntime({ threads: 1 });
  const head = isBare(name) ? await headBeside(files) : null;
  const runtime =
    head === null
      ? native
      : { ...native, create: async (...call: Create) => projected(await native.create(...call), head) };
  const encoder = await loaded.createEncoder(runtime, 'wasm', { quietMs: 0 });
  try {
    expect(await worstRow(encoder, goldenTexts(name))).toBeGreaterThan(required);
  } finally {
    await encoder.release();
  }
}

/** The lowest cosine of a row with that of the reference; its sequences have to be the same in every token. */
async function worstRow(encoder: Encoder, texts: readonly GoldenText[]): Promise<number> {
  let worst = 1;
  for (const golden of texts) {
    const { sequence, rows, numTokens } = await encode(encoder, golden);
    const kept = golden.kept.flatMap((bit, i) => (bit === 1 ? [i] : []));
    const { inputIds, attentionMask } = sequence;
    expect({ text: golden.text, inputIds, attentionMask, kept: sequence.kept }).toEqual({
      text: golden.text,
      inputIds: golden.inputIds,
      attentionMask: golden.attentionMask,
      kept,
    });
    expect(numTokens).toBe(golden.rows.length);
    for (const [i, expected] of golden.rows.entries()) {
      const row = rows.subarray(i * encoder.dim, (i + 1) * encoder.dim);
      worst = Math.min(worst, cosine(row, expected));
    }
  }
  return worst;
}

async function encode(encoder: Encoder, { kind, text }: GoldenText): Promise<EncodedText> {
  return kind === 'query' ? encoder.encodeQuery(text) : (await encoder.encodeDocuments([text]))[0]!;
}

function cosine(a: Float32Array, b: readonly number[]): number {
  const dot = b.reduce((sum, value, i) => sum + value * a[i]!, 0);
  return dot / (Math.hypot(...a) * Math.hypot(...b));
}

function headBeside(files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>): Promise<Head> {
  const json = [...files].filter(([path]) => path.endsWith('.json'));
  const configs = new Map<string, unknown>(
    json.map(([path, bytes]) => [path, JSON.parse(new TextDecoder().decode(bytes))]),
  );
  return readDenseHead(denseFolders(configs), configs, (path) => Promise.resolve(memoryFile(files.get(path))));
}

type Create = Parameters<SessionFactory['create']>;

/** A session whose rows have the head behind them, in fp32. */
function projected(session: Session, { dim, width, weight }: Head): Session {
  return {
    ...session,
    async run(...call) {
      const { rows } = await session.run(...call);
      const made = Float32Array.from({ length: (rows.length / width) * dim }, (_, at) => {
        const [row, column] = [Math.floor(at / dim), at % dim];
        let sum = 0;
        for (let i = 0; i < width; i++) sum += rows[row * width + i]! * weight[column * width + i]!;
        return sum;
      });
      return { rows: made, dim };
    },
  };
}

/** Exports of the transformer alone. */
function isBare(name: string): boolean {
  return name === 'pylate-bert' || name === 'pylate-modernbert';
}

/** Without any other graph. */
function only(files: Map<string, Uint8Array<ArrayBuffer>>, onnx: string): Map<string, Uint8Array<ArrayBuffer>> {
  return new Map([...files].filter(([path]) => !/\.onnx([._]data)?$/.test(path) || path === onnx));
}
