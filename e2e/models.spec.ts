/**
 * Another model than the one that comes with Lateral: found, agreed to, downloaded, used, deleted. From a hub on this machine, which has
 * Lateral's own model under another name, and a small one of random weights.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Locator, Page } from '@playwright/test';
import { type Files, HubServer } from '../src/models/testing/hub-server.ts';
import { smallModel } from '../src/models/testing/small-model.ts';
import { bread, expect, Lateral, registers, test as base, trade } from './lateral.ts';

const onnx = 'onnx/model_q4.onnx';
const own = fileURLToPath(new URL('../public/models/lateral-mini/', import.meta.url));
const copy = Object.fromEntries(
  ['config.json', 'artifact.metadata', 'tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json', onnx].map(
    (path) => [path, new Uint8Array(readFileSync(join(own, path)))],
  ),
);
const repo = 'maker/copy';
const question = 'why did traders leave the port';

interface Fixtures {
  readonly lateral: Lateral;
  readonly models: ModelsPage;
  readonly hub: HubServer;
  /** Of the hub's one model. */
  readonly files: Files;
  readonly licence: string;
}

const test = base.extend<Fixtures>({
  files: [copy, { option: true }],
  licence: ['apache-2.0', { option: true }],
  hub: async ({ files, licence }, use) => {
    const hub = await new HubServer(files, { repo, licence }).start();
    await use(hub);
    await hub.stop();
  },
  // The hub, and only the hub, may be asked besides the page's own origin; what it refuses the browser notes on the console.
  lateral: async ({ page, baseURL, hub }, use, info) => {
    const lateral = new Lateral(page, String(info.project.metadata.query), new URL(baseURL!).origin);
    await use(lateral);
    expect(lateral.problems.filter((problem) => !problem.includes(hub.endpoint))).toEqual([]);
  },
  models: async ({ lateral, hub }, use) => {
    await lateral.page.addInitScript((endpoint) => {
      if (localStorage.getItem('lateral.preferences') !== null) return;
      localStorage.setItem('lateral.preferences', JSON.stringify({ modelEndpoint: endpoint }));
    }, hub.endpoint);
    await use(new ModelsPage(lateral));
  },
});

class ModelsPage {
  readonly page: Page;
  readonly #lateral: Lateral;

  constructor(lateral: Lateral) {
    this.#lateral = lateral;
    this.page = lateral.page;
  }

  async open(): Promise<void> {
    await this.#lateral.open();
    await this.go();
  }

  async go(section = 'Models'): Promise<void> {
    await this.page.getByRole('navigation', { name: 'Sections' }).getByRole('link', { name: section }).click();
    await expect(this.page.getByRole('heading', { name: section, level: 1 })).toBeVisible();
  }

  card(title = repo): Locator {
    return this.page.getByRole('article', { name: title, exact: true });
  }

  get dialog(): Locator {
    return this.page.getByRole('dialog');
  }

  async lookUp(name: string): Promise<void> {
    await this.page.getByRole('textbox', { name: 'Repository' }).fill(name);
    await this.page.getByRole('button', { name: 'Look up' }).click();
  }

  async download(name = repo): Promise<void> {
    await this.lookUp(name);
    await this.dialog.getByRole('button', { name: /^Download/ }).click();
  }

  async ready(title = repo): Promise<void> {
    await expect(this.card(title).getByText('Ready', { exact: true })).toBeVisible({ timeout: 90_000 });
  }

  async use(title = repo): Promise<void> {
    await this.page.getByRole('button', { name: `Use: ${title}` }).click();
  }

  async inUse(title = repo): Promise<void> {
    await expect(this.card(title).getByText('In use', { exact: true })).toBeVisible({ timeout: 60_000 });
  }
}

