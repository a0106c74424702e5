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
  const ranges: TokenRange[] = [];
  let cursor = 0;
  const nowhere = (): TokenRange => {
    const { start } = rangeOf(source, cursor, cursor);
    const last = ranges.at(-1);
    return last !== undefined && start < last.end ? last : { start, end: start }; // still within the last one's letter
  };
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
  switch (tokenizer.spelling) {
    case 'wordpiece':
      return token.startsWith('##') && token.length > 2 ? token.slice(2) : token;
    case 'metaspace':
      return token.replaceAll('▁', ' ').trim();
    case 'bytelevel':
      return token.replace(/^Ġ+/, '');
  }
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
