/**
 * A model that was downloaded, or dropped as a folder → a quantised one beside it in the store. It goes on where a reload or a
 * crash ended it, and nothing counts as there until all of it is.
 */
import type { ByteSource } from './byte-source.ts';
import type { HoldModelOptions } from './kept/locks.ts';
import type { StoredModel } from './kept/describe.ts';
import type { ModelStore } from './kept/model-store.ts';
import type { ModelSource } from './quantize/bytes.ts';
import { planQuantization, quantizeModel, type QuantizeOptions, type QuantizePlan } from './quantize/quantize.ts';

export interface QuantizeStoredOptions extends Omit<QuantizeOptions, 'dataName'> {
  /** The model's ONNX among the stored files. */
  readonly onnx: string;
}

export interface QuantizeStoredRun extends HoldModelOptions {
  /** In bytes of the weights that are read. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** What is made: paths in the store. */
export interface QuantizedPaths {
  readonly graph: string;
  /** The graph names it by its last part. */
  readonly data: string;
}

/** Bits and dimension are in the names, so that a model can have several. */
export function quantizedPaths({ bits = 4, embeddingBits = bits, head }: QuantizeStoredOptions): QuantizedPaths {
  const name = `model_q${bits}e${embeddingBits}${head === undefined ? '' : `d${head.dim}`}.onnx`;
  return { graph: `lateral/${name}`, data: `lateral/${name}_data` };
}

/** What it would give. @throws 'model-unavailable' where files are missing; 'model-invalid' */
export async function planStored(
  store: ModelStore,
  key: string,
  options: QuantizeStoredOptions,
): Promise<QuantizePlan> {
  const { onnx, ...how } = options;
  const { source } = await storedSource(store, key, onnx);
  return planQuantization(source, { ...how, dataName: lastPart(quantizedPaths(options).data) });
}

/**
 * @returns the model with two derived files more, of kind 'onnx-graph' and 'onnx-data', which replace the files they were made of
 * @throws 'model-unavailable' where a file of the model is missing or not whole; 'model-invalid', 'model-busy', 'storage-full',
 *   'aborted'; 'storage-unavailable' on a page, where only a worker can write
 */
export async function quantizeStored(
  store: ModelStore,
  key: string,
  options: QuantizeStoredOptions,
  { onProgress, ...hold }: QuantizeStoredRun = {},
): Promise<StoredModel> {
  const { onnx, ...how } = options;
  const paths = quantizedPaths(options);
  const journal = `${paths.graph}.journal`;
  const { source, names } = await storedSource(store, key, onnx);
  const dataName = lastPart(paths.data);
  await planQuantization(source, { ...how, dataName }); // asks for all files that it needs
  const { bits = 4, embeddingBits = bits, projectionBits = 8, blockSize = 32, zeroPoints = false, head } = how;
  const recorded = { bits, embeddingBits, projectionBits, blockSize, zeroPoints, dim: head?.dim ?? 0 };
  const files = (['graph', 'data'] as const).map((part) => ({
    path: paths[part],
    kind: `onnx-${part}`,
    options: recorded,
    replaces: [...names],
  }));
  return store.makeDerived(
    key,
    files,
    [journal],
    async (open) => {
      const target = { graph: await open(paths.graph), data: await open(paths.data), journal: await open(journal) };
      await quantizeModel(
        source,
        target,
        { ...how, dataName },
        { ...(hold.signal && { signal: hold.signal }), ...(onProgress && { onProgress }) },
      );
    },
    hold,
  );
}

/**
 * A stored model as the quantiser reads it.
 * @returns `names`: paths of the files that were asked for, the ONNX first
 * @throws 'model-unavailable'
 */
export async function storedSource(
  store: ModelStore,
  key: string,
  onnx: string,
): Promise<{ readonly source: ModelSource; readonly names: ReadonlySet<string> }> {
  const names = new Set([onnx]);
  const folder = onnx.slice(0, onnx.lastIndexOf('/') + 1);
  const opened = new Map<string, Promise<ByteSource>>();
  const graph = await store.open(key, onnx);
  const external = (name: string): Promise<ByteSource> => {
    const path = `${folder}${name.replace(/^\.\//, '')}`;
    names.add(path);
    const source = opened.get(path) ?? store.open(key, path);
    opened.set(path, source);
    return source;
  };
  return { source: { graph, external }, names };
}

const lastPart = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
