/**
 * Lit ranges → segments that cover the text, in three pure steps (after highlight-words-core):
 *   find     the weighted spans come from the engine (see ranking/explain.ts)
 *   combine  overlapping spans become pieces that do not overlap, the stronger light winning
 *   fill     the gaps become unlit segments
 * An excerpt is the same on the window with the most light. Data out, never markup.
 */
import type { LitRange, Segment, Strength } from '../types.ts';
import { wordPieces, type Range } from './words.ts';

export const defaultExcerptCharacters = 260;

/** A segment with its range in the text. */
interface Placed extends Range {
  readonly strength: Strength;
  readonly words: readonly number[];
}

/**
 * Cuts spans where they overlap: strength is the larger, words are both. Ascending, not overlapping; pieces that touch
 * and say the same are one. Spans outside the range are cut or dropped.
 */
export function combine(spans: readonly LitRange[], range: Range): LitRange[] {
  const inside = spans
    .map((span) => ({ ...span, start: Math.max(span.start, range.start), end: Math.min(span.end, range.end) }))
    .filter((span) => span.end > span.start && span.strength > 0)
    .sort((a, b) => a.start - b.start);
  const borders = [...new Set(inside.flatMap(({ start, end }) => [start, end]))].sort((a, b) => a - b);

  const combined: LitRange[] = [];
  let next = 0;
  let open: LitRange[] = [];
  for (let i = 0; i + 1 < borders.length; i++) {
    const start = borders[i]!;
    const end = borders[i + 1]!;
    open = open.filter((span) => span.end > start);
    while (next < inside.length && inside[next]!.start <= start) open.push(inside[next++]!);
    if (open.length === 0) continue;
    const strength = open.reduce<Strength>((most, span) => (span.strength > most ? span.strength : most), 0);
    const words = [...new Set(open.flatMap((span) => span.words))].sort((a, b) => a - b);
    const before = combined.at(-1);
    if (before?.end === start && before.strength === strength && sameWords(before.words, words)) {
      combined[combined.length - 1] = { ...before, end };
    } else {
      combined.push({ start, end, strength, words });
    }
  }
  return combined;
}

/**
 * About three lines of a passage where its light is: the window of at most `maxCharacters` with the most of the
 * query's words, white space folded to single spaces, words whole, "…" where something was left out. Only a single
 * word longer than the window is cut, between characters.
 * @param range the passage, in the text
 * @param lit ranges in the text, in any order
 */
export function excerpt(
  text: string,
  range: Range,
  lit: readonly LitRange[],
  maxCharacters: number = defaultExcerptCharacters,
): Segment[] {
  const atoms = [...atomsOf(text, range, maxCharacters)];
  if (atoms.length === 0) return [];
  const spans = combine(lit, range);
  const [chosen, last] = chooseWindow(text, atoms, spans, maxCharacters);
  const first = behindClosingMarks(text, atoms, chosen, last);
  const window = { start: atoms[first]!.start, end: atoms[last]!.end };
  const segments = foldWhiteSpace(text, fill(combine(spans, window), window));
  return withEllipses(segments, first > 0, last < atoms.length - 1);
}

// ─── fill ───────────────────────────────────────────────────────────────────────────────────────────

function fill(spans: readonly LitRange[], range: Range): Placed[] {
  const placed: Placed[] = [];
  let at = range.start;
  for (const span of spans) {
    if (span.start > at) placed.push({ start: at, end: span.start, strength: 0, words: [] });
    placed.push(span);
    at = span.end;
  }
  if (at < range.end) placed.push({ start: at, end: range.end, strength: 0, words: [] });
  return placed;
}

// ─── the window ─────────────────────────────────────────────────────────────────────────────────────

/** What an excerpt may begin and end with: words and marks, without the white space between them. */
function* atomsOf(text: string, range: Range, maxCharacters: number): Generator<Range> {
  for (const { start, end } of wordPieces(text, range.start, range.end)) {
    if (!/\S/.test(text.slice(start, Math.min(end, start + 64)))) continue;
    if (end - start <= maxCharacters) yield { start, end };
    else yield* cutBetweenCharacters(text, start, end, Math.max(1, Math.floor(maxCharacters / 4)));
  }
}

const graphemes = new Intl.Segmenter('und', { granularity: 'grapheme' });

function* cutBetweenCharacters(text: string, start: number, end: number, size: number): Generator<Range> {
  let from = start;
  for (const { index, segment } of graphemes.segment(text.slice(start, end))) {
    const to = start + index + segment.length;
    if (to - from < size && to < end) continue;
    yield { start: from, end: to };
    from = to;
  }
}

/** Positions of the first and last atom. */
function chooseWindow(
  text: string,
  atoms: readonly Range[],
  spans: readonly LitRange[],
  maxCharacters: number,
): [number, number] {
  const light = lightOf(atoms, spans);
  const [first, last] = brightest(atoms, light, maxCharacters);
  return placeAround(text, atoms, first, last, maxCharacters);
}

/** For each atom the spans that touch it. */
function lightOf(atoms: readonly Range[], spans: readonly LitRange[]): LitRange[][] {
  let next = 0;
  return atoms.map((atom) => {
    while (next < spans.length && spans[next]!.end <= atom.start) next++;
    const touching: LitRange[] = [];
    for (let s = next; s < spans.length && spans[s]!.start < atom.end; s++) touching.push(spans[s]!);
    return touching;
  });
}

