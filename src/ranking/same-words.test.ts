import { describe, expect, it } from 'vitest';
import { parseQuery } from '../text/query-syntax.ts';
import { combine } from '../text/segments.ts';
import { wordRanges } from '../text/words.ts';
import type { LitRange } from '../types.ts';
import type { Explanation } from './explain.ts';
import { addSameWords, explainSameWords, findSameWords } from './same-words.ts';

const offset = 100;

function look(typed: string, passage: string) {
  const { text: query, required: phrases } = parseQuery(typed);
  const queryWords = wordRanges(query);
  const same = findSameWords({ query, queryWords, phrases, passage, offset });
  const textOf = ({ start, end }: { start: number; end: number }) => passage.slice(start - offset, end - offset);
  const lit = (ranges: readonly LitRange[]) => ranges.map((range) => [textOf(range), ...range.words]);
  return { same, textOf, lit };
}

const toPassage = (range: LitRange): LitRange => ({ ...range, start: range.start - offset, end: range.end - offset });

describe('findSameWords', () => {
  it.each([
    ['the old port', 'An old, OLD port', ['old', 'OLD', 'port']],
    ['ports', 'port', []],
    ["baker's oven", 'The baker’s', ['baker', 's']],
    ['snake_case', 'a snake_case name', ['snake_case']],
    ['旧港口', '这座旧港口城市', ['旧港口']],
    ['茶', '喝茶', ['茶']],
    ['GPU显卡', '新显卡和gpu', ['显卡', 'gpu']],
  ])('%s in %s', (query, passage, expected) => {
    const { same, textOf } = look(query, passage);
    const { lit } = explainSameWords(same, textOf);
    // Where the words of a script without spaces end is for a dictionary to say: here only what is lit.
    const whole = { start: 0, end: passage.length };
    const found = combine(lit.map(toPassage), whole).map(({ start, end }) => passage.slice(start, end));
    expect(found.join('|').replaceAll(/(?<=\p{sc=Han})\|(?=\p{sc=Han})/gu, '')).toBe(expected.join('|'));
  });

  it('says which words are there without a part missing', () => {
    const { same } = look('old XK-4471 ports', 'an old XK valve');
    expect(same.content).toEqual([0, 1, 2, 3]); // XK and 4471 are two words
    expect([...same.whole]).toEqual([0, 1]);
  });

  it('lights a quoted phrase as a whole, for all of its words', () => {
    const { same, lit } = look('"the old  port" city', 'In the Old port.');
    expect(lit(same.phrases)).toEqual([['the Old port', 0, 1, 2]]);
  });
});

describe('the reason', () => {
  it('by words alone: one row for each word that carries meaning', () => {
    const { same, textOf } = look('why the port sank', 'The port.');
    expect(explainSameWords(same, textOf).why).toEqual([
      { word: 2, matched: 'port', verdict: 'same-word', similarity: 1, start: offset + 4, end: offset + 8 },
      { word: 3, matched: '', verdict: 'nothing-close', similarity: 0, start: 0, end: 0 },
    ]);
  });

  it('by both: what stands there literally replaces what meaning found, and the rest stays', () => {
    const { same, textOf, lit } = look('port 7-b ships', 'The boats of port 7-b.');
    const byMeaning: Explanation = {
      why: [
        { word: 0, matched: 'port', verdict: 'same-word', similarity: 0.9, start: offset + 13, end: offset + 17 },
        { word: 1, matched: 'boats', verdict: 'close', similarity: 0.5, start: offset + 4, end: offset + 9 },
        { word: 3, matched: 'boats', verdict: 'strong', similarity: 0.7, start: offset + 4, end: offset + 9 },
      ],
      lit: [
        { start: offset + 4, end: offset + 9, strength: 1, words: [1] },
        { start: offset + 4, end: offset + 9, strength: 2, words: [3] },
        { start: offset + 13, end: offset + 17, strength: 2, words: [0] },
      ],
      closeness: 0.6,
    };
    const merged = addSameWords(byMeaning, same, textOf);
    expect(merged.why.map(({ word, matched, verdict, similarity }) => [word, matched, verdict, similarity])).toEqual([
      [0, 'port', 'same-word', 0.9],
      [1, '7', 'same-word', 0.5],
      [2, 'b', 'same-word', 1], // meaning had no row for it
      [3, 'boats', 'strong', 0.7],
    ]);
    expect(lit(merged.lit)).toEqual([
      ['boats', 3],
      ['port', 0],
      ['7', 1],
      ['b', 2],
    ]);
    expect(merged.closeness).toBe(0.6);
  });
});
