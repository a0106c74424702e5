import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { alignTokens } from './align.ts';
import { byteLevelTokenizer } from './testing/byte-level.ts';
import { embeddedTokenizer } from './testing/embedded.ts';
import { metaspaceTokenizer, wordPieceTokenizer } from './testing/small-tokenizers.ts';

const { tokenizer: embedded } = embeddedTokenizer();
const wordPieces = wordPieceTokenizer();

/** Each token with the piece of the original text it stands for. */
function aligned(text: string, tokenizer = wordPieces): [string, string][] {
  const ids = tokenizer.encode(text);
  return alignTokens(text, ids, tokenizer).map((range, i) => [
    tokenizer.tokenOf(ids[i]!),
    text.slice(range.start, range.end),
  ]);
}

const slices = (text: string): string[] => aligned(text).map(([, slice]) => slice);

describe('word pieces', () => {
  test('lower case and word pieces', () => {
    expect(aligned('Silting rivers')).toEqual([
      ['si', 'Si'],
      ['##lt', 'lt'],
      ['##ing', 'ing'],
      ['rivers', 'rivers'],
    ]);
  });

  test('accents, composed and as combining marks, stay with their letter', () => {
    expect(slices('Café time')).toEqual(['Café', 'time']);
    expect(slices('Cafe\u0301 time')).toEqual(['Cafe\u0301', 'time']);
  });

  test('a whole word the vocabulary does not know is one range', () => {
    expect(slices('see 🦩🦩 there')).toEqual(['see', '🦩🦩', 'there']);
  });

  test('Chinese and Japanese, character by character', () => {
    expect(slices('東京 tower').join('|')).toBe('東|京|tower');
  });

  test('Korean syllables are split into letters, all of which point at their syllable', () => {
    expect(new Set(slices('한국'))).toEqual(new Set(['한', '국']));
  });

  test('a long run of Korean letters takes no longer than its length', () => {
    const laughter = 'ㅋ'.repeat(20_000); // 0.4 s for 2,000 of them where each looked at all that follow
    expect(alignTokens(laughter, wordPieces.encode(laughter), wordPieces).length).toBeGreaterThan(0);
  });

  test('right-to-left text', () => {
    expect(slices('שלום עולם').join('')).toBe('שלוםעולם');
    expect(slices('كِتَاب').join('')).toBe('كِتَاب');
  });

  test('final sigma and dotted capital I', () => {
    expect(slices('ΟΔΟΣ').join('')).toBe('ΟΔΟΣ');
    expect(slices('İstanbul now').join('')).toBe('İstanbulnow');
  });

  test('words that look like special tokens are plain text', () => {
    expect(slices('a [MASK] b [SEP]').join('')).toBe('a[MASK]b[SEP]');
    expect(wordPieces.encode('[MASK]').map((id) => wordPieces.tokenOf(id))).not.toContain('[MASK]');
  });

  test('control and zero-width characters are passed over', () => {
    expect(
      slices('so\u00ADft hy\u200Bphen')
        .join('')
        .replaceAll(/[\u00AD\u200B]/g, ''),
    ).toBe('softhyphen');
  });
});

describe('pieces with "▁", and bytes', () => {
  const other = metaspaceTokenizer();
  const placed = (text: string, ids = other.encode(text)): [string, string][] =>
    alignTokens(text, ids, other).map(({ start, end }, i) => [other.tokenOf(ids[i]!), text.slice(start, end)]);

  test('words keep their beginnings', () => {
    expect(placed('The river')).toEqual([
      ['▁the', 'The'],
      ['▁river', 'river'],
    ]);
  });

  test('a character that is spelt in bytes is lit whole, whichever byte it is', () => {
    expect(placed('the 河 river')).toEqual([
      ['▁the', 'the'],
      ['▁', ''],
      ['<0xE6>', '河'],
      ['<0xB2>', '河'],
      ['<0xB3>', '河'],
      ['▁river', 'river'],
    ]);
    expect(placed('🦩s').map(([, slice]) => slice)).toEqual(['', '🦩', '🦩', '🦩', '🦩', 's']);
  });

  test('a passage that is cut within a character', () => {
    const text = 'the 河';
    expect(placed(text, other.encode(text).slice(0, 4))).toEqual([
      ['▁the', 'the'],
      ['▁', ''],
      ['<0xE6>', '河'],
      ['<0xB2>', '河'],
    ]);
  });

  test('bytes tell nothing of what they stand for', () => {
    const unknown = other.encode('the 河').filter((id) => other.isUnknown(id));
    expect(unknown.map((id) => other.tokenOf(id))).toEqual(['<0xE6>', '<0xB2>', '<0xB3>']);
  });
});

describe('the embedded model', () => {
  const slicesOf = (text: string): string[] => aligned(text, embedded).map(([, slice]) => slice);

  test('whole words, whatever stands before them', () => {
    expect(aligned('The water (water) rose', embedded).map(([token]) => token)).toEqual([
      ...['▁the', '▁water', '▁(', '▁water', '▁)', '▁rose'],
    ]);
    expect(slicesOf('The water (water) rose')).toEqual(['The', 'water', '(', 'water', ')', 'rose']);
  });

  test('scripts without spaces, and what is folded', () => {
    expect(slicesOf('東京は日本の首都です。').join('')).toBe('東京は日本の首都です。');
    expect(slicesOf('كِتَاب ΟΔΟΣ').join('')).toBe('كِتَابΟΔΟΣ');
    expect(slicesOf('ﬁne 한국').join('')).toBe('ﬁne한국');
  });
});

