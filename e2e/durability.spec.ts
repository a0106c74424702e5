/** What was said to be ready survives the browser being killed at any moment, and what was still to be read is read then. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type BrowserContext, type Page } from '@playwright/test';
import { chromiumArguments, findChromium } from '../scripts/chromium.mjs';
import { expect, test } from './lateral.ts';

const rounds = process.env.LATERAL_LONG === '1' ? 40 : 2;

test('kill -9 in the middle of reading', { tag: '@once' }, async ({ baseURL }) => {
  test.setTimeout(60_000 * rounds + 180_000);
  const profile = mkdtempSync(join(tmpdir(), 'lateral-kill-'));
  try {
    let acknowledged = 0;
    for (let round = 0; round < rounds; round++) {
      const first = await launch(profile);
      const page = await open(first.context, baseURL!);
      expect(await documents(page), 'after the kill before').toBeGreaterThanOrEqual(acknowledged);
      await drop(page, round);
      // A moment that differs from round to round: when a few more are ready.
      const target = (await documents(page)) + 1 + (round % 4);
      await expect.poll(() => documents(page), { timeout: 60_000 }).toBeGreaterThanOrEqual(target);
      acknowledged = await documents(page);
      first.kill();

      const second = await launch(profile);
      const again = await open(second.context, baseURL!);
      expect(await documents(again)).toBeGreaterThanOrEqual(acknowledged);
      // No half documents: each that is listed is found by its own words.
      await again.getByRole('searchbox', { name: 'Search' }).fill(`lighthouse number ${round}`);
      await expect(again.getByRole('list', { name: 'Results' }).getByRole('listitem').first()).toContainText(
        'lighthouse',
      );
      // Nothing is forgotten: each file of all rounds is a document or still to be read, and none is both.
      const line = again.getByText(/still to be read\./).first();
      await expect(line).toBeVisible();
      const unread = Number.parseInt((await line.textContent())!.replaceAll(',', ''), 10);
      acknowledged = await documents(again);
      expect(acknowledged + unread).toBe(30 * (round + 1));
      if (round === rounds - 1) {
        await again.getByRole('button', { name: 'Continue' }).first().click();
        await expect.poll(() => documents(again), { timeout: 120_000 }).toBe(30 * rounds);
      }
      await second.context.close();
    }
  } finally {
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
});

async function launch(profile: string): Promise<{ context: BrowserContext; kill: () => void }> {
  const server = await chromium.launchPersistentContext(profile, {
    ...findChromium().launch,
    args: chromiumArguments(),
  });
  const session = await server.browser()?.newBrowserCDPSession();
  const processes = (await session?.send('SystemInfo.getProcessInfo'))?.processInfo ?? [];
  const main = processes.find(({ type }) => type === 'browser');
  if (main === undefined) throw new Error('The browser does not say which process it is.');
  return { context: server, kill: () => process.kill(main.id, 'SIGKILL') };
}

async function open(context: BrowserContext, url: string): Promise<Page> {
  const page = context.pages()[0] ?? (await context.newPage());
  await page.goto(url);
  await expect(page.getByRole('searchbox', { name: 'Search' })).toHaveAttribute('placeholder', /^(Search \d|Add)/, {
    timeout: 60_000,
  });
  return page;
}

async function documents(page: Page): Promise<number> {
  const text = (await page.getByRole('searchbox', { name: 'Search' }).getAttribute('placeholder')) ?? '';
  return Number(/^Search ([\d,]+)/.exec(text)?.[1]?.replaceAll(',', '') ?? 0);
}

function drop(page: Page, round: number): Promise<void> {
  return page.evaluate((number) => {
    const data = new DataTransfer();
    for (let i = 0; i < 30; i++) {
      const text = `The lighthouse number ${number} of bay ${i}. ${'Its keeper wrote down every ship that passed. '.repeat(20)}`;
      data.items.add(new File([text], `lighthouse ${number} ${i}.txt`, { type: 'text/plain' }));
    }
    for (const type of ['dragenter', 'dragover', 'drop']) {
      document.body.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: data }));
    }
  }, round);
}
