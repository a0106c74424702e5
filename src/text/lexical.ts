/**
 * The words that keyword search (BM25) sees. Scripts that put no spaces between words are cut into pairs of
 * characters, which needs no dictionary and finds every word of two characters or more.
 */

/** Letters, digits, underscores, and the marks that belong to a letter: without them Hindi falls into consonants. */
const runPattern = /[\p{L}\p{N}\p{M}_]+/gu;

/** Chinese, Japanese, Korean, Thai, Lao. The extensions (scx) bring in ー, which Katakana and Hiragana share. */
const unspacedPattern =
  /([\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Hangul}\p{scx=Thai}\p{scx=Lao}]+)|([^\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Hangul}\p{scx=Thai}\p{scx=Lao}]+)/gu;

const mayBeUnspaced =
  /[\u0e00-\u0eff\u1100-\u11ff\u2e80-\uffef\u{16fe0}-\u{16fff}\u{1afe0}-\u{1b16f}\u{20000}-\u{3ffff}]/u;

/**
 * The terms of a text in order, repeats included: lower-cased words, and for runs of Chinese, Japanese, Korean, Thai
 * or Lao the overlapping pairs of characters (a run of one character is that character).
 * No stemming, no stop words. Linear in the text's length.
 */
export function lexicalTerms(text: string): string[] {
  const terms: string[] = [];
  for (const [run] of text.toLowerCase().matchAll(runPattern)) {
    if (!mayBeUnspaced.test(run)) {
      terms.push(run);
      continue;
    }
    for (const [, unspaced, spaced] of run.matchAll(unspacedPattern)) {
      if (spaced !== undefined) terms.push(spaced);
      if (unspaced !== undefined) pushPairs(unspaced, terms);
    }
  }
  return terms;
}

function pushPairs(run: string, terms: string[]): void {
  const characters = Array.from(run);
  if (characters.length === 1) terms.push(run);
  for (let i = 0; i + 1 < characters.length; i++) terms.push(characters[i]! + characters[i + 1]!);
}