describe('pairs of bytes', () => {
  const slicesOf = (text: string): string[] => aligned(text, byteLevelTokenizer()).map(([, slice]) => slice);

  test('each part of a letter’s bytes stands for the letter, space for nothing', () => {
    expect(aligned('\n Café 東!', byteLevelTokenizer())).toEqual([
      ['C', 'C'],
      ['a', 'a'],
      ['f', 'f'],
      ...[
        ['Ã', 'é'],
        ['©', 'é'],
        ['Ġ', ''],
      ],
      ...['æ', 'Ŀ', '±'].map((part) => [part, '東']),
      ['!', '!'],
    ]);
    expect(slicesOf('the river\n\nto   don’t').join('')).not.toMatch(/\s/);
  });

  test('what is composed by the normaliser, and pairs of UTF-16 units', () => {
    expect(new Set(slicesOf('e\u0301 🦩'))).toEqual(new Set(['e\u0301', '', '🦩']));
  });
});

/** `npm run test:long` looks further. */
const manyRuns = process.env.LATERAL_LONG === '1' ? 100_000 : 3_000;

describe.each([
  ['word pieces', wordPieces],
  ['byte-pair merges', metaspaceTokenizer()],
  ['the embedded model', embedded],
  ['pairs of bytes', byteLevelTokenizer()],
])('alignTokens, for any text, with %s', (_, tokenizer) => {
  const numRuns = tokenizer.spelling === 'bytelevel' ? manyRuns / 3 : manyRuns; // nothing is searched there
  const letters = fc.constantFrom(
    ...'aZ é ñ ß Æ ﬁ Ω ς Σ я Й ж ש ל م ك َ ِ あ カ 漢 字 한 글 ก ำ ไ ที่ न म स् ते 🦩 👩‍👩‍👧 e\u0301 \u200B \n \t . , ! $ % [ ] \uD800 \u0000 1 2 #'.split(
      ' ',
    ),
    ' ',
  );
  const anyText = fc.oneof(
    fc.array(letters, { maxLength: 60 }).map((parts) => parts.join('')),
    fc.string({ unit: 'grapheme', maxLength: 60 }),
    fc.string({ unit: 'binary', maxLength: 60 }),
  );

  test('ranges never step back and lie in the text', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const ranges = alignTokens(text, tokenizer.encode(text), tokenizer);
        let start = 0;
        let end = 0;
        for (const range of ranges) {
          expect(range.start).toBeGreaterThanOrEqual(start);
          expect(range.end).toBeGreaterThanOrEqual(end);
          expect(range.end).toBeGreaterThanOrEqual(range.start);
          expect(range.end).toBeLessThanOrEqual(text.length);
          ({ start, end } = range);
        }
      }),
      { numRuns },
    );
  });

  test('together they cover every letter, digit and mark after a letter', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const covered = new Uint8Array(text.length);
        for (const range of alignTokens(text, tokenizer.encode(text), tokenizer))
          covered.fill(1, range.start, range.end);
        for (const match of text.matchAll(/[\p{L}\p{N}]/gu)) {
          if (tokenizer.encode(match[0]).length === 0) continue; // a letter that the tokenizer itself drops
          expect(covered[match.index], `${JSON.stringify(text)} at ${match.index}`).toBe(1);
        }
      }),
      { numRuns },
    );
  });

  test('a token spelled with letters stands for text that normalises to that spelling', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const ids = tokenizer.encode(text);
        const ranges = alignTokens(text, ids, tokenizer);
        ids.forEach((id, i) => {
          const range = ranges[i]!;
          if (tokenizer.isUnknown(id) || range.start === range.end) return;
          const token = tokenizer.tokenOf(id);
          if (tokenizer.spelling === 'bytelevel' && !/^Ġ?[!-~]+$/.test(token)) return; // of more than ASCII
          const spelling = token.replace(tokenizer.spelling === 'bytelevel' ? /^Ġ/u : /^##(?=.)|^▁/u, '');
          const slice = tokenizer.normalize(text.slice(range.start, range.end)).replaceAll('ς', 'σ');
          expect(slice).toContain(spelling.replaceAll('ς', 'σ'));
        });
      }),
      { numRuns },
    );
  });

  test('words of ordinary prose are cut out whole', () => {
    const word = fc.constantFrom(
      'harbour',
      'Straße',
      'naïve',
      'Über',
      'coöperate',
      'река',
      'Θάλασσα',
      'ποταμός',
      'سفينة',
      'x2',
      'Ångström',
    );
    fc.assert(
      fc.property(
        fc.array(word, { minLength: 1, maxLength: 12 }),
        fc.constantFrom(' ', '\n', ', ', ' — '),
        (words, gap) => {
          const text = words.join(gap);
          const covered = alignTokens(text, tokenizer.encode(text), tokenizer);
          let at = 0;
          for (const expected of words) {
            const start = text.indexOf(expected, at);
            at = start + expected.length;
            const inside = covered.filter((range) => range.start < at && range.end > start);
            expect(text.slice(inside[0]!.start, inside.at(-1)!.end)).toBe(expected);
          }
        },
      ),
    );
  });
});
