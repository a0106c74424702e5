/** What the end-to-end tests share: a page that is watched for errors, policy violations and foreign requests. */
import { expect, test as base, type Locator, type Page } from '@playwright/test';

interface Fixtures {
  /** Opens the app, by default in this project's way, and fails the test for anything that should never happen. */
  readonly lateral: Lateral;
}

/**
 * Chromium 156 accepts Storage.overrideQuotaForOrigin and does not enforce it on IndexedDB (tried: 6 MB went through an
 * override of 5 kB). So the worker's writes fail here as a full disk makes them fail, on request; that the store rolls
 * back on a real quota is tested in src/store/idb-store.browser.test.ts, in a storage bucket with one.
 */
const fullDisk = `
  let full = false;
  const put = IDBObjectStore.prototype.put;
  IDBObjectStore.prototype.put = function (...given) {
    if (full) throw new DOMException('No space left.', 'QuotaExceededError');
    return put.apply(this, given);
  };
  new BroadcastChannel('test-full-disk').onmessage = ({ data }) => (full = data);
`;

export class Lateral {
  readonly page: Page;
  readonly #query: string;
  readonly problems: string[] = [];

  constructor(page: Page, query: string, origin: string) {
    this.page = page;
    this.#query = query;
    this.watch(page, origin);
  }

  /** Console errors, uncaught errors, policy violations, requests to another origin. */
  watch(page: Page, origin: string): void {
    page.on('console', (message) => {
      if (message.type() === 'error') this.problems.push(`console: ${message.text()} (${message.location().url})`);
    });
    page.on('pageerror', (error) => this.problems.push(`uncaught: ${error.message}`));
    page.context().on('request', (request) => {
      const url = new URL(request.url());
      if (url.protocol.startsWith('http') && url.origin !== origin) this.problems.push(`request to ${url.origin}`);
    });
  }

  async open(extra = ''): Promise<void> {
    const query = [this.#query.replace('?', ''), extra].filter((part) => part !== '').join('&');
    await this.page.goto(query === '' ? '/' : `/?${query}`);
    await this.ready();
  }

  async ready(): Promise<void> {
    await expect(this.search).toHaveAttribute('placeholder', /^(Search \d|Add documents)/, { timeout: 60_000 });
  }

  get search(): Locator {
    return this.page.getByRole('searchbox', { name: 'Search' });
  }

  get results(): Locator {
    return this.page.getByRole('list', { name: 'Results' }).getByRole('listitem');
  }

  async paste(name: string, text: string): Promise<void> {
    await this.page.getByRole('button', { name: 'Paste text' }).first().click();
    const dialog = this.page.getByRole('dialog');
    await dialog.getByRole('textbox', { name: 'Name' }).fill(name);
    await dialog.getByRole('textbox', { name: 'Text' }).fill(text);
    await dialog.getByRole('button', { name: 'Add text' }).click();
    await expect(dialog).toBeHidden();
  }

  /** Drops files on the window, as a person would. */
  async drop(files: readonly { readonly name: string; readonly text: string; readonly type: string }[]): Promise<void> {
    await this.page.evaluate(async (given) => {
      const data = new DataTransfer();
      for (const { name, text, type } of given) data.items.add(new File([text], name, { type }));
      await new Promise((resolve) => setTimeout(resolve, 0)); // the drop is a task of its own, as a person's is
      for (const type of ['dragenter', 'dragover', 'drop']) {
        document.body.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: data }));
      }
    }, files);
  }

  /** Where the engine says it compares passages: from its status, not from the address. */
  async expectComparing(where: 'Graphics card' | 'Processor'): Promise<void> {
    await this.page.getByRole('button', { name: /Where Lateral works/ }).click();
    await this.page.getByText('Details', { exact: true }).click();
    await expect(this.page.getByText(new RegExp(`^Comparing[^:]*: ${where}`))).toBeVisible();
    await this.page.keyboard.press('Escape');
  }

  /** How many documents the page says can be searched. */
  async documents(): Promise<number> {
    const text = (await this.search.getAttribute('placeholder')) ?? '';
    return Number(/^Search ([\d,]+)/.exec(text)?.[1]?.replaceAll(',', '') ?? 0);
  }

  /** Names in the database, each as often as it is there, sorted. */
  storedNames(): Promise<string[]> {
    return this.page.evaluate(
      () =>
        new Promise<string[]>((resolve, reject) => {
          const request = indexedDB.open('lateral-default');
          request.onerror = () => reject(new Error('The database did not open.'));
          request.onsuccess = () => {
            const database = request.result;
            const all = database.transaction('documents').objectStore('documents').getAll();
            all.onsuccess = () => {
              database.close();
              resolve((all.result as { name: string }[]).map(({ name }) => name).sort());
            };
          };
        }),
    );
  }

  /** Runs a script in the engine worker's own realm, before anything else there. */
  async beforeWorker(script: string): Promise<void> {
    await this.page.route(/engine\.worker.*\.js$/, async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, body: `${script};${await response.text()}` });
    });
  }

  /** Gives a switch for a full disk; to be called before `open`. */
  async withFullDisk(): Promise<(full: boolean) => Promise<void>> {
    await this.beforeWorker(fullDisk);
    return (full) => this.page.evaluate((value) => new BroadcastChannel('test-full-disk').postMessage(value), full);
  }

  async waitForDocuments(count: number): Promise<void> {
    await expect(this.search).toHaveAttribute(
      'placeholder',
      count === 0 ? /^Add documents/ : new RegExp(`^Search ${count} document`),
      { timeout: 150_000 },
    );
    await expect(this.page.getByRole('progressbar')).toHaveCount(0, { timeout: 60_000 });
  }
}

export const test = base.extend<Fixtures>({
  lateral: async ({ page, baseURL }, use, info) => {
    const lateral = new Lateral(page, String(info.project.metadata.query), new URL(baseURL!).origin);
    await use(lateral);
    expect(lateral.problems).toEqual([]);
  },
});

export { expect };

export const trade = {
  name: 'Baltic trade.md',
  type: 'text/markdown',
  text: '# The old port\n\nWhen the river silted up, the merchants moved their warehouses to the coast, and the old harbour stood empty.\n',
};
export const bread = {
  name: 'bread.txt',
  type: 'text/plain',
  text: 'Mix flour, water and salt. Let the dough rise overnight, then bake the loaf in a hot oven for forty minutes.',
};
/** Texts that take a while to read. @param sentences of each */
export const registers = (count: number, sentences = 12) =>
  Array.from({ length: count }, (_, i) => ({
    name: `register ${i}.txt`,
    type: 'text/plain',
    text: `Port register ${i}. ${'The toll was paid in full, and the ship was let through. '.repeat(sentences)}`,
  }));
export const mars = {
  name: 'mars.html',
  type: 'text/html',
  text: '<title>Mars</title><h1>Mars</h1><p>Mars looks red because of the rust in its soil. <img src=x onerror="document.title=\'owned\'"></p>',
};
