/** Results in words, and excerpts cut to the lines there are. Pure. */
import type { Hit, MatchBy, SearchResult, Segment } from '../../index.ts';
import { count, number } from '../format.ts';
import type { View } from '../state/preferences.ts';
import { words } from '../words.ts';
import { shownOf } from './shown.ts';

/** Where the passage is. Never empty: a document without pages or headings counts its passages. */
export const placeOf = (hit: Pick<Hit, 'place' | 'chunk'>): string =>
  hit.place === '' ? `passage ${number(hit.chunk + 1)}` : hit.place;

/** `24 passages. Best: Baltic trade, page 214.` @param small whether weak hits are shown unasked */
export function resultsLine(result: SearchResult, view: View, small: boolean): string {
  const best = result.hits[0];
  if (best === undefined || (!result.relevant && !small)) return 'Nothing relevant here.';
  if (!result.relevant) {
    const { hits } = shownOf(result, small, false);
    return `${words.onlyWeak(hits.length)} Nearest: ${withoutEnding(best.documentName)}, ${placeOf(best)}.`;
  }
  return `${count(result.hits.filter((hit) => hit.relevant).length, view)}. Best: ${withoutEnding(best.documentName)}, ${placeOf(best)}.`;
}

/** What a screen reader hears of a result beside its title. @param weak whether even the best of them is not close */
export function hitDescription(hit: Hit, weak: boolean): string {
  const matched = [...new Set(hit.why.filter((row) => row.matched !== '').map((row) => row.matched))];
  const which = matched.length === 0 ? '' : ` Matched: ${matched.join(', ')}.`;
  const how = weak ? 'weak match' : `match ${Math.round(hit.relative * 100)} percent of the best`;
  return `${placeOf(hit)}, ${how}.${which}`;
}

export const hitKey = (hit: Pick<Hit, 'documentId' | 'chunk'>): string => `${hit.documentId}:${hit.chunk}`;

/** How many further hits of the same document the list holds; by document the engine says it. */
export function moreOf(hit: Hit, hits: readonly Hit[], view: View): number {
  if (view === 'document') return hit.moreInDocument;
  return hits.filter((other) => other.documentId === hit.documentId).length - 1;
}

/**
 * Shortens the opening where the excerpt is longer than the room, so that as many of the question's words as can be stay in
 * sight: those that are lit most strongly first, the earliest place among equals.
 * @param room characters
 */
export function fitExcerpt(segments: readonly Segment[], room: number): readonly Segment[] {
  const starts: number[] = [];
  let length = 0;
  for (const { text } of segments) {
    starts.push(length);
    length += text.length;
  }
  if (length <= room) return segments;
  const first = firstInSight(segments, starts, room);
  if (first === -1) return segments; // nothing to keep in sight: from its beginning
  const lastLit = segments.findLastIndex((segment) => segment.strength > 0);
  const litSpan = starts[lastLit]! + segments[lastLit]!.text.length - starts[first]!;
  const lead = Math.floor(Math.max(room / 5, Math.min(room / 3, room - litSpan)));
  if (starts[first]! <= lead) return segments;
  const cut = wholeWordFrom(segments, starts[first]! - lead, starts[first]!);
  const kept = segments.flatMap((segment, i) => {
    const text = segment.text.slice(Math.max(0, cut - starts[i]!));
    return text === '' ? [] : [{ ...segment, text }];
  });
  if (kept[0]!.strength === 0) return [{ ...kept[0]!, text: `…${kept[0]!.text}` }, ...kept.slice(1)];
  return [{ text: '…', strength: 0, words: [] }, ...kept];
}

/** The lit segment from which on most words of the question are in sight; −1 where none is lit. */
function firstInSight(segments: readonly Segment[], starts: readonly number[], room: number): number {
  let best = -1;
  let most = 0;
  segments.forEach(({ strength }, i) => {
    if (strength === 0) return;
    const end = starts[i]! + room - Math.floor(room / 5); // some room in front is for what leads there
    const lights = new Map<number, number>();
    for (let j = i; j < segments.length && (j === i || starts[j]! + segments[j]!.text.length <= end); j++) {
      for (const word of segments[j]!.words) lights.set(word, Math.max(lights.get(word) ?? 0, segments[j]!.strength));
    }
    const worth = [...lights.values()].reduce((sum, light) => sum + light, 0);
    if (worth > most) [best, most] = [i, worth];
  });
  return best;
}

