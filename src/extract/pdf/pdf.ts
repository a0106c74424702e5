/**
 * A PDF's bytes → its text, page by page in reading order. Each page is a section; what repeats at the pages' edges is
 * left out; sizes tell the headings.
 */
import { LateralError } from '../../errors.ts';
import type { ExtractedText, PageSize, Section, TextBlock } from '../../types.ts';
import { openPdf, pdfError, tooLarge, type OpenedPdf } from './library.ts';
import { readPage, type PageBlock } from './page-text.ts';
import { findRunningHeads, isRepeated } from './running-heads.ts';
import { readRuns } from './runs.ts';

export interface PdfInput {
  readonly name: string;
  /** Taken over: they cannot be used afterwards. */
  readonly bytes: Uint8Array;
  /** Where pdf.js's own folders are; see `openPdf`. */
  readonly filesUrl?: string | undefined;
  /** Called after each page. */
  readonly onPage?: ((done: number, total: number) => void) | undefined;
}

/** In UTF-16 units. */
export const maxPdfText = 64_000_000;
/** Pages without text that are looked at for pictures; the rest are taken to be like them. */
const pagesLookedAt = 10;

export const blockSeparator = '\n\n';

/**
 * @throws 'file-locked' where a password is asked for; 'file-scanned' where there are only pictures; 'file-empty',
 * 'file-damaged', 'file-too-large'
 */
export async function extractPdf({ name, bytes, filesUrl, onPage }: PdfInput): Promise<ExtractedText> {
  const opened = await openPdf(name, bytes, filesUrl);
  try {
    const { document } = opened;
    const pages: ReadPage[] = [];
    let length = 0;
    let unreadable = 0;
    let failure: unknown;
    for (let number = 1; number <= document.numPages; number++) {
      try {
        pages.push(await readOne(opened, number));
      } catch (thrown) {
        // One broken page does not take the book with it.
        failure = thrown;
        unreadable++;
        pages.push({ size: pages.at(-1)?.size ?? { width: 595, height: 842 }, blocks: [] });
      }
      for (const { text } of pages.at(-1)!.blocks) length += text.length;
      if (length > maxPdfText) throw tooLarge(name, `${maxPdfText / 1e6} million characters of text`);
      onPage?.(number, document.numPages);
    }
    if (unreadable === pages.length) throw pdfError(name, failure);
    const pictures = await countPictures(opened, pages, () => onPage?.(pages.length, pages.length));
    if (length === 0) throw withoutText(name, pictures > 0);
    return await assemble(opened, pages, notesOf(pages.length, pictures, unreadable));
  } catch (thrown) {
    throw pdfError(name, thrown);
  } finally {
    await opened.close().catch(() => undefined);
  }
}

interface ReadPage {
  readonly size: PageSize;
  readonly blocks: readonly Omit<PageBlock, 'pieces'>[];
}

async function readOne({ library, document }: OpenedPdf, number: number): Promise<ReadPage> {
  const page = await document.getPage(number);
  try {
    const runs = await readRuns(library, page);
    // Without the places of the characters: a book's would fill the memory, and each page can be read again.
    const blocks = readPage(runs).map(({ kind, text, size, lines, at }) => ({ kind, text, size, lines, at }));
    return { size: runs.size, blocks };
  } finally {
    page.cleanup();
  }
}

// ─── the whole ──────────────────────────────────────────────────────────────────────────────────────

async function assemble(
  { document }: OpenedPdf,
  pages: readonly ReadPage[],
  notes: readonly string[],
): Promise<ExtractedText> {
  const repeated = findRunningHeads(pages.map(({ blocks }) => blocks));
  const headingLevel = headingLevels(pages);
  const parts: string[] = [];
  const blocks: TextBlock[] = [];
  const sections: Section[] = [];
  let length = 0;
  const write = (text: string): void => {
    parts.push(text);
    length += text.length;
  };
  for (const [index, page] of pages.entries()) {
    const kept = page.blocks.filter((block) => !isRepeated(block, index, repeated));
    if (kept.length > 0 && length > 0) write(blockSeparator);
    const start = length;
    for (const [i, block] of kept.entries()) {
      if (i > 0) write(blockSeparator);
      const level = headingLevel(block);
      const kind = level > 0 ? 'heading' : block.kind;
      blocks.push({ kind, level: kind === 'list-item' ? 1 : level, start: length, end: length + block.text.length });
      write(block.text);
    }
    sections.push({ kind: 'page', label: String(index + 1), level: 0, start, end: length });
  }
  const text = parts.join('');
  const { title, language } = await describe(document);
  const heading = blocks.find(({ kind, start }) => kind === 'heading' && start < 2000);
  const shownTitle = title ?? (heading === undefined ? undefined : text.slice(heading.start, heading.end));
  return {
    text,
    sections,
    blocks,
    pages: pages.map(({ size }) => size),
    ...(shownTitle === undefined ? {} : { title: shownTitle }),
    ...(language === undefined ? {} : { language }),
    mediaType: 'application/pdf',
    notes,
  };
}

