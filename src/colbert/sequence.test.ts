import { describe, expect, test } from 'vitest';
import type { ColbertConfig } from './config.ts';
import { documentSequence, querySequence } from './sequence.ts';

/** A toy vocabulary: 101 [CLS], 102 [SEP], 103 [MASK], 1 [Q], 2 [D], 7 is punctuation. */
const config: ColbertConfig = {
  queryLength: 8,
  documentLength: 6,
  queryMarker: '[Q]',
  documentMarker: '[D]',
  doQueryExpansion: true,
  attendToExpansionTokens: false,
  skiplistWords: ['!'],
  skiplistBy: 'first-token',
  lowerCase: false,
  statedIds: {},
  dim: 2,
  queryMarkerId: 1,
  documentMarkerId: 2,
  maskId: 103,
  padId: 0,
  prefixId: 101,
  suffixId: 102,
  skiplist: new Set([7]),
};

describe('queries', () => {
  test('marker at index 1, filled with mask tokens; all positions are kept', () => {
    expect(querySequence([11, 12], config)).toMatchObject({
      inputIds: [101, 1, 11, 12, 102, 103, 103, 103],
      attentionMask: [1, 1, 1, 1, 1, 0, 0, 0],
      kept: [0, 1, 2, 3, 4, 5, 6, 7],
      truncatedTokens: 0,
    });
  });

  test('the fill is attended where the model was trained so', () => {
    const { attentionMask } = querySequence([11], { ...config, attendToExpansionTokens: true });
    expect(attentionMask).toEqual([1, 1, 1, 1, 1, 1, 1, 1]);
  });

  test('without expansion nothing is filled', () => {
    expect(querySequence([11], { ...config, doQueryExpansion: false }).inputIds).toEqual([101, 1, 11, 102]);
  });

  test('a long query keeps [SEP] and says what was cut', () => {
    expect(querySequence([11, 12, 13, 14, 15, 16, 17], config)).toMatchObject({
      inputIds: [101, 1, 11, 12, 13, 14, 15, 102],
      textTokens: 5,
      truncatedTokens: 2,
    });
  });

  test('punctuation counts in a query', () => {
    expect(querySequence([7], config).kept).toContain(2);
  });
});

describe('documents', () => {
  test('marker at index 1, punctuation is read but not kept', () => {
    expect(documentSequence([11, 7, 12], config)).toMatchObject({
      inputIds: [101, 2, 11, 7, 12, 102],
      kept: [0, 1, 2, 4, 5],
    });
  });

  test('a long document is cut, and says so', () => {
    expect(documentSequence([11, 12, 13, 14, 15], config)).toMatchObject({
      inputIds: [101, 2, 11, 12, 13, 102],
      truncatedTokens: 2,
    });
  });

  test('an empty document has its three special vectors', () => {
    expect(documentSequence([], config)).toMatchObject({ inputIds: [101, 2, 102], kept: [0, 1, 2] });
  });
});
