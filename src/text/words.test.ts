import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { wordPieces, wordRanges } from './words.ts';

const wordsOf = (text: string) => wordRanges(text).map(({ start, end }) => text.slice(start, end));

describe('wordRanges', () => {
  it.each([
    ['English', 'Don’t stop, it’s 3.14!', ['Don’t', 'stop', 'it’s', '3.14']],
    ['Arabic with marks', 'قَرَأَ الكِتَابَ.', ['قَرَأَ', 'الكِتَابَ']],
    ['Hebrew', 'שלום, עולם', ['שלום', 'עולם']],
    ['Hindi', 'हिन्दी में', ['हिन्दी', 'में']],
    ['emoji', 'ok 👍🏽 👨‍👩‍👧 🇩🇪.', ['ok', '👍🏽', '👨‍👩‍👧', '🇩🇪']],
    ['letters beyond the first plane', '𝒳𝒴 𠮷', ['𝒳𝒴', '𠮷']],
    ['nothing', ' … — ', []],
  ])('%s', (_, text, expected) => expect(wordsOf(text)).toEqual(expected));

  it('finds words where there are no spaces', () => {
    expect(wordsOf('我喜欢图书馆')).toEqual(['我', '喜欢', '图书', '馆']);
    expect(wordsOf('สวัสดีชาวโลก').length).toBeGreaterThan(1);
  });

  it('gives ranges in the whole text for a part of it', () => {
    //             0123456789
    const text = 'one two three';
    expect(wordRanges(text, 4, 7)).toEqual([{ start: 4, end: 7 }]);
  });
});

it('pieces cover any text in order, and never begin inside a surrogate pair', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
      let at = 0;
      for (const { start, end } of wordPieces(text)) {
        expect(start).toBe(at);
        expect(end).toBeGreaterThan(start);
        at = end;
      }
      expect(at).toBe(text.length);
    }),
  );
});
