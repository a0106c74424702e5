/**
 * Where ranges of a page's text lie on the page: the page is read again, and only if it says what it said when the document
 * was added is anything placed. Within a run the font's own widths tell where each character stands.
 */
import type { PageBox, PageSize, PlacedRange } from '../../types.ts';
import type { OpenedPdf, PDFPageProxy, PdfLibrary } from './library.ts';
import { readPage, type PageBlock, type Piece } from './page-text.ts';
import { blockSeparator } from './pdf.ts';
import { mayRepeat } from './running-heads.ts';
import { readRuns, type Frame, type Run } from './runs.ts';

export interface RangeToPlace {
  readonly start: number;
  readonly end: number;
}

/**
 * @param stored the page's text as it was extracted
 * @param ranges in that text, in UTF-16 units
 */
export async function placeRanges(
  { library, document }: OpenedPdf,
  pageNumber: number,
  stored: string,
  ranges: readonly RangeToPlace[],
): Promise<PlacedRange[]> {
  const page = await document.getPage(pageNumber);
  const pageRuns = await readRuns(library, page);
  const pieces = match(readPage(pageRuns), stored);
  if (pieces === null) return ranges.map(({ start, end }) => ({ start, end, boxes: [] }));
  const fonts = await readWidths(library, page);
  const cuts = new Map<Run, Float64Array>();
  const cutsOf = (run: Run): Float64Array => {
    const known = cuts.get(run);
    if (known !== undefined) return known;
    const made = placeCharacters(run, fonts.get(run.font));
    cuts.set(run, made);
    return made;
  };
  return ranges.map(({ start, end }) => ({ start, end, boxes: boxesOf(pieces, start, end, cutsOf, pageRuns.size) }));
}

/** The page's pieces with their offsets in the stored text, less what was left out as repeated; null where they differ. */
function match(blocks: readonly PageBlock[], stored: string): Piece[] | null {
  const pieces: Piece[] = [];
  let at = 0;
  let isFirst = true;
  for (const block of blocks) {
    const start = isFirst ? at : at + blockSeparator.length;
    const fits =
      stored.startsWith(block.text, start) &&
      (isFirst || stored.startsWith(blockSeparator, at)) &&
      (start + block.text.length === stored.length || stored.startsWith(blockSeparator, start + block.text.length));
    if (!fits) {
      if (mayRepeat(block)) continue;
      return null;
    }
    for (const piece of block.pieces) pieces.push({ ...piece, start: start + piece.start, end: start + piece.end });
    at = start + block.text.length;
    isFirst = false;
  }
  return at === stored.length ? pieces : null;
}

// ─── boxes ──────────────────────────────────────────────────────────────────────────────────────────

interface FrameBox {
  readonly frame: Frame;
  readonly size: number;
  readonly baseline: number;
  left: number;
  right: number;
  top: number;
  bottom: number;
}

function boxesOf(
  pieces: readonly Piece[],
  start: number,
  end: number,
  cutsOf: (run: Run) => Float64Array,
  page: PageSize,
): PageBox[] {
  const boxes: FrameBox[] = [];
  for (const piece of pieces) {
    if (piece.end <= start || piece.start >= end) continue;
    const box = boxOf(piece, Math.max(start, piece.start), Math.min(end, piece.end), cutsOf);
    if (box === null) continue;
    const last = boxes.at(-1);
    if (last !== undefined && isBeside(last, box)) {
      last.left = Math.min(last.left, box.left);
      last.right = Math.max(last.right, box.right);
      last.top = Math.min(last.top, box.top);
      last.bottom = Math.max(last.bottom, box.bottom);
    } else boxes.push(box);
  }
  return boxes.map((box) => onPage(box, page));
}

function boxOf(piece: Piece, start: number, end: number, cutsOf: (run: Run) => Float64Array): FrameBox | null {
  const { run } = piece;
  const raw = (offset: number): number => {
    const at = offset - piece.start + piece.from;
    return run.rawAt === null ? at : run.rawAt[at]!;
  };
  const from = raw(start);
  // Half a ligature is the whole of it.
  const to = Math.max(raw(end), from + 1);
  if (run.raw.slice(from, to).trim() === '') return null;
  const cuts = cutsOf(run);
  let left = Infinity;
  let right = -Infinity;
  for (let i = from; i < to; i++) {
    left = Math.min(left, cuts[2 * i]!);
    right = Math.max(right, cuts[2 * i + 1]!);
  }
  const { frame, size, baseline, top, bottom } = run;
  return right > left ? { frame, size, baseline, left, right, top, bottom } : null;
}

function isBeside(a: FrameBox, b: FrameBox): boolean {
  const size = Math.max(a.size, b.size);
  const gap = Math.max(a.left, b.left) - Math.min(a.right, b.right);
  return a.frame === b.frame && Math.abs(a.baseline - b.baseline) < size * 0.6 && gap < size;
}

