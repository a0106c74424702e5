import { bread, expect, mars, test, trade } from './lateral.ts';

/** Says so each time a graphics device goes away. */
const countLosses = `
  const requestDevice = GPUAdapter.prototype.requestDevice;
  GPUAdapter.prototype.requestDevice = async function (...given) {
    const device = await requestDevice.apply(this, given);
    void device.lost.then(() => new BroadcastChannel('test-lost-device').postMessage('lost'));
    return device;
  };
`;

test('a full disk is said, nothing is lost, and search goes on', async ({ lateral, page }) => {
  const setFull = await lateral.withFullDisk();
  await lateral.open();
  await lateral.drop([trade]);
  await lateral.waitForDocuments(1);

  await setFull(true);
  await lateral.drop([bread]);
  await expect(page.getByText(/This browser is out of space\. Nothing was lost\./).first()).toBeVisible();
  await lateral.search.fill('the old harbour');
  await expect(lateral.results.first()).toContainText(trade.name);

  await setFull(false);
  await page.getByRole('button', { name: 'Try again' }).click();
  await lateral.waitForDocuments(2);
  await lateral.search.fill('bake the loaf');
  await expect(lateral.results.first()).toContainText(bread.name);
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

test('the graphics process crashes between two searches', { tag: '@gpu' }, async ({ lateral, page }) => {
  await lateral.beforeWorker(countLosses);
  await page.addInitScript(() => {
    const counted = Object.assign(window, { losses: 0 });
    new BroadcastChannel('test-lost-device').onmessage = () => counted.losses++;
  });
  await lateral.open();
  await lateral.drop([trade, bread]);
  await lateral.waitForDocuments(2);
  await lateral.search.fill('the old harbour');
  await expect(lateral.results.first()).toContainText(trade.name);

  await lateral.expectComparing('Graphics card');

  const browser = await page.context().browser()!.newBrowserCDPSession();
  await browser.send('Browser.crashGpuProcess');
  await lateral.search.fill('flour and dough');
  await expect(lateral.results.first()).toContainText(bread.name);
  await expect.poll(() => page.evaluate(() => (window as unknown as { losses: number }).losses)).toBe(1);
});

test('deep links: the query in the address is searched at once', { tag: '@once' }, async ({ lateral, page }) => {
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

test(
  'a model that gives other numbers than the stored ones is not used',
  { tag: '@once' },
  async ({ lateral, page }) => {
    await page.route('**/self-test.json', async (route) => {
      const response = await route.fetch();
      const file = (await response.json()) as { cases: { rows: number[][] }[] };
      const turned = file.cases.map((each) => ({ ...each, rows: each.rows.map((row) => row.toReversed()) }));
      await route.fulfill({ response, json: { ...file, cases: turned } });
    });
    await page.goto('/');
    await expect(page.getByRole('heading', { name: /wrong results on this device/ })).toBeVisible();
    expect(lateral.problems).toEqual([]);
  },
);
