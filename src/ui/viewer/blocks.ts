/**
 * Prepares a document's text for showing: runs of blocks (a list, a table, a paragraph) in groups that the browser may
 * skip while they are out of sight, and each block cut at the edges of lit words. Pure.
 */
import type { ExtractedText, Hit, LitRange, Section, Strength, TextBlock } from '../../index.ts';

export interface Range {
  readonly start: number;
  readonly end: number;
}

export interface Run {
  readonly kind: TextBlock['kind'];
  readonly blocks: readonly TextBlock[];
}

export interface Group extends Range {
  readonly runs: readonly Run[];
  /** The page that begins with this group, where one does. */
  readonly page?: string;
}

export interface Piece extends Range {
  readonly text: string;
  readonly strength: Strength;
  readonly words: readonly number[];
  readonly found: boolean;
}

/** Blocks per group: about one and a half screens. */
const groupSize = 30;

export function groupsOf(extracted: ExtractedText): readonly Group[] {
  const blocks = extracted.blocks.length > 0 ? extracted.blocks : paragraphsOf(extracted.text);
  const pages = extracted.sections.filter(({ kind, start, end }) => kind === 'page' && end > start);
  const groups: Group[] = [];
  let runs: { kind: TextBlock['kind']; blocks: TextBlock[] }[] = [];
  let size = 0;
  let page: Section | undefined;
  const close = (): void => {
    const first = runs[0]?.blocks[0];
    const last = runs.at(-1)?.blocks.at(-1);
    if (first !== undefined && last !== undefined) {
      groups.push({ runs, start: first.start, end: last.end, ...(page === undefined ? {} : { page: page.label }) });
    }
    runs = [];
    size = 0;
    page = undefined;
  };
  let next = 0;
  for (const block of blocks) {
    const turns = next < pages.length && pages[next]!.start <= block.start;
    if (turns || size >= groupSize) close();
    while (next < pages.length && pages[next]!.start <= block.start) page = pages[next++];
    const run = runs.at(-1);
    const joins = block.kind === 'list-item' || block.kind === 'table-row' || block.kind === 'code';
    if (joins && run?.kind === block.kind) run.blocks.push(block);
    else runs.push({ kind: block.kind, blocks: [block] });
    size += 1;
  }
  close();
  return groups;
}

/** The pieces of `[start, end)`, in order; their texts joined are the text of the range. */
export function piecesOf(text: string, range: Range, lit: readonly LitRange[], found: Range | null): readonly Piece[] {
  const edges = new Set([range.start, range.end]);
  const inside = lit.filter((mark) => overlaps(mark, range));
  for (const edge of [...inside, ...(found === null ? [] : [found])].flatMap(({ start, end }) => [start, end])) {
    if (edge > range.start && edge < range.end) edges.add(edge);
  }
  const sorted = [...edges].sort((a, b) => a - b);
  return sorted.slice(0, -1).map((start, index) => {
    const end = sorted[index + 1]!;
    const mark = inside.find((candidate) => candidate.start <= start && candidate.end >= end);
    return {
      start,
      end,
      text: text.slice(start, end),
      strength: mark?.strength ?? 0,
      words: mark?.words ?? [],
      found: found !== null && found.start <= start && found.end >= end,
    };
  });
}

/** The cells of a table's row: parted by tabs, or in a CSV file by commas and semicolons outside quotes. */
export function cellsOf(text: string, row: Range, mediaType: string): readonly Range[] {
  const separators = mediaType === 'text/csv' ? ',;' : '\t';
  const cells: Range[] = [];
  let quoted = false;
  let start = row.start;
  for (let at = row.start; at < row.end; at += 1) {
    const letter = text.charAt(at);
    if (letter === '"') quoted = !quoted && separators !== '\t';
    if (quoted || !separators.includes(letter)) continue;
    cells.push({ start, end: at });
    start = at + 1;
  }
  return [...cells, { start, end: row.end }];
}

/** The lit ranges of all hits of a document, in order; where passages overlap the stronger light stays. */
export function litOf(hits: readonly Hit[]): readonly LitRange[] {
  const sorted = hits.flatMap((hit) => hit.lit).sort((a, b) => a.start - b.start || b.strength - a.strength);
  const kept: LitRange[] = [];
  for (const range of sorted) {
    const last = kept.at(-1);
    if (last !== undefined && range.start < last.end) {
      if (range.strength > last.strength) kept[kept.length - 1] = range;
      continue;
    }
    kept.push(range);
  }
  return kept;
}

/** How much of a block the found passage covers, 0 to 1. */
export function coverage(block: Range, found: Range | null): number {
  if (found === null || block.end === block.start) return 0;
  return Math.max(0, Math.min(block.end, found.end) - Math.max(block.start, found.start)) / (block.end - block.start);
}

export const overlaps = (a: Range, b: Range): boolean => a.start < b.end && b.start < a.end;

/** The deepest section around an offset. */
export function sectionAt(sections: readonly Section[], offset: number): Section | undefined {
  return sections.findLast((section) => section.start <= offset && offset < section.end);
}

/** Whether a text runs from right to left: by its first letter. */
export const runsRightToLeft = (text: string): boolean =>
  /^[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]/.test(/\p{L}/u.exec(text)?.[0] ?? '');

/** Bars of the map: 3 strongest. */
export const heatOf = (relative: number): 1 | 2 | 3 => (relative >= 0.9 ? 3 : relative >= 0.75 ? 2 : 1);

function paragraphsOf(text: string): readonly TextBlock[] {
  return [...text.matchAll(/[^\n]+(?:\n[^\n]+)*/g)].map((match) => ({
    kind: 'paragraph',
    level: 0,
    start: match.index,
    end: match.index + match[0].length,
  }));
}
