/** Takes the pictures in docs/screenshots from the built app: `npm run build && node scripts/screenshots.mjs`. */
import { mkdirSync, readFileSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { chromiumArguments, findChromium } from './chromium.mjs';
import { root } from './setup.mjs';
import { serveBuild } from './serve-build.mjs';

const question = 'why did traders leave the port';
const documents = {
  'Baltic trade.md': `# Baltic trade

## The silting of the river

When the river silted up, the merchants moved their warehouses to the coast, and the old harbour stood empty. Grain that had once been weighed on the quay went by cart to the new docks, two days away.

## Prices

The cost of grain doubled within ten years. The guild lowered its fees to keep its members, but the Dutch paid in silver and asked no fee at all.
`,
  'Letters of a harbour master.txt': `My dear brother, you ask what became of us. The channel is so shallow now that no ship of any size can enter. The brokers closed their offices one after the other and went south with their families; of the forty houses on the quay nine are lived in.

The pilots have become fishermen. I still keep the book of tolls, though there is little to write in it.
`,
  'Town council minutes 1467.html': `<title>Town council minutes</title><h1>Town council minutes</h1><h2>On dredging</h2><p>The council heard the report on the sand bank. Dredging was found too dear, since the spring floods undo the work of a summer.</p><h2>On the bakers</h2><p>Bread shall be sold by weight and not by the loaf.</p>`,
  'bread.txt':
    'Mix flour, water and salt. Let the dough rise overnight, then bake the loaf in a hot oven for forty minutes.',
  'Garden notes.md':
    '# Garden\n\n## Slugs\n\nSlugs come at night. Beer traps work; copper rings work better.\n\n## Tomatoes\n\nTomatoes need warmth and a sheltered wall. Water them in the morning, never on the leaves.',
  'Reading list.csv': 'author,title,year\nBraudel,The Wheels of Commerce,1979\nPirenne,Medieval Cities,1925\n',
};

const pdf = 'The silting of small harbours.pdf';
const pdfBytes = readFileSync(`${root}fixtures/documents/two-columns.pdf`).toString('base64');

const folder = `${root}docs/screenshots`;
mkdirSync(folder, { recursive: true });
const server = await serveBuild({ port: 0 });
const browser = await chromium.launch({ ...findChromium().launch, args: chromiumArguments() });
try {
  for (const colorScheme of ['light', 'dark']) {
    for (const [device, width, height, deviceScaleFactor] of [
      ['desktop', 1440, 900, 1],
      ['phone', 390, 844, 2],
    ]) {
      const context = await browser.newContext({
        ...{ viewport: { width, height }, colorScheme, deviceScaleFactor },
        serviceWorkers: 'block',
      });
      await takeAll(await context.newPage(), (name) => `${folder}/${name}-${device}-${colorScheme}.png`);
      await context.close();
    }
  }
} finally {
  await browser.close();
  await server.close();
}

async function takeAll(page, pathOf) {
  const shoot = async (name) => {
    await page.mouse.move(0, 0);
    await page.screenshot({ path: pathOf(name) });
  };
  await page.goto(server.url);
  await placeholder(page, /^Add documents/);
  await shoot('empty');
  const filler = Array.from({ length: 240 }, (_, i) => [
    `Port register ${1260 + i}.txt`,
    `Register of the year ${1260 + i}. ${'The toll was paid in full, and the ship was let through. '.repeat(30)}`,
  ]);
  await drop(page, [...Object.entries(documents), ...filler]);
  const dialog = page.getByRole('button', { name: /^Add \d+ files/ });
  await dialog.or(page.getByRole('progressbar')).first().waitFor();
  if (await dialog.isVisible()) await dialog.click();
  await placeholder(page, /^Search \d+/);
  await page.getByRole('searchbox', { name: 'Search' }).fill(question);
  await page.getByRole('list', { name: 'Results' }).getByRole('listitem').first().waitFor();
  await page.waitForTimeout(5000); // the estimate needs a steady rate
  await shoot('indexing');
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('button', { name: 'Add the rest' }).waitFor();
  await page.reload();
  await page.getByRole('button', { name: 'Discard' }).click();
  await page.getByText(/^Discarded/).waitFor();
  await page.reload();
  await page.getByRole('list', { name: 'Results' }).getByRole('listitem').nth(1).waitFor();
  await page.waitForTimeout(500);
  await shoot('results');
  await page.getByRole('list', { name: 'Results' }).getByRole('listitem').first().getByRole('button').first().click();
  await page.getByRole('navigation', { name: 'Document map' }).waitFor();
  await page.waitForTimeout(500);
  await shoot('viewer');
  await page.getByRole('button', { name: 'Close' }).first().click();
  await drop(page, [[pdf, pdfBytes]]);
  const result = page.getByRole('list', { name: 'Results' }).getByRole('button', { name: pdf }).first();
  await result.click();
  await page.locator('figure mark').first().waitFor();
  await page.waitForTimeout(1500); // the picture is drawn
  await shoot('pdf');
  await page.getByRole('button', { name: 'Close' }).first().click();
  await page.getByRole('navigation', { name: 'Sections' }).getByRole('link', { name: 'Models' }).click();
  await page.getByRole('heading', { name: 'jina-colbert-v2' }).waitFor();
  await page.waitForTimeout(500);
  await shoot('models');
}

function placeholder(page, pattern) {
  return page.waitForFunction(
    (source) => new RegExp(source).test(document.querySelector('input[type=search]')?.placeholder ?? ''),
    pattern.source,
    { timeout: 90_000 },
  );
}

function drop(page, files) {
  return page.evaluate((given) => {
    const types = { html: 'text/html', md: 'text/markdown', csv: 'text/csv', pdf: 'application/pdf' };
    const data = new DataTransfer();
    for (const [name, text] of given) {
      const ending = name.split('.').at(-1);
      const content = ending === 'pdf' ? Uint8Array.from(atob(text), (character) => character.charCodeAt(0)) : text;
      data.items.add(new File([content], name, { type: types[ending] ?? 'text/plain' }));
    }
    for (const type of ['dragenter', 'dragover', 'drop']) {
      document.body.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: data }));
    }
  }, files);
}
