import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ExtractedText, Section, TextBlock } from '../types.ts';
import { chunkText } from './chunk.ts';
import { estimateTokens } from './tokens.ts';

type Kind = TextBlock['kind'];
type Given = readonly [kind: Kind, level: number, text: string];

/** Blocks with an empty line between them; sections from their headings. */
function document(given: readonly Given[]): ExtractedText {
  let text = '';
  const blocks: TextBlock[] = [];
  for (const [kind, level, words] of given) {
    if (text !== '') text += '\n\n';
    blocks.push({ kind, level, start: text.length, end: text.length + words.length });
    text += words;
  }
  const headings = blocks.filter(({ kind }) => kind === 'heading');
  const sections = headings.map(({ level, start, end }, i): Section => ({
    kind: 'heading',
    label: text.slice(start, end),
    level,
    start,
    end: headings[i + 1]?.start ?? text.length,
  }));
  return { text, blocks, sections, mediaType: 'text/plain', notes: [] };
}

const sentence = 'The harbour silted up within a generation of merchants leaving it. '; // about 16 tokens
const paragraph = (tokens: number) => sentence.repeat(Math.round(tokens / 15.3)).trim();
const textsOf = (given: ExtractedText) => chunkText(given).map(({ start, end }) => given.text.slice(start, end));

