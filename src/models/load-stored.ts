/** A model in the store, quantised → a ready encoder: what models/load.ts does with the one that comes with Lateral. */
import { createEncoder, type Encoder, type EncoderOptions } from '../colbert/encoder.ts';
import type { ExternalWeights, ModelWeights, SessionFactory, WeightsFile } from '../colbert/session-api.ts';
import type { ColbertConfig, ColbertSettings } from '../colbert/config.ts';
import { readSettings } from '../colbert/settings.ts';
import { loadTokenizer, type TextTokenizer } from '../colbert/tokenizer.ts';
import { LateralError } from '../errors.ts';
import type { EncoderDevice } from '../types.ts';
import { piecesOf, type ByteSource } from './byte-source.ts';
import { createSession } from './create-session.ts';
import { digestOfText } from './digest.ts';
import { findModelFiles } from './find-files.ts';
import type { StoredModel } from './kept/describe.ts';
import { halfWeights } from './half-weights.ts';
import { checkedSettings, type HubModel } from './hub-models.ts';
import type { ModelStore } from './kept/model-store.ts';
import { quantizedPaths, type QuantizeStoredOptions } from './quantize-stored.ts';

/** Which of a stored model's files are loaded. */
export interface StoredVariant {
  /** The ONNX that was downloaded: settings lie beside it. */
  readonly onnx: string;
  /** What is run: a path in the store. */
  readonly graph: string;
  /** Its external data, which it names by their last parts. */
  readonly data: readonly string[];
  /** Where it has another head than its files say. */
  readonly dim?: number;
  /** Of graphs whose rows depend on what shares a batch, as int8 ones do. */
  readonly oneByOne?: boolean;
}

/** What `quantizeStored` made with these options. */
export function quantizedVariant(options: QuantizeStoredOptions): StoredVariant {
  const { graph, data } = quantizedPaths(options);
  return { onnx: options.onnx, graph, data: [data], ...(options.head === undefined ? {} : { dim: options.head.dim }) };
}

type OnBytes = (done: number, total: number) => void;

export interface LoadedStoredModel {
  readonly config: ColbertConfig;
  readonly tokenizer: TextTokenizer;
  /** @throws 'model-invalid', 'out-of-memory', 'gpu-unavailable', 'gpu-lost' */
  createEncoder(runtime: SessionFactory, device: EncoderDevice, options?: EncoderOptions): Promise<Encoder>;
  /**
   * One that computes in fp16, on a graphics card with 'shader-f16'; null where nothing of the graph can be computed so, and for one that
   * was quantised by others.
   * @throws as `createEncoder`
   */
  createHalfEncoder(runtime: SessionFactory, options?: EncoderOptions): Promise<Encoder | null>;
  /** Drops the weights once no further session will be made of them. */
  forgetWeights(): void;
}

/**
 * @param variant whose dimension, if it has one, is the model's
 * @param known what the registry knows of it, which its files must agree with; null for any other model
 * @param onProgress told of the weights' bytes as they are read: most of them only while a session is made
 * @throws 'model-unavailable' where it is not in the store, or not quantised so; 'model-invalid' where its files contradict
 *   each other or what is known
 */
export async function loadStored(
  store: ModelStore,
  key: string,
  variant: StoredVariant,
  known: Pick<HubModel, 'title' | 'expects' | 'settings'> | null,
  onProgress?: OnBytes,
): Promise<LoadedStoredModel> {
  const model = await store.get(key);
  if (model === null) {
    throw new LateralError('model-unavailable', `The model ${key} is not here. Download it first.`, {
      details: { model: key },
    });
  }
  const { json, settings: own } = await readStoredSettings(store, model, variant.onnx, known);
  const settings = variant.dim === undefined ? own : { ...own, dim: variant.dim };
  const files = { tokenizerJson: json.get('tokenizer.json'), tokenizerConfig: json.get('tokenizer_config.json') ?? {} };
  const { tokenizer, config } = loadTokenizer(files, settings);
  let weights: ModelWeights | null = await readWeights(store, key, variant, onProgress);
  const kept = (): ModelWeights => {
    if (weights === null) throw new LateralError('internal', 'The weights were dropped already.');
    return weights;
  };
  return {
    config,
    tokenizer,
    async createEncoder(runtime, device, encoderOptions) {
      const session = await createSession(runtime, kept(), device);
      const batches = variant.oneByOne === true ? { batchTokens: 1 } : {};
      return createEncoder(tokenizer, config, session, { ...encoderOptions, ...batches });
    },
    async createHalfEncoder(runtime, encoderOptions) {
      if (variant.oneByOne === true) return null;
      const halved = halfWeights(kept());
      if (halved === null) return null;
      return createEncoder(tokenizer, config, await runtime.create(halved, 'webgpu'), encoderOptions);
    },
    forgetWeights() {
      weights = null;
    },
  };
}

