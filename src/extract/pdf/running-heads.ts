/**
 * What repeats at the top or bottom of pages: running heads and page numbers. They would be found with every passage
 * around them, so they are left out; a running head's words stay where they stand first.
 */
import type { PageBlock } from './page-text.ts';

type EdgeBlock = Pick<PageBlock, 'text' | 'at' | 'lines'>;

/** By key: the first page (0, 1, 2 …) that says it, or −1 where no page needs to. */
export type RunningHeads = ReadonlyMap<string, number>;

/** The share of a page's height that is its edge. */
const edge = 0.12;
/** On fewer pages it is no running head. */
const fewestPages = 3;

export function findRunningHeads(pages: readonly (readonly EdgeBlock[])[]): RunningHeads {
  const seen = new Map<string, number[]>();
  for (const [page, blocks] of pages.entries()) {
    const keys = new Set(blocks.flatMap((block) => keyOf(block) ?? []));
    for (const key of keys) {
      const found = seen.get(key);
      if (found === undefined) seen.set(key, [page]);
      else found.push(page);
    }
  }
  const heads = new Map<string, number>();
  for (const [key, found] of seen) {
    const isNumber = isPageNumber(key);
    if (found.length < (isNumber ? 2 : fewestPages)) continue;
    heads.set(key, isNumber ? -1 : found[0]!);
  }
  return heads;
}

export function isRepeated(block: EdgeBlock, page: number, heads: RunningHeads): boolean {
  const key = keyOf(block);
  if (key === undefined) return false;
  // Its own number, and nothing else.
  if (/^\P{L}*$/u.test(block.text) && block.text.replace(/\D+/g, '') === String(page + 1)) return true;
  const first = heads.get(key);
  return first !== undefined && first !== page;
}

/** Whether a block might be left out on one page or another. */
export function mayRepeat(block: EdgeBlock): boolean {
  return keyOf(block) !== undefined;
}

/** The same for what changes from page to page by its number only; undefined in the middle of the page. */
function keyOf({ text, at: [, y], lines }: EdgeBlock): string | undefined {
  if (lines > 2 || text.length > 160 || (y > edge && y < 1 - edge)) return undefined;
  const folded = text
    .toLowerCase()
    .replace(/\p{N}+/gu, '#')
    .replace(/\s+/g, ' ');
  const roman = folded.replace(/^[ivxlc]+$/, '#');
  return `${y < 0.5 ? 'top' : 'bottom'} ${roman}`;
}

/** `12`, `– 12 –`, `page 3 of 12`: at most one word beside the number. */
function isPageNumber(key: string): boolean {
  const text = key.replace(/^\w+ /, '');
  return text.includes('#') && /^[^\p{L}#]*(?:\p{L}+\.? )?[^\p{L}]*#(?:[^\p{L}]*(?:\p{L}+ )?#)?[^\p{L}]*$/u.test(text);
}
