/** PDF, Word and e-books as five programs write them: what is read, page by page, in reading order. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { LateralError } from '../errors.ts';
import type { ExtractedText } from '../types.ts';
import { extract } from './extract.ts';
import { maxUnzippedBytes } from './zip.ts';

const folder = new URL('../../fixtures/documents/', import.meta.url);
const pdfFilesUrl = `${dirname(createRequire(import.meta.url).resolve('pdfjs-dist/package.json'))}/`;
const fixture = (name: string): Uint8Array => new Uint8Array(readFileSync(new URL(name, folder)));
const read = (name: string, bytes = fixture(name)): Promise<ExtractedText> => extract({ name, bytes }, { pdfFilesUrl });

/** A page's blocks, as `kind level: text`. */
function pageOf({ text, blocks, sections }: ExtractedText, page: number): string[] {
  const { start, end } = sections[page - 1]!;
  return blocks
    .filter((block) => block.start >= start && block.end <= end)
    .map(({ kind, level, ...block }) => {
      const name = kind === 'heading' ? `${kind} ${level}` : kind;
      return `${name}: ${text.slice(block.start, block.end)}`;
    });
}

async function failure(promise: Promise<unknown>): Promise<LateralError> {
  const thrown = await promise.then(
    () => new Error('It did not fail.'),
    (error: unknown) => error,
  );
  if (thrown instanceof LateralError) return thrown;
  throw thrown;
}

