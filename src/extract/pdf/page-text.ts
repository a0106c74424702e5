/**
 * Lines in reading order → a page's text in blocks, with the place of each of its characters. What a page says depends on
 * nothing but the page, so that reading it again gives the same text.
 */
import type { PageSize, TextBlock } from '../../types.ts';
import { layOut, median, type Line, type Region } from './layout.ts';
import type { PageRuns, Run } from './runs.ts';

/** Text `[start, end)` of the page is `run.text` from `from` on. */
export interface Piece {
  readonly start: number;
  readonly end: number;
  readonly run: Run;
  readonly from: number;
}

/** A block's text, by itself. */
export interface PageBlock {
  readonly kind: TextBlock['kind'];
  readonly text: string;
  /** In order; what lies between is white space and marks that stand nowhere on the page. */
  readonly pieces: readonly Piece[];
  /** Font size of most of it, in points. */
  readonly size: number;
  readonly lines: number;
  /** Centre, as shares of the page's width and height. */
  readonly at: readonly [number, number];
}

export function readPage({ runs, size }: PageRuns): PageBlock[] {
  const regions = layOut(runs);
  const compounds = compoundsOf(regions);
  const paragraphs: Line[][] = [];
  for (const paragraph of regions.flatMap(paragraphsOf)) {
    const previous = paragraphs.at(-1);
    if (previous !== undefined && goesOn(previous.at(-1)!, paragraph[0]!)) previous.push(...paragraph);
    else paragraphs.push([...paragraph]);
  }
  return paragraphs.map((paragraph) => blockOf(paragraph, size, compounds));
}

/** Whether a paragraph that reaches its column's foot goes on at the head of the next. */
function goesOn(last: Line, first: Line): boolean {
  return (
    first.frame === last.frame &&
    first.baseline < last.baseline &&
    Math.abs(first.size - last.size) < last.size * 0.05 &&
    first.cells === 1 &&
    last.cells === 1 &&
    !isMonospace(first) &&
    !isMonospace(last) &&
    (/^\p{Ll}/u.test(startOf(first)) || noSpaceBefore.test(startOf(first))) &&
    !sentenceEnd.test(endOf(last)) &&
    /[\p{L}\p{N},\-‐\u00ad]$/u.test(endOf(last))
  );
}

// ─── paragraphs ─────────────────────────────────────────────────────────────────────────────────────

type Paragraph = readonly Line[];

function paragraphsOf(region: Region): Paragraph[] {
  const pitch = usualPitch(region);
  const left = edge(region, ({ left }) => left, 1);
  const right = edge(region, ({ right }) => right, -1);
  const paragraphs: Line[][] = [];
  for (const [i, line] of region.entries()) {
    const previous = region[i - 1];
    if (previous === undefined || begins(line, previous, { pitch, left, right })) paragraphs.push([line]);
    else paragraphs.at(-1)!.push(line);
  }
  return paragraphs;
}

interface Column {
  /** Between two baselines, in points; 0 where there is but one line. */
  readonly pitch: number;
  readonly left: number;
  readonly right: number;
}

function begins(line: Line, previous: Line, { pitch, left, right }: Column): boolean {
  if (line.frame !== previous.frame) return true;
  const size = Math.max(line.size, previous.size);
  const step = line.baseline - previous.baseline;
  if (step < 0 || step > Math.max(pitch * 1.3, size * 1.05) || step > size * 2.6) return true;
  if (size > Math.min(line.size, previous.size) * 1.14 && !isPart(line, previous)) return true;
  if (listMark.test(startOf(line))) return true;
  if (isMonospace(line) !== isMonospace(previous)) return true;
  if (line.cells > 1 || previous.cells > 1) return !isMonospace(line);
  const mirrored = line.rightToLeft;
  const indent = mirrored ? right - line.right : line.left - left;
  const indentBefore = mirrored ? right - previous.right : previous.left - left;
  // The first line is set in; or the one before ended early.
  if (indent > size * 0.8 && indentBefore < size * 0.4 && indent < (right - left) * 0.3) return true;
  const rest = mirrored ? previous.left - left : right - previous.right;
  return rest > (right - left) * 0.15 + size && indent < size * 0.4 && sentenceEnd.test(endOf(previous));
}

/** A line of few characters, as a raised number that found no line. */
function isPart(line: Line, previous: Line): boolean {
  return Math.min(lengthOf(line), lengthOf(previous)) <= 2;
}

function usualPitch(region: Region): number {
  const steps = region
    .slice(1)
    .map((line, i) => line.baseline - region[i]!.baseline)
    .filter((step) => step > 0);
  // The lower middle: half of a page's steps may be between paragraphs.
  return steps.sort((a, b) => a - b)[Math.floor((steps.length - 1) * 0.35)] ?? 0;
}

/** Where most lines begin or end. @param sign 1 for the lower edge, −1 for the upper one */
function edge(region: Region, of: (line: Line) => number, sign: 1 | -1): number {
  const values = region.map(of).sort((a, b) => (a - b) * sign);
  return values[Math.floor(values.length * 0.1)] ?? 0;
}

const listMark = /^(?:[•◦▪▫■□●○‣⁃∙·–—*-]|\(?(?:\d{1,3}|[a-zA-Z])[.)]|\[\d{1,3}\])\s/u;
const sentenceEnd = /[.!?:;。！？؟۔।…]["'”’»)\]]*$/u;

function startOf(line: Line): string {
  return line.runs
    .slice(0, 3)
    .map(({ text }) => text)
    .join(' ')
    .trimStart();
}

function endOf(line: Line): string {
  return line.runs.at(-1)!.text.trimEnd();
}

function lengthOf(line: Line): number {
  return line.runs.reduce((sum, { text }) => sum + text.length, 0);
}

function isMonospace(line: Line): boolean {
  // Fonts for East Asian scripts are of one width, too.
  return line.runs.every(({ monospace, text }) => monospace && !wide.test(text));
}

const wide = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u3000-\u303f\uff00-\uffef]/u;

