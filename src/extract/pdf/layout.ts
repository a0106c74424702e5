/**
 * Runs of text on a page → lines in reading order. Runs on one baseline make a row, rows are cut at wide gaps into
 * fragments, and gutters between fragments make columns: what stands in a column is read before what stands in the next,
 * what reaches across the gutter is read in its place. Pure geometry; no page is known beyond its runs.
 */
import type { Frame, Run } from './runs.ts';

export interface Line {
  /** In reading order. */
  readonly runs: readonly Run[];
  readonly frame: Frame;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
  readonly baseline: number;
  /** Of most of its characters, in points. */
  readonly size: number;
  readonly rightToLeft: boolean;
  /** Parts with wide gaps between them, as a table's row has; 1 for running text. */
  readonly cells: number;
}

/** Lines that are read one after the other: a column, or what stands across the columns. Never empty. */
export type Region = readonly Line[];

/** Pages with more runs than this are drawings or traps: they are read in the order in which the file has them. */
const maxRuns = 20_000;
/** A gap this wide, in font sizes, may be a gutter between columns: LaTeX puts 10 points between columns of 12-point text. */
const gutterSize = 0.8;
const deepest = 6;

export function layOut(runs: readonly Run[]): Region[] {
  const frames = new Map<Frame, Run[]>();
  for (const run of runs) {
    const group = frames.get(run.frame);
    if (group === undefined) frames.set(run.frame, [run]);
    else group.push(run);
  }
  // The page's main direction first; stamps in the margin and the like after it.
  const groups = [...frames.values()].sort((a, b) => lengthOf(b) - lengthOf(a));
  return groups.flatMap((group) => {
    if (group.length > maxRuns) return [group.map((run) => lineOf([run]))];
    return regionsOf(fragmentsOf(rowsOf(group)), 0);
  });
}

// ─── rows ───────────────────────────────────────────────────────────────────────────────────────────

interface Row {
  readonly runs: Run[];
  readonly baseline: number;
  readonly size: number;
}

/** Large runs found the rows, so that a raised number finds the line it belongs to. Top to bottom. */
function rowsOf(runs: readonly Run[]): Row[] {
  const rows: Row[] = [];
  const sorted = [...runs].sort((a, b) => b.size - a.size || a.baseline - b.baseline);
  const largest = sorted[0]?.size ?? 0;
  for (const run of sorted) {
    const row = rowFor(run, rows, largest);
    if (row === undefined) {
      rows.splice(firstFrom(rows, run.baseline), 0, { runs: [run], baseline: run.baseline, size: run.size });
    } else row.runs.push(run);
  }
  return rows;
}

/** The row that a run stands in: on its baseline, or raised or lowered beside one of its runs. */
function rowFor(run: Run, rows: readonly Row[], largest: number): Row | undefined {
  let best: Row | undefined;
  let nearest = Infinity;
  const reach = largest * 0.55 + 1;
  for (let i = firstFrom(rows, run.baseline - reach); i < rows.length; i++) {
    const row = rows[i]!;
    if (row.baseline - run.baseline > reach) break;
    const offset = Math.abs(row.baseline - run.baseline);
    const level = offset <= Math.min(row.size * 0.12 + 0.2, run.size * 0.3);
    const raised = !level && offset <= row.size * 0.55 && run.size <= row.size * 0.85 && isBeside(run, row);
    const same = !level && offset <= run.size * 0.25 && isBeside(run, row);
    if ((level || raised || same) && offset < nearest) {
      best = row;
      nearest = offset;
    }
  }
  return best;
}

function isBeside(run: Run, row: Row): boolean {
  const reach = row.size * 0.4;
  return row.runs.some((other) => run.left < other.right + reach && run.right > other.left - reach);
}

/** Index of the first row whose baseline is not above. */
function firstFrom(rows: readonly Row[], baseline: number): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rows[middle]!.baseline < baseline) low = middle + 1;
    else high = middle;
  }
  return low;
}

// ─── fragments ──────────────────────────────────────────────────────────────────────────────────────

