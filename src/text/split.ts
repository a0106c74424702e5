/**
 * A block that is too long for one passage, cut where it hurts least: code between lines (empty ones first), all else
 * between sentences, and only a sentence that is itself too long between words.
 */
import type { TextBlock } from '../types.ts';
import { estimateTokens, tokensOfCharacter } from './tokens.ts';
import { windowedSegments } from './windowed.ts';
import type { Range } from './words.ts';

const sentences = new Intl.Segmenter('und', { granularity: 'sentence' });
const words = new Intl.Segmenter('und', { granularity: 'word' });

/**
 * Parts of the block without white space at their ends, none for a block of white space.
 * @param maxTokens no part is estimated higher
 * @param targetTokens how long the parts of an overlong sentence or line are
 */
export function* splitBlock(text: string, block: TextBlock, maxTokens: number, targetTokens: number): Generator<Range> {
  const whole = trim(text, block.start, block.end);
  if (whole.start === whole.end) return;
  if (fits(text, whole, maxTokens)) {
    yield whole;
    return;
  }
  const parts =
    block.kind === 'code' ? lineGroups(text, whole, targetTokens) : sentenceRanges(text, whole.start, whole.end);
  for (const part of parts) {
    const { start, end } = trim(text, part.start, part.end);
    if (start === end) continue;
    if (fits(text, { start, end }, maxTokens)) yield { start, end };
    else yield* splitAnywhere(text, start, end, maxTokens, targetTokens);
  }
}

/** Sentences with the white space behind them. A line's end inside a paragraph is no sentence's end. */
function sentenceRanges(text: string, start: number, end: number): Iterable<Range> {
  return windowedSegments(sentences, text, start, end, (window) => window.replace(/\n(?!\n)/g, ' '));
}

/** Lines up to the target; an empty line ends a group that is half full. */
function* lineGroups(text: string, { start, end }: Range, targetTokens: number): Generator<Range> {
  let from = start;
  let tokens = 0;
  for (let at = start; at < end;) {
    const newline = text.indexOf('\n', at);
    const next = newline === -1 || newline >= end ? end : newline + 1;
    const line = estimateTokens(text, at, next);
    const isEmpty = trim(text, at, next).start === next;
    if (at > from && (tokens + line > targetTokens || (isEmpty && tokens >= targetTokens / 2))) {
      yield { start: from, end: at };
      from = at;
      tokens = 0;
    }
    tokens += line;
    at = next;
  }
  if (from < end) yield { start: from, end };
}

/** Parts near the target, between words where there are any within reach. Looks at each character at most twice. */
function* splitAnywhere(
  text: string,
  start: number,
  end: number,
  maxTokens: number,
  targetTokens: number,
): Generator<Range> {
  let from = start;
  while (from < end) {
    const cut = nextCut(text, from, end, maxTokens, targetTokens);
    const part = trim(text, from, cut);
    if (part.start < part.end) yield part;
    from = cut;
  }
}

function nextCut(text: string, from: number, end: number, maxTokens: number, targetTokens: number): number {
  let tokens = 0;
  let target = -1;
  for (let i = from; i < end;) {
    const code = text.codePointAt(i)!;
    tokens += tokensOfCharacter(code);
    if (tokens > maxTokens) return betweenWords(text, from, target === -1 ? i : target);
    if (target === -1 && tokens > targetTokens) target = i;
    i += code > 0xffff ? 2 : 1;
  }
  return end;
}

/** The last border between words at or before `at`, not more than half the way back; always behind `from`. */
function betweenWords(text: string, from: number, at: number): number {
  const earliest = from + Math.ceil((at - from) / 2);
  for (let i = at; i > earliest; i--) {
    if (isSpace(text.charCodeAt(i - 1))) return i;
  }
  // No spaces: ask where the word (Thai, Chinese) or at least the character (marks, joined emoji) around it begins.
  const windowStart = Math.max(from, at - 128);
  const segment = words.segment(text.slice(windowStart, at + 128)).containing(at - windowStart);
  if (segment !== undefined && segment.index > 0 && windowStart + segment.index > earliest) {
    return windowStart + segment.index;
  }
  const unit = text.charCodeAt(at);
  const splitsPair = unit >= 0xdc00 && unit <= 0xdfff;
  return Math.max(from + 1, splitsPair ? at - 1 : at);
}

function fits(text: string, { start, end }: Range, maxTokens: number): boolean {
  // Even white space counts a little, so that this ends early: a long block is not measured to its end.
  let tokens = 0;
  for (let i = start; i < end; i++) {
    const code = text.codePointAt(i)!;
    if (code > 0xffff) i++;
    tokens += tokensOfCharacter(code);
    if (tokens > maxTokens) return false;
  }
  return true;
}

export function trim(text: string, start: number, end: number): Range {
  while (start < end && isSpace(text.charCodeAt(start))) start++;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--;
  return { start, end };
}

/** What `\s` matches. */
function isSpace(unit: number): boolean {
  if (unit <= 0x20) return unit === 0x20 || (unit >= 0x09 && unit <= 0x0d);
  if (unit < 0xa0) return false;
  return (
    unit === 0xa0 ||
    unit === 0x1680 ||
    (unit >= 0x2000 && unit <= 0x200a) ||
    unit === 0x2028 ||
    unit === 0x2029 ||
    unit === 0x202f ||
    unit === 0x205f ||
    unit === 0x3000 ||
    unit === 0xfeff
  );
}