/**
 * The lit atoms, first and last, of the brightest window: a query word counts once at its best strength (10 strong,
 * 4 close), repeats count a little (1 and ½). The earliest wins among equals; no light gives the first atom.
 */
function brightest(atoms: readonly Range[], light: readonly LitRange[][], maxCharacters: number): [number, number] {
  const worth = new WindowWorth();
  let best: [number, number] = [0, 0];
  let most = 0;
  let first = 0;
  for (let last = 0; last < atoms.length; last++) {
    if (light[last]!.length === 0) continue;
    for (const span of light[last]!) worth.add(span);
    while (first < last && (light[first]!.length === 0 || atoms[last]!.end - atoms[first]!.start > maxCharacters)) {
      for (const span of light[first]!) worth.remove(span);
      first++;
    }
    if (worth.value > most + 1e-9) {
      most = worth.value;
      best = [first, last];
    }
  }
  return best;
}

class WindowWorth {
  value = 0;
  /** Query word → how many close and strong spans of it are in the window. */
  private readonly counts = new Map<number, [number, number]>();

  add(span: LitRange): void {
    this.change(span, 1);
  }

  remove(span: LitRange): void {
    this.change(span, -1);
  }

  private change(span: LitRange, by: 1 | -1): void {
    this.value += by * (span.strength === 2 ? 1 : 0.5);
    for (const word of span.words) {
      const counts = this.counts.get(word) ?? [0, 0];
      this.value -= worthOf(counts);
      counts[span.strength === 2 ? 1 : 0] += by;
      this.value += worthOf(counts);
      this.counts.set(word, counts);
    }
  }
}

function worthOf([close, strong]: readonly [number, number]): number {
  return strong > 0 ? 10 : close > 0 ? 4 : 0;
}

/** Widens the lit stretch to the full window, beginning at a sentence where one is near, else with a third in front. */
function placeAround(
  text: string,
  atoms: readonly Range[],
  firstLit: number,
  lastLit: number,
  maxCharacters: number,
): [number, number] {
  const slack = maxCharacters - (atoms[lastLit]!.end - atoms[firstLit]!.start);
  let sentence = -1;
  let third = firstLit;
  for (let i = firstLit; i >= 0; i--) {
    const before = atoms[firstLit]!.start - atoms[i]!.start;
    if (before > slack) break;
    if (before <= slack / 3) third = i;
    if (i === 0 || endsSentence(text, atoms[i - 1]!, atoms[i]!)) sentence = i;
    // The nearest sentence with at least a little in front of the light is enough; the passage's own beginning is best.
    if (sentence > 0 && before > slack / 4) break;
  }
  let first = sentence >= 0 ? sentence : third;
  let last = lastLit;
  while (last + 1 < atoms.length && atoms[last + 1]!.end - atoms[first]!.start <= maxCharacters) last++;
  // At the passage's end there may be room left in front.
  while (last === atoms.length - 1 && first > 0 && atoms[last]!.end - atoms[first - 1]!.start <= maxCharacters) first--;
  return [first, last];
}

/** Marks that belong to what was left out: "… . On the third evening" would begin with one. */
const closingMark = /^[\p{Pe}\p{Pf}.,;:!?…،؛؟。、，；：！？।॥]+$/u;

function behindClosingMarks(text: string, atoms: readonly Range[], first: number, last: number): number {
  let begin = first;
  if (first > 0) while (begin < last && closingMark.test(text.slice(atoms[begin]!.start, atoms[begin]!.end))) begin++;
  return begin;
}

function endsSentence(text: string, before: Range, after: Range): boolean {
  if (after.start > before.end && text.slice(before.end, after.start).includes('\n\n')) return true;
  const mark = text.slice(before.start, before.end);
  return /[。！？]$/u.test(mark) || (/[.!?؟।።]$/u.test(mark) && after.start > before.end);
}

// ─── the text of the excerpt ────────────────────────────────────────────────────────────────────────

function foldWhiteSpace(text: string, placed: readonly Placed[]): Segment[] {
  const segments: Segment[] = [];
  let endsWithSpace = true; // nothing leads
  for (const { start, end, strength, words } of placed) {
    let folded = text.slice(start, end).replace(/\s+/g, ' ');
    if (endsWithSpace) folded = folded.trimStart();
    if (folded === '') continue;
    endsWithSpace = folded.endsWith(' ');
    segments.push({ text: folded, strength, words });
  }
  return segments;
}

function withEllipses(segments: readonly Segment[], before: boolean, after: boolean): Segment[] {
  const out = [...segments];
  if (before) addUnlit(out, '… ', 'front');
  if (after) addUnlit(out, ' …', 'back');
  return out;
}

function addUnlit(segments: Segment[], text: string, side: 'front' | 'back'): void {
  const at = side === 'front' ? 0 : segments.length - 1;
  const neighbour = segments[at];
  if (neighbour?.strength === 0) {
    segments[at] = { ...neighbour, text: side === 'front' ? text + neighbour.text : neighbour.text + text };
  } else if (side === 'front') segments.unshift({ text, strength: 0, words: [] });
  else segments.push({ text, strength: 0, words: [] });
}

function sameWords(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((word, i) => word === b[i]);
}
