/**
 * Why a passage matched, in words: for each of the query's words the word of the passage that won MaxSim, and what of
 * the passage to light. Pure: similarities and offsets in, plain data out.
 */
import type { Range } from '../text/words.ts';
import type { LitRange, Strength, WordMatch } from '../types.ts';
import { foldWord, functionWordsOf } from './words.ts';

export interface ExplainInput {
  readonly query: string;
  /** The query's words, in order. */
  readonly queryWords: readonly Range[];
  /** Range in the query of each text token; token i is query row `firstRow + i`. */
  readonly queryTokens: readonly Range[];
  readonly firstRow: number;
  /** [numRows] the winning row of the passage per query row, and its cosine. */
  readonly bestToken: Int32Array;
  readonly similarity: Float32Array;
  readonly passage: string;
  /** The passage's words, in order. */
  readonly passageWords: readonly Range[];
  /**
   * For each stored row of the passage, the ranges in it of the tokens that the row stands for: one, or more where rows are
   * pooled. None of [CLS], marker, [SEP] and words that the model does not know.
   */
  readonly passageRows: readonly (readonly Range[])[];
  /** Added to every range that comes back: where the passage starts in its document. */
  readonly offset: number;
  readonly levels: { readonly close: number; readonly strong: number };
}

export interface Explanation {
  /** One row per word of the query that carries meaning. */
  readonly why: readonly WordMatch[];
  /** What to light, ascending, not overlapping per word. */
  readonly lit: readonly LitRange[];
  /** Mean cosine over the words that carry meaning, at least "strong" for one that stands there itself; 0 without any. */
  readonly closeness: number;
}

type PlacesInput = Pick<ExplainInput, 'query' | 'queryWords' | 'passage' | 'passageWords' | 'passageRows'>;

/**
 * Which of a passage's stored rows may win a word: those that stand for a token of a word that carries meaning. [CLS], the
 * marker, [SEP] and "the" take part in the score, but a person cannot be shown what they mean.
 * @returns [number of stored rows] 1 for each row that may win
 */
export function placeableRows(input: PlacesInput): Uint8Array {
  const skipped = skippedInPassage(input);
  return Uint8Array.from(input.passageRows, (tokens) =>
    tokens.some((token) => placeOf(input, token, skipped) !== null) ? 1 : 0,
  );
}

/** The word that a token stands in; null where it carries no meaning. */
function placeOf(
  { passage, passageWords }: PlacesInput,
  token: Range,
  skipped: (word: string) => boolean,
): Range | null {
  let [low, high] = [0, passageWords.length]; // the first word that ends behind the token's start
  while (low < high) {
    const middle = (low + high) >> 1;
    if (passageWords[middle]!.end <= token.start) low = middle + 1;
    else high = middle;
  }
  const word = passageWords[low];
  if (word === undefined || !overlaps(word, token)) return null;
  return skipped(passage.slice(word.start, word.end)) ? null : word;
}

/** @param input with `bestToken` and `similarity` found among `placeableRows` */
export function explain(input: ExplainInput): Explanation {
  const why: WordMatch[] = [];
  let closeness = 0;
  const lit: LitRange[] = [];
  const occurrences = wordsByFold(input);
  const written = (range: Range): string => input.query.slice(range.start, range.end);
  const skipped = skippedWords(input);
  const skippedThere = skippedInPassage(input);

  input.queryWords.forEach((queryWord, word) => {
    if (skipped(written(queryWord))) return;
    const same = occurrences.get(foldWord(written(queryWord))) ?? [];
    const found = bestOf(input, queryWord, same, skippedThere);
    if (found === null) return; // beyond the model's query length
    const place = same.find((range) => overlaps(range, found.place)) ?? same[0] ?? found.place;
    const matched = place === null ? '' : input.passage.slice(place.start, place.end);
    const verdict = verdictOf(found.similarity, same.length > 0, matched, input.levels);
    const close = verdict !== 'nothing-close';
    // The word itself stands there: however the model sees it, that is close.
    closeness += same.length > 0 ? Math.max(found.similarity, input.levels.strong) : found.similarity;
    why.push({
      word,
      matched: close ? matched : '',
      verdict,
      similarity: found.similarity,
      start: input.offset + (close && place !== null ? place.start : 0),
      end: input.offset + (close && place !== null ? place.end : 0),
    });
    if (!close) return;
    const strength = strengthOf(verdict);
    for (const range of same.length > 0 ? same : [place!]) {
      lit.push({ start: input.offset + range.start, end: input.offset + range.end, strength, words: [word] });
    }
  });

  closeness = why.length === 0 ? 0 : closeness / why.length;
  return { why, lit: lit.sort((a, b) => a.start - b.start || a.end - b.end), closeness };
}

