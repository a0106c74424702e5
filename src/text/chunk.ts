/**
 * Extracted text → passages, the unit that is scored and shown. A passage follows the document's own borders: blocks
 * stay whole unless they are too long, headings stand with what they announce, chapters and pages are not mixed.
 */
import type { Chunk, ExtractedText, Section, TextBlock } from '../types.ts';
import { splitBlock } from './split.ts';
import { estimateTokens } from './tokens.ts';

/** Part of the index's fingerprint: raised whenever the same text would be cut otherwise. */
export const chunkerVersion = 1;

export interface ChunkOptions {
  /** Estimated tokens that a passage is filled up to. Default 200. */
  readonly targetTokens?: number;
  /** Estimated tokens that no passage exceeds. Default 300, which keeps real counts below the models' 512. */
  readonly maxTokens?: number;
}

/**
 * Ascending, not overlapping, without white space at their ends; together they hold every character that is not white
 * space. Lengths are estimates by script (tokens.ts), so that all models share one set of passages. Linear in the text.
 */
export function chunkText(text: ExtractedText, { targetTokens = 200, maxTokens = 300 }: ChunkOptions = {}): Chunk[] {
  const limits: Limits = {
    target: targetTokens,
    max: maxTokens,
    // Room for the heading above.
    piece: Math.min(maxTokens, Math.ceil(targetTokens * 1.3)),
    small: targetTokens * 0.3,
    tiny: targetTokens * 0.15,
  };
  const packer = new Packer(text.sections, limits);
  for (const piece of pieces(text, limits)) packer.add(piece);
  return mergeSmall(packer.finish(), text.sections, limits).map((group, ordinal) => ({
    ordinal,
    start: group[0]!.start,
    end: group.at(-1)!.end,
    section: mostlyIn(group),
  }));
}

interface Limits {
  readonly target: number;
  readonly max: number;
  /** A block longer than this is split. */
  readonly piece: number;
  /** A passage shorter than this takes more, if its section has more. */
  readonly small: number;
  /** A passage shorter than this is joined with its neighbour even across a chapter's border. */
  readonly tiny: number;
}

/** A block or a part of one: never split any more. */
interface Piece {
  readonly start: number;
  readonly end: number;
  readonly tokens: number;
  readonly section: number;
  readonly isHeading: boolean;
}

/** Pieces that make one passage; never empty. */
type Group = Piece[];

/** White space between two pieces that no passage spans, in UTF-16 units. */
const widestGap = 2000;

// ─── pieces ─────────────────────────────────────────────────────────────────────────────────────────

function* pieces(text: ExtractedText, limits: Limits): Generator<Piece> {
  let section = 0;
  for (const block of cutAtSections(coverWithBlocks(text), text.sections)) {
    while (section < text.sections.length && text.sections[section]!.end <= block.start) section++;
    const within = (text.sections[section]?.start ?? Infinity) <= block.start ? section : -1;
    for (const { start, end } of splitBlock(text.text, block, limits.piece, limits.target)) {
      const tokens = estimateTokens(text.text, start, end);
      yield { start, end, tokens, section: within, isHeading: block.kind === 'heading' };
    }
  }
}

/** The blocks, and paragraphs for whatever lies between them, so that nothing is lost if an extractor left a gap. */
function* coverWithBlocks({ text, blocks }: ExtractedText): Generator<TextBlock> {
  let at = 0;
  for (const block of blocks) {
    if (block.start > at) yield { kind: 'paragraph', level: 0, start: at, end: block.start };
    if (block.end > Math.max(at, block.start)) yield { ...block, start: Math.max(at, block.start) };
    at = Math.max(at, block.end);
  }
  if (at < text.length) yield { kind: 'paragraph', level: 0, start: at, end: text.length };
}

