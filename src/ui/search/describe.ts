/** Results in words, and excerpts cut to the lines there are. Pure. */
import type { Hit, SearchResult, Segment } from '../../index.ts';
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

/** Text for the clipboard: the passage and where it stands. */
export function citation(passage: string, hit: Hit): string {
  const folder = hit.path === '' ? '' : `${hit.path}/`;
  return `“${passage.trim()}”\n${folder}${hit.documentName}, ${placeOf(hit)}`;
}

const withoutEnding = (name: string): string => name.replace(/\.[a-z0-9]{1,5}$/i, '');
