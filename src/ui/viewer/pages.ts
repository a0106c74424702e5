/** The geometry of a file's pages laid out one under another at one width, in CSS pixels. Pure. */
import type { ExtractedText, PageBox, PageSize, Section } from '../../index.ts';
import type { Range } from './blocks.ts';

export interface PageLayout {
  readonly width: number;
  /** Of each page: its upper edge, from the upper edge of the first, and its height. */
  readonly tops: readonly number[];
  readonly heights: readonly number[];
  /** Height of all pages and the gaps between them. */
  readonly total: number;
}

/** A place on the pages: a page (0, 1, 2 …) and how far down it, 0 to 1. */
export interface PagePlace {
  readonly page: number;
  readonly share: number;
}

/** Pages `first` to `last`, both included. */
export interface PageSpan {
  readonly first: number;
  readonly last: number;
}

export function layOut(pages: readonly PageSize[], width: number, gap: number): PageLayout {
  const heights = pages.map((page) => Math.round((width * page.height) / Math.max(1, page.width)));
  const tops: number[] = [];
  let top = 0;
  for (const height of heights) {
    tops.push(top);
    top += height + gap;
  }
  return { width, tops, heights, total: Math.max(0, top - gap) };
}

/** The page at a height, and how far down it; in a gap the end of the page before. */
export function placeAt({ tops, heights }: PageLayout, y: number): PagePlace {
  const page = Math.max(0, lastAtOrBefore(tops, y));
  const share = (y - (tops[page] ?? 0)) / Math.max(1, heights[page] ?? 1);
  return { page, share: Math.max(0, Math.min(1, share)) };
}

export const heightOf = ({ tops, heights }: PageLayout, { page, share }: PagePlace): number =>
  (tops[page] ?? 0) + share * (heights[page] ?? 0);

/** The pages that touch the heights `from` to `to`. */
export function spanOf(layout: PageLayout, from: number, to: number): PageSpan {
  const first = placeAt(layout, from);
  return { first: first.page, last: Math.max(first.page, placeAt(layout, to).page) };
}

/** The page of an offset in the text, and about how far down it the offset lies: as if its text filled it evenly. */
export function placeOfOffset(sections: readonly Section[], offset: number): PagePlace {
  const page = Math.max(
    0,
    sections.findLastIndex((section) => section.start <= offset && section.end > section.start),
  );
  const section = sections[page];
  if (section === undefined) return { page: 0, share: 0 };
  const share = (offset - section.start) / Math.max(1, section.end - section.start);
  return { page, share: margin + (1 - 2 * margin) * Math.max(0, Math.min(1, share)) };
}

/** The other way round. */
export function offsetOf(sections: readonly Section[], { page, share }: PagePlace): number {
  const section = sections[page];
  if (section === undefined) return 0;
  const within = Math.max(0, Math.min(1, (share - margin) / (1 - 2 * margin)));
  return section.start + within * (section.end - section.start);
}
/** Share of a page's height without text, above and below. */
const margin = 0.08;

/** Where offsets in the text lie: shares of the height of all pages, or of the length of the text. */
export function sharesOf(extracted: ExtractedText, offsets: readonly number[], asPages: boolean): readonly number[] {
  if (!asPages) return offsets.map((offset) => offset / Math.max(1, extracted.text.length));
  const layout = layOut(extracted.pages ?? [], usualWidth, pageGap);
  return offsets.map(
    (offset) => heightOf(layout, placeOfOffset(extracted.sections, offset)) / Math.max(1, layout.total),
  );
}
/** Shares hardly depend on the width: only the gaps do not grow with it. */
const usualWidth = 640;
export const pageGap = 16;

/** The part of a range that lies on a page, or null. */
export function clip<Given extends Range>(range: Given, page: Range): Given | null {
  const start = Math.max(range.start, page.start);
  const end = Math.min(range.end, page.end);
  return end > start ? { ...range, start, end } : null;
}

/** The boxes of a passage's lines, joined where one line follows under another: one box per column it runs through. */
export function joinLines(lines: readonly PageBox[]): readonly PageBox[] {
  const joined: PageBox[] = [];
  for (const line of lines) {
    const last = joined.at(-1);
    if (last !== undefined && follows(last, line)) joined[joined.length - 1] = union(last, line);
    else joined.push(line);
  }
  return joined;
}

/** Under the box so far, with no more than a paragraph's gap between. */
function follows(above: PageBox, line: PageBox): boolean {
  const gap = line.top - (above.top + above.height);
  const overlap = Math.min(above.left + above.width, line.left + line.width) - Math.max(above.left, line.left);
  return overlap > 0 && gap < 2.5 * line.height && line.top >= above.top;
}

function union(a: PageBox, b: PageBox): PageBox {
  const left = Math.min(a.left, b.left);
  const top = Math.min(a.top, b.top);
  return {
    left,
    top,
    width: Math.max(a.left + a.width, b.left + b.width) - left,
    height: Math.max(a.top + a.height, b.top + b.height) - top,
  };
}

/** Index of the last value that is not greater; −1 where all are. The values ascend. */
function lastAtOrBefore(ascending: readonly number[], value: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ascending[middle]! <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