/** A paragraph that runs over a page's end becomes two. */
function* cutAtSections(blocks: Iterable<TextBlock>, sections: readonly Section[]): Generator<TextBlock> {
  const borders = [...new Set(sections.flatMap(({ start, end }) => [start, end]))].sort((a, b) => a - b);
  let next = 0;
  for (const block of blocks) {
    let start = block.start;
    while (next < borders.length && borders[next]! <= start) next++;
    for (; next < borders.length && borders[next]! < block.end; next++) {
      yield { ...block, start, end: borders[next]! };
      start = borders[next]!;
    }
    yield { ...block, start };
  }
}

// ─── packing ────────────────────────────────────────────────────────────────────────────────────────

class Packer {
  private readonly groups: Group[] = [];
  private group: Group = [];
  /** Of the open group. */
  private tokens = 0;
  private readonly sections: readonly Section[];
  private readonly limits: Limits;

  constructor(sections: readonly Section[], limits: Limits) {
    this.sections = sections;
    this.limits = limits;
  }

  add(piece: Piece): void {
    if (this.group.length > 0 && !this.takes(piece)) this.close(piece);
    this.group.push(piece);
    this.tokens += piece.tokens;
  }

  finish(): Group[] {
    if (this.group.length > 0) this.groups.push(this.group);
    this.group = [];
    return this.groups;
  }

  private takes(piece: Piece): boolean {
    const { target, max, small, tiny } = this.limits;
    const last = this.group.at(-1)!;
    const tokens = this.tokens;
    const both = tokens + piece.tokens;
    if (both > max || piece.start - last.end > widestGap) return false;
    if (isHardBorder(last, piece, this.sections)) return tokens < tiny;
    // Nothing but headings so far; where text stands before them, they are carried over instead.
    if (this.group.every(({ isHeading }) => isHeading)) return true;
    if (piece.isHeading) return tokens < target / 2;
    return both <= target || tokens < small;
  }

  /** Headings at the group's end go over to the next, where what they announce is. */
  private close(next: Piece): void {
    let keep = this.group.length;
    if (!isHardBorder(this.group.at(-1)!, next, this.sections)) {
      while (keep > 0 && this.group[keep - 1]!.isHeading) keep--;
    }
    const carried = this.group.slice(keep);
    const fits =
      tokensOf(carried) + next.tokens <= this.limits.max &&
      (carried.length === 0 || next.start - carried.at(-1)!.end <= widestGap);
    if (keep === 0 || !fits) {
      this.groups.push(this.group);
      this.group = [];
    } else {
      this.groups.push(this.group.slice(0, keep));
      this.group = carried;
    }
    this.tokens = tokensOf(this.group);
  }
}

/** What was left over at a section's end joins the passage before it, if that has room. */
function mergeSmall(groups: readonly Group[], sections: readonly Section[], limits: Limits): Group[] {
  const merged: Group[] = [];
  for (const group of groups) {
    const before = merged.at(-1);
    if (before !== undefined && joins(before, group, sections, limits)) before.push(...group);
    else merged.push(group);
  }
  return merged;
}

function joins(before: Group, group: Group, sections: readonly Section[], limits: Limits): boolean {
  const tokens = tokensOf(group);
  const last = before.at(-1)!;
  if (tokensOf(before) + tokens > limits.max || group[0]!.start - last.end > widestGap) return false;
  return tokens < (isHardBorder(last, group[0]!, sections) ? limits.tiny : limits.small);
}

/** A new page, or a heading of the first or second level. */
function isHardBorder(before: Piece, after: Piece, sections: readonly Section[]): boolean {
  if (before.section === after.section) return false;
  const section = sections[after.section];
  return section === undefined || section.kind === 'page' || section.level <= 2;
}

function mostlyIn(group: Group): number {
  const tokens = new Map<number, number>();
  for (const piece of group) tokens.set(piece.section, (tokens.get(piece.section) ?? 0) + piece.tokens);
  let most = group[0]!.section;
  for (const [section, count] of tokens) if (count > tokens.get(most)!) most = section;
  return most;
}

function tokensOf(group: Group): number {
  let sum = 0;
  for (const piece of group) sum += piece.tokens;
  return sum;
}
