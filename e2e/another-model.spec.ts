/** Documents that another model has read: found by their words at once, read again from what is stored, never asked for again. */
import type { BrowserContext, Page } from '@playwright/test';
import { bread, expect, Lateral, registers, test, trade } from './lateral.ts';

/** Makes the collection another model's, or of another version, while no tab of Lateral is open. */
async function pretend(context: BrowserContext, change: { readonly model?: string; readonly chunker?: number }) {
  const page = await context.newPage();
  await page.goto('/icon.svg'); // the same origin, without Lateral
  await page.evaluate(
    (fields) =>
      new Promise<void>((resolve, reject) => {
        const request = indexedDB.open('lateral-default');
        request.onerror = () => reject(new Error('The database did not open.'));
        request.onsuccess = () => {
          const store = request.result.transaction('meta', 'readwrite').objectStore('meta');
          const state = store.get('state');
          state.onsuccess = () => {
            const value = state.result as { fingerprint: object };
            Object.assign(value.fingerprint, fields);
            store.put(value, 'state').onsuccess = () => {
              request.result.close();
              resolve();
            };
          };
        };
      }),
    change,
  );
  await page.close();
}

/** Drops documents, and leaves them as if another model, or another version, had read them. */
async function readBy(
  lateral: Lateral,
  context: BrowserContext,
  files: Parameters<Lateral['drop']>[0],
  change: Parameters<typeof pretend>[1],
): Promise<void> {
  await lateral.open();
  await lateral.drop(files);
  await lateral.waitForDocuments(files.length);
  await lateral.page.goto('about:blank');
  await pretend(context, change);
}

test(
  'a better model reads the documents again, while their words are found',
  { tag: '@once' },
  async ({ lateral, page, context }) => {
    await readBy(lateral, context, [...registers(40), trade, bread], { model: 'another@7' });

    await lateral.open();
    const bar = page.getByRole('progressbar', { name: 'Reading documents again' });
    await expect(bar).toBeVisible();
    await expect(page.getByText(/^Reading \d+ of 42 documents again/)).toBeVisible();
    await expect(page.getByText(/Another model read these documents/).first()).toBeVisible();
    await lateral.search.fill('merchants warehouses');
    await expect(lateral.results.first()).toContainText(trade.name);

    await page.getByRole('button', { name: 'Cancel: Reading documents again' }).click();
    await expect(page.getByText(/^\d+ documents are found by words only, until read again\.$/).first()).toBeVisible();
    await expect(page.getByRole('button', { name: 'Continue: Reading documents again' })).toBeVisible();

    await page.reload(); // the rest goes on by itself
    await expect(bar).toBeVisible();
    await expect(page.getByText('Your documents have been read again.').first()).toBeVisible({ timeout: 120_000 });
    await expect(bar).toBeHidden();
    await lateral.search.fill('why did traders leave the port');
    await page.getByRole('radio', { name: 'Meaning' }).click();
    await expect(lateral.results.first()).toContainText(trade.name);

    await page.reload();
    await lateral.ready();
    await lateral.waitForDocuments(42);
    await expect(bar).toBeHidden();
    await expect(lateral.results.first()).toContainText(trade.name);
  },
);

test(
  'of two tabs one reads again: stopped in one, it stops in both; closed, the other goes on',
  { tag: '@once' },
  async ({ lateral, page, context, baseURL }) => {
    await readBy(lateral, context, registers(60, 16), { model: 'another@7' });

    await lateral.open();
    const other = new Lateral(await context.newPage(), '', new URL(baseURL!).origin);
    await other.open();
    await expect(other.page.getByText('Another tab is reading your documents again.')).toBeVisible();
    const cancel = { name: 'Cancel: Reading documents again' };
    const stopped = /^\d+ documents are found by words only, until read again\.$/;
    await page.getByRole('button', cancel).click();
    for (const tab of [lateral, other]) await expect(tab.page.getByText(stopped).first()).toBeVisible();

    await page.getByRole('button', { name: 'Continue: Reading documents again' }).click();
    await other.page.getByRole('button', { name: 'Continue: Reading documents again' }).click();
    await expect(page.getByText(/^Reading \d+ of \d+ documents again/)).toBeVisible();
    await page.close();
    await expect(other.page.getByText(/^Reading \d+ of \d+ documents again/)).toBeVisible();
    await expect(other.page.getByText('Your documents have been read again.').first()).toBeVisible({
      timeout: 120_000,
    });
    expect(other.problems).toEqual([]);
  },
);

