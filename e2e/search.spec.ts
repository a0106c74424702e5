import { bread, expect, Lateral, mars, test, trade } from './lateral.ts';

test('paste and drop, search, reload, delete', async ({ lateral, page }, info) => {
  await lateral.open();
  await lateral.paste(trade.name, trade.text);
  await lateral.waitForDocuments(1);
  await lateral.drop([bread, mars]);
  await lateral.waitForDocuments(3);
  await expect(page).toHaveTitle(/Lateral/); // and not "owned": markup in a file is text

  await lateral.search.fill('why did traders leave the old harbour');
  const first = lateral.results.first();
  await expect(first).toContainText(trade.name);
  await expect(first).toContainText('The old port');
  const lit = first.locator('mark');
  await expect(lit.filter({ hasText: /^harbour$/ })).toHaveCount(1);
  expect(await lit.count()).toBeGreaterThan(1);
  await expect(page).toHaveURL(/#q=why/);
  expect(new URL(page.url()).search).not.toContain('harbour'); // the query stays out of what a server could log

  // The scorer that was asked for is the one at work.
  await lateral.expectComparing(info.project.metadata.scorer === 'webgpu' ? 'Graphics card' : 'Processor');
  await page.getByRole('link', { name: 'Settings' }).click();
  await expect(page.getByRole('heading', { name: 'Settings' })).toBeVisible();
  await page.getByRole('link', { name: 'Search' }).click();
  await expect(lateral.results.first()).toContainText(trade.name); // work is kept across sections

  // Reload: still there, and nothing is read again.
  await page.addInitScript(() => {
    const seen = { progress: false };
    Object.assign(window, { seen });
    new MutationObserver(() => {
      if (document.querySelector('[role=progressbar]') !== null) seen.progress = true;
    }).observe(document, { childList: true, subtree: true });
  });
  await page.reload();
  await lateral.waitForDocuments(3);
  await expect(lateral.search).toHaveValue('why did traders leave the old harbour');
  await expect(lateral.results.first()).toContainText(trade.name);
  expect(await page.evaluate(() => (window as unknown as { seen: { progress: boolean } }).seen.progress)).toBe(false);

  // Delete, undo, delete for good.
  const remove = async (): Promise<void> => {
    await lateral.results.first().hover();
    await lateral.results
      .first()
      .getByRole('button', { name: /More actions/ })
      .click();
    await page.getByRole('menuitem', { name: /Delete/ }).click();
    await lateral.waitForDocuments(2);
  };
  await remove();
  await expect(lateral.results.filter({ hasText: trade.name })).toHaveCount(0);
  await page.getByRole('button', { name: 'Undo' }).click();
  await lateral.waitForDocuments(3);
  await expect(lateral.results.first()).toContainText(trade.name);
  await remove();
  await page.reload();
  await lateral.waitForDocuments(2);
  await expect(lateral.results.filter({ hasText: trade.name })).toHaveCount(0);
});

test('two tabs agree', async ({ lateral, page, context, baseURL }, info) => {
  await lateral.open();
  const second = await context.newPage();
  const other = new Lateral(second, String(info.project.metadata.query), new URL(baseURL!).origin);
  await other.open();

  await lateral.drop([trade, bread]);
  await lateral.waitForDocuments(2);
  await other.waitForDocuments(2);
  await other.search.fill('flour and dough');
  await expect(other.results.first()).toContainText(bread.name);

  await other.results.first().hover();
  await other.results
    .first()
    .getByRole('button', { name: /More actions/ })
    .click();
  await second.getByRole('menuitem', { name: /Delete/ }).click();
  await lateral.waitForDocuments(1);
  await lateral.search.fill('the old harbour');
  await expect(lateral.results.filter({ hasText: trade.name })).toHaveCount(1);
  await expect(lateral.results.filter({ hasText: bread.name })).toHaveCount(0);
  await page.bringToFront();
  expect(other.problems).toEqual([]);
});

test('a page of text in the search box leaves its results in sight', { tag: '@once' }, async ({ lateral, page }) => {
  await lateral.open();
  await lateral.drop([trade, bread]);
  await lateral.waitForDocuments(2);
  await lateral.search.fill('harbour '.repeat(500));
  await expect(lateral.results.first()).toContainText(trade.name);
  await expect(lateral.results.first()).toBeInViewport();
  await expect(page.getByRole('group', { name: 'Your words' })).toContainText('and 476 more');
  await expect(page.getByText('Your question is longer than the model reads.')).toBeVisible();
});

test('files that cannot be read are named, and the rest goes on', { tag: '@once' }, async ({ lateral, page }) => {
  await lateral.open();
  await lateral.drop([
    { name: 'empty.txt', text: '   ', type: 'text/plain' },
    { name: 'data.bin', text: '\u0000\u0001\u0002\u0003\u0000\u0000\u0000\u0000', type: 'application/octet-stream' },
    bread,
  ]);
  await lateral.waitForDocuments(1);
  await page.getByRole('button', { name: /See why/ }).click();
  await expect(page.getByText('empty.txt is empty.')).toBeVisible();
  await expect(page.getByText('data.bin is not a kind of file Lateral can read.')).toBeVisible();
  await lateral.search.fill('bake the loaf');
  await expect(lateral.results.first()).toContainText(bread.name);

  // Nothing is relevant, and there is one passage: it is shown, and called what it is.
  await lateral.search.fill('tax forms for widows');
  await expect(page.getByRole('heading', { name: 'Nothing comes close. This is a weak match.' })).toBeVisible();
  await expect(lateral.results.first()).toContainText(bread.name);
  await expect(page.getByRole('status').filter({ hasText: 'This is a weak match. Nearest: bread' })).toBeAttached();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('region', { name: 'Document' })).toContainText('rise overnight');
});

