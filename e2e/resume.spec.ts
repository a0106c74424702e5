/** A batch that is cut short goes on where it was: after a reload, a cancel, a full disk. */
import type { Page } from '@playwright/test';
import { expect, test, type Lateral } from './lateral.ts';

const count = 30;
test.describe.configure({ timeout: 300_000 });

/** Long enough that the batch is not through before the test has looked. */
const batch = Array.from({ length: count }, (_, i) => ({
  name: `lighthouse ${i}.txt`,
  type: 'text/plain',
  text: `The lighthouse of bay ${i}. ${'Its keeper wrote down every ship that passed. '.repeat(20)}`,
}));

/** Drops the batch and waits until a part of it can be searched. */
async function readSome(lateral: Lateral): Promise<void> {
  await lateral.drop(batch);
  await expect.poll(() => lateral.documents(), { timeout: 60_000 }).toBeGreaterThanOrEqual(3);
}

/** How many files the page says are still to be read. */
async function unread(page: Page): Promise<number> {
  const line = page.getByText(/files? (is|are) still to be read\./).first();
  await expect(line).toBeVisible();
  return Number.parseInt((await line.textContent())!, 10);
}

async function expectEachOnce(lateral: Lateral): Promise<void> {
  await expect.poll(() => lateral.documents(), { timeout: 200_000 }).toBe(count);
  await lateral.waitForDocuments(count);
  expect(await lateral.storedNames()).toEqual(batch.map(({ name }) => name).sort());
}

test('a reload in the middle of a batch of thirty', { tag: '@once' }, async ({ lateral, page }) => {
  await lateral.open();
  await readSome(lateral);
  await page.reload();
  await lateral.ready();
  const left = await unread(page);
  const read = await lateral.documents();
  expect(left).toBeGreaterThan(0);
  expect(read + left).toBe(count);
  await lateral.search.fill('lighthouse');
  await expect(lateral.results.first()).toContainText('lighthouse');

  await page.getByRole('button', { name: 'Continue' }).first().click();
  await expectEachOnce(lateral);
  await expect(page.getByText(/still to be read/)).toHaveCount(0);
  await page.reload();
  await lateral.ready();
  await expectEachOnce(lateral);
  await expect(page.getByText(/still to be read/)).toHaveCount(0);
});

test('what is still to be read can be let go', { tag: '@once' }, async ({ lateral, page }) => {
  await lateral.open();
  await readSome(lateral);
  await page.reload();
  await lateral.ready();
  await unread(page);
  const read = await lateral.documents();
  await page.getByRole('button', { name: 'Discard' }).first().click();
  await expect(page.getByText(/still to be read/)).toHaveCount(0);
  await page.reload();
  await lateral.ready();
  await lateral.waitForDocuments(read);
  await expect(page.getByText(/still to be read/)).toHaveCount(0);
});

test('a disk that fills up in the middle of a batch', { tag: '@once' }, async ({ lateral, page }) => {
  const setFull = await lateral.withFullDisk();
  await lateral.open();
  const tryAgain = page.getByRole('button', { name: 'Try again' }); // there only once the work has stopped
  await setFull(true);
  await lateral.drop(batch);
  await expect(tryAgain).toBeVisible();
  await expect(page.getByText(/out of space/).first()).toBeVisible();
  expect(await lateral.documents()).toBe(0);
  await setFull(false);
  await tryAgain.click();
  await expect.poll(() => lateral.documents(), { timeout: 60_000 }).toBeGreaterThanOrEqual(3);

  await setFull(true);
  await expect(tryAgain).toBeVisible({ timeout: 90_000 });
  await setFull(false);
  await tryAgain.click();
  await expectEachOnce(lateral);
  await expect(page.getByText(/still to be read/)).toHaveCount(0);
});
