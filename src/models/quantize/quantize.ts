/**
 * An ONNX model of any size → a quantised one, tensor by tensor through ranged reads, with bounded memory, and going on where
 * it was interrupted. The same code runs in a worker and in Node. docs/quantize.md describes formats and limits.
 *
 *   graph ─ skeleton (no weights) ─ prepare ─ projection ─ rewrite ─ jobs ─ layOut ─┬─ steps → file of weights
 *                                                                                  └─ encode → graph
 */
import { LateralError, throwIfAborted } from '../../errors.ts';
import type { ByteFile, ByteWriter, ByteSource } from '../byte-source.ts';
import type { ModelSource } from './bytes.ts';
import type { Bits } from './blocks.ts';
import { openContent } from './content.ts';
import { allGraphs, contrib } from './graph.ts';
import { layOut, type Layout } from './jobs.ts';
import { fingerprintOf, openJournal } from './journal.ts';
import { decodeModel, encodeModel } from './onnx.ts';
import { prepare, requireOperators, type Contents } from './prepare.ts';
import { findProjection, setProjection } from './projection.ts';
import { rewrite, type LeftWeight, type QuantizedWeight } from './rewrite.ts';
import type { Head } from './safetensors.ts';
import { readSkeleton } from './skeleton.ts';

export interface QuantizeOptions {
  /** Of the products' matrices, in blocks. Default 4. */
  readonly bits?: Bits;
  /** Of the token embeddings: 4 in blocks of 32, 8 with one scale a row. Default: `bits`. */
  readonly embeddingBits?: Bits;
  /** Of the last product, which makes the rows that are compared; 32 leaves it. Default 8. */
  readonly projectionBits?: Bits | 32;
  /** Values that share a scale in the products' matrices. Default 32. */
  readonly blockSize?: 16 | 32 | 64 | 128;
  /** A zero point for each block: finer for one-sided blocks, 1/16 to 1/8 larger. Default false. */
  readonly zeroPoints?: boolean;
  /** MatMulNBits' own: 4 lets the runtime round activations to 8 bits. Default 0: exact products on both back ends. */
  readonly accuracyLevel?: 0 | 1 | 4;
  /** A linear layer in place of the model's own, or for a model without one. */
  readonly head?: Head;
  /** Matrices of fewer values are left as they are. Default 8192 (32 KiB in fp32). */
  readonly minElements?: number;
  /** What the file of weights will be called; the graph refers to it. Default `model_quantized.onnx_data`. */
  readonly dataName?: string;
}

export interface QuantizePlan {
  /** Bytes of the two files, exactly. */
  readonly graphBytes: number;
  readonly dataBytes: number;
  /** Bytes of weights that have to be read. */
  readonly sourceBytes: number;
  /** Length of the rows that the result makes; null where the graph does not say. */
  readonly dim: number | null;
  /** Whether a linear layer makes them; without one, the model needs a `head`. */
  readonly hasProjection: boolean;
  readonly quantized: readonly QuantizedWeight[];
  readonly left: readonly LeftWeight[];
}

export interface QuantizeTarget {
  readonly graph: ByteWriter;
  readonly data: ByteWriter & Pick<ByteSource, 'size'>;
  /** Kept between runs until the work is done; then empty. */
  readonly journal: ByteFile;
}