test.describe('a licence with conditions', { tag: '@once' }, () => {
  test.use({ licence: 'cc-by-nc-4.0' });

  test('is agreed to, then the model comes, is used, searched with, and deleted', async ({ lateral, models, hub }) => {
    test.setTimeout(300_000);
    const { page } = models;
    await lateral.open();
    await models.go('Settings');
    const address = page.getByRole('textbox', { name: 'Address of the hub' });
    await expect(address).toHaveValue(hub.endpoint);
    await models.go();
    await models.lookUp(` ${hub.endpoint}/${repo}/tree/main `);
    await expect(models.dialog).toContainText('Non-commercial use only');
    await expect(models.dialog).toContainText(`Lateral asks ${new URL(hub.endpoint).host} for the files.`);
    const download = models.dialog.getByRole('button', { name: 'Download 22 MB' });
    await expect(download).toBeDisabled();
    expect(hub.bytesSent(onnx)).toBe(0);
    await models.dialog.getByRole('checkbox', { name: 'I will use it non-commercially' }).check();
    await download.click();
    await models.ready();
    await expect(models.card()).toContainText(/Checked on this device’s processor/);

    await lateral.drop([trade, bread]);
    await lateral.waitForDocuments(2);
    await models.go();
    await models.use();
    await expect(models.dialog).toContainText('Your 2 documents must be read again');
    await models.dialog.getByRole('button', { name: 'Switch' }).click();
    await models.inUse();

    await page.getByRole('navigation', { name: 'Sections' }).getByRole('link', { name: 'Search' }).click();
    await lateral.search.fill(question);
    await page.getByRole('radio', { name: 'Meaning' }).click();
    await expect(lateral.results.first()).toContainText(trade.name, { timeout: 60_000 });
    await page.reload();
    await expect(lateral.results.first()).toContainText(trade.name, { timeout: 60_000 });

    await models.go();
    await models.inUse();
    await page.getByRole('button', { name: `Delete: ${repo}` }).click();
    await expect(models.dialog).toContainText('Use another model first');
    await models.dialog.getByRole('button', { name: 'Close' }).click();
    await models.use('Lateral mini');
    await models.dialog.getByRole('button', { name: 'Switch' }).click();
    await models.inUse('Lateral mini');
    await page.getByRole('button', { name: `Delete: ${repo}` }).click();
    await models.dialog.getByRole('button', { name: 'Delete' }).click();
    await expect(page.getByText(`Deleted ${repo}. 22 MB is free again.`)).toBeVisible();
    await expect(models.card()).toBeHidden();
  });
});

test(
  'cancelled and gone on with after a reload: nothing is asked for twice',
  { tag: '@once' },
  async ({ models, hub }) => {
    hub.fail(onnx, { kind: 'stall', at: 0.5 });
    const { page } = models;
    await models.open();
    await models.download();
    const bar = page.getByRole('progressbar', { name: `Getting ${repo}` });
    await expect(bar).toHaveAttribute('aria-valuetext', /^Downloading, [\d.]+ MB of 22 MB/);
    await models.go('Settings'); // it goes on
    await expect(page.getByRole('link', { name: new RegExp(`^${repo}: [\\d.]+ MB of 22 MB`) })).toBeVisible();
    await models.go();
    await page.getByRole('button', { name: `Cancel: ${repo}` }).click();
    await expect(models.card()).toContainText(/[\d.]+ MB of 22 MB is here/);

    await page.reload();
    await models.inUse('Lateral mini');
    await page.getByRole('button', { name: `Continue: ${repo}` }).click();
    await models.ready();
    expect(hub.bytesSent(onnx)).toBeLessThan(1.05 * copy[onnx]!.length);
    await models.use();
    await models.inUse();
  },
);

