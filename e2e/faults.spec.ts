import { bread, expect, mars, test, trade } from './lateral.ts';

test('a full disk is said, nothing is lost, and search goes on', async ({ lateral, page, baseURL }) => {
  await lateral.open();
  await lateral.drop([trade]);
  await lateral.waitForDocuments(1);

  const devtools = await page.context().newCDPSession(page);
  const { usage } = (await devtools.send('Storage.getUsageAndQuota', { origin: baseURL! })) as { usage: number };
  await devtools.send('Storage.overrideQuotaForOrigin', { origin: baseURL!, quotaSize: usage + 1000 });
  await lateral.drop([{ name: 'large.txt', type: 'text/plain', text: `${bread.text}\n\n`.repeat(60) }]);
  await expect(page.getByRole('alert').getByText(/This browser is out of space\. Nothing was lost\./)).toBeVisible();

  await lateral.search.fill('the old harbour');
  await expect(lateral.results.first()).toContainText(trade.name);

  await devtools.send('Storage.overrideQuotaForOrigin', { origin: baseURL! });
  await page.getByRole('button', { name: 'Try again' }).click();
  await lateral.waitForDocuments(2);
  await lateral.search.fill('baking bread');
  await expect(lateral.results.first()).toContainText('large.txt');
});

test('the database deleted under an open page', async ({ lateral, page, context }) => {
  await lateral.open();
  await lateral.drop([trade]);
  await lateral.waitForDocuments(1);
  const other = await context.newPage();
  await other.goto('/icon.svg'); // the same origin, without Lateral
  await other.evaluate(
    () =>
      new Promise<void>((resolve) => {
        const request = indexedDB.deleteDatabase('lateral-default');
        request.onsuccess = () => resolve();
        request.onblocked = () => undefined;
      }),
  );
  await lateral.waitForDocuments(0);
  await lateral.drop([mars]);
  await lateral.waitForDocuments(1);
  await lateral.search.fill('a red planet');
  await expect(lateral.results.first()).toContainText(mars.name);
  expect(page.url()).toContain('#q=');
});

test('the graphics process crashes between two searches', async ({ lateral, page }, info) => {
  test.skip(info.project.metadata.scorer !== 'webgpu', 'needs a graphics device to lose');
  await lateral.open();
  await lateral.drop([trade, bread]);
  await lateral.waitForDocuments(2);
  await lateral.search.fill('the old harbour');
  await expect(lateral.results.first()).toContainText(trade.name);

  const browser = await page.context().browser()!.newBrowserCDPSession();
  await browser.send('Browser.crashGpuProcess');
  await lateral.search.fill('flour and dough');
  await expect(lateral.results.first()).toContainText(bread.name);
});

test('deep links: the query in the address is searched at once', async ({ lateral, page }) => {
  await lateral.open();
  await lateral.drop([trade, bread]);
  await lateral.waitForDocuments(2);
  await page.goto('about:blank');
  await page.goto('/#q=flour%20and%20dough');
  await expect(lateral.search).toHaveValue('flour and dough');
  await expect(lateral.results.first()).toContainText(bread.name);
  await lateral.search.fill('the old harbour');
  await expect(lateral.results.first()).toContainText(trade.name);
});