/**
 * The closeness from which a passage is called relevant. One word finds something like it by chance in a few hundred others,
 * six hardly ever do all at once: so the fewer words there are, the closer they have to be.
 * @param words of the query that carry meaning
 */
export function relevantFrom(
  words: number,
  { relevant, strong }: { readonly relevant: number; readonly strong: number },
) {
  return relevant + (0.6 * (strong - relevant)) / Math.max(1, words);
}

export function strengthOf(verdict: WordMatch['verdict']): Strength {
  return verdict === 'nothing-close' ? 0 : verdict === 'close' ? 1 : 2;
}

/**
 * Mean cosine of a word's tokens, and the passage's word that its best token won: of a row that stands for several, one of
 * `same` (where the query's word itself stands), or else the first. Null where the model saw none of it.
 * A word that fell into letters ("qwxz" into q, w, x and z) has no meaning to the model: each of them is like the same
 * letter anywhere, so that only those count which won in one word together.
 */
function bestOf(
  input: ExplainInput,
  queryWord: Range,
  same: readonly Range[],
  skipped: (word: string) => boolean,
): { similarity: number; place: Range | null } | null {
  const won = input.queryTokens.flatMap((token, i) => {
    const similarity = input.similarity[input.firstRow + i];
    if (similarity === undefined || !overlaps(token, queryWord)) return [];
    const row = input.passageRows[input.bestToken[input.firstRow + i]!] ?? []; // −1 where none may win
    const places = row.map((one) => placeOf(input, one, skipped)).filter((word) => word !== null);
    return [{ token, similarity, place: places.find((word) => same.includes(word)) ?? places[0] ?? null }];
  });
  if (won.length === 0) return null;
  const { place } = won.reduce((best, one) => (one.similarity > best.similarity ? one : best));
  const pieces = won.map(({ token }) => input.query.slice(token.start, token.end));
  const counted = areLetters(pieces) ? won.filter((one) => one.place === place) : won;
  return { similarity: counted.reduce((sum, one) => sum + one.similarity, 0) / won.length, place };
}

/** Whether most of a word's pieces are single letters, and none is long; what stands between letters does not count. */
function areLetters(pieces: readonly string[]): boolean {
  const written = pieces.filter((piece) => /[\p{L}\p{N}]/u.test(piece));
  const characters = written.reduce((sum, { length }) => sum + length, 0);
  const isChinese = written.some((piece) => /\p{Script=Han}/u.test(piece)); // there a character is a word
  return (
    written.length > 1 && characters < written.length * 2 && written.every(({ length }) => length <= 2) && !isChinese
  );
}

/** Which of the query's words are passed over. "To be or not to be" has nothing but function words: then they are meant. */
export function skippedWords({
  query,
  queryWords,
}: Pick<ExplainInput, 'query' | 'queryWords'>): (word: string) => boolean {
  const words = wordsOf(query, queryWords);
  return isOnlyFunctionWords(words) ? () => false : functionWordsOf(words);
}

function isOnlyFunctionWords(words: readonly string[]): boolean {
  return words.every(functionWordsOf(words));
}

/** Which of the passage's words are passed over: those of its own language, which may be another than the query's. */
function skippedInPassage({ query, queryWords, passage, passageWords }: PlacesInput): (word: string) => boolean {
  const meant = isOnlyFunctionWords(wordsOf(query, queryWords));
  return meant ? () => false : functionWordsOfPassage(passage, passageWords);
}

/** Kept as long as the passage's words are: the next key press shows much the same passages. */
function functionWordsOfPassage(passage: string, ranges: readonly Range[]): (word: string) => boolean {
  let known = functionWords.get(ranges);
  if (known === undefined) functionWords.set(ranges, (known = functionWordsOf(wordsOf(passage, ranges))));
  return known;
}

const functionWords = new WeakMap<readonly Range[], (word: string) => boolean>();

function wordsOf(text: string, ranges: readonly Range[]): string[] {
  return ranges.map(({ start, end }) => text.slice(start, end));
}

function verdictOf(
  similarity: number,
  same: boolean,
  matched: string,
  levels: ExplainInput['levels'],
): WordMatch['verdict'] {
  if (same) return 'same-word';
  if (matched === '' || similarity < levels.close) return 'nothing-close';
  return similarity >= levels.strong ? 'strong' : 'close';
}

function wordsByFold({ passage, passageWords }: ExplainInput): Map<string, Range[]> {
  const words = new Map<string, Range[]>();
  for (const range of passageWords) {
    const fold = foldWord(passage.slice(range.start, range.end));
    const known = words.get(fold);
    if (known === undefined) words.set(fold, [range]);
    else known.push(range);
  }
  return words;
}

function overlaps(a: Range, b: Range | null): boolean {
  return b !== null && a.start < b.end && a.end > b.start;
}
