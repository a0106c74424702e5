/** A model of the store that is ready → what the engine opens: its entry, its stored check, and the way to load it. */
import * as v from 'valibot';
import { LateralError } from '../errors.ts';
import { defaultScale } from '../vectors/quantize.ts';
import { canonicalId, checkOf, idOf, knownModel, storedModel } from './catalogue.ts';
import type { ModelStore, StoredModel } from './hub.ts';
import { loadStored, type LoadedStoredModel, type StoredVariant, versionOf } from './load-stored.ts';
import { modelShape } from './memory.ts';
import type { ModelEntry, SimilarityLevels } from './registry.ts';
import { readSelfTest, type SelfTestFile } from './self-test.ts';
import type { EncoderDevice } from '../types.ts';

export interface StoredEntry {
  readonly entry: ModelEntry;
  /** Rows of when it was checked. */
  readonly selfTest: SelfTestFile;
  /** Which device was quickest then; null where there was no graphics card to be tried. */
  readonly device: EncoderDevice | null;
  /** Whether that was with fp16. */
  readonly half: boolean;
  /** @param onProgress as of `loadStored` */
  load(onProgress?: (done: number, total: number) => void): Promise<LoadedStoredModel>;
}

/** @throws 'model-unavailable' where it is not here or not ready: the message says what to do */
export async function storedEntry(store: ModelStore, id: string): Promise<StoredEntry> {
  const asked = /@([0-9a-f]{8})$/.exec(id)?.[1];
  const plain = canonicalId(asked === undefined ? id : id.slice(0, -9));
  const model = await storedModel(store, plain, undefined, asked);
  const check = model === null ? null : checkOf(model);
  if (model === null || check?.options.passed !== true) {
    const what = model === null ? 'is not here' : 'is here, but not ready yet';
    throw new LateralError(
      'model-unavailable',
      `The model ${id} ${what}. Prepare it in Models (openModels().prepare("${plain}")), or open the index with another one.`,
      { details: { model: plain } },
    );
  }
  if (asked !== undefined && check.options.version !== asked) {
    throw new LateralError(
      'model-unavailable',
      `Of ${plain} the version ${asked} is not here, but ${String(check.options.version)}. Open the index with "${plain}" to have it read again by that one.`,
      { details: { model: plain } },
    );
  }
  // Only for the order of the list. Waited for: who deletes it right afterwards would find it busy.
  await store.touch(model.key).catch(() => undefined);
  const { key } = model;
  const name = idOf(model);
  const version = String(check.options.version);
  const { selfTest, levels } = await readCheckFile(store, model, check.path);
  const entry: ModelEntry = {
    id: name,
    title: knownModel(name)?.title ?? name.replace(/^folder:/, ''),
    version,
    dims: String(check.options.dims).split(',').map(Number),
    scale: defaultScale,
    similarity: levels,
    ...(await shapeOf(store, model)),
  };
  return {
    entry,
    selfTest: readSelfTest(selfTest, `${name}@${version}`),
    device: !String(check.options.devices).includes('webgpu')
      ? null
      : check.options.device === 'webgpu'
        ? 'webgpu'
        : 'wasm',
    half: check.options.half === true,
    async load(onProgress) {
      const variant = variantOf(check.options);
      const now = await store.get(key);
      if (now === null || (await versionOf(now, variant)) !== version) {
        throw new LateralError('model-unavailable', `${name} was deleted or replaced meanwhile. Reload the page.`, {
          details: { model: name },
        });
      }
      return loadStored(store, key, variant, knownModel(name), onProgress);
    },
  };
}

/** What `check.json` holds. */
interface CheckFile {
  readonly selfTest: SelfTestFile;
  readonly levels: SimilarityLevels;
}

const checkSchema = v.object({
  selfTest: v.looseObject({ model: v.string(), cases: v.array(v.unknown()) }),
  levels: v.object({ close: v.number(), strong: v.number(), relevant: v.number(), baseline: v.number() }),
});

async function readCheckFile(store: ModelStore, { key }: StoredModel, path: string): Promise<CheckFile> {
  const source = await store.open(key, path);
  const text = new TextDecoder().decode(await source.read(0, source.size));
  const parsed = v.safeParse(checkSchema, JSON.parse(text));
  if (parsed.success) return parsed.output as unknown as CheckFile;
  throw new LateralError('model-invalid', `What the check of ${key} kept cannot be read. Prepare the model again.`, {
    details: { model: key, file: path },
  });
}

/** For models whose config.json says how they are built, which not all do. */
async function shapeOf(store: ModelStore, { key, bytes, files }: StoredModel): Promise<Pick<ModelEntry, 'shape'>> {
  if (!files.some(({ path, state }) => path === 'config.json' && state === 'whole')) return {};
  const source = await store.open(key, 'config.json');
  try {
    const config = JSON.parse(new TextDecoder().decode(await source.read(0, source.size))) as unknown;
    return { shape: { ...modelShape(config), weightsBytes: bytes } };
  } catch {
    return {}; // it runs without: only nothing is said of its memory
  }
}

function variantOf(options: Readonly<Record<string, string | number | boolean>>): StoredVariant {
  const { onnx, graph, data, dim, oneByOne } = options;
  const list = String(data).split('\n').filter(Boolean);
  return {
    ...{ onnx: String(onnx), graph: String(graph), data: list, oneByOne: oneByOne === true },
    ...(Number(dim) > 0 ? { dim: Number(dim) } : {}),
  };
}
