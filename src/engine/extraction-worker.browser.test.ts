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
/** Broken files tried of each kind. */
const mutations = import.meta.env.LATERAL_LONG === '1' ? 200 : 12;
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

interface Shape {
  readonly width: number;
  readonly height: number;
  readonly downwards: boolean;
}

/**
 * Whether a word's boxes have ink in them and next to none at their sides: in a strip of a tenth of the line's height left
 * and right (above and below where the word runs downwards). Slanted letters and f reach over a little.
 */
function lieOnInk(ink: Ink, boxes: readonly PageBox[], shape: Shape): boolean {
  if (boxes.length === 0) return false;
  const inside = boxes.reduce((sum, box) => sum + ink.count(box), 0);
  const beside = boxes.reduce((sum, box) => {
    const [width, height] = [box.width * shape.width, box.height * shape.height];
    const strip = Math.min(width, height) / 10;
    const [x, y] = [strip / shape.width, strip / shape.height];
    const strips = !shape.downwards
      ? [
          { ...box, left: box.left - x, width: x },
          { ...box, left: box.left + box.width, width: x },
        ]
      : [
          { ...box, top: box.top - y, height: y },
          { ...box, top: box.top + box.height, height: y },
        ];
    return sum + strips.reduce((dark, side) => dark + ink.count(side), 0);
  }, 0);
  return inside >= 8 && beside <= 6 + inside * 0.1;
}

describe('words lie where their ink is', () => {
  it.each([
    ['two-columns.pdf', 380],
    ['report.pdf', 110],
    ['browser.pdf', 110],
    ['letter.pdf', 65],
    ['turned.pdf', 50],
    ['arabic.pdf', 30],
    ['japanese.pdf', 3],
    ['vertical.pdf', 2],
  ])('%s', async (name, fewest) => {
    const reading = extraction();
    const text = await reading.extract({ name, bytes: await fixture(name) }, never);
    let words = 0;
    const astray: string[] = [];
    let astrayWhenMoved = 0;
    for (let page = 1; page <= text.pages!.length; page++) {
      const image = await reading.pageImage(paged(name), page, 1600, never);
      const places = await reading.pagePlaces(paged(name), page, text, wordsOf(text, page), never);
      expect(image).toMatchObject(text.pages![page - 1]!);
      expect(image.bitmap.width).toBe(1600);
      const ink = new Ink(image);
      const { width, height } = image.bitmap;
      const shape = { width, height, downwards: name === 'vertical.pdf' };
      for (const { start, end, boxes } of places) {
        words++;
        if (!lieOnInk(ink, boxes, shape)) astray.push(text.text.slice(start, end));
        const moved = boxes.map((box) => ({ ...box, left: box.left + (box.height * shape.height) / 2 / shape.width }));
        if (!lieOnInk(ink, moved, shape)) astrayWhenMoved++;
      }
    }
    expect(words).toBeGreaterThanOrEqual(fewest);
    expect(astray).toEqual([]);
    // The measure would see boxes that are half a line's height off.
    if (words > 20) expect(astrayWhenMoved).toBeGreaterThan(words * 0.15);
  });

  it('a phrase over a line’s end has a box on each line; half a word has half its box', async () => {
    const reading = extraction();
    const name = 'two-columns.pdf';
    const text = await reading.extract({ name, bytes: await fixture(name) }, never);
    const at = (phrase: string) => {
      const start = text.text.indexOf(phrase);
      return { start, end: start + phrase.length };
    };
    const ranges = [
      at('soundings and raised their premiums. '),
      at('merchants'),
      at('merc'),
      at('The notebooks contain 6,412 measurements. Where'),
    ];
    const [phrase, word, half, lines] = await reading.pagePlaces(paged(name), 1, text, ranges, never);
    expect(phrase!.boxes.length).toBeLessThanOrEqual(2);
    expect(lines!.boxes).toHaveLength(2);
    expect(lines!.boxes[1]!.top).toBeGreaterThan(lines!.boxes[0]!.top);
    expect(word!.boxes).toHaveLength(1);
    expect(half!.boxes[0]!.left).toBeCloseTo(word!.boxes[0]!.left, 5);
    expect(half!.boxes[0]!.width / word!.boxes[0]!.width).toBeGreaterThan(0.4);
    expect(half!.boxes[0]!.width / word!.boxes[0]!.width).toBeLessThan(0.6);
  });

  it('nothing is placed where the page says something else than when it was added', async () => {
    const reading = extraction();
    const name = 'report.pdf';
    const text = await reading.extract({ name, bytes: await fixture(name) }, never);
    const other = { ...text, text: text.text.replace('keeper', 'captain'.slice(0, 6)) };
    const words = wordsOf(text, 1);
    const places = await reading.pagePlaces(paged(name), 1, other, words, never);
    expect(places).toEqual(words.map(({ start, end }) => ({ start, end, boxes: [] })));
  });
});