// ─── text ───────────────────────────────────────────────────────────────────────────────────────────

function blockOf(lines: Paragraph, page: PageSize, compounds: ReadonlySet<string>): PageBlock {
  const writer = new BlockWriter(compounds);
  const code = lines.length > 1 && lines.every(isMonospace);
  for (const line of lines) writer.line(line, code);
  const { text, pieces } = writer;
  const isRow = lines.length === 1 && lines[0]!.cells > 1 && !listMark.test(text);
  const [x, y] = centreOf(lines);
  return {
    kind: code ? 'code' : isRow ? 'table-row' : listMark.test(text) ? 'list-item' : 'paragraph',
    text,
    pieces,
    size: median(lines.map((line) => line.size)),
    lines: lines.length,
    at: [x / page.width, y / page.height],
  };
}

class BlockWriter {
  text = '';
  readonly pieces: Piece[] = [];
  private readonly compounds: ReadonlySet<string>;

  constructor(compounds: ReadonlySet<string>) {
    this.compounds = compounds;
  }

  line(line: Line, keepsBreaks: boolean): void {
    for (const [i, run] of line.runs.entries()) {
      const previous = line.runs[i - 1];
      if (previous === undefined) this.breakBefore(run.text.trimStart(), keepsBreaks);
      else if (isApart(previous, run)) this.space(run.text);
      this.run(run);
    }
  }

  private run(run: Run): void {
    let text = run.text.trimEnd();
    let from = 0;
    if (this.text === '' || /\s$/.test(this.text)) {
      from = text.length - text.trimStart().length;
      text = text.slice(from);
    }
    if (text === '') return;
    this.pieces.push({ start: this.text.length, end: this.text.length + text.length, run, from });
    this.text += text;
  }

  private space(next: string): void {
    if (this.text !== '' && !/\s$/.test(this.text) && !/^\s/.test(next)) this.text += ' ';
  }

  /** Between two lines: a space, nothing in scripts that have none, and a word cut in two is one again. */
  private breakBefore(next: string, keepsBreaks: boolean): void {
    if (this.text === '') return;
    if (keepsBreaks) this.text += '\n';
    else if (isCut(this.text, next, this.compounds)) this.drop(1);
    else if (!/[-‐\u00ad]$/u.test(this.text) || !/\p{L}[-‐\u00ad]$/u.test(this.text)) {
      if (!(noSpaceAfter.test(this.text) && noSpaceBefore.test(next))) this.text += ' ';
    } else if (!/^\p{L}/u.test(next)) this.text += ' ';
  }

  /** Takes back what was written last: the hyphen. */
  private drop(count: number): void {
    this.text = this.text.slice(0, -count);
    const last = this.pieces.pop()!;
    if (last.end - count > last.start) this.pieces.push({ ...last, end: last.end - count });
  }
}

const noSpaceAfter = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\u3000-\u303f\uff00-\uffef]$/u;
const noSpaceBefore = /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\u3000-\u303f\uff00-\uffef]/u;

/** Whether there is a gap between two runs of a line that follow each other. */
function isApart(previous: Run, run: Run): boolean {
  const gap = Math.max(run.left - previous.right, previous.left - run.right);
  const size = Math.min(previous.size, run.size);
  if (noSpaceAfter.test(previous.text) || noSpaceBefore.test(run.text)) return gap > size * 0.9;
  return gap > size * 0.12;
}

/**
 * Whether a line ends with a hyphen that only the line's end put there. A word that the page writes with a hyphen
 * elsewhere, or that has one already, keeps it.
 */
function isCut(text: string, next: string, compounds: ReadonlySet<string>): boolean {
  if (text.endsWith('\u00ad')) return true;
  const before = /([\p{L}\p{M}’']+(?:[-‐][\p{L}\p{M}]+)*)[-‐]$/u.exec(text.slice(-80))?.[1];
  const after = /^\p{Ll}[\p{L}\p{M}]*/u.exec(next)?.[0];
  if (before === undefined || after === undefined || before.length < 2) return false;
  if (/[-‐]/.test(before) || keepsHyphen.test(before)) return false;
  return !compounds.has(`${before}-${after}`.toLowerCase());
}

/** English words that are mostly the first half of a compound: numbers, and a few more. */
const keepsHyphen = /^(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|self|well|ex|half|all|so|non|cross)$/i;

/** Words with a hyphen inside a line, lower case. */
function compoundsOf(regions: readonly Region[]): Set<string> {
  const found = new Set<string>();
  for (const { runs } of regions.flat()) {
    for (const { text } of runs) {
      for (const [word] of text.matchAll(/\p{L}{2,}[-‐]\p{L}{2,}/gu)) found.add(word.replace('‐', '-').toLowerCase());
    }
  }
  return found;
}

/** On the page, in points. */
function centreOf(lines: Paragraph): [number, number] {
  const { along } = lines[0]!.frame;
  const x = (Math.min(...lines.map(({ left }) => left)) + Math.max(...lines.map(({ right }) => right))) / 2;
  const y = (Math.min(...lines.map(({ top }) => top)) + Math.max(...lines.map(({ bottom }) => bottom))) / 2;
  return [x * along[0] - y * along[1], x * along[1] + y * along[0]];
}