test(
  'the model in use serves until the next one has read all; a reload goes on with it',
  { tag: '@once' },
  async ({ lateral, models }) => {
    test.setTimeout(300_000);
    const { page } = models;
    const toSearch = (): Promise<void> =>
      page.getByRole('navigation', { name: 'Sections' }).getByRole('link', { name: 'Search' }).click();
    await models.open();
    await models.download();
    await models.ready();
    await lateral.drop([...registers(30), trade]);
    await lateral.waitForDocuments(31);
    const bar = page.getByRole('progressbar', { name: `Switching to ${repo}` });

    await models.go();
    await models.use();
    await models.dialog.getByRole('button', { name: 'Switch' }).click();
    await expect(models.card().getByText(/^Reading \d+ of 31 documents/)).toBeVisible();
    await page.getByRole('button', { name: `Cancel: ${repo}` }).click();
    await expect(bar).toBeHidden();
    await models.inUse('Lateral mini');

    await models.use();
    await models.dialog.getByRole('button', { name: 'Switch' }).click();
    await expect(models.card().getByText(/^Reading ([2-9]|[12]\d) of 31 documents/)).toBeVisible();
    await page.reload();
    await expect(bar).toBeVisible();
    await toSearch();
    await lateral.search.fill(question);
    await page.getByRole('radio', { name: 'Meaning' }).click();
    await expect(lateral.results.first()).toContainText(trade.name);
    await expect(page.getByRole('link', { name: new RegExp(`^Switching to ${repo}`) })).toBeVisible();
    await models.go();
    await models.inUse();
    await expect(bar).toBeHidden();
    await toSearch();
    await expect(lateral.results.first()).toContainText(trade.name);
    await expect(page.getByText(/found by words only/)).toBeHidden();
  },
);