describe('a PDF', () => {
  it('of two columns is read column by column, the heading across them first', async () => {
    const text = await read('two-columns.pdf');
    expect(text).toMatchObject({ title: 'The Silting of Small Harbours', mediaType: 'application/pdf', notes: [] });
    const first = pageOf(text, 1);
    expect(first.slice(0, 4)).toEqual([
      'heading 1: The Silting of Small Harbours',
      'heading 3: Ada Winter and Joris Vell',
      'paragraph: Abstract. Harbours at the mouths of slow rivers fill with mud. We compare forty years of soundings from three towns and find that the merchants left long before the water became too shallow for their ships.',
      'heading 2: 1 Introduction',
    ]);
    const whole = text.text.replace(/\s+/g, ' ');
    // Over the end of the left column, over cut words, with ligatures taken apart.
    expect(whole).toContain(
      'because a harbour master who wants to keep his position will not exaggerate the difficulty',
    );
    expect(whole).toContain('Efficient filing offices in Velde affixed a certificate to every difficult flood.');
    expect(whole).toContain('we reconstruct how quickly the mud accumulated');
    // A hyphen of the word's own.
    expect(whole).toContain('from ninety-one to thirty');
    expect(pageOf(text, 2).at(-1)).toMatch(/^paragraph: Mud did not empty the harbours/);
    // Page numbers are left out.
    expect(whole).not.toMatch(/same page\. 2|insured\. 1/);
  });

  it('of two short columns with a narrow gutter is read column by column', async () => {
    const text = await read('latex.pdf', fixture('../lit-words/latex.pdf'));
    const page = pageOf(text, 2).map((block) => block.replace('paragraph: ', ''));
    expect(page).toHaveLength(3);
    expect(page[0]).toMatch(/^On the outer rock stands a tower of eighty steps\..* before it was shipped\.$/);
    expect(page[1]).toMatch(/^Each evening .* the mirrors, and wrote the hour into a book\./); // over the column's end
    expect(page[2]).toMatch(/^Since the line was laid .* and seals sleep on the landing\.$/);
  });

  it('is a section for each page, with its size as it is shown', async () => {
    const { text, sections, pages } = await read('turned.pdf');
    expect(sections.map(({ kind, label, level }) => [kind, label, level])).toEqual([
      ['page', '1', 0],
      ['page', '2', 0],
    ]);
    // Cropped from 28 to 368 and from 40 to 482; turned by 90°.
    expect(pages).toMatchObject([
      { width: 340, height: 442 },
      { width: expect.closeTo(510.2, 0) as number, height: expect.closeTo(396.9, 0) as number },
    ]);
    expect(text.slice(sections[1]!.start, sections[1]!.end)).toMatch(
      /^This page lies on its side\. The map of the canal shows three locks, a windmill and the house of the toll collector\./,
    );
  });

  it('keeps a running head where it stands first, and no page numbers; rows and list items stay apart', async () => {
    const text = await read('report.pdf');
    expect(pageOf(text, 1)).toEqual([
      'paragraph: Notes of the lighthouse society',
      'heading 1: Lighthouse keeping',
      'paragraph: The keeper climbs the stairs at dusk. He trims the wick, cleans the glass with a linen cloth and writes the hour into the book.',
      'paragraph: A lamp that burns badly is worse than none, because ships trust what they see.',
    ]);
    expect(pageOf(text, 2)).toEqual([
      'heading 2: Oil',
      'paragraph: Rapeseed oil thickens in the cold. Colza must therefore be warmed before it is poured, and a second lamp keeps the reservoir from freezing.',
      'table-row: Month Oil Nights',
      'table-row: January 41 pints 31',
      'table-row: February 36 pints 28',
      'table-row: March 33 pints 31',
      'list-item: • Warm the oil slowly.',
      'list-item: • Never leave the flame alone.',
    ]);
    expect(pageOf(text, 3)).toEqual([
      'heading 2: Fog',
      'paragraph: In fog the bell replaces the light. It is struck twice a minute, by hand until the clockwork arrived.',
    ]);
  });

  it('of a browser: columns between paragraphs, code line by line', async () => {
    expect(pageOf(await read('browser.pdf'), 1)).toEqual([
      'heading 1: Bread without haste',
      'paragraph: Flour, water and salt become dough, and dough becomes bread, if it is given enough time. A cool kitchen is no misfortune: the yeast works more slowly, and the crumb tastes of more.',
      'code: flour 500 g\nwater 350 g\nsalt 10 g',
      'paragraph: Fold the dough every half hour. When it trembles like a jelly it is ready for the oven.',
      'paragraph: The crust browns because sugars and proteins meet in the heat. Steam in the first minutes keeps the skin soft, so that the loaf can rise.',
      'paragraph: A loaf is baked when it sounds hollow. Let it cool for an hour on a rack before the knife touches it, or the crumb will be sticky.',
    ]);
  });

  it('of a word processor: numbered items, a table', async () => {
    expect(pageOf(await read('letter.pdf'), 1).slice(3)).toEqual([
      'heading 3: What we ask',
      'list-item: 1. A clock that everybody on the pier can see.',
      'list-item: 2. A bell five minutes before departure.',
      'heading 3: Fares',
      'table-row: Crossing Adult Child',
      'table-row: North pier 4.20 2.10',
      'table-row: Island 6.80 3.40',
      'paragraph: With kind regards, the passengers’ council.',
    ]);
  });

  it('in Japanese: lines joined without spaces, characters as they are written', async () => {
    const text = await read('japanese.pdf');
    expect(text.language).toBe('ja');
    expect(pageOf(text, 1)).toEqual([
      'heading 1: 港の記録',
      'paragraph: 川の泥が少しずつ港を埋めていった。商人たちは船が入れなくなる前に海岸へ移り、倉庫だけが静かに残った。町の人々は毎年春に底をさらったが、泥は夏のうちに戻ってきた。',
      'paragraph: 灯台守は夕暮れに階段を上り、レンズを布で磨いて火をともした。霧の夜には鐘を鳴らした。',
    ]);
  });

  it('written downwards', async () => {
    expect(pageOf(await read('vertical.pdf'), 1)).toEqual([
      'paragraph: 春の朝、漁師は網を直していた。遠くの島から帰る船の白い帆が見えた。',
      'paragraph: 子どもたちは浜で貝を拾った。',
    ]);
  });

  it('in Arabic: in logical order, with plain letters', async () => {
    expect(pageOf(await read('arabic.pdf'), 1)).toEqual([
      'heading 1: حديقة المدينة',
      'paragraph: في وسط المدينة حديقة قديمة فيها 120 شجرة زيتون. يأتي الناس إليها في المساء ليجلسوا تحت الأشجار ويشربوا الشاي.',
      'paragraph: كان البستاني يسقي الزهور كل صباح قبل شروق الشمس.',
    ]);
  });

  it('with a picture among its pages says so, and keeps the empty page', async () => {
    const { notes, sections, text } = await read('mixed.pdf');
    expect(notes).toEqual(['1 of 4 pages is a picture without text.']);
    expect(sections.map(({ start, end }) => end > start)).toEqual([true, false, true, true]);
    expect(text.slice(sections[2]!.start, sections[2]!.end)).toMatch(/^Oil\n\n/);
  });

  it.each([
    ['locked.pdf', 'file-locked', 'locked.pdf is locked. Save a copy without a password and add that.'],
    ['scan.pdf', 'file-scanned', 'scan.pdf contains only pictures, so there is no text to search yet.'],
    ['damaged.pdf', 'file-damaged', 'damaged.pdf is damaged and could not be read. Try exporting it again.'],
  ])('%s is refused with a reason', async (name, code, message) => {
    expect(await failure(read(name))).toMatchObject({ code, message, details: { name } });
  });

  it('shows life after each page', async () => {
    const seen: number[][] = [];
    await extract(
      { name: 'report.pdf', bytes: fixture('report.pdf') },
      { pdfFilesUrl, onProgress: (done, total) => seen.push([done, total]) },
    );
    expect(seen).toEqual([
      [1, 3],
      [2, 3],
      [3, 3],
    ]);
  });
});

