/** axe over every section, empty and filled, with the viewer and each dialog open; light and dark, desktop and phone. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from '@playwright/test';
import { bread, expect, mars, test, trade, type Lateral } from './lateral.ts';

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface AxeResults {
  readonly violations: readonly {
    readonly id: string;
    readonly help: string;
    readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
  }[];
}

const arabic = {
  name: 'الميناء.txt',
  type: 'text/plain',
  text: 'عندما امتلأ النهر بالطمي، نقل التجار مخازنهم إلى الساحل، وبقي الميناء القديم خاليا.',
};
const japanese = { name: '港.txt', type: 'text/plain', text: '川が土砂で埋まると、商人たちは倉庫を海岸へ移した。' };

const sections = ['Library', 'Models', 'Evaluate', 'Benchmark', 'Settings'] as const;

for (const [device, width, height, colorScheme] of [
  ['desktop', 1440, 900, 'light'],
  ['phone', 390, 844, 'dark'],
] as const) {
  test.describe(device, { tag: '@once' }, () => {
    test.use({ colorScheme, viewport: { width, height }, reducedMotion: 'reduce' });

    test('axe finds nothing', async ({ lateral, page }) => {
      await lateral.open();
      await audit(page, 'empty');
      await go(page, 'Library', device);
      await expect(page.getByRole('main').getByRole('button', { name: 'Add documents' })).toBeVisible();
      await audit(page, 'empty library');
      await page.getByRole('navigation', { name: 'Sections' }).getByRole('link', { name: 'Search' }).click();
      await lateral.drop([trade, bread, mars, arabic, japanese, { name: 'a.bin', text: '\0\0\0\0', type: '' }]);
      await lateral.waitForDocuments(5);
      await page.getByRole('button', { name: 'See why' }).click();
      await audit(page, 'ready, with a failure');
      await page.getByRole('button', { name: 'Dismiss' }).click();

      await lateral.search.fill('why did traders leave the old harbour');
      await expect(lateral.results.first()).toContainText(trade.name);
      await audit(page, 'results');
      await lateral.search.fill('tax forms for widows');
      await expect(page.getByRole('heading', { name: /These are weak matches/ })).toBeVisible();
      await audit(page, 'weak matches');
      await lateral.search.fill('why did traders leave the old harbour');
      await expect(page.getByRole('heading', { name: 'Results' })).toBeAttached();
      await lateral.results.first().getByRole('button', { name: 'Why this matched' }).click();
      await audit(page, 'why');
      await page.keyboard.press('Escape');
      await lateral.results
        .first()
        .getByRole('button', { name: /More actions/ })
        .click();
      await audit(page, 'menu of a result');
      await page.getByRole('menuitem', { name: 'In this document only' }).click();
      await audit(page, 'in one document only');
      await page.getByRole('button', { name: /Search everywhere/ }).click();

      await lateral.results.first().getByRole('button', { name: trade.name, exact: true }).click();
      await expect(page.getByRole(device === 'phone' ? 'dialog' : 'region', { name: 'Document' })).toContainText(
        'silted',
      );
      await audit(page, 'viewer');
      await page.getByRole('button', { name: 'Close', exact: true }).click();

      await page.keyboard.press('?');
      await audit(page, 'keys');
      await page.keyboard.press('Escape');
      await expect(page.getByRole('dialog')).toHaveCount(0);

      for (const section of sections) {
        await go(page, section, device);
        await audit(page, section);
        if (section === 'Models') await auditModels(page);
        if (section !== 'Benchmark') continue;
        await page.getByRole('button', { name: 'Measure' }).click();
        await expect(page.getByRole('button', { name: 'Copy JSON' })).toBeVisible({ timeout: 60_000 });
        await audit(page, 'measured');
      }
      await go(page, 'Library', device);
      await page.getByRole('checkbox', { name: `Select ${trade.name}` }).check();
      await audit(page, 'selection');
      await page.getByRole('button', { name: 'More actions for the library' }).click();
      await page.getByRole('menuitem', { name: /Delete all/ }).click();
      await audit(page, 'delete all');
      await page.getByRole('button', { name: 'Cancel' }).click();
      await pasteDialog(lateral);
      await audit(page, 'paste');
    });
  });
}

async function go(page: Page, section: string, device: 'desktop' | 'phone'): Promise<void> {
  const nav = page.getByRole('navigation', { name: 'Sections' });
  if (device === 'phone' && !['Search', 'Library', 'Models'].includes(section)) {
    await nav.getByRole('button', { name: 'More' }).click();
    await audit(page, 'more sections');
  }
  await nav.getByRole('link', { name: section }).click();
  await expect(page.getByRole('heading', { name: section, level: 1 })).toBeVisible();
}

/** What is asked before a download, and what is known of a model. */
async function auditModels(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Download: jina-colbert-v2' }).click();
  await expect(page.getByRole('dialog', { name: 'Non-commercial use only' })).toBeVisible();
  await audit(page, 'consent');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Details of jina-colbert-v2' }).click();
  await audit(page, 'details of a model');
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await page.getByRole('textbox', { name: 'Repository' }).fill('no name');
  await page.getByRole('button', { name: 'Look up' }).click();
  await expect(page.getByText(/Write it as owner\/name/)).toBeVisible();
  await audit(page, 'a repository that is none');
}

async function pasteDialog({ page }: Lateral): Promise<void> {
  await page.getByRole('button', { name: 'Paste text' }).first().click();
  await expect(page.getByRole('dialog', { name: 'Paste text' })).toBeVisible();
}

/** In light and in dark. The policy allows no script tags, so axe comes in through the debugger. */
async function audit(page: Page, where: string): Promise<void> {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axeSource);
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    // what fades in, or from one to the other, is judged once it is there
    await page.evaluate(() =>
      Promise.all(document.getAnimations().map((animation) => animation.finished.catch(() => null))),
    );
    const { violations } = await page.evaluate(async () => {
      const { axe } = window as unknown as { axe: { run(context: Document, options: object): Promise<AxeResults> } };
      return axe.run(document, { resultTypes: ['violations'] });
    });
    const found = violations.map(({ id, help, nodes }) => ({
      id,
      help,
      nodes: nodes.map(({ html, failureSummary }) => `${html.slice(0, 160)} – ${failureSummary ?? ''}`),
    }));
    expect.soft(found, `${where}, ${colorScheme}`).toEqual([]);
  }
}