test.describe('a small model', { tag: '@once' }, () => {
  test.use({ files: smallModel() });

  test('from a folder: opened, replaced after a question, searched with', async ({ lateral, models }) => {
    const folder = mkdtempSync(join(tmpdir(), 'lateral-folder-'));
    try {
      const whole = write(join(folder, 'small'), smallModel());
      const parts = write(join(folder, 'parts'), {
        'config.json': copy['config.json']!,
        'model.onnx': copy['config.json']!,
      });
      const { page } = models;
      await models.open();
      await openFolder(page, parts);
      await expect(
        page.getByText('This folder lacks tokenizer.json. Open the whole folder of a model.', { exact: true }),
      ).toBeVisible();
      await openFolder(page, whole);
      await models.ready('small');
      await openFolder(page, whole);
      await expect(models.dialog).toContainText('Replace small?');
      await models.dialog.getByRole('button', { name: 'Cancel' }).click();
      await dropFlat(page, smallModel());
      await models.ready('model');
      await dropFlat(page, smallModel());
      await expect(models.dialog).toContainText('Replace model?');
      await models.dialog.getByRole('button', { name: 'Replace' }).click();
      await models.ready('model');
      await models.use('small');
      await models.inUse('small');
      await lateral.drop([trade]);
      await lateral.waitForDocuments(1);
      await lateral.search.fill('merchants');
      await expect(lateral.results.first()).toContainText(trade.name);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('from a folder, stopped while it is copied: gone on with after a reload, or let go of', async ({ models }) => {
    const folder = mkdtempSync(join(tmpdir(), 'lateral-folder-'));
    try {
      const whole = write(join(folder, 'small'), smallModel());
      const long = write(join(folder, 'long/small'), smallModel());
      writeFileSync(join(long, 'zz.txt'), '');
      truncateSync(join(long, 'zz.txt'), 900e6); // copied last, and for seconds
      const { page } = models;
      const stop = async (): Promise<void> => {
        const bar = page.getByRole('progressbar', { name: 'Getting small' });
        await expect(bar).toHaveAttribute('aria-valuetext', /^Copying, [1-9][\d.]* MB of 9\d\d MB/);
        await page.getByRole('button', { name: 'Cancel: small' }).click();
        await expect(bar).toBeHidden();
      };
      await models.open();
      await openFolder(page, long);
      await stop();
      await expect(models.card('small').getByText('Interrupted', { exact: true })).toBeVisible();
      await page.reload();
      await expect(models.card('small')).toContainText(/ of 9\d\d MB is copied. The rest needs its folder once more/);
      await openFolder(page, whole, 'Continue: small');
      await models.ready('small');

      await openFolder(page, long);
      await models.dialog.getByRole('button', { name: 'Replace' }).click();
      await stop();
      await models.ready('small');
      await expect(models.card('small')).toContainText('A new one was interrupted');
      await expect(page.getByRole('button', { name: 'Use: small' })).toBeVisible();
      await page.getByRole('button', { name: 'Discard: small' }).click();
      await expect(page.getByText(/^Discarded the new small/)).toBeVisible();
      await expect(models.card('small')).not.toContainText('interrupted');
      await models.ready('small');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('whatever is wrong is said, with a way on', async ({ models, hub }) => {
    const { page } = models;
    await models.open();
    await models.lookUp('no name');
    const field = page.getByRole('textbox', { name: 'Repository' });
    await expect(field).toHaveAccessibleDescription(/Write it as owner\/name/);
    await expect(field).toHaveValue('no name');
    await models.lookUp('nobody/nothing');
    await expect(field).toHaveAccessibleDescription(/There is no such model there/);
    hub.fail('revision', { kind: 'status', status: 401 });
    await models.lookUp(repo);
    await expect(field).toHaveAccessibleDescription(/wants an account/);

    hub.fail('onnx/model.onnx', { kind: 'status', status: 403 });
    await models.download();
    await expect(models.card()).toContainText('The hub wants an account for this model.');
    await expect(models.card().getByRole('button', { name: 'Open a folder' })).toBeVisible();
    await models
      .card()
      .getByRole('button', { name: /^Dismiss/ })
      .click();

    hub.fail('onnx/model.onnx', { kind: 'html', typed: true });
    await models
      .card()
      .getByRole('button', { name: /^(Continue|Download)/ })
      .click();
    await expect(models.card()).toContainText('A web page came in place of the model.');
    await models
      .card()
      .getByRole('button', { name: /^Continue/ })
      .click();
    await models.ready();
  });

  test('a model that the browser has cleared is said, and Lateral works on', async ({ lateral, models }) => {
    const { page } = models;
    await page.addInitScript((model) => {
      if (sessionStorage.getItem('once') !== null) return;
      sessionStorage.setItem('once', '');
      localStorage.setItem('lateral.preferences', JSON.stringify({ model }));
    }, repo);
    await page.goto('/');
    await expect(page.getByRole('heading', { name: `${repo} is not here any more` })).toBeVisible();
    await page.getByRole('link', { name: 'Go to Models' }).click();
    await expect(page.getByRole('heading', { name: 'jina-colbert-v2', exact: true })).toBeVisible();
    await page.getByRole('button', { name: 'Use Lateral mini', exact: true }).last().click();
    await models.inUse('Lateral mini');
    await page.getByRole('navigation', { name: 'Sections' }).getByRole('link', { name: 'Search' }).click();
    await lateral.ready();
  });
});

function write(folder: string, files: Files): string {
  for (const [path, bytes] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), bytes);
  }
  return folder;
}

async function openFolder(page: Page, folder: string, button = 'Open a folder'): Promise<void> {
  const chooser = page.waitForEvent('filechooser');
  await page.getByRole('button', { name: button }).click();
  await (await chooser).setFiles(folder);
}

/** Its files beside each other, as a person drops them who has opened the folder. */
async function dropFlat(page: Page, files: Files): Promise<void> {
  const given = Object.entries(files).map(([path, bytes]) => [path.split('/').at(-1)!, [...bytes]] as const);
  await page.evaluate((all) => {
    const data = new DataTransfer();
    for (const [name, bytes] of all) data.items.add(new File([new Uint8Array(bytes)], name));
    for (const type of ['dragenter', 'dragover', 'drop']) {
      document.body.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: data }));
    }
  }, given);
}
