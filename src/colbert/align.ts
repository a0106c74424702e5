/**
 * Token → [start, end) in the *original* text, in UTF-16 units. No tokenizer library returns offsets, so they are found
 * again: the text is normalised piece by piece with a map back to where each piece came from, then the tokens' spellings
 * are walked along it.
 *
 *   text        C a f é   t i m e        (é = e + U+0301)
 *   normalised  c a f e   t i m e        each with its range in the text
 *   tokens      cafe      time
 *   ranges      [0,5)     [6,10)
 */
import { byteOf, type TextTokenizer } from './tokenizer.ts';

export interface TokenRange {
  readonly start: number;
  readonly end: number;
}

/**
 * @param ids ids of the text alone, without specials, as `tokenizer.encode(text)` gave them (a beginning of them will do)
 * @returns one range per id: starts and ends never fall; together they cover every character that the tokenizer read.
 *   A token that cannot be placed gets an empty range at the place reached, so that nothing wrong is ever lit.
 */
export function alignTokens(text: string, ids: readonly number[], tokenizer: TextTokenizer): TokenRange[] {
  const source = normalizeWithMap(text, tokenizer);
  if (tokenizer.spelling === 'bytelevel') return alignBytes(source, ids, tokenizer);
  const ranges: TokenRange[] = [];
  let cursor = 0;
  const nowhere = (): TokenRange => emptyAt(source, cursor, ranges);
  for (let i = 0; i < ids.length; i++) {
    const token = tokenizer.tokenOf(ids[i]!);
    const spelling = spellingOf(token, tokenizer);
    cursor = skipSpace(source, cursor, tokenizer);
    if (byteOf(token) !== null) {
      const spelt = characterInBytes(source, cursor, ids, i, tokenizer);
      const range = spelt.length === 0 ? nowhere() : rangeOf(source, cursor, cursor + spelt.length);
      for (let b = 0; b < spelt.numTokens; b++) ranges.push(range);
      cursor += spelt.length;
      i += spelt.numTokens - 1;
      continue;
    }
    if (ids[i] === tokenizer.unknownId) {
      const end = endOfUnknown(source, cursor, ids, i, tokenizer);
      ranges.push(rangeOf(source, cursor, end));
      cursor = end;
      continue;
    }
    const at = find(source, spelling, cursor);
    if (at === -1 || spelling === '') {
      ranges.push(nowhere());
      continue;
    }
    ranges.push(rangeOf(source, at, at + spelling.length));
    cursor = at + spelling.length;
  }
  return ranges;
}

/**
 * Byte-level vocabularies spell every byte of a text, white space too, so that the walk is along its bytes. A token that is a part of a
 * character's bytes stands for all of the character; the space that most words begin with is left out.
 */
function alignBytes(source: MappedText, ids: readonly number[], tokenizer: TextTokenizer): TokenRange[] {
  const bytes: number[] = [];
  const places: number[] = []; // where in the normalised text the character of each byte begins
  const from = skipSpace(source, 0, tokenizer); // the tokenizer strips
  for (let at = from; at < source.text.length; at += codePointLength(source.text, at)) {
    for (const byte of utf8.encode(source.text.slice(at, at + codePointLength(source.text, at)))) {
      bytes.push(byte);
      places.push(at);
    }
  }
  const placeOf = (byte: number): number => places[byte] ?? source.text.length;
  const ranges: TokenRange[] = [];
  let cursor = 0;
  for (const id of ids) {
    const spelt = bytesOf(tokenizer.tokenOf(id));
    // Some put a space before the first word that the text has not.
    const own = spelt[0] === space && bytes[cursor] !== space ? spelt.slice(1) : spelt;
    const begin = findBytes(bytes, own, cursor);
    if (begin === -1 || own.length === 0) {
      ranges.push(emptyAt(source, placeOf(cursor), ranges));
      continue;
    }
    cursor = begin + own.length;
    let start = placeOf(begin);
    let end = placeOf(cursor - 1) + codePointLength(source.text, placeOf(cursor - 1));
    while (start < end && /\s/u.test(source.text[start]!)) start++;
    while (start < end && /\s/u.test(source.text[end - 1]!)) end--;
    ranges.push(start === end ? emptyAt(source, start, ranges) : rangeOf(source, start, end));
  }
  return ranges;
}

