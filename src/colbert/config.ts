/**
 * What a ColBERT model needs to know about itself: lengths, markers, expansion, skiplist. Read from the files that the
 * model ships with, checked once when it is loaded, trusted afterwards.
 */
import { LateralError } from '../errors.ts';

export interface ColbertSettings {
  /** Tokens of a query, marker and specials included. */
  readonly queryLength: number;
  /** Tokens of a document, marker and specials included. */
  readonly documentLength: number;
  readonly queryMarker: string;
  readonly documentMarker: string;
  /** Fill queries up to `queryLength` with mask tokens (query augmentation, Khattab & Zaharia 2020). */
  readonly doQueryExpansion: boolean;
  /** Whether attention sees the fill. */
  readonly attendToExpansionTokens: boolean;
  /** Drop the vectors of punctuation in documents. */
  readonly maskPunctuation: boolean;
  /** The dimension the graph puts out. */
  readonly dim: number;
}

/** Settings with the ids that the tokenizer gives them. */
export interface ColbertConfig extends ColbertSettings {
  readonly queryMarkerId: number;
  readonly documentMarkerId: number;
  readonly maskId: number;
  readonly padId: number;
  /** `[CLS]`, `<s>` */
  readonly prefixId: number;
  /** `[SEP]`, `</s>` */
  readonly suffixId: number;
  /** First ids of ASCII punctuation: their document vectors are not stored. */
  readonly skiplist: ReadonlySet<number>;
}

/** Every ASCII punctuation character, as Python's string.punctuation. */
export const asciiPunctuation = '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~';

/**
 * Reads `artifact.metadata` as Stanford ColBERT and Jina write it.
 * @throws 'model-invalid' for a field that is missing or of another type
 */
export function readArtifactMetadata(json: unknown): ColbertSettings {
  if (typeof json !== 'object' || json === null) {
    throw new LateralError('model-invalid', 'artifact.metadata is not a JSON object.');
  }
  const fields = json as Record<string, unknown>;
  return {
    queryLength: integer(fields, 'query_maxlen'),
    documentLength: integer(fields, 'doc_maxlen'),
    queryMarker: text(fields, 'query_token_id'),
    documentMarker: text(fields, 'doc_token_id'),
    doQueryExpansion: true, // Stanford's format has no way to turn it off
    attendToExpansionTokens: flag(fields, 'attend_to_mask_tokens'),
    maskPunctuation: flag(fields, 'mask_punctuation'),
    dim: integer(fields, 'dim'),
  };
}

function integer(fields: Record<string, unknown>, name: string): number {
  const value = fields[name];
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1)
    throw wrong(name, 'a positive integer', value);
  return value;
}

function text(fields: Record<string, unknown>, name: string): string {
  const value = fields[name];
  if (typeof value !== 'string' || value === '') throw wrong(name, 'a token', value);
  return value;
}

function flag(fields: Record<string, unknown>, name: string): boolean {
  const value = fields[name];
  if (typeof value !== 'boolean') throw wrong(name, 'true or false', value);
  return value;
}

function wrong(name: string, wanted: string, value: unknown): LateralError {
  return new LateralError(
    'model-invalid',
    `artifact.metadata: ${name} must be ${wanted}, not ${JSON.stringify(value)}.`,
  );
}