describe('chunkText', () => {
  it('leaves a short document whole', () => {
    const given = document([
      ['paragraph', 0, 'One.'],
      ['paragraph', 0, 'Two.'],
    ]);
    expect(chunkText(given)).toEqual([{ ordinal: 0, start: 0, end: 10, section: -1 }]);
  });

  it('keeps paragraphs whole and fills passages with them', () => {
    const given = document([1, 2, 3, 4, 5].map(() => ['paragraph', 0, paragraph(90)]));
    // 90 + 90 fit the target of 200; the fifth stands alone.
    expect(textsOf(given).map((text) => text.split('\n\n').length)).toEqual([2, 2, 1]);
  });

  it('cuts a long paragraph between its sentences, and joins a short rest', () => {
    const texts = textsOf(document([['paragraph', 0, paragraph(560)]]));
    expect(texts).toHaveLength(3);
    for (const text of texts) expect(text).toMatch(/^The .*it\.$/s);
  });

  it('a line’s end is not a sentence’s end', () => {
    const wrapped = paragraph(620).replaceAll('of merchants', 'of\nmerchants');
    for (const text of textsOf(document([['paragraph', 0, wrapped]]))) expect(text).toMatch(/^The .*it\.$/s);
  });

  it('puts a heading with what follows it', () => {
    const given = document([
      ['paragraph', 0, paragraph(120)],
      ['heading', 3, 'Silting'],
      ['paragraph', 0, paragraph(150)],
    ]);
    expect(textsOf(given).map((text) => text.split('\n')[0])).toEqual([paragraph(120), 'Silting']);
  });

  it('takes a heading over from a passage that is full, and never leaves one alone', () => {
    const short = paragraph(65);
    const long = paragraph(180);
    const given = document([
      ['paragraph', 0, short],
      ['heading', 3, 'Silting'],
      ['paragraph', 0, long],
    ]);
    expect(textsOf(given)).toEqual([short, `Silting\n\n${long}`]);
    expect(
      textsOf(
        document([
          ['heading', 3, short],
          ['paragraph', 0, long],
        ]),
      ),
    ).toHaveLength(1);
  });

  it('does not mix chapters, nor pages', () => {
    const given = document([
      ['heading', 1, 'Trade'],
      ['paragraph', 0, paragraph(60)],
      ['heading', 2, 'Harbours'],
      ['paragraph', 0, paragraph(60)],
      ['heading', 3, 'Riga'],
      ['paragraph', 0, paragraph(30)],
    ]);
    // Riga is a part of Harbours, and short.
    expect(textsOf(given).map((text) => text.split('\n')[0])).toEqual(['Trade', 'Harbours']);
    expect(chunkText(given).map(({ section }) => section)).toEqual([0, 1]);

    const pages = document([
      ['paragraph', 0, paragraph(60)],
      ['paragraph', 0, paragraph(60)],
    ]);
    const border = pages.blocks[1]!.start;
    const sections: Section[] = [
      { kind: 'page', label: '1', level: 0, start: 0, end: border },
      { kind: 'page', label: '2', level: 0, start: border, end: pages.text.length },
    ];
    expect(chunkText({ ...pages, sections }).map(({ section }) => section)).toEqual([0, 1]);
  });

  it('joins a tiny chapter with its neighbour', () => {
    const given = document([
      ['heading', 2, 'Licence'],
      ['paragraph', 0, 'Free.'],
      ['heading', 2, 'Trade'],
      ['paragraph', 0, paragraph(100)],
    ]);
    expect(textsOf(given)).toHaveLength(1);
    expect(chunkText(given)[0]!.section).toBe(1);
  });

  it('cuts code between lines, at empty ones where it can', () => {
    const block = Array.from({ length: 12 }, (_, i) => `  const value${i} = read(${i});`).join('\n');
    const given = document([['code', 0, `${block}\n\n${block}\n\n${block}`]]);
    for (const text of textsOf(given)) expect(text).toMatch(/^const .*;$/s);
    expect(textsOf(given).length).toBeGreaterThan(1);
  });

  it('covers text between blocks, should an extractor leave some', () => {
    const given: ExtractedText = {
      text: 'lost words, kept words',
      blocks: [{ kind: 'paragraph', level: 0, start: 12, end: 22 }],
      sections: [],
      mediaType: 'text/plain',
      notes: [],
    };
    expect(textsOf(given)).toEqual(['lost words, kept words']);
  });

  it('cuts where there are no spaces: Chinese by sentence, Thai by word, joined emoji whole', () => {
    for (const text of textsOf(document([['paragraph', 0, '我们在图书馆里看书，天气很好。'.repeat(60)]]))) {
      expect(text).toMatch(/^我们.*。$/s);
    }
    const family = '👨‍👩‍👧';
    for (const text of textsOf(document([['paragraph', 0, family.repeat(300)]]))) {
      expect(text.length % family.length).toBe(0);
    }
  });

  it.each([
    ['letters', 'x'.repeat(5_000_000)],
    ['Chinese', '书'.repeat(2_000_000)],
    ['marks', 'e' + '\u0301'.repeat(2_000_000)],
    ['white space between words', `a${' '.repeat(5_000_000)}b`],
    ['rows of one letter', 'a\n'.repeat(1_000_000)],
    ['full stops', '.'.repeat(1_000_000)],
  ])('takes seconds for megabytes of %s', (_, text) => {
    const started = performance.now();
    const blocks: TextBlock[] = [{ kind: 'paragraph', level: 0, start: 0, end: text.length }];
    const chunks = chunkText({ text, blocks, sections: [], mediaType: 'text/plain', notes: [] });
    expect(performance.now() - started).toBeLessThan(15_000);
    // No passage is a megabyte, whatever it is made of.
    for (const { start, end } of chunks) expect(end - start).toBeLessThan(50_000);
  });

  it('any document: in order, trimmed, within the limit, every character kept', () => {
    const words = fc.stringMatching(/^[a-zäж图ไ .。!?\n]{0,400}$/u);
    const block = fc.tuple(
      fc.constantFrom<Kind>('paragraph', 'heading', 'list-item', 'quote', 'code', 'table-row'),
      fc.integer({ min: 1, max: 6 }),
      fc.oneof(words, fc.string({ unit: 'binary', maxLength: 200 })),
    );
    fc.assert(
      fc.property(fc.array(block, { maxLength: 30 }), (given) => {
        const extracted = document(given);
        const chunks = chunkText(extracted);
        let at = 0;
        let kept = '';
        chunks.forEach(({ ordinal, start, end, section }, i) => {
          expect(ordinal).toBe(i);
          expect(start).toBeGreaterThanOrEqual(at);
          const text = extracted.text.slice(start, end);
          expect(text.trim()).toBe(text);
          expect(text).not.toBe('');
          expect(estimateTokens(text)).toBeLessThan(320);
          expect(section).toBeLessThan(extracted.sections.length);
          kept += text;
          at = end;
        });
        expect(kept.replace(/\s+/g, '')).toBe(extracted.text.replace(/\s+/g, ''));
        expect(chunkText(extracted)).toEqual(chunks);
      }),
      { numRuns: 200 },
    );
  });
});