function findBytes(bytes: readonly number[], spelt: readonly number[], from: number): number {
  for (let at = from; at <= from + reach && at + spelt.length <= bytes.length; at++) {
    if (spelt.every((byte, i) => bytes[at + i] === byte)) return at;
  }
  return -1;
}

/** A token's bytes: each is one letter, itself where it can be printed, else a letter from U+0100 on (GPT-2's alphabet). */
function bytesOf(token: string): number[] {
  return Array.from(token).flatMap((letter) => byteAlphabet.get(letter) ?? Array.from(utf8.encode(letter)));
}

const space = 0x20;

const byteAlphabet: ReadonlyMap<string, number> = new Map(
  (() => {
    let next = 0x100;
    return Array.from({ length: 256 }, (_, byte): [string, number] => {
      const isPrinted = (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
      return [String.fromCharCode(isPrinted ? byte : next++), byte];
    });
  })(),
);

/**
 * A character that the vocabulary has not, spelt in bytes, each of which stands for all of it. The last of `ids` may lie within it.
 * @returns the tokens from `index` on that belong together, at least one, and the UTF-16 units they stand for: 0 where the
 *   character at `from` is another one
 */
function characterInBytes(
  source: MappedText,
  from: number,
  ids: readonly number[],
  index: number,
  tokenizer: TextTokenizer,
): { readonly numTokens: number; readonly length: number } {
  const character = source.text.slice(from, from + codePointLength(source.text, from));
  const bytes = Array.from(utf8.encode(character));
  const differs = bytes.findIndex((byte, b) => byteOf(tokenizer.tokenOf(ids[index + b] ?? -1)) !== byte);
  const numTokens = differs === -1 ? bytes.length : differs;
  return numTokens === 0 ? { numTokens: 1, length: 0 } : { numTokens, length: character.length };
}

const utf8 = new TextEncoder();

/** The normalised text and, for each of its UTF-16 units, the range of the original text it came from. */
interface MappedText {
  readonly text: string;
  readonly starts: readonly number[];
  readonly ends: readonly number[];
  readonly originalLength: number;
}

function normalizeWithMap(text: string, tokenizer: TextTokenizer): MappedText {
  const starts: number[] = [];
  const ends: number[] = [];
  let joined = '';
  for (const { piece, at } of pieces(text)) {
    const normalized = normalizePiece(piece, tokenizer);
    if (normalized === '' && ends.length > 0 && ends[ends.length - 1] === at && joined.at(-1) !== ' ') {
      // A mark that the tokenizer drops (an accent, a joiner) belongs to the character before it.
      for (let i = ends.length - 1, end = ends[i]; i >= 0 && ends[i] === end; i--) ends[i] = at + piece.length;
      continue;
    }
    for (let i = 0; i < normalized.length; i++) {
      starts.push(at);
      ends.push(at + piece.length);
    }
    joined += normalized;
  }
  // Some rules look at neighbours (the final sigma of lower case): where the lengths agree, take the whole text's form.
  const whole = tokenizer.normalize(text);
  return { text: whole.length === joined.length ? whole : joined, starts, ends, originalLength: text.length };
}

/** Code points; where others follow that a normaliser may make one letter with them (accents, Korean letters), they are one piece. */
function* pieces(text: string): Generator<{ piece: string; at: number }> {
  let at = 0;
  while (at < text.length) {
    let end = at + codePointLength(text, at);
    const single = end;
    while (end < text.length && mayJoin(text, end)) end += codePointLength(text, end);
    const cluster = text.slice(at, end);
    if (end > single && cluster.normalize('NFKC') !== Array.from(cluster, (one) => one.normalize('NFKC')).join('')) {
      yield { piece: cluster, at };
      at = end;
    } else {
      for (const piece of cluster) {
        yield { piece, at };
        at += piece.length;
      }
    }
  }
}

/** The piece as the tokenizer normalises it alone; remembered, since texts repeat their letters. */
function normalizePiece(piece: string, tokenizer: TextTokenizer): string {
  let known = cache.get(tokenizer);
  if (known === undefined) cache.set(tokenizer, (known = new Map<string, string>()));
  let normalized = known.get(piece);
  if (normalized === undefined) {
    // White space alone may be trimmed away where between words it would stay.
    normalized = /^\s+$/u.test(piece) ? tokenizer.normalize(`a${piece}a`).slice(1, -1) : tokenizer.normalize(piece);
    if (known.size < 20_000) known.set(piece, normalized);
  }
  return normalized;
}

const cache = new WeakMap<TextTokenizer, Map<string, string>>();

/** The token's letters without the vocabulary's marks. */
function spellingOf(token: string, tokenizer: TextTokenizer): string {
  if (tokenizer.spelling !== 'wordpiece') return token.replaceAll('▁', ' ').trim();
  return token.startsWith('##') && token.length > 2 ? token.slice(2) : token;
}

function find(source: MappedText, spelling: string, from: number): number {
  if (source.text.startsWith(spelling, from)) return from;
  // Something between was dropped; it is never far. A longer search could jump to another word's place.
  const at = source.text.slice(from, from + reach + spelling.length).indexOf(spelling);
  return at === -1 ? -1 : from + at;
}

const reach = 24;

/**
 * WordPiece gives one [UNK] for a whole word: up to the next space or punctuation. Other models give one for
 * a run of unknown characters: up to where the next known token is found.
 */
function endOfUnknown(
  source: MappedText,
  from: number,
  ids: readonly number[],
  index: number,
  tokenizer: TextTokenizer,
): number {
  if (tokenizer.spelling === 'wordpiece') {
    let end = from;
    while (end < source.text.length) {
      const length = codePointLength(source.text, end);
      if (standsAlone.test(source.text.slice(end, end + length))) return end === from ? end + length : end;
      end += length;
    }
    return end;
  }
  const next = ids.slice(index + 1).find((id) => id !== tokenizer.unknownId);
  if (next === undefined) return source.text.length;
  const spelling = spellingOf(tokenizer.tokenOf(next), tokenizer);
  const at = spelling === '' ? -1 : source.text.indexOf(spelling, from + 1);
  return at === -1 ? Math.min(source.text.length, from + 1) : at;
}

/** What BERT's pre-tokenizer makes a word of its own; ideographs come with spaces from the normaliser. */
const standsAlone = /^[\s\p{P}$+<=>^`|~]$/u;

function skipSpace(source: MappedText, from: number, { spelling }: TextTokenizer): number {
  const space = spelling === 'metaspace' ? /[\s▁]/u : /\s/u; // there a "▁" of the text is like a space to the tokenizer
  let at = from;
  while (at < source.text.length && space.test(source.text[at]!)) at++;
  return at;
}

/** At the place reached, or the last one's, where that is still within its letter. */
function emptyAt(source: MappedText, at: number, ranges: readonly TokenRange[]): TokenRange {
  const { start } = rangeOf(source, at, at);
  const last = ranges.at(-1);
  return last !== undefined && start < last.end ? last : { start, end: start };
}

function rangeOf(source: MappedText, from: number, to: number): TokenRange {
  const start = source.starts[from] ?? source.originalLength;
  return { start, end: to > from ? source.ends[to - 1]! : start };
}

function codePointLength(text: string, at: number): number {
  return (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
}

/** Marks, Korean letters in any of their forms, and the voicing marks of narrow kana. */
function mayJoin(text: string, at: number): boolean {
  return /^[\p{M}\u1160-\u11ff\u3131-\u318e\uff9e-\uffdc]/u.test(text.slice(at, at + 2));
}
