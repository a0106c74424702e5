/**
 * Where the words of a query stand in a passage literally, as keyword search sees them: whole words, and in scripts
 * without spaces the runs that share pairs of characters with the query. Pure: texts in, ranges out.
 */
import { placedTerms } from '../text/lexical.ts';
import { findPhrase, type Phrase } from '../text/query-syntax.ts';
import type { Range } from '../text/words.ts';
import type { LitRange, WordMatch } from '../types.ts';
import { skippedWords, type Explanation } from './explain.ts';

export interface SameWordsInput {
  /** The query without its marks (see text/query-syntax.ts). */
  readonly query: string;
  readonly queryWords: readonly Range[];
  /** Quoted in the query: lit as a whole. */
  readonly phrases: readonly Phrase[];
  readonly passage: string;
  /** Added to every range that comes back: where the passage starts in its document. */
  readonly offset: number;
}

export interface SameWords {
  /** The query's words that carry meaning: indices, ascending. */
  readonly content: readonly number[];
  /** For each of them that stands there, where: ascending, in the document. */
  readonly places: ReadonlyMap<number, readonly Range[]>;
  /** Those of which no part is missing. */
  readonly whole: ReadonlySet<number>;
  /** Quoted phrases where they stand. */
  readonly phrases: readonly LitRange[];
}

export function findSameWords(input: SameWordsInput): SameWords {
  const { query, queryWords, passage, offset } = input;
  const skipped = skippedWords(input);
  const content = queryWords.flatMap(({ start, end }, word) => (skipped(query.slice(start, end)) ? [] : [word]));
  const asked = termsOf(query, queryWords, new Set(content));
  const { places, present } = placesIn(passage, asked);
  const whole = content.filter((word) => {
    const spaced = asked.terms.filter((term) => term.word === word);
    const { start, end } = queryWords[word]!;
    const written = query.slice(start, end);
    return spaced.length > 0
      ? spaced.every(({ term }) => present.has(term))
      : (places.get(word) ?? []).some((place) => passage.slice(place.start, place.end) === written);
  });
  const moved = ({ start, end }: Range): Range => ({ start: start + offset, end: end + offset });
  return {
    content,
    places: new Map(Array.from(places, ([word, ranges]) => [word, ranges.map(moved)])),
    whole: new Set(whole),
    phrases: input.phrases.flatMap((phrase) => {
      const words = queryWords.flatMap(({ start, end }, word) =>
        start < phrase.end && end > phrase.start ? [word] : [],
      );
      return findPhrase(phrase.text, passage).map((place) => ({ ...moved(place), strength: 2 as const, words }));
    }),
  };
}

/** The reason for a hit of keyword search alone. */
export function explainSameWords(
  { content, places, phrases }: SameWords,
  textOf: (range: Range) => string,
): Explanation {
  return {
    why: content.map((word): WordMatch => {
      const place = longest(places.get(word) ?? []);
      if (place === null) return { word, matched: '', verdict: 'nothing-close', similarity: 0, start: 0, end: 0 };
      return { word, matched: textOf(place), verdict: 'same-word', similarity: 1, ...place };
    }),
    lit: inOrder([...litOf(places, content), ...phrases]),
    closeness: 1,
  };
}

/** A reason found by meaning, with the words that stand there literally. Words that it has no row for get one. */
export function addSameWords(explanation: Explanation, same: SameWords, textOf: (range: Range) => string): Explanation {
  const rows = new Map(explanation.why.map((row) => [row.word, row]));
  const literal = same.content.filter((word) => {
    if (!same.places.has(word)) return false;
    const verdict = rows.get(word)?.verdict ?? 'nothing-close';
    return verdict !== 'same-word' && (verdict === 'nothing-close' || same.whole.has(word));
  });
  for (const word of literal) {
    const place = longest(same.places.get(word)!)!;
    const similarity = rows.get(word)?.similarity ?? 1;
    rows.set(word, { word, matched: textOf(place), verdict: 'same-word', similarity, ...place });
  }
  const replaced = explanation.lit.filter(({ words }) => !words.some((word) => literal.includes(word)));
  return {
    ...explanation,
    why: [...rows.values()].sort((a, b) => a.word - b.word),
    lit: inOrder([...replaced, ...litOf(same.places, literal), ...same.phrases]),
  };
}

// ─── the query's terms ──────────────────────────────────────────────────────────────────────────────

interface AskedTerms {
  /** Words of scripts with spaces. */
  readonly terms: readonly { readonly term: string; readonly word: number }[];
  /** Pairs of characters → the word of the first and of the second. */
  readonly pairs: ReadonlyMap<string, readonly [number | undefined, number | undefined]>;
  /** Single characters that are terms of their own. */
  readonly singles: ReadonlyMap<string, number>;
}

function termsOf(query: string, queryWords: readonly Range[], content: ReadonlySet<number>): AskedTerms {
  const terms: { term: string; word: number }[] = [];
  const pairs = new Map<string, readonly [number | undefined, number | undefined]>();
  const singles = new Map<string, number>();
  const wordAt = (at: number): number | undefined => {
    const word = queryWords.findIndex(({ start, end }) => start <= at && at < end);
    return content.has(word) ? word : undefined;
  };
  for (const { term, start, end, unspaced } of placedTerms(query)) {
    const [first, second] = Array.from(term);
    if (!unspaced) {
      queryWords.forEach((range, word) => {
        if (content.has(word) && range.start < end && range.end > start) terms.push({ term, word });
      });
    } else if (second === undefined) {
      const word = wordAt(start);
      if (word !== undefined) singles.set(term, word);
    } else if (!pairs.has(term)) pairs.set(term, [wordAt(start), wordAt(start + first!.length)]);
  }
  return { terms, pairs, singles };
}

// ─── in the passage ─────────────────────────────────────────────────────────────────────────────────

function placesIn(
  passage: string,
  asked: AskedTerms,
): { readonly places: ReadonlyMap<number, readonly Range[]>; readonly present: ReadonlySet<string> } {
  const places = new Map<number, { start: number; end: number }[]>();
  const present = new Set<string>();
  const spaced = new Map<string, number[]>();
  for (const { term, word } of asked.terms) spaced.set(term, [...(spaced.get(term) ?? []), word]);

  const add = (word: number | undefined, start: number, end: number): void => {
    if (word === undefined) return;
    const ranges = places.get(word) ?? [];
    const last = ranges.at(-1);
    if (last !== undefined && last.end >= start) last.end = Math.max(last.end, end);
    else ranges.push({ start, end });
    places.set(word, ranges);
  };
  for (const { term, start, end, unspaced } of placedTerms(passage)) {
    if (!unspaced) {
      for (const word of spaced.get(term) ?? []) {
        present.add(term);
        add(word, start, end);
      }
      continue;
    }
    const [first, second] = Array.from(term);
    const middle = start + first!.length;
    const words = asked.pairs.get(term);
    add(words?.[0] ?? asked.singles.get(first!), start, middle);
    if (second !== undefined) add(words?.[1] ?? asked.singles.get(second), middle, end);
  }
  return { places, present };
}

function longest(ranges: readonly Range[]): Range | null {
  return ranges.reduce<Range | null>(
    (best, range) => (best === null || range.end - range.start > best.end - best.start ? range : best),
    null,
  );
}

function litOf(places: SameWords['places'], words: readonly number[]): LitRange[] {
  return words.flatMap((word) => (places.get(word) ?? []).map((range) => ({ ...range, strength: 2, words: [word] })));
}

function inOrder(lit: readonly LitRange[]): LitRange[] {
  return [...lit].sort((a, b) => a.start - b.start || a.end - b.end);
}