describe('pages', () => {
  it('are not found beyond the last', async () => {
    const reading = extraction();
    expect(await failure(reading.pageImage(paged('report.pdf'), 4, 300, never))).toMatchObject({ code: 'not-found' });
    expect(await failure(reading.pageImage(paged('report.pdf'), 0, 300, never))).toMatchObject({ code: 'not-found' });
  });

  it('of a file that is damaged or locked fail in words', async () => {
    const reading = extraction();
    expect(await failure(reading.pageImage(paged('damaged.pdf'), 1, 300, never))).toMatchObject({
      code: 'file-damaged',
    });
    expect(await failure(reading.pageImage(paged('locked.pdf'), 1, 300, never))).toMatchObject({ code: 'file-locked' });
  });

  it('are white where nothing is, and no larger than memory allows', async () => {
    const reading = extraction();
    const image = await reading.pageImage(paged('report.pdf'), 1, 100_000, never);
    expect(image.bitmap.width * image.bitmap.height).toBeLessThan(16_100_000);
    const canvas = new OffscreenCanvas(1, 1);
    const context = canvas.getContext('2d')!;
    context.drawImage(image.bitmap, 0, 0);
    expect([...context.getImageData(0, 0, 1, 1).data]).toEqual([255, 255, 255, 255]);
  });

  it('of the last three documents are drawn without fetching their bytes again', async () => {
    const reading = extraction();
    const fetched: string[] = [];
    const counted = (name: string): PagedDocument => ({
      ...paged(name),
      bytes: () => {
        fetched.push(name);
        return fixture(name);
      },
    });
    for (const name of [
      'report.pdf',
      'letter.pdf',
      'report.pdf',
      'turned.pdf',
      'browser.pdf',
      'report.pdf',
      'letter.pdf',
    ]) {
      await reading.pageImage(counted(name), 1, 100, never);
    }
    expect(fetched).toEqual(['report.pdf', 'letter.pdf', 'turned.pdf', 'browser.pdf', 'letter.pdf']);
  });

  it('that are no longer wanted are given up, and the next is drawn', async () => {
    const reading = extraction();
    const controller = new AbortController();
    const unwanted = [1, 2, 3].map((page) => reading.pageImage(paged('report.pdf'), page, 3000, controller.signal));
    const wanted = reading.pageImage(paged('letter.pdf'), 1, 300, never);
    controller.abort();
    for (const page of unwanted) expect(await failure(page)).toMatchObject({ code: 'aborted' });
    expect((await wanted).bitmap.width).toBe(300);
  });
});

// ─── workers that fail ──────────────────────────────────────────────────────────────────────────────

const scripted = (script: string): Worker =>
  new Worker(URL.createObjectURL(new Blob([script], { type: 'text/javascript' })));
const realWorker = (): Worker =>
  new Worker(new URL('../../workers/extract.worker.ts', import.meta.url), { type: 'module' });

/** The first workers are these; the real one follows. */
function after(...first: (() => Worker)[]): () => Worker {
  return () => (first.shift() ?? realWorker)();
}

const note = (): { name: string; bytes: Uint8Array<ArrayBuffer> } => ({
  name: 'note.txt',
  bytes: new TextEncoder().encode('A note.'),
});

