/**
 * Token ids → the sequence a ColBERT model reads (Khattab & Zaharia 2020; Stanford ColBERT's QueryTokenizer and
 * DocTokenizer, PyLate's `encode`):
 *
 *   query     [CLS] [QueryMarker] tokens [SEP] [MASK] … [MASK]      filled to queryLength, every position kept
 *   document  [CLS] [DocumentMarker] tokens [SEP]                   punctuation (skiplist) not kept
 */
import type { ColbertConfig } from './config.ts';

export interface Sequence {
  readonly kind: 'query' | 'document';
  /** [length] */
  readonly inputIds: readonly number[];
  /** [length], 1 = seen by attention. */
  readonly attentionMask: readonly number[];
  /** Positions whose vectors are kept, ascending. */
  readonly kept: readonly number[];
  /** Tokens of the text in the sequence; they stand at positions 2 to 2 + textTokens. */
  readonly textTokens: number;
  /** Tokens of the text that did not fit. */
  readonly truncatedTokens: number;
}

/** Where the text's first token stands: after [CLS] and the marker. */
export const firstTextPosition = 2;

export function querySequence(textIds: readonly number[], config: ColbertConfig): Sequence {
  const { inputIds, truncatedTokens, textTokens } = wrap(textIds, config.queryMarkerId, config.queryLength, config);
  const attentionMask = inputIds.map(() => 1);
  if (config.doQueryExpansion) {
    while (inputIds.length < config.queryLength) {
      inputIds.push(config.maskId);
      attentionMask.push(config.attendToExpansionTokens ? 1 : 0);
    }
  }
  return { kind: 'query', inputIds, attentionMask, kept: inputIds.map((_, i) => i), textTokens, truncatedTokens };
}

export function documentSequence(textIds: readonly number[], config: ColbertConfig): Sequence {
  const { inputIds, truncatedTokens, textTokens } = wrap(
    textIds,
    config.documentMarkerId,
    config.documentLength,
    config,
  );
  const kept = inputIds.flatMap((id, i) => (config.skiplist.has(id) ? [] : [i]));
  return { kind: 'document', inputIds, attentionMask: inputIds.map(() => 1), kept, textTokens, truncatedTokens };
}

function wrap(textIds: readonly number[], markerId: number, length: number, config: ColbertConfig) {
  const room = length - 3; // [CLS], marker, [SEP]
  const textTokens = Math.min(room, textIds.length);
  return {
    inputIds: [config.prefixId, markerId, ...textIds.slice(0, textTokens), config.suffixId],
    textTokens,
    truncatedTokens: textIds.length - textTokens,
  };
}
