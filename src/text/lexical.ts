/**
 * The words that keyword search (BM25) sees. Scripts that put no spaces between words are cut into pairs of
 * characters, which needs no dictionary and finds every word of two characters or more.
 */
import type { Range } from './words.ts';

/** Rises when a text's terms change: an index made of the old ones is then built again. */
export const lexicalVersion = 2;

/** A term where it stands in the text, in UTF-16 units. */
export interface LexicalTerm extends Range {
  readonly term: string;
  /** Whether it is a pair of characters (or a single one) of a script without spaces, and no word by itself. */
  readonly unspaced: boolean;
}

/** Letters, digits, underscores, and the marks that belong to a letter: without them Hindi falls into consonants. */
const runPattern = /[\p{L}\p{N}\p{M}_]+/gu;

/** Chinese, Japanese, Korean, Thai, Lao. The extensions (scx) bring in ー, which Katakana and Hiragana share. */
const unspacedPattern =
  /([\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Hangul}\p{scx=Thai}\p{scx=Lao}]+)|([^\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Hangul}\p{scx=Thai}\p{scx=Lao}]+)/gu;

const mayBeUnspaced =
  /[\u0e00-\u0eff\u1100-\u11ff\u2e80-\uffef\u{16fe0}-\u{16fff}\u{1afe0}-\u{1b16f}\u{20000}-\u{3ffff}]/u;

/**
 * The terms of a text in order, repeats included: lower-cased words (NFC), and for runs of Chinese, Japanese, Korean, Thai
 * or Lao the overlapping pairs of characters (a run of one character is that character).
 * No stemming, no stop words. Linear in the text's length.
 */
export function lexicalTerms(text: string): string[] {
  return Array.from(placedTerms(text), ({ term }) => term);
}

/** The same terms with their places. */
export function* placedTerms(text: string): Generator<LexicalTerm> {
  for (const { 0: run, index } of text.matchAll(runPattern)) {
    if (!mayBeUnspaced.test(run)) {
      yield { term: termOf(run), start: index, end: index + run.length, unspaced: false };
      continue;
    }
    for (const { 0: part, 1: unspaced, index: at } of run.matchAll(unspacedPattern)) {
      const start = index + at;
      if (unspaced !== undefined) yield* pairs(unspaced, start);
      else yield { term: termOf(part), start, end: start + part.length, unspaced: false };
    }
  }
}

/** Lower case; a letter and its accent as one character, as they are typed: some files keep them apart. */
function termOf(word: string): string {
  return word.normalize('NFC').toLowerCase();
}

function* pairs(run: string, start: number): Generator<LexicalTerm> {
  const characters = Array.from(run);
  if (characters.length === 1) yield { term: run, start, end: start + run.length, unspaced: true };
  let at = start;
  for (let i = 0; i + 1 < characters.length; i++) {
    const term = characters[i]! + characters[i + 1]!;
    yield { term, start: at, end: at + term.length, unspaced: true };
    at += characters[i]!.length;
  }
}
