/** Several tabs of one collection: one reads at a time, all see the same, and what one leaves another goes on with. */
import type { BrowserContext, Page } from '@playwright/test';
import { expect, Lateral, test } from './lateral.ts';

function file(name: string, sentences: number) {
  const text = `About ${name}. ${'The keeper of the light wrote down every ship. '.repeat(sentences)}`;
  return { name: `${name}.txt`, type: 'text/plain', text };
}

async function openTab(context: BrowserContext, baseURL: string): Promise<Lateral> {
  const tab = new Lateral(await context.newPage(), '', new URL(baseURL).origin);
  await tab.open();
  return tab;
}

test('eight tabs add at once', { tag: '@once' }, async ({ context, baseURL }) => {
  test.setTimeout(400_000);
  const tabs: Lateral[] = [];
  for (let i = 0; i < 8; i++) tabs.push(await openTab(context, baseURL!));
  const given = tabs.map((_, i) => [0, 1, 2].map((n) => file(`note ${n} of tab ${i}`, 3)));
  await Promise.all(tabs.map((tab, i) => tab.drop(given[i]!)));
  for (const tab of tabs) await expect.poll(() => tab.documents(), { timeout: 200_000 }).toBe(24);
  for (const tab of tabs) await tab.waitForDocuments(24);
  expect(await tabs[0]!.storedNames()).toEqual(
    given
      .flat()
      .map(({ name }) => name)
      .sort(),
  );
  for (const tab of tabs) {
    await expect(tab.page.getByText(/still to be read/)).toHaveCount(0);
    await tab.search.fill('note 2 of tab 5');
    await expect(tab.results.first()).toContainText('note 2 of tab 5');
    expect(tab.problems).toEqual([]);
  }
});

test(
  'the tab that reads is closed: the next goes on at once, and can go on with what is left',
  { tag: '@once' },
  async ({ context, baseURL }) => {
    test.setTimeout(400_000);
    const reader = await openTab(context, baseURL!);
    const next = await openTab(context, baseURL!);
    const long = Array.from({ length: 30 }, (_, i) => file(`long ${i}`, 20));
    const short = [0, 1, 2].map((i) => file(`short ${i}`, 3));
    await reader.drop(long);
    await expect.poll(() => reader.documents(), { timeout: 60_000 }).toBeGreaterThanOrEqual(3);
    await next.drop(short);
    await expect.poll(() => waiting(next.page)).toBe(1);
    await expect(next.page.getByText(/still to be read/)).toHaveCount(0); // the other is at work on them

    await reader.page.close();
    await expect.poll(() => waiting(next.page), { timeout: 2_000 }).toBe(0);
    await expect(next.page.getByText(/files are still to be read\./).first()).toBeVisible();
    const left = Number.parseInt(
      (await next.page
        .getByText(/files are still to be read\./)
        .first()
        .textContent())!,
      10,
    );
    expect(left).toBeGreaterThan(0);
    await expect.poll(() => next.documents(), { timeout: 90_000 }).toBe(30 - left + 3);

    await next.page.getByRole('button', { name: 'Continue' }).first().click();
    await expect.poll(() => next.documents(), { timeout: 200_000 }).toBe(33);
    await next.waitForDocuments(33);
    expect(await next.storedNames()).toEqual([...long, ...short].map(({ name }) => name).sort());
    await expect(next.page.getByText(/still to be read/)).toHaveCount(0);
    expect([...reader.problems, ...next.problems]).toEqual([]);
  },
);

/** How many calls wait for the one that reads. */
function waiting(page: Page): Promise<number> {
  return page.evaluate(async () => {
    const { pending = [] } = await navigator.locks.query();
    return pending.filter(({ name }) => name === 'lateral-default-writer').length;
  });
}
