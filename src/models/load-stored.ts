/** A model in the store, quantised → a ready encoder: what models/load.ts does with the one that comes with Lateral. */
import type { ColbertConfig } from '../colbert/config.ts';
import { createEncoder, type Encoder, type EncoderOptions } from '../colbert/encoder.ts';
import type { ModelWeights, SessionFactory } from '../colbert/session-api.ts';
import { readSettings } from '../colbert/settings.ts';
import { loadTokenizer, type TextTokenizer } from '../colbert/tokenizer.ts';
import { LateralError } from '../errors.ts';
import type { EncoderDevice } from '../types.ts';
import { findModelFiles } from './find-files.ts';
import { checkedSettings, type HubModel } from './hub-models.ts';
import type { ModelStore } from './kept/model-store.ts';
import { quantizedPaths, type QuantizeStoredOptions } from './quantize-stored.ts';

export interface LoadedStoredModel {
  readonly config: ColbertConfig;
  readonly tokenizer: TextTokenizer;
  /** @throws 'model-invalid', 'out-of-memory', 'gpu-unavailable', 'gpu-lost' */
  createEncoder(runtime: SessionFactory, device: EncoderDevice, options?: EncoderOptions): Promise<Encoder>;
  /** Drops the weights once no further session will be made of them. */
  forgetWeights(): void;
}

/**
 * @param options that it was quantised with; with a head, its dimension is the model's
 * @param known what the registry knows of it, which its files must agree with; null for any other model
 * @throws 'model-unavailable' where it is not in the store, or not quantised so; 'model-invalid' where its files contradict
 *   each other or what is known
 */
export async function loadStored(
  store: ModelStore,
  key: string,
  options: QuantizeStoredOptions,
  known: Pick<HubModel, 'title' | 'expects' | 'settings'> | null,
): Promise<LoadedStoredModel> {
  const model = await store.get(key);
  if (model === null) {
    throw new LateralError('model-unavailable', `The model ${key} is not here. Download it first.`, {
      details: { model: key },
    });
  }
  const found = findModelFiles(
    model.files.map(({ path, size }) => ({ path, size: size ?? 0 })),
    options.onnx,
  );
  const json = new Map<string, unknown>();
  for (const path of [...found.tokenizer, ...found.settings]) json.set(path, await readJson(store, key, path));
  const read = readSettings(json);
  const checked = known === null ? read : checkedSettings(known, read);
  const settings = options.head === undefined ? checked : { ...checked, dim: options.head.dim };
  const files = { tokenizerJson: json.get('tokenizer.json'), tokenizerConfig: json.get('tokenizer_config.json') ?? {} };
  const { tokenizer, config } = loadTokenizer(files, settings);
  let weights: ModelWeights | null = await readWeights(store, key, options);
  return {
    config,
    tokenizer,
    async createEncoder(runtime, device, encoderOptions) {
      if (weights === null) throw new LateralError('internal', 'The weights were dropped already.');
      return createEncoder(tokenizer, config, await runtime.create(weights, device), encoderOptions);
    },
    forgetWeights() {
      weights = null;
    },
  };
}

async function readWeights(store: ModelStore, key: string, options: QuantizeStoredOptions): Promise<ModelWeights> {
  const { graph, data } = quantizedPaths(options);
  const [graphSource, dataSource] = [await store.open(key, graph), await store.open(key, data)];
  const path = data.slice(data.lastIndexOf('/') + 1);
  return {
    graph: await graphSource.read(0, graphSource.size),
    external: [{ path, bytes: await dataSource.read(0, dataSource.size) }],
  };
}

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