describe('a worker', () => {
  it.each([
    ['that says nothing', ''],
    ['that is busy for ever', 'onmessage = () => { for (;;); }'],
  ])('%s is ended after the deadline, and another takes the next file', async (_, script) => {
    const reading = extraction({ deadlineMs: 200, createWorker: after(() => scripted(script)) });
    expect(await failure(reading.extract({ ...note(), name: 'slow.pdf' }, never))).toMatchObject({
      code: 'file-damaged',
      message: 'slow.pdf took too long to read. Try exporting it again, or split it.',
    });
    const patient = extraction({ createWorker: realWorker });
    expect((await patient.extract(note(), never)).text).toBe('A note.');
  });

  it('that shows life is not ended', async () => {
    const talking = `onmessage = ({ data: { id } }) => {
      let left = 12;
      const timer = setInterval(() => {
        if (left-- > 0) postMessage({ type: 'alive', id });
        else { clearInterval(timer); postMessage({ type: 'error', id, error: { code: 'file-empty', message: 'At last.', details: {} } }); }
      }, 50);
    }`;
    const reading = extraction({ deadlineMs: 400, createWorker: () => scripted(talking) });
    expect(await failure(reading.extract(note(), never))).toMatchObject({ code: 'file-empty', message: 'At last.' });
  });

  it('that reads for ever does not keep pages from being drawn', async () => {
    const reading = extraction({ createWorker: after(() => scripted('onmessage = () => { for (;;); }')) });
    const controller = new AbortController();
    const stuck = reading.extract(note(), controller.signal);
    expect((await reading.pageImage(paged('letter.pdf'), 1, 100, never)).bitmap.width).toBe(100);
    controller.abort();
    expect(await failure(stuck)).toMatchObject({ code: 'aborted' });
    // It was ended, not waited for.
    expect((await reading.extract(note(), never)).text).toBe('A note.');
  });

  it('that does not load, or dies, fails the file in words; the next file has another', async () => {
    const reading = extraction({
      createWorker: after(
        () => new Worker('/nowhere/at-all.js'),
        () => scripted('onmessage = () => { throw new Error("Out of memory"); }'),
      ),
    });
    expect(await failure(reading.extract(note(), never))).toMatchObject({ code: 'worker-failed' });
    expect(await failure(reading.extract(note(), never))).toMatchObject({
      code: 'file-too-large',
      details: { name: 'note.txt' },
    });
    expect((await reading.extract(note(), never)).text).toBe('A note.');
  });

  it('without work is ended, and made again for the next file', async () => {
    let made = 0;
    let ended: () => void = () => undefined;
    const idle = new Promise<void>((resolve) => (ended = resolve));
    const createWorker = (): Worker => {
      made++;
      const worker = realWorker();
      const terminate = worker.terminate.bind(worker);
      worker.terminate = () => {
        terminate();
        ended();
      };
      return worker;
    };
    const reading = extraction({ idleMs: 20, createWorker });
    await reading.extract(note(), never);
    await idle;
    await reading.extract(note(), never);
    expect(made).toBe(2);
  });

  it('is not asked once its work was given up, and none is made after closing', async () => {
    const reading = extraction();
    expect(await failure(reading.extract(note(), AbortSignal.abort()))).toMatchObject({ code: 'aborted' });
    reading.close();
    expect(await failure(reading.extract(note(), never))).toMatchObject({ code: 'aborted' });
  });
});

// ─── broken files ───────────────────────────────────────────────────────────────────────────────────

/** Cuts, fills, noise and moved stretches, by a seed. */
function mutated(bytes: Uint8Array, seed: number): Uint8Array<ArrayBuffer> {
  let state = seed * 2_654_435_761 + 1;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const result = new Uint8Array(bytes);
  for (let i = random(6); i >= 0; i--) {
    const at = random(result.length);
    const length = 1 + random(60);
    const kind = random(4);
    if (kind === 0) result.fill(random(256), at, at + length);
    else if (kind === 1) result.copyWithin(at, random(result.length));
    else if (kind === 2) for (let j = at; j < Math.min(result.length, at + length); j++) result[j] = random(256);
    else result[at]! ^= 1 << random(8);
  }
  return random(5) === 0 ? result.slice(0, random(result.length)) : result;
}

describe('a broken PDF', () => {
  it.each(['two-columns.pdf', 'report.pdf', 'browser.pdf', 'letter.pdf', 'turned.pdf', 'scan.pdf', 'locked.pdf'])(
    'made of %s is read or refused in words',
    async (name) => {
      const reading = extraction({ deadlineMs: 20_000 });
      const bytes = await fixture(name);
      let readable = 0;
      for (let seed = 0; seed < mutations; seed++) {
        const broken = mutated(bytes, seed);
        try {
          const text = await reading.extract({ name, bytes: broken.slice() }, never);
          readable++;
          expect(text.sections).toHaveLength(text.pages!.length);
          const image = await failureOrValue(
            reading.pageImage(
              { documentId: `${name}${seed}`, name, bytes: () => Promise.resolve(broken) },
              1,
              200,
              never,
            ),
          );
          if (image instanceof LateralError) expect(image.code, `seed ${seed}`).toMatch(/^file-/);
        } catch (error) {
          if (!(error instanceof LateralError)) throw error;
          expect(error.code, `seed ${seed}: ${error.message}`).toMatch(/^file-/);
          expect(error.message, `seed ${seed}`).not.toMatch(/took too long/);
        }
      }
      // pdf.js mends much: most of what is only scratched is read. A locked file and a scan have nothing to read.
      if (!/locked|scan/.test(name)) expect(readable).toBeGreaterThan(mutations / 5);
    },
    600_000,
  );
});

async function failureOrValue<T>(promise: Promise<T>): Promise<T | LateralError> {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof LateralError) return error;
    throw error;
  }
}