test(
  'Cancel stops, keeps what was read, and the rest can be added after all',
  { tag: '@once' },
  async ({ lateral, page }) => {
    await lateral.open();
    const many = Array.from({ length: 40 }, (_, i) => ({
      name: `note ${i}.txt`,
      type: 'text/plain',
      text: `Note ${i}. ${'The boats lay still in the quiet harbour that morning. '.repeat(25)}`,
    }));
    await lateral.drop(many);
    const bar = page.getByRole('progressbar');
    await expect(bar).toBeVisible();
    await expect(bar).toHaveAttribute('aria-valuetext', /of 40 files/);
    await expect(lateral.search).toHaveAttribute('placeholder', /^Search \d/); // some are through: searchable already
    await page.getByRole('button', { name: 'Cancel' }).click();
    await expect(
      page.getByRole('region', { name: 'Reading' }).getByText(/^Stopped\. \d+ files? (is|are) ready\./),
    ).toBeVisible();
    await lateral.search.fill('harbour');
    await expect(lateral.results.first()).toContainText('note');
    await page.getByRole('button', { name: 'Add the rest' }).click();
    await expect(bar).toBeVisible();
    await page.getByRole('button', { name: 'Cancel' }).click();
  },
);

test('a broken worker is said, and nothing hangs', { tag: '@once' }, async ({ page }) => {
  await page.route(/engine\.worker.*\.js$/, (route) => route.abort());
  await page.goto('/');
  await expect(
    page.getByRole('heading', { name: 'Part of Lateral did not load. Your documents are safe.' }),
  ).toBeVisible();
  await expect(page.getByRole('button', { name: 'Reload' })).toBeVisible();
});

test('without IndexedDB it works, and says that nothing is kept', async ({ lateral, page }) => {
  await page.addInitScript(() => Object.defineProperty(globalThis, 'indexedDB', { get: () => undefined }));
  await page.route(/engine\.worker.*\.js$/, async (route) => {
    // The worker's own realm: the same, before anything else runs.
    const response = await route.fetch();
    const body = await response.text();
    await route.fulfill({
      response,
      body: `Object.defineProperty(globalThis,'indexedDB',{get:()=>undefined});${body}`,
    });
  });
  await lateral.open();
  await expect(page.getByText(/documents disappear when you close it/)).toBeVisible();
  await lateral.drop([bread]);
  await lateral.waitForDocuments(1);
  await lateral.search.fill('dough in the oven');
  await expect(lateral.results.first()).toContainText(bread.name);
});

test('this device is measured: stopped, run, and copied as JSON', async ({ lateral, page, context }, info) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await lateral.open();
  await page.getByRole('link', { name: 'Benchmark' }).click();
  const measure = page.getByRole('button', { name: 'Measure' });
  await measure.click();
  await expect(page.getByRole('progressbar', { name: 'Measuring' })).toBeVisible();
  await page.getByRole('button', { name: 'Cancel' }).click();
  await expect(page.getByRole('main').getByText('Stopped before it was done.')).toBeVisible();
  await expect(page.getByRole('table')).toHaveCount(0);

  await page.getByRole('link', { name: 'Search' }).click();
  await lateral.drop([trade, bread]);
  await lateral.waitForDocuments(2);
  await page.getByRole('link', { name: 'Benchmark' }).click();
  await measure.click();
  const ways = page.getByRole('table', { name: 'Ways of comparing' });
  await expect(ways.getByRole('rowheader', { name: /^JavaScript/ })).toBeVisible({ timeout: 60_000 });
  await expect(page.getByRole('table', { name: 'Whole searches' }).getByRole('row')).toHaveCount(5);
  await expect(page.getByText('All int8 ways gave the same scores')).toBeVisible();
  const software = ways.getByRole('rowheader', { name: /^Software adapter/ });
  await expect(software).toHaveCount(info.project.metadata.scorer === 'webgpu' ? 1 : 0);
  const rows = await ways.getByRole('row').count();
  await expect(page.locator('.speed svg path')).toHaveCount(rows - 1); // a bar for each figure

  await page.getByRole('button', { name: 'Copy JSON' }).click();
  const report = JSON.parse(await page.evaluate(() => navigator.clipboard.readText())) as {
    readonly browser: string;
    readonly index: { readonly documents: number };
    readonly comparing: { readonly origin: string; readonly figures: readonly { readonly tokensPerSecond: number }[] };
  };
  expect(report).toMatchObject({ report: 'lateral-benchmark', index: { documents: 2 }, searches: { runs: 10 } });
  expect(report.browser).toContain('Chrome');
  expect(report.comparing).toMatchObject({ origin: 'made-up', sameScores: true, failed: [] });
  expect(report.comparing.figures).toHaveLength(rows - 1);
  expect(report.comparing.figures.every(({ tokensPerSecond }) => tokensPerSecond > 0)).toBe(true);
});
