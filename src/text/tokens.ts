/**
 * How many tokens a text will have, estimated from its characters: chunks are cut before any model is loaded, and
 * must not depend on which one. The rates are those of a small English WordPiece vocabulary, measured on the
 * evaluation sets: English 0.23 a letter, Spanish and German 0.37, Vietnamese 0.49, Chinese 1.0, Russian, Greek,
 * Arabic and Hebrew 0.95, Hindi 0.77, Thai and Amharic less (whole words unknown to it). A multilingual vocabulary
 * needs fewer, so that nothing is cut off by either.
 */

const asciiLetter = 0.27;
const digit = 0.5;
const mark = 1;
/** Ä, ß, ł, ế: each breaks an English word piece in two. */
const latinLetter = 1;
const ideograph = 1;
/**
 * Below the measured 0.95 on purpose: at the full rate a passage of Russian would be two sentences. Even the largest
 * passage (300 estimated, 410 real) fits the models' 512.
 */
const otherLetter = 0.7;

/** White space and marks that are stripped. Not 0, so that a megabyte of them is not one passage. */
const invisible = 0.02;

/** Tokens that the character is likely to cost. @param code a Unicode code point */
export function tokensOfCharacter(code: number): number {
  if (code < 0x80) return ascii[code]!;
  if (code < 0xc0) return code === 0xa0 || code === 0x85 || code === 0xad ? invisible : mark;
  if (code < 0x250 || (code >= 0x1e00 && code < 0x1f00)) return latinLetter;
  if (code >= 0x300 && code < 0x370) return invisible; // combining marks of Latin letters: stripped
  if (code >= 0x2000 && code <= 0x206f) return code <= 0x200f || (code >= 0x2028 && code <= 0x202f) ? invisible : mark;
  if (code === 0x3000 || code === 0xfeff || code === 0x1680) return invisible;
  if (code >= 0x2e80 && code < 0xa4d0) return ideograph;
  if ((code >= 0xac00 && code < 0xd7b0) || (code >= 0xf900 && code < 0xfb00) || code >= 0x10000) return ideograph;
  if (code >= 0xfe00 && code < 0xfe10) return invisible; // variation selectors
  return otherLetter;
}

/** Estimated tokens of `[start, end)`, in O(end − start). */
export function estimateTokens(text: string, start = 0, end: number = text.length): number {
  let sum = 0;
  for (let i = start; i < end; i++) {
    const code = text.codePointAt(i)!;
    if (code > 0xffff) i++;
    sum += tokensOfCharacter(code);
  }
  return sum;
}

const ascii = Float64Array.from({ length: 0x80 }, (_, code) => {
  const character = String.fromCharCode(code);
  if (code <= 0x20 || code === 0x7f) return invisible;
  if (/[A-Za-z]/.test(character)) return asciiLetter;
  return /[0-9]/.test(character) ? digit : mark;
});