describe('a Word document', () => {
  it('is read with its headings, lists and tables', async () => {
    const { text, blocks, sections, mediaType, title } = await read('letter.docx');
    expect(mediaType).toBe('application/vnd.openxmlformats-officedocument.wordprocessingml.document');
    expect(title).toBe('Letter to the ferry office');
    expect(sections.map(({ label }) => label).slice(1)).toEqual(['Letter to the ferry office', 'What we ask', 'Fares']);
    expect(blocks.slice(3).map(({ kind, start, end }) => [kind, text.slice(start, end)])).toEqual([
      ['heading', 'What we ask'],
      ['list-item', 'A clock that everybody on the pier can see.'],
      ['list-item', 'A bell five minutes before departure.'],
      ['heading', 'Fares'],
      ['table-row', 'Crossing\tAdult\tChild'],
      ['table-row', 'North pier\t4.20\t2.10'],
      ['table-row', 'Island\t6.80\t3.40'],
      ['paragraph', 'With kind regards, the passengers’ council.'],
    ]);
  });
});

describe('an e-book', () => {
  it('is read chapter by chapter', async () => {
    const { text, sections, title, language } = await read('book.epub');
    expect({ title, language }).toEqual({ title: 'The Orchard Keeper’s Year', language: 'en' });
    expect(sections.map(({ label, level }) => [label, level]).slice(1)).toEqual([
      ['Winter', 1],
      ['Spring', 1],
      ['Grafting', 2],
      ['Autumn', 1],
    ]);
    expect(text).toContain('A scion of an old variety grows on a young root, if bark touches bark.');
  });

  const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
  /** @param chapters by path; `spine` lists them */
  const epub = (chapters: Record<string, string>, spine = Object.keys(chapters), more: Record<string, string> = {}) =>
    zipSync({
      mimetype: [utf8('application/epub+zip'), { level: 0 }],
      'META-INF/container.xml': utf8('<container><rootfiles><rootfile full-path="o/b.opf"/></rootfiles></container>'),
      'o/b.opf': utf8(
        `<package><metadata><dc:title>T</dc:title></metadata><manifest>${spine
          .map((path, i) => `<item id="i${i}" href="${path.replace(/^o\//, '').replaceAll(' ', '%20')}"/>`)
          .join('')}</manifest><spine>${spine.map((_, i) => `<itemref idref="i${i}"/>`).join('')}</spine></package>`,
      ),
      ...Object.fromEntries(Object.entries({ ...chapters, ...more }).map(([path, text]) => [path, utf8(text)])),
    });

  it('follows the order of its package file, with spaces in names and elements that end in their own tag', async () => {
    const bytes = epub({ 'o/b 2.xhtml': '<html><title/><p>Second.</p></html>', 'o/a.xhtml': '<p>First.</p>' }, [
      'o/a.xhtml',
      'o/b 2.xhtml',
    ]);
    expect((await read('a.epub', bytes)).text).toBe('First.\n\nSecond.');
  });

  it('says which chapters are missing', async () => {
    const bytes = epub({ 'o/a.xhtml': '<p>First.</p>' }, ['o/a.xhtml', 'o/gone.xhtml']);
    expect((await read('a.epub', bytes)).notes).toEqual(['1 of 2 chapters are missing in the file.']);
  });

  it('is refused where its chapters are encrypted', async () => {
    const bytes = epub({ 'o/a.xhtml': '\u0001\u0002' }, ['o/a.xhtml'], {
      'META-INF/encryption.xml': '<encryption><enc:CipherReference URI="o/a.xhtml"/></encryption>',
    });
    expect(await failure(read('a.epub', bytes))).toMatchObject({ code: 'file-locked' });
  });

  it('is refused without its package file', async () => {
    const bytes = zipSync({ mimetype: [utf8('application/epub+zip'), { level: 0 }], 'a.xhtml': utf8('<p>A</p>') });
    expect(await failure(read('a.epub', bytes))).toMatchObject({ code: 'file-damaged' });
  });

  it('takes no harm from names that mean something to objects', async () => {
    const bytes = epub({ 'o/a.xhtml': '<p>First.</p>' }, ['o/a.xhtml'], {
      '__proto__.xml': '<p>x</p>',
      'constructor.xml': 'y',
    });
    expect((await read('a.epub', bytes)).text).toBe('First.');
    expect(Object.prototype).not.toHaveProperty('__proto__.xml');
  });

  it('that would fill the memory is refused before it does', async () => {
    // 160 MB of spaces in 160 kB, in one file; and in forty that are each small enough.
    const bomb = epub({ 'o/a.xhtml': ' '.repeat(60_000_000) });
    expect(bomb.length).toBeLessThan(1_000_000);
    expect(await failure(read('a.epub', bomb))).toMatchObject({ code: 'file-damaged' });
    const many = epub(
      Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`o/${i}.xhtml`, ' '.repeat(3_900_000)])),
    );
    expect(await failure(read('a.epub', many))).toMatchObject({
      code: 'file-too-large',
      details: { limitBytes: maxUnzippedBytes },
    });
    // A directory that lies about a size gets no more than it says.
    const lying = epub({ 'o/a.xhtml': `<p>First.</p>${' '.repeat(3_000_000)}` });
    const view = new DataView(lying.buffer, lying.byteOffset);
    for (let at = 0; at + 4 < lying.length; at++) {
      const isDirectory = view.getUint32(at, true) === 0x02014b50;
      if (isDirectory && view.getUint32(at + 24, true) > 3_000_000) view.setUint32(at + 24, 13, true);
    }
    expect((await read('a.epub', lying)).text).toBe('First.');
  });
});

