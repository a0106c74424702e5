/**
 * What pdf.js finds on a page → runs of text with their place on the page as it is shown. One run is a piece of a line in
 * one font; its text is in logical order, with ligatures taken apart.
 */
import type { PageSize } from '../../types.ts';
import { cleanCharacters } from '../builder.ts';
import type { PDFPageProxy, PdfLibrary } from './library.ts';

/**
 * A frame is the page turned so that text runs along +x and lines follow each other along +y: as many as there are
 * directions of writing on the page. Points of the shown page, y down: p = x·along + y·down.
 */
export interface Frame {
  /** Unit vector along the writing, on the page. */
  readonly along: readonly [number, number];
}

export interface Run {
  readonly text: string;
  /** Parallel to the text's UTF-16 units, and one more: offsets into `raw`. */
  readonly rawAt: Uint32Array | null;
  /** As the file has it, before ligatures are taken apart. */
  readonly raw: string;
  readonly frame: Frame;
  /** In the frame, in points: where the run begins and ends along the line, its baseline, its top and bottom. */
  readonly left: number;
  readonly right: number;
  readonly baseline: number;
  readonly top: number;
  readonly bottom: number;
  /** Font size, in points. */
  readonly size: number;
  /** How much wider than its font the writing is: 1 = as the font has it. */
  readonly stretch: number;
  readonly rightToLeft: boolean;
  readonly font: string;
  readonly monospace: boolean;
}

export interface PageRuns {
  readonly size: PageSize;
  readonly runs: readonly Run[];
}

/** A page with more text than this is not text for reading; the rest is left out, in UTF-16 units. */
const maxPageText = 2_000_000;

export async function readRuns(library: PdfLibrary, page: PDFPageProxy): Promise<PageRuns> {
  const viewport = page.getViewport({ scale: 1 });
  const size = { width: viewport.width, height: viewport.height };
  const { items, styles } = await page.getTextContent({ disableNormalization: true });
  const frames: Frame[] = [];
  const runs: Run[] = [];
  let length = 0;
  for (const item of items) {
    if (!('str' in item) || item.str.trim() === '') continue;
    length += item.str.length;
    if (length > maxPageText) break;
    const style = styles[item.fontName];
    const run = placeRun(library, viewport.transform, item, style, frames);
    if (run !== null && isOnPage(run, size)) runs.push(run);
  }
  return { size, runs: turnStacks(runs) };
}

interface TextItem {
  readonly str: string;
  readonly dir: string;
  readonly transform: readonly number[];
  readonly width: number;
  readonly height: number;
  readonly fontName: string;
}

interface TextStyle {
  readonly ascent: number;
  readonly descent: number;
  readonly vertical?: boolean;
  readonly fontFamily: string;
}

function placeRun(
  library: PdfLibrary,
  viewport: readonly number[],
  item: TextItem,
  style: TextStyle | undefined,
  frames: Frame[],
): Run | null {
  const [a = 0, b = 0, c = 0, d = 0, x = 0, y = 0] = library.Util.transform(
    [...viewport],
    [...item.transform],
  ) as number[];
  const vertical = style?.vertical === true;
  const size = Math.hypot(c, d);
  // Vertical writing runs along the glyphs' own downward axis.
  const across = Math.hypot(a, b);
  const along: [number, number] = vertical ? [-c / size, -d / size] : [a / across, b / across];
  const advance = vertical ? item.height : item.width;
  if (![...along, x, y, size, advance].every(Number.isFinite) || size === 0) return null;
  const frame = frameFor(along, frames);
  const baseline = -x * frame.along[1] + y * frame.along[0];
  const left = x * frame.along[0] + y * frame.along[1];
  // The file's own figures where they are sensible; a vertical glyph hangs in the middle of its line.
  const ascent = vertical ? 0.5 : within(style?.ascent, 0.65, 1.05, 0.85);
  const descent = vertical ? 0.5 : within(-(style?.descent ?? 0), 0.12, 0.4, 0.22);
  const { text, rawAt } = normalise(item.str);
  return {
    text,
    rawAt,
    raw: item.str,
    frame,
    left,
    right: left + advance,
    baseline,
    top: baseline - ascent * size,
    bottom: baseline + descent * size,
    size,
    stretch: vertical ? 1 : across / size,
    rightToLeft: item.dir === 'rtl',
    font: item.fontName,
    monospace: style?.fontFamily === 'monospace',
  };
}

// ─── vertical writing ───────────────────────────────────────────────────────────────────────────────