/**
 * How a stored model is asked.
 * @returns `json`: its settings and tokenizer files by path
 * @throws as `loadStored` does
 */
export async function readStoredSettings(
  store: ModelStore,
  { key, files }: StoredModel,
  onnx: string,
  known: Pick<HubModel, 'title' | 'expects' | 'settings'> | null,
): Promise<{ readonly json: ReadonlyMap<string, unknown>; readonly settings: ColbertSettings }> {
  const listed = files.map(({ path, size }) => ({ path, size: size ?? 0 }));
  const { tokenizer, settings } = findModelFiles(listed, onnx);
  const json = new Map<string, unknown>();
  for (const path of [...tokenizer, ...settings]) json.set(path, await readJson(store, key, path));
  const read = readSettings(json);
  return { json, settings: known === null ? read : checkedSettings(known, read) };
}

/** Eight digits of what rows follow from, weights, tokenizer and settings: equal for equal files, wherever they were quantised. */
export async function versionOf(
  { files, derived }: StoredModel,
  { onnx, graph, data }: StoredVariant,
): Promise<string> {
  const listed = files.map(({ path, size }) => ({ path, size: size ?? 0 }));
  const { tokenizer, settings } = findModelFiles(listed, onnx);
  const digestOf = (path: string): string =>
    [...derived, ...files].find((file) => file.path === path && file.sha256 !== null)?.sha256 ?? '';
  const read = [graph, ...data, ...tokenizer, ...settings].map((path) => `${path} ${digestOf(path)}`);
  return (await digestOfText(read.join('\n'))).slice(0, 8);
}

async function readWeights(
  store: ModelStore,
  key: string,
  { graph, data }: StoredVariant,
  onProgress?: OnBytes,
): Promise<ModelWeights> {
  const source = await store.open(key, graph);
  const files = await Promise.all(data.map((path) => store.open(key, path)));
  const total = files.reduce((sum, { size }) => sum + size, source.size);
  let done = 0;
  const tell = (bytes: number): void => onProgress?.((done = Math.min(total, done + bytes)), total); // a second session reads again
  const external: ExternalWeights[] = [];
  for (const [i, file] of files.entries()) {
    // Read where they lie, tensor by tensor; at once only where there is no other way.
    const bytes = file.readSync === undefined ? await readAll(file, tell) : told(file.size, file.readSync, tell);
    external.push({ path: data[i]!.slice(data[i]!.lastIndexOf('/') + 1), bytes });
  }
  return { graph: await readAll(source, tell), external };
}

type Tell = (bytes: number) => void;

async function readAll(source: ByteSource, tell: Tell): Promise<Uint8Array> {
  const bytes = new Uint8Array(source.size);
  let at = 0;
  for await (const piece of piecesOf(source, 2 ** 24)) {
    bytes.set(piece, at);
    at += piece.length;
    tell(piece.length);
  }
  return bytes;
}

const told = (size: number, readSync: WeightsFile['readSync'], tell: Tell): WeightsFile => ({
  size,
  readSync(offset, length) {
    const bytes = readSync(offset, length);
    tell(length);
    return bytes;
  },
});

async function readJson(store: ModelStore, key: string, path: string): Promise<unknown> {
  const source = await store.open(key, path);
  const text = new TextDecoder().decode(await source.read(0, source.size));
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new LateralError('model-invalid', `${path} is not valid JSON. Download the model again.`, {
      cause,
      details: { model: key, file: path },
    });
  }
}
