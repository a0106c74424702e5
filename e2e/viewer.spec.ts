/** The viewer: PDF pages with the lit words on them, the text beside, next and previous, and what happens without the file. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Locator, Page } from '@playwright/test';
import { expect, type Lateral, test } from './lateral.ts';

const fixtures = fileURLToPath(new URL('../fixtures/lit-words/', import.meta.url));

interface GivenFile {
  readonly name: string;
  readonly bytes: Buffer;
}

const fixture = (file: string, name: string): GivenFile => ({ name, bytes: readFileSync(fixtures + file) });

/** Prints the fixtures' page as Chromium does. `lit` is the colour of the sought words. */
async function print(page: Page, name: string, lit: string, repeat = 1): Promise<GivenFile> {
  const printer = await page.context().newPage();
  const source = readFileSync(`${fixtures}words.html`, 'utf8');
  await printer.setContent(source.replace('<html', `<html style="--lit: ${lit}"`));
  await printer.evaluate((times) => {
    const sections = [...document.querySelectorAll('section')].map((section) => section.outerHTML);
    const filler = Array.from({ length: times - 1 }, (_, i) =>
      // The first copy has a word of the query, so that there is more than one match.
      sections.map((html) => html.replace(/<b>.*?<\/b>/g, i === 0 ? 'a harbour' : `thing ${i}`)).join(''),
    );
    document.body.innerHTML = [...filler, ...sections].join('');
  }, repeat);
  const bytes = await printer.pdf({ preferCSSPageSize: true });
  await printer.close();
  return { name, bytes };
}

async function drop(page: Page, files: readonly GivenFile[]): Promise<void> {
  await page.evaluate(
    (given) => {
      const data = new DataTransfer();
      for (const { name, base64 } of given) {
        const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
        data.items.add(new File([bytes], name, { type: 'application/pdf' }));
      }
      for (const type of ['dragenter', 'dragover', 'drop']) {
        document.body.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: data }));
      }
    },
    files.map(({ name, bytes }) => ({ name, base64: bytes.toString('base64') })),
  );
}

class Viewer {
  readonly root: Locator;
  readonly place: Locator;
  readonly count: Locator;
  readonly desk: Locator;

  constructor(page: Page) {
    this.root = page.locator('.viewer');
    this.place = this.root.locator('.viewer__place');
    this.count = this.root.locator('.viewer__count');
    this.desk = this.root.locator('.desk');
  }

  /** A page that is drawn, with its marks in place. */
  async page(number: number): Promise<Locator> {
    const figure = this.root.getByRole('figure', { name: `Page ${number}`, exact: true });
    await expect(figure).toHaveAttribute('data-picture', 'drawn');
    return figure;
  }

  /** How far down the desk an element's upper edge is, 0 to 1. */
  async shareDown(element: Locator): Promise<number> {
    const [box, desk] = [(await element.boundingBox())!, (await this.desk.boundingBox())!];
    return (box.y - desk.y) / desk.height;
  }
}

/** Opens a document's first result for a query, once a result with one of these words lit is there. */
async function openResult(
  lateral: Lateral,
  page: Page,
  query: string,
  words: readonly string[],
  name: string,
): Promise<Viewer> {
  await lateral.search.fill(query);
  const title = page.getByRole('button', { name, exact: true });
  const lit = page.locator('mark', { hasText: new RegExp(`^(${words.join('|')})$`) });
  await lateral.results
    .filter({ has: title })
    .filter({ has: lit })
    .first()
    .getByRole('button', { name, exact: true })
    .click();
  return new Viewer(page);
}