/** Part of a row without a wide gap in it. */
interface Fragment {
  readonly runs: readonly Run[];
  readonly row: Row;
  readonly left: number;
  readonly right: number;
  /** Characters, those of East Asian scripts counted twice. */
  readonly length: number;
}

/** Top to bottom, and left to right within a row. */
function fragmentsOf(rows: readonly Row[]): Fragment[] {
  return rows.flatMap((row) => {
    const fragments: Fragment[] = [];
    let open: Run[] = [];
    let right = -Infinity;
    const close = (): void => {
      if (open.length > 0) {
        const length = lengthOf(open);
        fragments.push({ runs: open, row, left: Math.min(...open.map((run) => run.left)), right, length });
      }
      open = [];
    };
    for (const run of row.runs.sort((a, b) => a.left - b.left)) {
      if (open.length > 0 && run.left - right > gutterSize * Math.min(run.size, row.size)) {
        close();
        right = -Infinity;
      }
      const previous = open.at(-1);
      // Printed twice to look bold.
      const isDouble = previous?.text === run.text && Math.abs(previous.left - run.left) < run.size * 0.15;
      if (!isDouble) open.push(run);
      right = Math.max(right, run.right);
    }
    close();
    return fragments;
  });
}

function lengthOf(runs: readonly Run[]): number {
  return runs.reduce((sum, { text }) => sum + text.length + (text.match(eastAsian)?.length ?? 0), 0);
}

const eastAsian = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/gu;

// ─── columns ────────────────────────────────────────────────────────────────────────────────────────

/** Fragments in reading order. @param fragments top to bottom */
function regionsOf(fragments: readonly Fragment[], depth: number): Line[][] {
  const bands = depth < deepest ? splitIntoColumns(fragments) : null;
  if (bands === null) return [linesOf(fragments)];
  const rightFirst = isRightToLeft(fragments.flatMap(({ runs }) => runs));
  return bands.flatMap((band) => {
    if (band.columns === null) return regionsOf(band.fragments, depth + 1);
    const columns = rightFirst ? [...band.columns].reverse() : band.columns;
    return columns.flatMap((column) => regionsOf(column, depth + 1));
  });
}

/** A part of the page, over its whole width: with two columns, or as it is. */
interface Band {
  readonly fragments: readonly Fragment[];
  readonly columns: readonly [readonly Fragment[], readonly Fragment[]] | null;
}

/** The bands, top to bottom, along the gutter that separates most lines; null where there is none. */
function splitIntoColumns(fragments: readonly Fragment[]): Band[] | null {
  if (fragments.length < 4) return null;
  const size = median(fragments.map(({ row }) => row.size));
  const width = gutterSize * size;
  const tried = new Set<number>();
  let best: Band[] | null = null;
  let bestLines = 2;
  for (const { right } of fragments) {
    const x = Math.round(right);
    if (tried.has(x)) continue;
    tried.add(x);
    const { bands, lines } = bandsAlong(fragments, right, right + width);
    if (lines > bestLines) {
      bestLines = lines;
      best = bands;
    }
  }
  return best;
}

/** The bands that the gutter from `left` to `right` makes, and how many lines stand beside each other along it. */
function bandsAlong(
  fragments: readonly Fragment[],
  left: number,
  right: number,
): { readonly bands: Band[]; readonly lines: number } {
  const bands: Band[] = [];
  let lines = 0;
  let plain: Fragment[] = [];
  let sides: [Fragment[], Fragment[]] = [[], []];
  let open: Fragment[] = [];
  const closeSides = (): void => {
    const beside = isText(sides[0]) && isText(sides[1]) ? Math.min(rowCount(sides[0]), rowCount(sides[1])) : 0;
    if (beside >= 2) {
      if (plain.length > 0) bands.push({ fragments: plain, columns: null });
      plain = [];
      bands.push({ fragments: open, columns: sides });
      lines += beside;
    } else plain.push(...open);
    sides = [[], []];
    open = [];
  };
  for (const fragment of fragments) {
    if (fragment.left < right - 0.5 && fragment.right > left + 0.5) {
      closeSides();
      plain.push(fragment);
    } else {
      sides[fragment.right <= left + 0.5 ? 0 : 1].push(fragment);
      open.push(fragment);
    }
  }
  closeSides();
  if (plain.length > 0) bands.push({ fragments: plain, columns: null });
  return { bands, lines };
}

