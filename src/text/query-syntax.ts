/**
 * The marks a person may put into a query: "quoted words" must stand in the passage, -word and -"quoted words" must not.
 * What is no such mark (a hyphen inside a word, a quote sign without its partner, a minus before a number) is plain text.
 * Pure: strings in, ranges and tests out.
 */
import { placedTerms } from './lexical.ts';
import type { Range } from './words.ts';

/** Words in a row, as typed, without their marks. */
export interface Phrase extends Range {
  readonly text: string;
}

export interface ParsedQuery {
  readonly typed: string;
  /**
   * What is searched: the query as typed with its marks and exclusions blanked out, so that every place in it is the
   * same place in the query as typed. '' where nothing is left.
   */
  readonly text: string;
  readonly required: readonly Phrase[];
  readonly excluded: readonly Phrase[];
}

export function parseQuery(typed: string): ParsedQuery {
  const required: Phrase[] = [];
  const excluded: Phrase[] = [];
  const blanks: Range[] = [];
  const unclosed = new Set<string>();
  for (let at = 0; at < typed.length;) {
    const minus = isMinus(typed, at);
    const from = minus ? at + 1 : at;
    const quoted = quotedAt(typed, from, minus, unclosed);
    if (quoted !== null && minus) {
      excluded.push(quoted);
      blanks.push({ start: at, end: quoted.end + 1 });
    } else if (quoted !== null) {
      required.push(quoted);
      blanks.push({ start: at, end: at + 1 }, { start: quoted.end, end: quoted.end + 1 });
    } else if (minus) {
      const word = wordAt(typed, from);
      if (word !== null) {
        excluded.push(word);
        blanks.push({ start: at, end: word.end });
      }
    }
    at = Math.max(at + 1, blanks.at(-1)?.end ?? 0);
  }
  const text = blanks.reduce(
    (rest, { start, end }) => rest.slice(0, start) + ' '.repeat(end - start) + rest.slice(end),
    typed,
  );
  return { typed, text: placedTerms(text).next().done === true && blanks.length > 0 ? '' : text, required, excluded };
}

// ─── reading ────────────────────────────────────────────────────────────────────────────────────────

/** What may close a quotation, by what opened it. */
const closing: Readonly<Record<string, string>> = {
  '"': '"＂”',
  '＂': '＂"',
  '“': '”"“',
  '„': '“”"',
  '”': '”',
  '«': '»',
  '»': '«',
  '「': '」',
  '『': '』',
};

/** Signs that also close, or stand for inches: they open only where no word goes before them. */
const ambiguous = '"＂”»“';

const spacedLetterBefore = /[\p{L}\p{N}\p{M}_]$/u;

/**
 * The quotation that opens here; null where none does, or nothing closes it, or no word is in it.
 * @param unclosed signs that nothing closes from here on: looked for once, not from each place again
 */
function quotedAt(typed: string, at: number, afterMinus: boolean, unclosed: Set<string>): Phrase | null {
  const sign = typed[at];
  const ends = sign === undefined ? undefined : closing[sign];
  if (sign === undefined || ends === undefined || unclosed.has(sign)) return null;
  if (!afterMinus && ambiguous.includes(sign) && endsInSpacedWord(typed.slice(Math.max(0, at - 2), at))) return null;
  for (let end = at + 1; end < typed.length; end++) {
    if (!ends.includes(typed[end]!)) continue;
    const text = typed.slice(at + 1, end);
    return placedTerms(text).next().done === true ? null : { text, start: at + 1, end };
  }
  unclosed.add(sign);
  return null;
}

function endsInSpacedWord(text: string): boolean {
  if (!spacedLetterBefore.test(text)) return false;
  return ![...placedTerms(text)].at(-1)!.unspaced;
}

/** A minus that stands at the beginning of a word. */
function isMinus(typed: string, at: number): boolean {
  return '-−－'.includes(typed[at]!) && (at === 0 || /[\s\u3000]/u.test(typed[at - 1]!));
}

/** From here to the next white space, without what stands behind the word; null for a number or no word at all. */
function wordAt(typed: string, at: number): Phrase | null {
  const [word] = /^[^\s\u3000]*/u.exec(typed.slice(at))!;
  if (!/^[\p{L}\p{M}_]/u.test(word)) return null;
  const text = word.replace(/[^\p{L}\p{N}\p{M}_]+$/u, '');
  return { text, start: at, end: at + text.length };
}

// ─── finding ────────────────────────────────────────────────────────────────────────────────────────

/**
 * Terms that every passage with the phrase has, and whether having them is enough. A single character of a script without
 * spaces is left out: within a word it is no term.
 */
export function phraseTerms(phrase: string): { readonly terms: readonly string[]; readonly exact: boolean } {
  const placed = [...placedTerms(phrase)];
  const terms = placed.filter(({ term, unspaced }) => !unspaced || Array.from(term).length > 1).map(({ term }) => term);
  const [only] = placed;
  const exact = placed.length === 1 && terms.length === 1 && only!.end - only!.start === phrase.trim().length;
  return { terms: [...new Set(terms)], exact };
}

/**
 * Where a phrase stands in a text: whatever the case, whole words (any part, in scripts without spaces), any white space
 * between two words, any of the apostrophes and hyphens for each other, accents in one character with their letter or not.
 */
export function findPhrase(phrase: string, text: string): Range[] {
  return Array.from(text.matchAll(patternOf(phrase)), ({ 0: found, index }) => ({
    start: index,
    end: index + found.length,
  }));
}

const unspaced = String.raw`\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Hangul}\p{scx=Thai}\p{scx=Lao}`;
/** A letter of a word that goes on: not one of a script without spaces. */
const wordLetter = String.raw`[[\p{L}\p{N}\p{M}_]--[${unspaced}]]`;
const lookAlikes = ["'’ʼ‘", '-‐‑–'];

function patternOf(phrase: string): RegExp {
  const trimmed = phrase.trim().normalize('NFC');
  const body = trimmed
    .split(/(\s+)/u)
    .map((part) => (/^\s/u.test(part) ? String.raw`\s+` : Array.from(part, characterPattern).join('')))
    .join('');
  const goesOn = new RegExp(`^${wordLetter}|${wordLetter}$`, 'v');
  const before = goesOn.test(Array.from(trimmed)[0]!) ? `(?<!${wordLetter})` : '';
  const after = goesOn.test(Array.from(trimmed).at(-1)!) ? `(?!${wordLetter})` : '';
  return new RegExp(before + body + after, 'giv');
}

function characterPattern(character: string): string {
  const alike = lookAlikes.find((signs) => signs.includes(character));
  const escape = (sign: string): string => (/[\p{L}\p{N}\p{M}]/u.test(sign) ? sign : `\\u{${hex(sign)}}`);
  if (alike !== undefined) return `[${Array.from(alike, escape).join('')}]`;
  const apart = character.normalize('NFD');
  return apart === character ? escape(character) : `(?:${escape(character)}|${apart})`;
}

function hex(character: string): string {
  return character.codePointAt(0)!.toString(16);
}