export interface QuantizeRun {
  readonly signal?: AbortSignal;
  /** In bytes of the source's weights. */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * What quantising would give, from the graph alone: no weights are read, so it can be shown before they are downloaded (an
 * external file's `size` is asked for).
 * @throws 'model-invalid' for a file that is damaged, of another kind, or quantised already
 */
export async function planQuantization(source: ModelSource, options: QuantizeOptions = {}): Promise<QuantizePlan> {
  return (await prepareRun(source, options)).plan;
}

/**
 * Quantises. After an abort or a crash, the same call with the same files goes on after the last whole step; the result is
 * the same byte for byte. With another source or other options it starts anew.
 * @throws 'model-invalid', 'aborted', 'storage-full'
 */
export async function quantizeModel(
  source: ModelSource,
  target: QuantizeTarget,
  options: QuantizeOptions = {},
  { signal, onProgress }: QuantizeRun = {},
): Promise<QuantizePlan> {
  throwIfAborted(signal);
  const { plan, layout, graph, externals, skeleton } = await prepareRun(source, options);
  const fingerprint = await fingerprintOf(source, externals, skeleton, identity(options));
  const journal = await openJournal(target.journal, fingerprint, target.data.size === layout.size);
  if (journal.done === 0) {
    // Emptied first, so that the gaps between tensors are zeros; extended at once, so that a full disk is known now.
    await target.data.truncate(0);
    await target.data.truncate(layout.size);
    await target.graph.truncate(0);
  }
  let read = 0;
  for (const [i, step] of layout.steps.entries()) {
    if (i >= journal.done) {
      throwIfAborted(signal);
      for (const { offset, bytes } of await layout.run(step)) await target.data.write(offset, bytes);
      await target.data.flush();
      await journal.note(i + 1);
    }
    read += step.sourceBytes;
    onProgress?.(read, layout.sourceBytes);
  }
  throwIfAborted(signal);
  await target.graph.truncate(0);
  await target.graph.write(0, graph);
  await target.graph.flush();
  await journal.clear();
  return plan;
}

interface PreparedRun {
  readonly plan: QuantizePlan;
  readonly layout: Layout;
  /** The result's graph. */
  readonly graph: Uint8Array;
  /** The source's graph without its weights. */
  readonly skeleton: Uint8Array;
  readonly externals: ReadonlyMap<string, ByteSource>;
}

async function prepareRun(source: ModelSource, options: QuantizeOptions): Promise<PreparedRun> {
  const dataName = options.dataName ?? 'model_quantized.onnx_data';
  const { bytes: skeleton, payloads } = await readSkeleton(source.graph);
  const model = decodeModel(skeleton);
  const { graph } = model;
  const contents: Contents = new Map();
  const externals = new Map<string, ByteSource>();
  for (const part of allGraphs(graph)) {
    const inNodes = part.node.flatMap((node) => node.attribute.flatMap(({ t, tensors }) => (t ? [t] : tensors)));
    for (const tensor of [...part.initializer, ...inNodes]) {
      const content = await openContent(tensor, { source, payloads, externals });
      if (content !== null) contents.set(tensor, content);
    }
  }
  prepare(graph, contents);
  if (options.head !== undefined) setProjection(graph, contents, options.head);
  const projection = findProjection(graph);

  const bits = options.bits ?? 4;
  const { jobs, quantized, left } = rewrite(graph, contents, {
    matrix: { bits, blockSize: options.blockSize ?? 32, zeroPoints: options.zeroPoints ?? false },
    embeddingBits: options.embeddingBits ?? bits,
    projectionBits: options.projectionBits ?? 8,
    accuracyLevel: options.accuracyLevel ?? 0,
    minElements: options.minElements ?? 8192,
  });
  if (quantized.length === 0) {
    throw new LateralError(
      'model-invalid',
      'There is nothing to quantise in this model: its products have no large matrices of floats. It may be quantised already.',
      { details: { reason: 'nothing-to-quantize' } },
    );
  }
  requireOperators(model.opsetImport, contrib);
  const layout = layOut(jobs, dataName);
  const encoded = encodeModel(model);
  const lastDim = Number(graph.output[0]!.type?.tensorType?.shape?.dim.at(-1)?.dimValue ?? 0);
  const plan: QuantizePlan = {
    graphBytes: encoded.length,
    dataBytes: layout.size,
    sourceBytes: layout.sourceBytes,
    dim: projection?.dim ?? (lastDim > 0 ? lastDim : null),
    hasProjection: projection !== null,
    quantized,
    left,
  };
  return { plan, layout, graph: encoded, skeleton, externals };
}

/** Options as a plain value that is equal for equal results. */
function identity({ head, ...options }: QuantizeOptions): object {
  const sorted = Object.fromEntries(Object.entries(options).sort(([a], [b]) => (a < b ? -1 : 1)));
  return head === undefined ? sorted : { ...sorted, head: { ...head, weight: [...head.weight] } };
}
