import { describe, expect, it } from 'vitest';
import type { ExtractedText, Hit, TextBlock } from '../../index.ts';
import { cellsOf, coverage, groupsOf, litOf, piecesOf, runsRightToLeft } from './blocks.ts';

//            0         1         2
//            0123456789012345678901234
const text = 'the merchants left the po';

describe('piecesOf', () => {
  it('covers the range, cut at lit words and at the found passage', () => {
    const lit = [{ start: 4, end: 13, strength: 2 as const, words: [1] }];
    const pieces = piecesOf(text, { start: 0, end: 18 }, lit, { start: 8, end: 25 });
    expect(pieces.map(({ text, strength, found }) => [text, strength, found])).toEqual([
      ['the ', 0, false],
      ['merc', 2, false],
      ['hants', 2, true],
      [' left', 0, true],
    ]);
  });

  it('gives one plain piece where nothing is lit', () => {
    expect(piecesOf(text, { start: 0, end: 3 }, [], null)).toHaveLength(1);
  });
});

it('groupsOf joins the items of a list and keeps paragraphs apart', () => {
  const block = (kind: TextBlock['kind'], at: number): TextBlock => ({ kind, level: 1, start: at, end: at + 1 });
  const blocks = [block('paragraph', 0), block('list-item', 1), block('list-item', 2), block('paragraph', 3)];
  const extracted = { text: 'abcd', blocks, sections: [], mediaType: 'text/plain', notes: [] } satisfies ExtractedText;
  expect(groupsOf(extracted)[0]!.runs.map((run) => run.blocks.length)).toEqual([1, 2, 1]);
});

it('groupsOf falls back to paragraphs where a text has no blocks', () => {
  const extracted = { text: 'one\n\ntwo', blocks: [], sections: [], mediaType: 'text/plain', notes: [] };
  expect(groupsOf(extracted)[0]!.runs).toHaveLength(2);
});

it.each([
  ['text/markdown', 'Port\tDues, in pence\t1480', ['Port', 'Dues, in pence', '1480']],
  ['text/csv', '1490,"Sand, at the bar",178', ['1490', '"Sand, at the bar"', '178']],
])('cellsOf cuts the rows of %s', (mediaType, row, cells) => {
  expect(cellsOf(row, { start: 0, end: row.length }, mediaType).map(({ start, end }) => row.slice(start, end))).toEqual(
    cells,
  );
});

it('litOf keeps the stronger of two overlapping lights', () => {
  const hits = [
    { lit: [{ start: 0, end: 5, strength: 1, words: [0] }] },
    { lit: [{ start: 0, end: 5, strength: 2, words: [0] }] },
  ] as unknown as Hit[];
  expect(litOf(hits).map(({ strength }) => strength)).toEqual([2]);
});

it('coverage is the part of a block within the passage', () => {
  expect(coverage({ start: 0, end: 10 }, { start: 5, end: 20 })).toBe(0.5);
  expect(coverage({ start: 0, end: 10 }, null)).toBe(0);
});

it('groupsOf begins a group at each page that has text', () => {
  const page = (label: string, start: number, end: number) => ({ kind: 'page', label, level: 0, start, end }) as const;
  const block = (start: number): TextBlock => ({ kind: 'paragraph', level: 0, start, end: start + 1 });
  const extracted = {
    text: 'ab  c',
    blocks: [block(0), block(1), block(4)],
    sections: [page('1', 0, 2), page('2', 2, 2), page('3', 4, 5)],
    mediaType: 'application/pdf',
    notes: [],
  } satisfies ExtractedText;
  expect(groupsOf(extracted).map((group) => [group.page, group.runs.length])).toEqual([
    ['1', 2],
    ['3', 1],
  ]);
});

it.each([
  ['“1490: السفينة', true],
  ['The ship', false],
  ['1490', false],
])('runsRightToLeft of %s', (text, expected) => {
  expect(runsRightToLeft(text)).toBe(expected);
});
