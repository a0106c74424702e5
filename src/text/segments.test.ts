import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LitRange, Segment, Strength } from '../types.ts';
import { combine, excerpt } from './segments.ts';
import { wordRanges } from './words.ts';

const lit = (start: number, end: number, strength: Strength = 2, ...words: number[]): LitRange => ({
  start,
  end,
  strength,
  words,
});
const textOf = (segments: readonly Segment[]) => segments.map(({ text }) => text).join('');
const draw = (segments: readonly Segment[]) =>
  segments
    .map(({ text, strength }) => (strength === 0 ? text : `${'<'.repeat(strength)}${text}${'>'.repeat(strength)}`))
    .join('');

describe('combine', () => {
  const all = { start: 0, end: 100 };

  it('cuts where spans overlap: the stronger light, the words of both', () => {
    //   0    5    10   15
    //   ·····1111111111·····
    //   ··········2222222222
    expect(combine([lit(10, 20, 2, 1), lit(5, 15, 1, 0)], all)).toEqual([
      lit(5, 10, 1, 0),
      lit(10, 15, 2, 0, 1),
      lit(15, 20, 2, 1),
    ]);
  });

  it('joins neighbours that say the same', () => {
    expect(combine([lit(0, 4, 1, 3), lit(4, 9, 1, 3)], all)).toEqual([lit(0, 9, 1, 3)]);
  });

  it('drops what is empty, unlit or outside', () => {
    expect(combine([lit(5, 5), lit(6, 8, 0), lit(90, 120), lit(200, 300)], all)).toEqual([lit(90, 100)]);
  });
});

describe('excerpt', () => {
  const range = (text: string) => ({ start: 0, end: text.length });

  it('takes a short passage whole, white space folded', () => {
    const text = '  One\n\ttwo   three.\n';
    //            012345 6789012345678
    expect(draw(excerpt(text, range(text), [lit(7, 10)]))).toBe('One <<two>> three.');
  });

  it('takes the window with the most of the query’s words, not the most repeats', () => {
    const filler = 'and so on '.repeat(10);
    const text = `${filler}late late late ${filler}late interaction ${filler}`;
    const first = text.indexOf('late');
    const last = text.lastIndexOf('late');
    const spans = [
      ...[0, 5, 10].map((at) => lit(first + at, first + at + 4, 2, 0)),
      lit(last, last + 4, 2, 0),
      lit(last + 5, last + 16, 2, 1),
    ];
    const shown = draw(excerpt(text, range(text), spans, 60));
    expect(shown).toContain('<<late>> <<interaction>>');
    expect(shown.startsWith('… ')).toBe(true);
    expect(shown.endsWith(' …')).toBe(true);
  });

  it('begins at a sentence where one is near', () => {
    const text = `${'Something else stands here first. '.repeat(8)}Ships sailed to Riga. ${'More of it. '.repeat(20)}`;
    const at = text.indexOf('Riga');
    expect(textOf(excerpt(text, range(text), [lit(at, at + 4)], 80))).toMatch(/^… (Something else|Ships)/);
  });

  it('does not begin with the mark that ends what was left out', () => {
    const text = `${'and so on '.repeat(10)}she said. Ships sailed ${'to and fro '.repeat(10)}`;
    const at = text.indexOf('Ships');
    // the third of the window in front of the light would begin at "."
    expect(textOf(excerpt(text, range(text), [lit(at, at + 5)], 40))).toMatch(/^… Ships sailed/);
    const quoted = text.replace('Ships', '(Ships');
    expect(textOf(excerpt(quoted, range(quoted), [lit(at + 1, at + 6)], 40))).toMatch(/^… \(Ships sailed/);
  });

  it('stays within its passage and says what it left out', () => {
    const text = 'before. The passage itself. after.';
    const start = text.indexOf('The');
    expect(textOf(excerpt(text, { start, end: start + 19 }, []))).toBe('The passage itself.');
  });

  it('works without spaces', () => {
    const text = '我们在图书馆里看书。'.repeat(40);
    const at = text.indexOf('图书馆', 200);
    const segments = excerpt(text, range(text), [lit(at, at + 3)], 60);
    expect(segments.find(({ strength }) => strength === 2)?.text).toBe('图书馆');
    expect(textOf(segments).length).toBeLessThanOrEqual(64);
  });

  it('cuts only a word that is longer than the window, between characters', () => {
    const text = '👨‍👩‍👧'.repeat(100);
    const shown = textOf(excerpt(text, range(text), [], 40)).replace(/ …$/, '');
    expect(shown.length).toBeGreaterThan(0);
    expect(shown.length % '👨‍👩‍👧'.length).toBe(0);
  });

  it('gives nothing for white space', () => expect(excerpt(' \n ', { start: 0, end: 3 }, [])).toEqual([]));

  it('never exceeds the window, splits no word and shows light where there is some', () => {
    const word = fc.constantFrom('late', 'interaction', 'Wörter', 'کتاب', '图书馆', 'a', '-', '\n', '👍🏽', 'don’t');
    fc.assert(
      fc.property(
        fc.array(word, { minLength: 1, maxLength: 80 }),
        fc.array(fc.nat(79), { maxLength: 5 }),
        (list, picks) => {
          const text = list.join(' ');
          const words = wordRanges(text);
          const spans = picks
            .flatMap((pick) => words.slice(pick, pick + 1))
            .map(({ start, end }, i) => lit(start, end, 2, i));
          const segments = excerpt(text, range(text), spans, 40);
          const shown = textOf(segments).replace(/^… /, '').replace(/ …$/, '');
          expect(shown.length).toBeLessThanOrEqual(40);
          expect(text.replace(/\s+/g, ' ')).toContain(shown);
          const known = new Set(words.map(({ start, end }) => text.slice(start, end)));
          for (const { start, end } of wordRanges(shown)) expect(known).toContain(shown.slice(start, end));
          if (spans.length > 0) expect(segments.some(({ strength }) => strength === 2)).toBe(true);
        },
      ),
    );
  });
});
