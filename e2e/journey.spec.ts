/** A whole visit without a mouse: every step by keys alone, and focus is always where a person expects it. */
import type { Page } from '@playwright/test';
import { expect, test } from './lateral.ts';

test(
  'start, sample, ask, read, delete, undo, settings: by keyboard alone',
  { tag: '@once' },
  async ({ lateral, page }) => {
    await lateral.open();
    const { keyboard } = page;

    // Into the sample library, by Tab alone.
    await tabTo(page, 'Try the sample library');
    await keyboard.press('Enter');
    await expect(page.getByRole('list', { name: 'Questions to try' }).getByRole('button')).toHaveCount(8);

    // A question of our own, then into the results.
    await keyboard.press('/');
    await expect(lateral.search).toBeFocused();
    await keyboard.type('why does bread rise');
    await expect(lateral.results.first()).toBeVisible();
    await expect(page.locator('#results')).toHaveAttribute('data-query', 'why does bread rise');
    await expect(lateral.results.first()).toHaveAttribute('aria-posinset', '1');
    await keyboard.press('ArrowDown');
    const first = titleOf(page, 0);
    await expect(first).toBeFocused();
    await keyboard.press('End');
    await expect(page.locator('[data-result-title]').last()).toBeFocused();
    await keyboard.press('Home');
    await expect(first).toBeFocused();

    // Why, and back again.
    await keyboard.press('w');
    await expect(page.getByRole('dialog', { name: 'Why this matched' })).toBeVisible();
    await keyboard.press('Escape');
    await expect(page.getByRole('dialog')).toHaveCount(0);
    await expect(page.locator('[data-result] :focus')).toHaveCount(1); // given back

    // Open it; the viewer follows; n and p step through its matches; Escape closes it and focus is on the result again.
    await keyboard.press('/');
    await expect(lateral.search).toBeFocused();
    await keyboard.press('Enter');
    const viewer = page.getByRole('region', { name: 'Document', exact: true });
    await expect(viewer).toBeVisible();
    await expect(first).toHaveAttribute('aria-current', 'true');
    await keyboard.press('ArrowDown');
    await expect(first).toBeFocused();
    await keyboard.press('n');
    await keyboard.press('p');
    await expect(viewer).toBeVisible();
    await keyboard.press('Escape');
    await expect(viewer).toBeHidden();

    // More like this: the passage becomes the question.
    await keyboard.press('Home');
    await first.focus();
    await keyboard.press('m');
    await expect(lateral.search).not.toHaveValue('why does bread rise');
    await expect(lateral.search).not.toHaveValue('');

    // Words only, by arrows within the radio group.
    await page.getByRole('radiogroup', { name: 'Match by' }).getByRole('radio', { checked: true }).focus();
    await keyboard.press('ArrowRight');
    await expect(page.getByRole('radio', { name: 'Meaning' })).toBeChecked();
    await keyboard.press('ArrowRight');
    await expect(page.getByRole('radio', { name: 'Words' })).toBeChecked();
    await keyboard.press('/');
    await expect(lateral.search).toBeFocused();
    await keyboard.type('qwertzuiop');
    await expect(page.getByRole('heading', { name: 'No passage contains "qwertzuiop".' })).toBeVisible();
    await tabTo(page, 'Search by meaning');
    await keyboard.press('Enter');
    await expect(page.getByRole('radio', { name: 'Meaning' })).toBeChecked();

    // Escape empties the box; then to the library, whose title takes the focus.
    await keyboard.press('/');
    await keyboard.press('Escape');
    await expect(lateral.search).toHaveValue('');
    await tabTo(page, 'Library');
    await keyboard.press('Enter');
    await expect(page.getByRole('heading', { name: 'Library', level: 1 })).toBeFocused();
    const rows = page.getByRole('table').getByRole('row');
    const before = await rows.count();
    await tabTo(page, /^Delete (?!all)/);
    await keyboard.press('Enter');
    await expect(rows).toHaveCount(before - 1);
    await keyboard.press('F6'); // Base UI's way into the notices
    await tabTo(page, 'Undo');
    await keyboard.press('Enter');
    await expect(rows).toHaveCount(before);

    // Settings: the theme, by arrows.
    await tabTo(page, 'Settings');
    await keyboard.press('Enter');
    await expect(page.getByRole('heading', { name: 'Settings', level: 1 })).toBeFocused();
    await tabTo(page, 'System');
    await keyboard.press('ArrowRight');
    await keyboard.press('ArrowRight');
    await expect(page.getByRole('radio', { name: 'Dark' })).toBeChecked();
    await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');

    // All keys, and out again.
    await keyboard.press('?');
    await expect(page.getByRole('dialog', { name: 'Keys' })).toBeVisible();
    await keyboard.press('Escape');
    await expect(page.getByRole('dialog')).toHaveCount(0);
  },
);

const titleOf = (page: Page, at: number) => page.locator('[data-result-title]').nth(at);

/** Presses Tab until the focus is on what has this name. */
async function tabTo(page: Page, name: string | RegExp): Promise<void> {
  for (let i = 0; i < 120; i++) {
    const focused = await page.evaluate(() => {
      const element = document.activeElement;
      if (element === null || element === document.body) return '';
      return (element.getAttribute('aria-label') ?? element.textContent).trim();
    });
    if (typeof name === 'string' ? focused === name : name.test(focused)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`Tab does not lead to ${String(name)}.`);
}
