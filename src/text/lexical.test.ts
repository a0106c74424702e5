import fc from 'fast-check';
import { expect, it } from 'vitest';
import { lexicalTerms } from './lexical.ts';

it.each([
  ['words, lower-cased', 'The QUICK brown fox-trot', ['the', 'quick', 'brown', 'fox', 'trot']],
  ['digits and underscores', 'http2 snake_case 3.14', ['http2', 'snake_case', '3', '14']],
  ['marks stay with their letters', 'हिन्दी में', ['हिन्दी', 'में']],
  ['an accent that stands apart is part of its letter', 'Cafe\u0301', ['caf\u00e9']],
  ['Arabic marks too', 'كِتَاب', ['كِتَاب']],
  ['Chinese in pairs', '图书馆，好', ['图书', '书馆', '好']],
  ['Japanese with its long mark', 'サーバー', ['サー', 'ーバ', 'バー']],
  ['Korean in pairs within a word', '검색 엔진', ['검색', '엔진']],
  ['Thai in pairs, marks counted as characters', 'กี่', ['กี', 'ี่']],
  ['scripts that meet', 'GPU显卡x', ['gpu', '显卡', 'x']],
  ['characters beyond the first plane are not halved', '𠮷野家', ['𠮷野', '野家']],
  ['nothing', '… !', []],
])('%s', (_, text, expected) => expect(lexicalTerms(text)).toEqual(expected));

it('keeps every letter and digit of any text', () => {
  const letters = (text: string) => new Set(text.normalize('NFD').match(/[\p{L}\p{N}]/gu));
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      expect(letters(lexicalTerms(text).join(' '))).toEqual(letters(text.toLowerCase()));
    }),
  );
});
