import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lexicalTerms } from './lexical.ts';
import { findPhrase, parseQuery, phraseTerms } from './query-syntax.ts';

const texts = (phrases: readonly { text: string }[]) => phrases.map(({ text }) => text);

describe('parseQuery', () => {
  it.each([
    // typed                           searched                        required          excluded
    ['why did traders leave', 'why did traders leave', [], []],
    ['the "old port" today', 'the  old port  today', ['old port'], []],
    ['the “old port”', 'the  old port ', ['old port'], []],
    ['das „alte Tor“', 'das  alte Tor ', ['alte Tor'], []],
    ['le «vieux port»', 'le  vieux port ', ['vieux port'], []],
    ['「旧港」的历史', ' 旧港 的历史', ['旧港'], []],
    ['我想找"旧港"的历史', '我想找 旧港 的历史', ['旧港'], []],
    ['port -sea', 'port     ', [], ['sea']],
    ['port -"deep sea" city', 'port             city', [], ['deep sea']],
    ['port -sea, city', 'port     , city', [], ['sea']],
    ['port -state-of-the-art', `port ${' '.repeat(17)}`, [], ['state-of-the-art']],
    ['港口 －大海', '港口    ', [], ['大海']],
    ['"old" "port" -a -b', ' old   port       ', ['old', 'port'], ['a', 'b']],
    // plain text
    ['state-of-the-art', 'state-of-the-art', [], []],
    ['port - sea', 'port - sea', [], []],
    ['--force', '--force', [], []],
    ['at -40 degrees', 'at -40 degrees', [], []],
    ['the "old port', 'the "old port', [], []],
    ['a 5" pipe or 6" hose', 'a 5" pipe or 6" hose', [], []],
    ['""', '""', [], []],
    ['"?!" why', '"?!" why', [], []],
    ['-', '-', [], []],
    ['don’t ‘panic’', 'don’t ‘panic’', [], []],
    // nothing but exclusions
    ['-port -"deep sea"', '', [], ['port', 'deep sea']],
  ])('%s', (typed, searched, required, excluded) => {
    const parsed = parseQuery(typed);
    expect(parsed.text).toBe(searched);
    expect(texts(parsed.required)).toEqual(required);
    expect(texts(parsed.excluded)).toEqual(excluded);
  });

  it('every place of what is searched is the same place as typed', () => {
    const sign = fc.constantFrom('"', '“', '”', '-', ' ', '「', '」', 'a', 'é', '港', '😀', '7', '«', '»', "'");
    fc.assert(
      fc.property(fc.array(sign, { maxLength: 30 }), (signs) => {
        const typed = signs.join('');
        const { text, required, excluded } = parseQuery(typed);
        if (text !== '') expect(text.length).toBe(typed.length);
        for (let i = 0; i < text.length; i++) if (text[i] !== ' ') expect(text[i]).toBe(typed[i]);
        for (const phrase of [...required, ...excluded]) {
          expect(typed.slice(phrase.start, phrase.end)).toBe(phrase.text);
          expect(lexicalTerms(phrase.text)).not.toEqual([]);
        }
      }),
    );
  });
});

describe('findPhrase', () => {
  const found = (phrase: string, text: string) =>
    findPhrase(phrase, text).map(({ start, end }) => text.slice(start, end));

  it.each([
    ['old port', 'The Old\n  Port, and the old ports', ['Old\n  Port']],
    ['port', 'port, airport ports Port.', ['port', 'Port']],
    ['旧港', '这座旧港口', ['旧港']],
    ['port', '这座port旧', ['port']],
    ["don't", 'They don’t.', ['don’t']],
    ['état', 'L’ÉTAT', ['ÉTAT']],
    ['caf\u00e9 noir', 'un cafe\u0301 noir', ['cafe\u0301 noir']],
    ['cafe\u0301', 'un caf\u00e9', ['caf\u00e9']],
    ['cafe', 'un cafe\u0301', []],
    ['c++', 'In C++ and c+', ['C++']],
    ['a.b', 'a.b axb', ['a.b']],
    ['(old)', 'an (old) one', ['(old)']],
    ['x]y', 'x]y', ['x]y']],
    [' port ', 'the port', ['port']],
    ['ไทย', 'ภาษาไทยง่าย', ['ไทย']],
  ])('%s in %s', (phrase, text, expected) => expect(found(phrase, text)).toEqual(expected));

  it('a text that has the phrase has its terms; where they are exact, having them is enough', () => {
    const letters = fc.array(fc.constantFrom('a', 'B', 'é', '港', '口', 'ー', 'ไ', '1', ' ', '-', '.', '_'), {
      maxLength: 8,
    });
    fc.assert(
      fc.property(letters, letters, letters, (before, middle, after) => {
        const phrase = middle.join('').trim();
        if (lexicalTerms(phrase).length === 0) return;
        const text = [...before, ...middle, ...after].join('');
        const { terms, exact } = phraseTerms(phrase);
        const here = new Set(lexicalTerms(text));
        const stands = findPhrase(phrase, text).length > 0;
        const all = terms.every((term) => here.has(term));
        if (stands) expect(all).toBe(true);
        if (exact) expect(stands).toBe(all);
      }),
      { numRuns: 300 },
    );
  });
});
