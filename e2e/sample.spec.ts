/** The sample library, as someone who is just looking meets it: one click, a question, an answer in other words. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from './lateral.ts';

const questions = JSON.parse(
  readFileSync(fileURLToPath(new URL('../sample/questions.json', import.meta.url)), 'utf8'),
) as readonly { readonly question: string; readonly answer: string }[];

test('the sample library answers its own questions', { tag: '@once' }, async ({ lateral, page }) => {
  await lateral.open();
  await lateral.search.fill('the old port');
  await expect(page.getByText('There is nothing to search yet.')).toBeVisible();
  await lateral.search.fill('');
  const started = Date.now();
  await page.getByRole('button', { name: 'Try the sample library' }).click();
  await expect(lateral.search).toHaveAttribute('placeholder', /^Search \d{2,} documents/);
  console.log(`The sample library was there after ${Date.now() - started} ms.`);
  const count = Number(/\d+/.exec((await lateral.search.getAttribute('placeholder'))!)![0]);
  expect(count).toBeGreaterThanOrEqual(72);

  for (const [i, { question, answer }] of questions.entries()) {
    const list = page.getByRole('list', { name: 'Questions to try' });
    await expect(list.getByRole('button')).toHaveCount(questions.length);
    await list.getByRole('button', { name: question, exact: true }).click();
    await expect(lateral.search).toHaveValue(question);
    const hit = lateral.results.filter({ hasText: answer }).first();
    await expect(hit).toBeVisible();
    expect(Number(await hit.getAttribute('aria-posinset'))).toBe(1);
    expect(await hit.locator('mark').count()).toBeGreaterThan(0);
    if (i === 0) {
      // The hit leads into the text itself.
      await hit.getByRole('heading').getByRole('button').click();
      await expect(page.getByRole('region', { name: 'Document' })).toContainText('The merchants were practical men');
      await page.keyboard.press('Escape');
    }
    await lateral.search.fill('');
  }

  // It is kept, and it goes again as a whole.
  await page.reload();
  await lateral.waitForDocuments(count);
  await page.getByRole('button', { name: 'Remove the sample' }).click();
  await lateral.waitForDocuments(0);
});

test('without the sample library on the server, the page says so and goes on', { tag: '@once' }, async ({ page }) => {
  await page.route('**/sample/library.lateral', (route) => route.fulfill({ status: 404, body: 'Not found' }));
  await page.goto('/');
  await page.getByRole('button', { name: 'Try the sample library' }).click();
  await expect(page.getByText('The sample library could not be loaded.', { exact: false }).first()).toBeVisible();
  await expect(page.getByRole('button', { name: 'Try the sample library' })).toBeEnabled();
});
