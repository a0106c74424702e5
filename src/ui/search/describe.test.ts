import { describe, expect, it } from 'vitest';
import type { Hit, SearchResult, Segment } from '../../index.ts';
import {
  citation,
  exactWords,
  fitExcerpt,
  hitDescription,
  leftOut,
  placeOf,
  questionLike,
  resultsLine,
  splitHeading,
  withoutHeading,
} from './describe.ts';

const plain = (text: string): Segment => ({ text, strength: 0, words: [] });
const lit = (text: string): Segment => ({ text, strength: 2, words: [0] });
const joined = (segments: readonly Segment[]): string => segments.map((segment) => segment.text).join('');

describe('fitExcerpt', () => {
  it('leaves an excerpt that fits', () => {
    const segments = [plain('the '), lit('merchants'), plain(' moved')];
    expect(fitExcerpt(segments, 40)).toBe(segments);
  });

  it('drops whole words of the opening until the lit word is in sight', () => {
    // room 30: a third of it, 10 characters, may lead: 'x the old ', of which the broken word goes
    const segments = [plain('one two three four five six the old '), lit('harbour'), plain(' stood empty for years')];
    expect(joined(fitExcerpt(segments, 30))).toBe('…the old harbour stood empty for years');
  });

  it('drops lit words too where others behind them say more', () => {
    // the row that has the twelve, not the first that has a printer: room 30 would end before it
    const printer = (words: number[]): Segment => ({ text: 'printer', strength: 2, words });
    const twelve: Segment = { text: '12', strength: 2, words: [1] };
    const segments = [printer([0]), plain(' on floor 11 is jammed, the '), printer([0]), plain(' on floor '), twelve];
    expect(joined(fitExcerpt(segments, 30))).toBe('…the printer on floor 12');
  });

  it('prefers the first of equals, and a strong word to a close one', () => {
    const close: Segment = { text: 'quay', strength: 1, words: [1] };
    const segments = [lit('harbour'), plain(` ${'and so on '.repeat(4)}`), close, plain(' stood empty')];
    expect(fitExcerpt(segments, 20)).toBe(segments);
  });

  it('leaves an excerpt that opens lit', () => {
    const segments = [lit('merchants'), plain(' and a very long rest of a sentence')];
    expect(fitExcerpt(segments, 10)).toBe(segments);
  });
});

describe('withoutHeading', () => {
  it('drops a heading that the place repeats, unless it is lit', () => {
    expect(joined(withoutHeading([plain('The river When it '), lit('silted')], 'The river'))).toBe('When it silted');
    expect(joined(withoutHeading([plain('The '), lit('river'), plain(' When')], 'The river'))).toBe('The river When');
    expect(joined(withoutHeading([plain('Then it '), lit('silted')], ''))).toBe('Then it silted');
  });
});

describe('splitHeading', () => {
  it('sets the heading apart that the excerpt opens with, lit words and all', () => {
    const { heading, rest } = splitHeading([plain('The '), lit('river'), plain(' When it silted')], 'The river');
    expect(heading).toEqual([plain('The '), lit('river')]);
    expect(rest).toEqual([plain(' When it silted')]);
  });

  it('cuts within a word group, and leaves what opens otherwise', () => {
    expect(splitHeading([plain('The river When '), lit('it')], 'The river').rest).toEqual([plain(' When '), lit('it')]);
    const other = [plain('The riverside')];
    expect(splitHeading(other, 'The river')).toEqual({ heading: [], rest: other });
    expect(splitHeading(other, '').rest).toBe(other);
  });
});

describe('exactWords', () => {
  it('is what had to stand in a passage', () => {
    expect(exactWords('silting', 'words')).toBe('"silting"');
    expect(exactWords('old harbour -ship', 'words')).toBe('"old harbour"');
    expect(exactWords('the "old harbour" and "the quay', 'both')).toBe('"old harbour" and "the quay"');
    expect(exactWords('old harbour', 'meaning')).toBe('');
    expect(exactWords('-"old harbour" quay', 'words')).toBe('"quay"');
  });
});

describe('leftOut', () => {
  it('is what stands behind a minus', () => {
    expect(leftOut('bread -flour -"sour dough"')).toBe('flour or "sour dough"');
    expect(leftOut('well-known harbour -5 degrees')).toBe('');
  });
});

describe('questionLike', () => {
  it('takes the sentence of the strongest word', () => {
    const excerpt = [plain('…of ships. When the river silted, the '), lit('merchants'), plain(' moved. They stayed.')];
    expect(questionLike(excerpt)).toBe('When the river silted, the merchants moved.');
  });

  it('goes on where a sentence is too short to ask with', () => {
    const excerpt = [lit('Yeast'), plain(' is alive. It feeds on the sugars that enzymes free. Then it rests.')];
    expect(questionLike(excerpt)).toBe('Yeast is alive. It feeds on the sugars that enzymes free.');
  });

  it('takes no sign that a question would read as one, and no more than fits', () => {
    expect(questionLike([plain('He said "go" and -left')])).toBe('He said go and left');
    expect(questionLike([plain('word '.repeat(60))])).toBe('word '.repeat(20).trim());
    expect(questionLike([plain('港'.repeat(400))])).toHaveLength(160);
    expect(questionLike([])).toBe('');
  });
});

describe('what a screen reader hears', () => {
  const hit = (relevant: boolean): Hit =>
    ({ documentName: 'roof.txt', place: '', chunk: 0, relative: 1, relevant, why: [] }) as unknown as Hit;
  const found = (...hits: readonly Hit[]): SearchResult =>
    ({ hits, relevant: hits.some(({ relevant }) => relevant) }) as unknown as SearchResult;

  it('counts what is relevant', () => {
    expect(resultsLine(found(hit(true), hit(false)), 'passage', false)).toBe('1 passage. Best: roof, passage 1.');
    expect(resultsLine(found(hit(false)), 'passage', false)).toBe('Nothing relevant here.');
    expect(hitDescription(hit(true), false)).toBe('passage 1, match 100 percent of the best.');
  });

  it('never calls weak hits more than that', () => {
    const nearest = 'Nearest: roof, passage 1.';
    expect(resultsLine(found(hit(false)), 'passage', true)).toBe(
      `Nothing comes close. This is a weak match. ${nearest}`,
    );
    expect(resultsLine(found(hit(false), hit(false)), 'document', true)).toContain('These are weak matches. Nearest:');
    expect(resultsLine(found(), 'passage', true)).toBe('Nothing relevant here.');
    expect(hitDescription(hit(false), true)).toBe('passage 1, weak match.');
  });
});

describe('places and citations', () => {
  it('counts passages where there is no page or heading', () => {
    expect(placeOf({ place: '', chunk: 4 })).toBe('passage 5');
    expect(placeOf({ place: 'page 214', chunk: 4 })).toBe('page 214');
  });

  it('quotes with folder, name and place', () => {
    const hit = { path: 'Reading', documentName: 'Trade.md', place: 'page 2', chunk: 0 } as Hit;
    expect(citation(' They left. ', hit)).toBe('“They left.”\nReading/Trade.md, page 2');
  });
});
