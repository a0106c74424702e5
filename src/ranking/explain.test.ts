import { expect, test } from 'vitest';
import { wordRanges, type Range } from '../text/words.ts';
import { explain, placeableRows, relevantFrom, type ExplainInput } from './explain.ts';
import { foldWord, functionWordsOf, termsWithMeaning } from './words.ts';

//                       0         1         2         3
//                       0123456789012345678901234567890
const passage = 'The merchants left the harbour.';
const query = 'why did traders leave the harbour';

/** One token per word, and the winning passage word with its cosine given by hand. */
function input(wins: Record<string, [word: string, similarity: number]>): ExplainInput {
  const queryWords = wordRanges(query);
  const passageWords = wordRanges(passage);
  const rowOf = (word: string) => passageWords.findIndex((range) => passage.slice(range.start, range.end) === word);
  const chosen = queryWords.map((range): [string, number] => wins[query.slice(range.start, range.end)] ?? ['The', 0.9]);
  return {
    query,
    queryWords,
    queryTokens: queryWords,
    firstRow: 0,
    bestToken: Int32Array.from(chosen, ([word]) => rowOf(word)),
    similarity: Float32Array.from(chosen, ([, similarity]) => similarity),
    passage,
    passageWords,
    passageRows: passageWords.map((word) => [word]),
    offset: 100,
    levels: { close: 0.5, strong: 0.75 },
  };
}

test('each word that carries meaning gets its best word and a verdict', () => {
  const { why, lit } = explain(
    input({ traders: ['merchants', 0.8], leave: ['left', 0.6], harbour: ['harbour', 0.95] }),
  );
  expect(why.map(({ word, matched, verdict }) => [word, matched, verdict])).toEqual([
    [2, 'merchants', 'strong'],
    [3, 'left', 'close'],
    [5, 'harbour', 'same-word'],
  ]);
  expect(lit).toEqual([
    { start: 104, end: 113, strength: 2, words: [2] },
    { start: 114, end: 118, strength: 1, words: [3] },
    { start: 123, end: 130, strength: 2, words: [5] },
  ]);
});

test('a low cosine lights nothing, unless the word itself stands there', () => {
  const { why, lit } = explain(input({ traders: ['merchants', 0.3], leave: ['left', 0.1], harbour: ['left', 0.2] }));
  expect(why.map(({ verdict }) => verdict)).toEqual(['nothing-close', 'nothing-close', 'same-word']);
  expect(lit.map(({ start, end }) => passage.slice(start - 100, end - 100))).toEqual(['harbour']);
});

test('special tokens and words that carry no meaning cannot win', () => {
  //  tokens                              [CLS] The merchants left the harbour .
  const words = wordRanges(passage);
  const passageRows = [[], ...words.map((word) => [word]), [{ start: 30, end: 31 }]];
  const given = { ...input({}), passageRows };
  expect([...placeableRows(given)]).toEqual([0, 0, 1, 1, 0, 1, 0]);
  const asked = { ...given, query: 'the', queryWords: wordRanges('the') };
  expect([...placeableRows(asked)]).toEqual([0, 1, 1, 1, 1, 1, 0]);
});

test('a row that stands for several tokens is shown by the word of the query, or else by its first word with a meaning', () => {
  const [The, merchants, left, the, harbour] = wordRanges(passage) as [Range, Range, Range, Range, Range];
  //  rows            0      1             2               3
  const passageRows = [[], [The, the], [The, left], [merchants, the, harbour]];
  const given = { ...input({}), passageRows };
  expect([...placeableRows(given)]).toEqual([0, 0, 1, 1]);

  const { why, lit } = explain({
    ...given,
    //                        why did traders leave the harbour
    bestToken: Int32Array.of(-1, -1, 3, 2, -1, 3),
    similarity: Float32Array.of(0, 0, 0.8, 0.6, 0, 0.7),
  });
  expect(why.map(({ matched, verdict }) => [matched, verdict])).toEqual([
    ['merchants', 'strong'],
    ['left', 'close'],
    ['harbour', 'same-word'],
  ]);
  expect(lit.map(({ start, end }) => passage.slice(start - 100, end - 100))).toEqual(['merchants', 'left', 'harbour']);
});