test(
  'another version that cuts passages otherwise: said, and a way to start over',
  { tag: '@once' },
  async ({ lateral, page, context }) => {
    await readBy(lateral, context, [trade], { chunker: 0 });
    await page.goto('/');
    await expect(page.getByRole('heading', { name: /by another version of Lateral/ })).toBeVisible();
    const startOver = page.getByRole('button', { name: 'Remove these documents and start over' });
    await startOver.click();
    await startOver.click(); // asked once more
    await lateral.ready();
    await lateral.waitForDocuments(0);
    await lateral.drop([trade]);
    await lateral.waitForDocuments(1);
  },
);

test(
  'fewer numbers a word take less room at once; more need another reading',
  { tag: '@once' },
  async ({ lateral, page }) => {
    await lateral.open();
    await lateral.drop([...registers(1, 90), trade, bread]);
    await lateral.waitForDocuments(3);
    const full = await keptForSearch(page);
    const room = async (): Promise<number> => (await keptForSearch(page)) / full;

    await choose(page, 'Space for search', '64, half as much');
    await page.getByRole('button', { name: 'Reload to apply' }).click(); // and the page is the same again
    await expect.poll(room).toBeCloseTo(0.5, 1);
    await expect(page.getByRole('progressbar', { name: 'Reading documents again' })).toBeHidden();
    await page.getByRole('link', { name: 'Search', exact: true }).click();
    await lateral.ready();
    await lateral.search.fill('why did traders leave the port');
    await expect(lateral.results.first()).toContainText(trade.name);

    expect(await room()).toBeCloseTo(0.5, 1);
    await choose(page, 'Space for search', '128 numbers');
    await expect(page.getByText(/documents are read again/)).toBeVisible();
    await page.getByRole('button', { name: 'Reload to apply' }).click();
    await expect.poll(room, { timeout: 60_000 }).toBeCloseTo(1, 1); // once they have been read again
  },
);

test('similar words that share a place take half the room, and are found and lit after a reload', async ({
  lateral,
  page,
}) => {
  await lateral.open();
  await lateral.drop([...registers(1, 90), trade, bread]);
  await lateral.waitForDocuments(3);
  const full = await keptForSearch(page);
  const room = async (): Promise<number> => (await keptForSearch(page)) / full;

  await choose(page, 'Similar words', 'Shared: a half');
  await expect(page.getByText(/your documents are read again/)).toBeVisible();
  await page.getByRole('button', { name: 'Reload to apply' }).click();
  await expect.poll(room, { timeout: 60_000 }).toBeCloseTo(0.5, 1); // once they have been read again
  for (const time of ['at once', 'after a reload']) {
    await page.getByRole('link', { name: 'Search', exact: true }).click();
    await lateral.ready();
    await lateral.search.fill('why did traders leave the port');
    await expect(lateral.results.first(), time).toContainText(trade.name);
    await expect(lateral.results.first().locator('mark').filter({ hasText: 'merchants' }), time).toBeVisible();
    await page.reload();
  }
});

test('half the memory finds the same, and goes back at once', async ({ lateral, page }) => {
  await lateral.open();
  await lateral.drop([trade, bread]);
  await lateral.waitForDocuments(2);
  const room = await keptForSearch(page);
  for (const option of ['Half', 'Full']) {
    await page.getByRole('link', { name: 'Settings' }).click();
    await choose(page, 'Memory for search', option);
    await page.getByRole('button', { name: 'Reload to apply' }).click();
    await expect(page.getByRole('button', { name: 'Reload to apply' })).toBeHidden();
    await expect(page.getByRole('combobox', { name: 'Memory for search' })).toHaveText(option);
    expect(await keptForSearch(page)).toBe(room); // nothing of what is kept has changed
    await page.getByRole('link', { name: 'Search', exact: true }).click();
    await lateral.ready();
    await lateral.search.fill('why did traders leave the port');
    await expect(lateral.results.first()).toContainText(trade.name);
    await expect(lateral.results.first().locator('mark').filter({ hasText: 'merchants' })).toBeVisible();
  }
});

async function choose(page: Page, setting: string, option: string): Promise<void> {
  await page.getByRole('combobox', { name: setting }).click();
  await page.getByRole('option', { name: option }).click();
  await expect(page.getByRole('combobox', { name: setting })).toHaveText(option);
}

/** Bytes of vectors, as the Settings page tells them. */
async function keptForSearch(page: Page): Promise<number> {
  await page.getByRole('link', { name: 'Settings' }).click();
  const sentence = (await page.getByText(/kept for\s+search\.$/).textContent()) ?? '';
  const [, value, unit] = /([\d.]+) (B|KB|MB) kept/.exec(sentence) ?? [];
  return Number(value) * { B: 1, KB: 1e3, MB: 1e6 }[unit ?? 'B']!;
}
