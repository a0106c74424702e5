/** The models Lateral knows: where their files are, what may be asked of them, and the constants measured for them. */
import { LateralError } from '../errors.ts';
import { defaultScale } from '../vectors/quantize.ts';
import type { ModelShape } from './memory.ts';

export interface ModelEntry {
  readonly id: string;
  /** As people call it. */
  readonly title: string;
  /** Changes when the weights do; vectors of different versions are never compared. */
  readonly version: number | string;
  /** Dimensions it serves, largest first; the smaller are leading components (Matryoshka). */
  readonly dims: readonly number[];
  /** Stored int8 × scale = component. */
  readonly scale: number;
  /** What memory for long sequences is estimated from (models/memory.ts); without it, nothing is said beforehand. */
  readonly shape?: ModelShape & { readonly weightsBytes: number };
  /** Cosines between token vectors, measured on this model (bench/similarity.ts prints what they follow from). */
  readonly similarity: SimilarityLevels;
}

/** One that comes with Lateral. */
export interface EmbeddedModel extends ModelEntry {
  /** Folder below the models' base, in the hub's layout. */
  readonly folder: string;
  readonly onnxFile: string;
  /** ISO 639-1 codes, or how many there are. */
  readonly languages: readonly string[] | number;
  readonly parameters: number;
  /** Of its files, about. */
  readonly bytes: number;
}

export interface SimilarityLevels {
  /** From here a word is lit as close. */
  readonly close: number;
  /** From here a word is lit as strong. */
  readonly strong: number;
  /** Mean similarity of the query's words with a passage below which nothing is called relevant. */
  readonly relevant: number;
  /** Mean cosine per query row that any passage at all reaches: where the score bar begins. */
  readonly baseline: number;
}

export const models: readonly EmbeddedModel[] = [
  {
    id: 'lateral-mini',
    title: 'Lateral mini',
    version: 2,
    folder: 'lateral-mini',
    onnxFile: 'onnx/model_q4.onnx',
    // measured ones; training had more (its card)
    languages: 'en fr es ro de el ru tr vi zh ja hi th ar fa he am'.split(' '),
    parameters: 30_600_000,
    bytes: 21_700_000,
    dims: [128, 96, 64],
    scale: defaultScale,
    shape: {
      ...{ layers: 5, hidden: 384, heads: 12, intermediate: 1536, vocabulary: 56_000, slidingWindow: 128 },
      weightsBytes: 19_957_834,
    },
    similarity: { close: 0.44, strong: 0.6, relevant: 0.43, baseline: 0.38 },
  },
];

export const defaultModelId = 'lateral-mini';

/** The embedded model of an id, with or without its version, or null. */
export function embeddedModel(id: string): EmbeddedModel | null {
  return models.find((model) => model.id === id || modelName(model) === id) ?? null;
}

/** @param id with or without its version: `lateral-mini`, `lateral-mini@0`. @throws 'invalid-argument' for one that is not here */
export function modelEntry(id: string): EmbeddedModel {
  const entry = embeddedModel(id);
  if (entry === null) {
    throw new LateralError(
      'invalid-argument',
      `There is no model "${id}". Known: ${models.map(modelName).join(', ')}.`,
    );
  }
  return entry;
}

/** `lateral-mini@0`: what a fingerprint names. */
export function modelName(entry: ModelEntry): string {
  return `${entry.id}@${entry.version}`;
}