interface Area {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** Where the marks of these words are, as shares of the page. */
async function marksOf(figure: Locator, words: readonly string[]): Promise<Record<string, Area>> {
  for (const word of words) {
    await expect(figure.locator('mark[data-strength=strong]').getByText(word, { exact: true })).toHaveCount(1);
  }
  return figure.evaluate((element, sought) => {
    const page = element.getBoundingClientRect();
    const marks = [...element.querySelectorAll('mark')].filter((mark) => sought.includes(mark.textContent));
    return Object.fromEntries(
      marks.map((mark) => {
        const box = mark.getBoundingClientRect();
        const area = {
          left: (box.left - page.left) / page.width,
          right: (box.right - page.left) / page.width,
          top: (box.top - page.top) / page.height,
          bottom: (box.bottom - page.top) / page.height,
        };
        return [mark.textContent, area];
      }),
    );
  }, words);
}

/** All red pixels of a page's picture, as shares of it. */
function redPixels(figure: Locator): Promise<(readonly [x: number, y: number])[]> {
  return figure.evaluate((element) => {
    const picture = element.querySelector('canvas')!;
    const copy = new OffscreenCanvas(picture.width, picture.height);
    const context = copy.getContext('2d')!;
    context.drawImage(picture, 0, 0);
    const { data, width, height } = context.getImageData(0, 0, copy.width, copy.height);
    const red: [number, number][] = [];
    for (let i = 0; i < data.length; i += 4) {
      if (data[i]! > 150 && data[i + 1]! < 120 && data[i + 2]! < 120) {
        red.push([((i / 4) % width) / width, Math.floor(i / 4 / width) / height]);
      }
    }
    return red;
  });
}

const questions = [
  { page: 1, query: 'silted harbour', words: ['silted', 'harbour'] },
  { page: 2, query: 'keeper of the lantern', words: ['keeper', 'lantern'] },
  { page: 3, query: 'afflicted officers', words: ['officers', 'afflicted'] },
] as const;

test.describe('on a sharp screen', () => {
  test.use({ deviceScaleFactor: 2 });
  for (const producer of ['latex', 'libreoffice', 'chromium'] as const) {
    test(`lit words lie on the words: ${producer}`, { tag: '@once' }, async ({ lateral, page }) => {
      await lateral.open();
      const [plain, red] =
        producer === 'chromium'
          ? [await print(page, 'plain.pdf', 'inherit'), await print(page, 'red.pdf', 'red')]
          : [fixture(`${producer}.pdf`, 'plain.pdf'), fixture(`${producer}-red.pdf`, 'red.pdf')];
      await drop(page, [plain, red]);
      await lateral.waitForDocuments(2);

      for (const { page: number, query, words } of questions) {
        const viewer = await openResult(lateral, page, query, words, 'plain.pdf');
        await expect(viewer.place).toHaveText(`Page ${number} of 3`);
        const marks = await marksOf(await viewer.page(number), words);

        await openResult(lateral, page, query, words, 'red.pdf');
        await expect(viewer.root.getByRole('heading', { name: 'red.pdf' })).toBeVisible();
        const pixels = await redPixels(await viewer.page(number));
        expect(pixels.length, 'red pixels').toBeGreaterThan(300);

        // Every red pixel lies in a mark, give or take one and a half CSS pixels of a page 680 wide …
        const slack = 1.5 / 680;
        const within = ([x, y]: readonly [number, number], area: Area): boolean =>
          x > area.left - slack && x < area.right + slack && y > area.top - slack && y < area.bottom + slack;
        const outside = pixels.filter((pixel) => !Object.values(marks).some((area) => within(pixel, area)));
        expect(outside, `red pixels beside the marks of ${query}`).toEqual([]);
        // … and each word fills its mark from side to side.
        for (const [word, area] of Object.entries(marks)) {
          const xs = pixels.filter((pixel) => within(pixel, area)).map(([x]) => x);
          const filled = (Math.max(...xs) - Math.min(...xs)) / (area.right - area.left);
          expect(filled, `how much of its mark ${word} fills`).toBeGreaterThan(0.88);
          expect(filled).toBeLessThan(1.12);
        }
      }
    });
  }
});

test('opens at the passage, next and previous, map, text and back', { tag: '@once' }, async ({ lateral, page }) => {
  await lateral.open();
  await drop(page, [await print(page, 'notes.pdf', 'inherit', 5)]);
  await lateral.waitForDocuments(1);

  const viewer = await openResult(lateral, page, 'silted harbour', ['silted', 'harbour'], 'notes.pdf');
  await expect(viewer.place).toHaveText('Page 13 of 15');
  const figure = await viewer.page(13);
  const first = figure.locator('mark', { hasText: 'silted' });
  await expect.poll(() => viewer.shareDown(first)).toBeCloseTo(1 / 3, 1);
  expect(await viewer.root.getByRole('figure').count(), 'only pages near the view are there').toBeLessThan(8);

  // All matches of the document, in its order, by buttons and by keys.
  await expect(viewer.count).toHaveText(/^\d+ of (?!1$)\d+$/);
  const map = viewer.root.getByRole('navigation', { name: 'Document map' });
  await viewer.root.getByRole('button', { name: 'Previous match' }).click();
  await expect(viewer.place).not.toHaveText('Page 13 of 15');
  await page.keyboard.press('n');
  await expect(viewer.place).toHaveText('Page 13 of 15');
  await expect.poll(() => viewer.shareDown(first)).toBeCloseTo(1 / 3, 1);
  await map.getByRole('button').first().click();
  await expect(viewer.count).toHaveText(/^1 of/);
  await expect(viewer.place).not.toHaveText('Page 13 of 15');

  // The header follows the scroll.
  await viewer.desk.focus();
  await page.keyboard.press('End');
  await expect(viewer.place).toHaveText('Page 15 of 15');
  await viewer.page(15);
  await page.keyboard.press('Home');
  await expect(viewer.place).toHaveText('Page 1 of 15');

  // The text, at the same place; a choice that lasts while the viewer is open.
  await page.keyboard.press('p');
  await lateral.results.first().getByRole('button', { name: 'notes.pdf', exact: true }).click();
  await viewer.root.getByRole('button', { name: 'Text', exact: true }).click();
  const word = viewer.root.getByRole('article').locator('mark', { hasText: 'silted' });
  await expect(word).toBeInViewport();
  await expect(viewer.place).toHaveText('Page 13 of 15');
  await viewer.root.getByRole('button', { name: 'Previous match' }).click();
  await expect(viewer.root.getByRole('article')).toBeVisible();
  await viewer.root.getByRole('button', { name: 'Page', exact: true }).click();
  await expect(viewer.root.getByRole('figure').first()).toBeVisible();

  await page.keyboard.press('Escape');
  await expect(viewer.root).toBeHidden();
});

test('pointing at a word of the query lights its matches on the page', { tag: '@once' }, async ({ lateral, page }) => {
  await lateral.open();
  await drop(page, [fixture('latex.pdf', 'notes.pdf')]);
  await lateral.waitForDocuments(1);
  const viewer = await openResult(lateral, page, 'silted harbour', ['silted', 'harbour'], 'notes.pdf');
  const mark = (await viewer.page(1)).locator('mark', { hasText: 'silted' });
  await expect(mark).not.toHaveAttribute('data-quiet');
  await page.getByRole('button', { name: 'harbour, matched' }).hover();
  await expect(mark).toHaveAttribute('data-quiet');
});

test('without the file its text is shown, and why', { tag: '@once' }, async ({ lateral, page }) => {
  await lateral.open();
  await drop(page, [fixture('libreoffice.pdf', 'notes.pdf')]);
  await lateral.waitForDocuments(1);
  await page.getByRole('link', { name: 'Settings' }).click();
  await page.getByRole('switch', { name: 'Keep original files' }).click();
  await page.getByRole('button', { name: /^Remove the .* kept$/ }).click();
  await expect(page.getByText(/of original files\. Search works as before\./).first()).toBeVisible();
  await page.getByRole('link', { name: 'Search' }).click();
  const viewer = await openResult(lateral, page, 'silted harbour', ['silted', 'harbour'], 'notes.pdf');
  await expect(viewer.root.getByText('The original file was not kept, so this is its text.')).toBeVisible();
  await expect(viewer.root.getByRole('article').locator('mark', { hasText: 'silted' })).toBeInViewport();
  await expect(viewer.root.getByRole('button', { name: 'Text', exact: true })).toHaveCount(0);
});

test('on a phone it is a dialog over everything, and fits', { tag: '@once' }, async ({ lateral, page }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  await lateral.open();
  await drop(page, [fixture('latex.pdf', 'A rather long name for three short notes.pdf')]);
  await lateral.waitForDocuments(1);
  const name = 'A rather long name for three short notes.pdf';
  const viewer = await openResult(lateral, page, 'keeper of the lantern', ['keeper', 'lantern'], name);
  const dialog = page.getByRole('dialog', { name: 'Document' });
  await expect(dialog).toBeVisible();
  const figure = await viewer.page(2);
  await expect(figure.locator('mark', { hasText: 'keeper' })).toBeInViewport();
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
  const box = (await figure.boundingBox())!;
  expect(box.x).toBeGreaterThanOrEqual(0);
  expect(box.x + box.width).toBeLessThanOrEqual(390);
  for (const control of ['Previous match', 'Next match', 'Close', 'Text']) {
    const target = (await dialog.getByRole('button', { name: control, exact: true }).boundingBox())!;
    expect(target.x + target.width, control).toBeLessThanOrEqual(390);
    expect(Math.min(target.height, target.width), control).toBeGreaterThanOrEqual(control === 'Text' ? 24 : 44);
  }
  await page.keyboard.press('Escape');
  await expect(dialog).toBeHidden();
});
