/** Files through the real worker, in a real browser: what is read, where it lies on the drawn page, and what ends a worker. */
import { afterEach, describe, expect, it } from 'vitest';
import { LateralError } from '../errors.ts';
import type { ExtractedText, PageBox, PageImage } from '../types.ts';
import { createWorkerExtraction, type WorkerExtractionOptions } from './extraction-worker.ts';
import type { Extraction, PagedDocument } from './extraction.ts';

const urls = import.meta.glob<string>('../../fixtures/documents/*.{pdf,docx,epub}', {
  query: '?url',
  import: 'default',
  eager: true,
});

async function fixture(name: string): Promise<Uint8Array<ArrayBuffer>> {
  const url = urls[`../../fixtures/documents/${name}`];
  if (url === undefined) throw new Error(`There is no fixture ${name}.`);
  return new Uint8Array(await (await fetch(url)).arrayBuffer());
}

const open: Extraction[] = [];
function extraction(options: Partial<WorkerExtractionOptions> = {}): Extraction {
  const made = createWorkerExtraction({ pdfFilesUrl: () => new URL('/pdf/', location.href).href, ...options });
  open.push(made);
  return made;
}
afterEach(() => {
  for (const made of open.splice(0)) made.close();
});

const never = new AbortController().signal;
const paged = (name: string): PagedDocument => ({ documentId: name, name, bytes: () => fixture(name) });

async function failure(promise: Promise<unknown>): Promise<LateralError> {
  const thrown = await promise.then(
    () => new Error('It did not fail.'),
    (error: unknown) => error,
  );
  if (thrown instanceof LateralError) return thrown;
  throw thrown;
}

// ─── ink ────────────────────────────────────────────────────────────────────────────────────────────

/** Dark pixels of a page. */
class Ink {
  private readonly pixels: ImageData;
  constructor({ bitmap }: PageImage) {
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const context = canvas.getContext('2d')!;
    context.drawImage(bitmap, 0, 0);
    this.pixels = context.getImageData(0, 0, bitmap.width, bitmap.height);
  }

  /** Dark pixels within a box, the box made larger on all sides by a share of its own height (or width, if it stands). */
  count({ left, top, width, height }: PageBox, margin = 0): number {
    const { width: w, height: h } = this.pixels;
    const more = Math.min(width * w, height * h) * margin;
    let dark = 0;
    for (let y = Math.round(top * h - more); y < Math.round((top + height) * h + more); y++) {
      for (let x = Math.round(left * w - more); x < Math.round((left + width) * w + more); x++) {
        if (x >= 0 && y >= 0 && x < w && y < h && this.pixels.data[4 * (y * w + x)]! < 128) dark++;
      }
    }
    return dark;
  }
}

/** All words of a page that stand alone between spaces, by their ranges in the whole text. */
function wordsOf(text: ExtractedText, page: number): { start: number; end: number }[] {
  const { start, end } = text.sections[page - 1]!;
  return [...text.text.slice(start, end).matchAll(/[^\s]+/gu)].map(({ index, 0: word }) => ({
    start: start + index,
    end: start + index + word.length,
  }));
}

describe('words lie where their ink is', () => {
  it.each([
    'two-columns.pdf',
    'report.pdf',
    'browser.pdf',
    'letter.pdf',
    'turned.pdf',
    'arabic.pdf',
    'japanese.pdf',
    'vertical.pdf',
  ])('%s', async (name) => {
    const reading = extraction();
    const text = await reading.extract({ name, bytes: await fixture(name) }, never);
    for (let page = 1; page <= text.pages!.length; page++) {
      const words = wordsOf(text, page);
      const [image, places] = await Promise.all([
        reading.pageImage(paged(name), page, 1600, never),
        reading.pagePlaces(paged(name), page, text, words, never),
      ]);
      const ink = new Ink(image);
      const bad: string[] = [];
      for (const { start, end, boxes } of places) {
        const word = text.text.slice(start, end);
        const inside = boxes.reduce((sum, box) => sum + ink.count(box), 0);
        // Shrunk by a fifth of the line's height at each side it still has ink.
        if (boxes.length === 0 || inside < 10) bad.push(`${word}: ${boxes.length} boxes, ${inside} dark pixels`);
        for (const box of boxes) {
          const m = Math.min(box.width * image.bitmap.width, box.height * image.bitmap.height) * 0.08;
          const mx = m / image.bitmap.width;
          const side = { ...box, left: box.left - mx, width: mx };
          const other = { ...box, left: box.left + box.width, width: mx };
          const leak = ink.count(side) + ink.count(other);
          if (leak > Math.max(4, inside * 0.03)) bad.push(`${word}: ${leak} of ${inside} beside`);
        }
      }
      console.log(name, page, places.length, bad.length, bad.slice(0, 12).join(' | '));
    }
  });
});