describe('a damaged file', () => {
  const rounds = process.env.LATERAL_LONG === '1' ? 200 : 25;
  /** Cuts, zeros, noise and doubled stretches, by a seed. */
  function mutated(bytes: Uint8Array, seed: number): Uint8Array {
    let state = seed * 2_654_435_761 + 1;
    const random = (below: number): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const result = bytes.slice();
    for (let i = 0; i <= random(6); i++) {
      const at = random(result.length);
      const length = 1 + random(60);
      switch (random(4)) {
        case 0:
          result.fill(random(256), at, at + length);
          break;
        case 1:
          result.copyWithin(at, random(result.length), result.length);
          break;
        case 2:
          for (let j = at; j < Math.min(result.length, at + length); j++) result[j] = random(256);
          break;
        default:
          result[at] = result[at]! ^ (1 << random(8));
      }
    }
    return random(5) === 0 ? result.subarray(0, random(result.length)) : result;
  }

  // PDFs: src/engine/extraction-worker.browser.test.ts
  it.each(['letter.docx', 'book.epub'])(
    'made of %s is read or refused in words',
    async (name) => {
      const bytes = fixture(name);
      for (let seed = 0; seed < rounds; seed++) {
        let text: ExtractedText;
        try {
          text = await read(name, mutated(bytes, seed).slice());
        } catch (error) {
          expect(error, `seed ${seed}`).toBeInstanceOf(LateralError);
          expect((error as LateralError).code, `seed ${seed}`).toMatch(/^file-/);
          continue;
        }
        let at = 0;
        for (const { start, end } of text.sections) {
          expect(start, `seed ${seed}`).toBeGreaterThanOrEqual(at);
          expect(end, `seed ${seed}`).toBeGreaterThanOrEqual(start);
          at = end;
        }
        if (text.pages !== undefined) expect(text.sections).toHaveLength(text.pages.length);
      }
    },
    600_000,
  );
});
