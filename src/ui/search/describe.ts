/** Results in words, and excerpts cut to the lines there are. Pure. */
import type { Hit, MatchBy, SearchResult, Segment } from '../../index.ts';
import { count, number } from '../format.ts';
import type { View } from '../state/preferences.ts';

/** Where the passage is. Never empty: a document without pages or headings counts its passages. */
export const placeOf = (hit: Pick<Hit, 'place' | 'chunk'>): string =>
  hit.place === '' ? `passage ${number(hit.chunk + 1)}` : hit.place;

/** `24 passages. Best: Baltic trade, page 214.` */
export function resultsLine(result: SearchResult, view: View): string {
  const best = result.hits[0];
  if (best === undefined || !result.relevant) return 'Nothing relevant here.';
  return `${count(result.hits.filter((hit) => hit.relevant).length, view)}. Best: ${withoutEnding(best.documentName)}, ${placeOf(best)}.`;
}

/** What a screen reader hears of a result beside its title. */
export function hitDescription(hit: Hit): string {
  const matched = [...new Set(hit.why.filter((row) => row.matched !== '').map((row) => row.matched))];
  const words = matched.length === 0 ? '' : ` Matched: ${matched.join(', ')}.`;
  return `${placeOf(hit)}, match ${Math.round(hit.relative * 100)} percent of the best.${words}`;
}

export const hitKey = (hit: Pick<Hit, 'documentId' | 'chunk'>): string => `${hit.documentId}:${hit.chunk}`;

/** How many further hits of the same document the list holds; by document the engine says it. */
export function moreOf(hit: Hit, hits: readonly Hit[], view: View): number {
  if (view === 'document') return hit.moreInDocument;
  return hits.filter((other) => other.documentId === hit.documentId).length - 1;
}

/** Shortens the opening before the first lit word where the excerpt is longer than the room, so that lit words stay in sight. */
export function fitExcerpt(segments: readonly Segment[], room: number): readonly Segment[] {
  const length = segments.reduce((sum, segment) => sum + segment.text.length, 0);
  const first = segments[0];
  if (length <= room || first?.strength !== 0) return segments;
  const lastLit = segments.findLastIndex((segment) => segment.strength > 0);
  if (lastLit === -1) return segments; // nothing to keep in sight: from its beginning
  const litSpan = segments.slice(1, lastLit + 1).reduce((sum, segment) => sum + segment.text.length, 0);
  const lead = Math.floor(Math.max(room / 5, Math.min(room / 3, room - litSpan)));
  if (first.text.length <= lead) return segments;
  const cut = first.text.slice(first.text.length - lead);
  const space = cut.search(/\s/);
  const kept = space === -1 ? cut : cut.slice(space + 1);
  return [{ ...first, text: `…${kept}` }, ...segments.slice(1)];
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