/** Clearly larger than the body's letters, and short. @returns 1 for the largest, to 6; 0 for what is no heading */
function headingLevels(pages: readonly ReadPage[]): (block: Omit<PageBlock, 'pieces'>) => number {
  const weights = new Map<number, number>();
  const rounded = (size: number): number => Math.round(size * 2) / 2;
  for (const { size, text } of pages.flatMap(({ blocks }) => blocks)) {
    weights.set(rounded(size), (weights.get(rounded(size)) ?? 0) + text.length);
  }
  const body = [...weights].reduce((a, b) => (b[1] > a[1] ? b : a), [0, 0])[0];
  const isHeading = ({ size, lines, text, kind }: Omit<PageBlock, 'pieces'>): boolean =>
    rounded(size) >= body * 1.14 && lines <= 3 && text.length <= 200 && kind !== 'code' && /\p{L}/u.test(text);
  const sizes = new Set<number>();
  for (const block of pages.flatMap(({ blocks }) => blocks)) if (isHeading(block)) sizes.add(rounded(block.size));
  const order = [...sizes].sort((a, b) => b - a);
  return (block) => (isHeading(block) ? Math.min(6, order.indexOf(rounded(block.size)) + 1) : 0);
}

async function describe(
  document: OpenedPdf['document'],
): Promise<{ title: string | undefined; language: string | undefined }> {
  try {
    const info = (await document.getMetadata()).info as Record<string, unknown>;
    const title = typeof info.Title === 'string' ? info.Title.replace(/[\s\p{Cc}]+/gu, ' ').trim() : '';
    const language = typeof info.Language === 'string' ? info.Language.trim() : '';
    return {
      title: isTitle(title) ? title : undefined,
      language: /^[a-z]{2,3}(?:-[a-z0-9]{2,8})*$/i.test(language) ? language : undefined,
    };
  } catch {
    return { title: undefined, language: undefined }; // a document may do without
  }
}

/** Many programs write the file's name, or nothing of use. */
function isTitle(title: string): boolean {
  if (!/\p{L}{2}/u.test(title) || title.length > 300) return false;
  if (/\.(?:docx?|odt|rtf|pdf|tex|dvi|indd|qxd|pptx?|xlsx?|html?|txt|md|pages)$/i.test(title)) return false;
  return !/^(?:untitled|microsoft |document ?\d*$|slide ?\d*$|print$|about:blank|https?:|file:)/i.test(title);
}

// ─── pictures ───────────────────────────────────────────────────────────────────────────────────────

/** Of the pages without text, how many hold pictures. */
async function countPictures(
  { library, document }: OpenedPdf,
  pages: readonly ReadPage[],
  onLook: () => void,
): Promise<number> {
  const empty = pages.flatMap(({ blocks }, index) => (blocks.length === 0 ? [index + 1] : []));
  let looked = 0;
  let found = 0;
  const { OPS } = library;
  const pictures = new Set([OPS.paintImageXObject, OPS.paintInlineImageXObject, OPS.paintImageMaskXObject]);
  for (const number of empty.slice(0, pagesLookedAt)) {
    looked++;
    onLook();
    try {
      const page = await document.getPage(number);
      const { fnArray } = await page.getOperatorList();
      if (fnArray.some((operator) => pictures.has(operator))) found++;
      page.cleanup();
    } catch {
      // A page that cannot be read shows nothing.
    }
  }
  return looked === 0 ? 0 : Math.round((found / looked) * empty.length);
}

function withoutText(name: string, hasPictures: boolean): LateralError {
  if (!hasPictures) return new LateralError('file-empty', `${name} is empty.`, { details: { name } });
  return new LateralError('file-scanned', `${name} contains only pictures, so there is no text to search yet.`, {
    details: { name },
  });
}

function notesOf(total: number, pictures: number, unreadable: number): string[] {
  const notes: string[] = [];
  const share = (count: number): string => `${count} of ${total} pages ${count === 1 ? 'is' : 'are'}`;
  if (pictures > 0) {
    notes.push(`${share(pictures)} ${pictures === 1 ? 'a picture' : 'pictures'} without text.`);
  }
  if (unreadable > 0) notes.push(`${share(unreadable)} damaged and could not be read.`);
  return notes;
}