function onPage({ frame, left, right, top, bottom }: FrameBox, page: PageSize): PageBox {
  const [ax, ay] = frame.along;
  const corners = [left, right].flatMap((x) => [top, bottom].map((y) => [x * ax - y * ay, x * ay + y * ax] as const));
  const share = (value: number, of: number): number => Math.min(1, Math.max(0, value / of));
  const xs = corners.map(([x]) => share(x, page.width));
  const ys = corners.map(([, y]) => share(y, page.height));
  const [x, y] = [Math.min(...xs), Math.min(...ys)];
  return { left: x, top: y, width: Math.max(...xs) - x, height: Math.max(...ys) - y };
}

// ─── characters ─────────────────────────────────────────────────────────────────────────────────────

/** What a glyph stands for → how far it moves on, as a share of the font size. */
type FontWidths = ReadonlyMap<string, number>;

/** The widths of all glyphs that the page shows, by font. */
async function readWidths(library: PdfLibrary, page: PDFPageProxy): Promise<ReadonlyMap<string, FontWidths>> {
  const { OPS } = library;
  const fonts = new Map<string, Map<string, number>>();
  const { fnArray, argsArray } = await page.getOperatorList();
  let widths = new Map<string, number>();
  for (const [i, operator] of fnArray.entries()) {
    const given = argsArray[i] as readonly unknown[] | null;
    if (operator === OPS.setFont) {
      const font = String(given?.[0]);
      widths = fonts.get(font) ?? new Map<string, number>();
      fonts.set(font, widths);
    } else if (operator === OPS.showText && Array.isArray(given?.[0])) {
      for (const glyph of given[0] as readonly unknown[]) {
        if (isGlyph(glyph)) widths.set(glyph.unicode, glyph.width / 1000);
      }
    }
  }
  return fonts;
}

interface Glyph {
  readonly unicode: string;
  readonly width: number;
}

function isGlyph(value: unknown): value is Glyph {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as Glyph).unicode === 'string' &&
    Number.isFinite((value as Glyph).width)
  );
}

/** What stands for several characters is seldom longer. */
const longestGlyph = 4;

/**
 * Where each character of a run begins and ends in the frame: [left of 0, right of 0, left of 1, …], in points, parallel to
 * `run.raw`. The font's widths are fitted into the run's: what is left over lies between the words.
 */
function placeCharacters(run: Run, widths: FontWidths | undefined): Float64Array {
  const { raw, size, stretch } = run;
  const advances = new Float64Array(raw.length);
  let spaces = 0;
  let known = 0;
  for (let i = 0; i < raw.length;) {
    const { length, width } = glyphAt(raw, i, widths);
    if (/\s/.test(raw[i]!)) spaces++;
    else {
      for (let j = i; j < i + length; j++) advances[j] = (width * size * stretch) / length;
      known += width * size * stretch;
    }
    i += length;
  }
  const total = run.right - run.left;
  // Wider gaps would have ended the run: what is more is between the letters.
  const space =
    spaces === 0 ? 0 : Math.min(0.6 * size * stretch, Math.max(0.12 * size * stretch, (total - known) / spaces));
  const scale = known > 0 ? Math.max(0, total - space * spaces) / known : 1;
  for (let i = 0; i < raw.length; i++) advances[i] = /\s/.test(raw[i]!) ? space : advances[i]! * scale;

  const cuts = new Float64Array(raw.length * 2);
  let x = run.left;
  for (const i of visualOrder(raw, run.rightToLeft)) {
    cuts[2 * i] = x;
    x += advances[i]!;
    cuts[2 * i + 1] = x;
  }
  return cuts;
}

function glyphAt(raw: string, at: number, widths: FontWidths | undefined): { length: number; width: number } {
  for (let length = Math.min(longestGlyph, raw.length - at); length > 0; length--) {
    const width = widths?.get(raw.slice(at, at + length));
    if (width !== undefined) return { length, width };
  }
  const length = raw.codePointAt(at)! > 0xffff ? 2 : 1;
  return { length, width: /\p{M}/u.test(raw.slice(at, at + length)) ? 0 : 0.5 };
}

/** Indices of the characters from left to right. */
function visualOrder(raw: string, rightToLeft: boolean): number[] {
  const order = Array.from({ length: raw.length }, (_, i) => i);
  if (rightToLeft) order.reverse();
  // What is written the other way, with what stands between its words.
  for (const found of raw.matchAll(rightToLeft ? leftToRightWords : rightToLeftWords)) {
    const start = rightToLeft ? raw.length - found.index - found[0].length : found.index;
    order.splice(start, found[0].length, ...order.slice(start, start + found[0].length).reverse());
  }
  return order;
}

const rightToLeftWords =
  /[\p{Script=Arabic}\p{Script=Hebrew}](?:[\p{Script=Arabic}\p{Script=Hebrew}\p{M}\s.,:;]*[\p{Script=Arabic}\p{Script=Hebrew}\p{M}])?/gu;
const leftToRightWords =
  /[\p{N}A-Za-z\u00c0-\u024f](?:[\p{N}A-Za-z\u00c0-\u024f\s.,:;/%-]*[\p{N}A-Za-z\u00c0-\u024f])?/gu;