/** Running text fills its column; labels, figures and a table's cells do not. */
function isText(fragments: readonly Fragment[]): boolean {
  if (fragments.length < 2) return false;
  const widths = fragments.map(({ left, right }) => right - left);
  const characters = fragments.reduce((sum, { length }) => sum + length, 0) / fragments.length;
  return characters >= 12 && median(widths) >= 0.55 * Math.max(...widths);
}

function rowCount(fragments: readonly Fragment[]): number {
  return new Set(fragments.map(({ row }) => row)).size;
}

// ─── lines ──────────────────────────────────────────────────────────────────────────────────────────

/** What is left of each row is a line. @param fragments top to bottom */
function linesOf(fragments: readonly Fragment[]): Line[] {
  const rows = new Map<Row, Run[]>();
  for (const { row, runs } of fragments) {
    const found = rows.get(row);
    if (found === undefined) rows.set(row, [...runs]);
    else found.push(...runs);
  }
  return [...rows.values()].map(lineOf);
}

function lineOf(runs: readonly Run[]): Line {
  const rightToLeft = isRightToLeft(runs);
  const main = runs.reduce((a, b) => (b.text.length * b.size > a.text.length * a.size ? b : a));
  return {
    runs: inReadingOrder(runs, rightToLeft),
    frame: main.frame,
    left: Math.min(...runs.map(({ left }) => left)),
    right: Math.max(...runs.map(({ right }) => right)),
    top: Math.min(...runs.map(({ top }) => top)),
    bottom: Math.max(...runs.map(({ bottom }) => bottom)),
    baseline: main.baseline,
    size: main.size,
    rightToLeft,
    cells: cellsOf(runs),
  };
}

/** A wider gap, in font sizes, is none between words: */
const cellGap = 1.2;
/** unless the line is stretched to its column's width, so that all of its gaps are wide. */
const stretchedGap = 0.5;

function cellsOf(runs: readonly Run[]): number {
  const gaps: number[] = [];
  let right = Infinity;
  for (const run of [...runs].sort((a, b) => a.left - b.left)) {
    if (right !== Infinity) gaps.push((run.left - right) / run.size);
    right = Math.max(right === Infinity ? -Infinity : right, run.right);
  }
  const stretched = Math.max(0, ...gaps.filter((gap) => gap > stretchedGap && gap <= cellGap));
  return 1 + gaps.filter((gap) => gap > Math.max(cellGap, stretched * 3)).length;
}

/** Along the line's direction; runs of the other direction that follow each other keep theirs. */
function inReadingOrder(runs: readonly Run[], rightToLeft: boolean): Run[] {
  // By their middles from the right: what has no width belongs after what it hangs on.
  const ordered = [...runs].sort((a, b) => (rightToLeft ? b.left + b.right - a.left - a.right : a.left - b.left));
  for (let i = 0; i < ordered.length;) {
    let end = i + 1;
    if (isAgainst(ordered[i]!, rightToLeft)) {
      while (end < ordered.length && isAgainst(ordered[end]!, rightToLeft)) end++;
      ordered.splice(i, end - i, ...ordered.slice(i, end).reverse());
    }
    i = end;
  }
  return ordered;
}

function isAgainst(run: Run, rightToLeft: boolean): boolean {
  return rightToLeft ? !run.rightToLeft && /[\p{L}\p{N}]/u.test(run.text) : run.rightToLeft;
}

function isRightToLeft(runs: readonly Run[]): boolean {
  let balance = 0;
  for (const { text } of runs) {
    balance += (text.match(rightToLeftLetters)?.length ?? 0) * 2 - (text.match(/\p{L}/gu)?.length ?? 0);
  }
  return balance > 0;
}

const rightToLeftLetters = /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}]/gu;

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}