/** The first word's beginning at `from` or behind it, before `end`; `from` itself where there is no space. */
function wholeWordFrom(segments: readonly Segment[], from: number, end: number): number {
  const text = segments.map((segment) => segment.text).join('');
  const space = text.slice(from, end).search(/\s/);
  return space === -1 ? from : from + space + 1;
}

/** An excerpt without the heading it opens with, where the place beside the title already says it. Lit headings stay. */
export function withoutHeading(segments: readonly Segment[], place: string): readonly Segment[] {
  const first = segments[0];
  if (place === '' || first?.strength !== 0 || !first.text.startsWith(`${place} `)) return segments;
  const rest = first.text.slice(place.length + 1).trimStart();
  return rest === '' && segments.length === 1 ? segments : [{ ...first, text: rest }, ...segments.slice(1)];
}

/** An excerpt in two: the heading it still opens with, as its place says it, and the rest. */
export function splitHeading(
  segments: readonly Segment[],
  place: string,
): { readonly heading: readonly Segment[]; readonly rest: readonly Segment[] } {
  const text = segments.map((segment) => segment.text).join('');
  if (place === '' || !text.startsWith(`${place} `)) return { heading: [], rest: segments };
  const heading: Segment[] = [];
  let room = place.length;
  for (const [i, segment] of segments.entries()) {
    if (segment.text.length >= room) {
      const last = { ...segment, text: segment.text.slice(0, room) };
      const first = { ...segment, text: segment.text.slice(room) };
      return { heading: [...heading, last], rest: [first, ...segments.slice(i + 1)].filter(({ text }) => text !== '') };
    }
    heading.push(segment);
    room -= segment.text.length;
  }
  return { heading, rest: [] };
}

/** Text for the clipboard: the passage and where it stands. */
export function citation(passage: string, hit: Hit): string {
  const folder = hit.path === '' ? '' : `${hit.path}/`;
  return `“${passage.trim()}”\n${folder}${hit.documentName}, ${placeOf(hit)}`;
}

/** A word or a quote behind a minus. */
const excluded = /(?<=^|\s)-("[^"]+"?|[^\s"\d]\S*)/g;

/** What had to stand in a passage word for word, in quotes; '' where nothing had to. */
export function exactWords(query: string, match: MatchBy): string {
  const wanted = query.replace(excluded, ' ');
  const phrases = [...wanted.matchAll(/"([^"]+)"?/g)].map(([, phrase]) => `"${phrase!.trim()}"`);
  if (phrases.length > 0) return phrases.join(' and ');
  const plain = wanted.replace(/\s+/g, ' ').trim();
  return match === 'words' && plain !== '' ? `"${plain}"` : '';
}

/** What was to be left out, by a minus; '' where nothing was. */
export const leftOut = (query: string): string => [...query.matchAll(excluded)].map(([, what]) => what!).join(' or ');

export const withoutQuotes = (query: string): string => query.replaceAll('"', ' ').replace(/\s+/g, ' ').trim();

const likeWords = 20;
const likeLetters = 160;
/** A sentence shorter than this says too little alone: what follows comes with it. */
const likeLeast = 40;

/** A passage as a question: the sentence around its best words, as much of it as a question may hold. */
export function questionLike(excerpt: readonly Segment[]): string {
  const text = excerpt.map((segment) => segment.text).join('');
  const best = Math.max(...excerpt.map((segment) => segment.strength));
  let at = 0;
  for (const segment of excerpt) {
    if (segment.strength === best) break;
    at += segment.text.length;
  }
  const sentences = [...new Intl.Segmenter(undefined, { granularity: 'sentence' }).segment(text)];
  const first = Math.max(
    0,
    sentences.findLastIndex(({ index }) => index <= at),
  );
  let said = '';
  for (const { segment } of sentences.slice(first)) {
    if (said.trim().length >= likeLeast) break;
    said += segment;
  }
  const pieces = said
    .replace(/["…]|(?<=^|\s)-(?=\S)/g, ' ')
    .trim()
    .split(/\s+/)
    .slice(0, likeWords);
  while (pieces.length > 1 && pieces.join(' ').length > likeLetters) pieces.pop();
  return pieces
    .join(' ')
    .slice(0, likeLetters)
    .replace(/[\ud800-\udbff]$/, ''); // never half a letter
}

const withoutEnding = (name: string): string => name.replace(/\.[a-z0-9]{1,5}$/i, '');
