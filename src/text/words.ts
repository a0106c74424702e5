/**
 * Where the words of a text are, in any script. What is lit is whole words, and excerpts begin and end
 * at its borders. Intl.Segmenter knows the rules of each script.
 */
import { windowedSegments } from './windowed.ts';

/** `[start, end)` in UTF-16 units. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** A piece of a text between two word borders. */
export interface WordPiece extends Range {
  /** Letters, digits or an emoji; not punctuation, not white space. */
  readonly isWord: boolean;
}

const segmenter = new Intl.Segmenter('und', { granularity: 'word' });
const emoji = /\p{Extended_Pictographic}|\p{Regional_Indicator}|\u20e3/u;

/**
 * Cuts `[start, end)` of a text at its word borders; the pieces are in order and cover the range.
 * @yields pieces in O(n) for the whole range, whatever its script
 */
export function* wordPieces(text: string, start = 0, end: number = text.length): Generator<WordPiece> {
  for (const piece of windowedSegments(segmenter, text, start, end)) {
    const { segment, isWordLike } = piece.segment;
    yield { start: piece.start, end: piece.end, isWord: isWordLike === true || emoji.test(segment) };
  }
}

/** The words of a range, in order. */
export function wordRanges(text: string, start = 0, end: number = text.length): Range[] {
  const words: Range[] = [];
  for (const piece of wordPieces(text, start, end)) {
    if (piece.isWord) words.push({ start: piece.start, end: piece.end });
  }
  return words;
}