/** Fewer characters under each other are a table's. */
const shortestStack = 4;

/**
 * Some programs write East Asian text downwards by placing each character by itself: such stacks are turned into runs that
 * go down the page. Only where most of the page is written so.
 */
function turnStacks(runs: Run[]): Run[] {
  const stacked = new Set<Run>();
  for (let start = 0; start < runs.length;) {
    let end = start + 1;
    while (end < runs.length && isBelow(runs[end - 1]!, runs[end]!)) end++;
    if (end - start >= shortestStack) for (const run of runs.slice(start, end)) stacked.add(run);
    start = end;
  }
  const single = runs.filter(isOneCharacter);
  if (stacked.size < shortestStack || stacked.size < runs.length * 0.5) return runs;
  // The ends of lines are short, too.
  for (const run of single) stacked.add(run);
  return runs.map((run) => (stacked.has(run) ? turned(run) : run));
}

const downwards: Frame = { along: [0, 1] };

function isOneCharacter({ text, frame }: Run): boolean {
  return frame.along[0] === 1 && eastAsianCharacter.test(text);
}

const eastAsianCharacter =
  /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}ー\u3000-\u303f\uff00-\uffef]$/u;

function isBelow(above: Run, below: Run): boolean {
  const step = (below.baseline - above.baseline) / above.size;
  return (
    isOneCharacter(above) &&
    isOneCharacter(below) &&
    Math.abs(above.left - below.left) < above.size * 0.2 &&
    step > 0.6 &&
    step < 1.5
  );
}

/** A character's square, its line now going down through its middle. */
function turned(run: Run): Run {
  const left = run.baseline - run.size * 0.88;
  const baseline = -(run.left + run.size / 2);
  return {
    ...run,
    frame: downwards,
    left,
    right: left + run.size,
    baseline,
    top: baseline - run.size / 2,
    bottom: baseline + run.size / 2,
  };
}

// ─── characters ─────────────────────────────────────────────────────────────────────────────────────

function within(value: number | undefined, low: number, high: number, otherwise: number): number {
  return value !== undefined && value >= low && value <= high ? value : otherwise;
}

/** Directions within two degrees are one. */
function frameFor([x, y]: [number, number], frames: Frame[]): Frame {
  const near = frames.find(({ along }) => along[0] * x + along[1] * y > 0.9994);
  if (near !== undefined) return near;
  // Upright to the hair, so that all coordinates stay as they are.
  const snap = (value: number): number => (Math.abs(value - Math.round(value)) < 0.01 ? Math.round(value) : value);
  const frame: Frame = { along: [snap(x), snap(y)] };
  frames.push(frame);
  return frame;
}

/**
 * Ligatures and presentation forms become the letters they stand for, half surrogates U+FFFD; control characters and NUL
 * a space. `rawAt` is null where nothing moved.
 */
function normalise(raw: string): { text: string; rawAt: Uint32Array | null } {
  const cleaned = cleanCharacters(raw).replace(controls, ' ');
  if (!composed.test(cleaned)) return { text: cleaned, rawAt: null };
  let text = '';
  const offsets: number[] = [];
  let at = 0;
  for (const character of cleaned) {
    const plain = composed.test(character) ? plainLetters(character) : character;
    for (let i = 0; i < plain.length; i++) offsets.push(at);
    text += plain;
    at += character.length;
  }
  offsets.push(at);
  return { text, rawAt: Uint32Array.from(offsets) };
}

/** Fonts without a table of characters give them. */
const controls = /[\x00-\x1f\x7f]/g;
/**
 * Spaces of all widths; Chinese radicals in place of the characters they look like; Latin, Hebrew and Arabic ligatures and
 * presentation forms; punctuation turned for vertical writing.
 */
const composed = /[\u00a0\u2000-\u200a\u202f\u2e80-\u2fdf\u3000\ufb00-\ufdff\ufe10-\ufe19\ufe30-\ufe4f\ufe70-\ufefc]/;

/** Marks that stand alone come with a space or a stroke to stand on, which the text has not. */
function plainLetters(character: string): string {
  return character.normalize('NFKC').replace(/^[ \u0640](?=\p{M})/u, '');
}

function isOnPage({ frame, left, right, baseline, size }: Run, page: PageSize): boolean {
  const middle = (left + right) / 2;
  const up = baseline - size / 3;
  const x = middle * frame.along[0] - up * frame.along[1];
  const y = middle * frame.along[1] + up * frame.along[0];
  return x > -1 && y > -1 && x < page.width + 1 && y < page.height + 1;
}