test('closeness is the mean cosine over words that carry meaning', () => {
  const { closeness } = explain(
    input({ traders: ['merchants', 0.8], leave: ['left', 0.6], harbour: ['harbour', 0.4] }),
  );
  // "harbour" stands there itself: 0.75 (strong) in place of 0.4
  expect(closeness).toBeCloseTo((0.8 + 0.6 + 0.75) / 3, 6);
});

test('a query of function words alone looks for just these', () => {
  const words = wordRanges('why did the');
  const { why } = explain({ ...input({}), query: 'why did the', queryWords: words, queryTokens: words });
  expect(why.map(({ matched, verdict }) => [matched, verdict])).toEqual([
    ['The', 'strong'],
    ['The', 'strong'],
    ['The', 'same-word'],
  ]);
});

test('of a word that fell into letters, only those count that won together', () => {
  const given = input({});
  const asked = 'qwxz';
  const similar = (query: string, tokens: readonly string[], won: readonly number[]): number => {
    let at = 0;
    const queryTokens = tokens.map((token) => ({ start: at, end: (at += token.length) }));
    const { why } = explain({
      ...{ ...given, query, queryWords: wordRanges(query), queryTokens },
      bestToken: Int32Array.from(won),
      similarity: new Float32Array(won.length).fill(0.8),
    });
    return why[0]!.similarity;
  };
  //  The merchants left the harbour
  //  0   1         2    3   4
  expect(similar(asked, ['q', 'w', 'x', 'z'], [1, 2, 4, 1])).toBeCloseTo(0.4, 6);
  expect(similar(asked, ['q', 'w', 'x', 'z'], [1, 1, 1, 1])).toBeCloseTo(0.8, 6);
  expect(similar('silted', ['si', 'lt', 'ed'], [1, 2, 4])).toBeCloseTo(0.8, 6); // pieces know what stands around them
  expect(similar("won't", ['won', "'", 't'], [1, 2, 4])).toBeCloseTo(0.8, 6);
  expect(similar('旧港', ['旧', '港'], [1, 2])).toBeCloseTo(0.8, 6);
});

test('words are folded whatever their accents and apostrophes', () => {
  expect(foldWord('Café')).toBe('cafe');
  expect(foldWord('Rock’s')).toBe("rock's");
  const isFunctionWord = functionWordsOf(['we', 'are']);
  expect(isFunctionWord('we’re')).toBe(isFunctionWord("we're"));
});

test('which words carry no meaning follows from the language of the text', () => {
  const inGerman = functionWordsOf(['warum', 'ist', 'die', 'Brücke', 'gesperrt']);
  expect(['die', 'der', 'Brücke', 'the'].map(inGerman)).toEqual([true, true, false, false]);
  const inEnglish = functionWordsOf(['why', 'did', 'the', 'roses', 'die']);
  expect(['die', 'the', 'roses'].map(inEnglish)).toEqual([false, true, false]);
  const inJapanese = functionWordsOf(['これ', 'は', '川', 'です']);
  expect(['これ', '川'].map(inJapanese)).toEqual([true, false]);
  expect(functionWordsOf(['qwxz'])('the')).toBe(true); // nothing tells: English
  // Neither negations nor contractions say what a question is about; "no" is Spanish among Spanish words.
  expect(termsWithMeaning(['the', 'washing', 'machine', 'does', 'not', 'drain'])).toEqual([
    'washing',
    'machine',
    'drain',
  ]);
  expect(["don't", 'don’t', "doesn't", 'will', 'cannot'].every(functionWordsOf(['why', 'cats']))).toBe(true);
  expect(functionWordsOf(['la', 'lavadora', 'no', 'desagua'])('will')).toBe(false);
});

test('the fewer words a question has, the closer they have to be', () => {
  // 0.43 + 0.6 · (0.60 − 0.43) / n, for n = 1, 2 and 6; no words at all count as one
  const levels = { relevant: 0.43, strong: 0.6 };
  expect([1, 2, 6, 0].map((words) => relevantFrom(words, levels).toFixed(3))).toEqual([
    '0.532',
    '0.481',
    '0.447',
    '0.532',
  ]);
});
