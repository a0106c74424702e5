/**
 * A model as large as jina-colbert-v2 on its way through the page: looked up, downloaded, made smaller, checked, used.
 *
 *   npm run -s build && npx tsx bench/large-model.ts <folder with the files of a repository> [--profile FOLDER]
 *
 * A hub on this machine serves the folder; fixtures/quantize/make_large.py makes one of random weights in the shape of jina-colbert-v2.
 * With a profile, which is kept, what is there already is gone on with.
 *
 * Prints for each phase how long it took, and the memory that the page's process held at most (Linux). It needs room on the disk for the
 * folder once more, and takes about a quarter of an hour on two cores.
 */
import { mkdtempSync, openSync, readdirSync, readSync, closeSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium, type Locator, type Page } from 'playwright-core';
import { chromiumArguments, findChromium } from '../scripts/chromium.mjs';
import { serveBuild } from '../scripts/serve-build.mjs';
import { HubServer } from '../src/models/testing/hub-server.ts';
import { commitOf, cpuOf } from './environment.ts';
import { peakBytes, startWatching } from './process-memory.ts';

const { positionals, values } = parseArgs({ allowPositionals: true, options: { profile: { type: 'string' } } });
const [folder] = positionals;
if (folder === undefined) {
  console.error('usage: npx tsx bench/large-model.ts <folder> [--profile FOLDER]');
  process.exit(2);
}

/** A document of some two thousand tokens. */
const passage =
  'The river silted up, and the merchants moved their warehouses to the coast. Only forty houses were left by 1612, and the ' +
  'customs office closed in the year after. What had been the busiest quay of the province became a meadow for sheep.\n\n';

const repo = 'made-here/large';
const patience = 30 * 60_000;
const minutes = 60_000;

const hub = await new HubServer(filesOf(folder), { repo, licence: 'cc-by-nc-4.0' }).start();
const app = await serveBuild({ port: values.profile === undefined ? 0 : 4188 }); // a profile belongs to an origin
const profile = values.profile ?? mkdtempSync(join(tmpdir(), 'lateral-large-'));
const context = await chromium.launchPersistentContext(profile, {
  ...findChromium().launch,
  args: chromiumArguments({ webgpu: false }),
});
try {
  const page = await context.newPage();
  page.setDefaultTimeout(patience);
  page.on('pageerror', (error) => console.error(error));
  page.on('console', (message) => console.error(message.text()));
  await page.addInitScript((endpoint) => {
    if (localStorage.getItem('lateral.preferences') === null) {
      localStorage.setItem('lateral.preferences', JSON.stringify({ modelEndpoint: endpoint }));
    }
  }, hub.endpoint);
  const phases: Record<string, Phase> = {};
  const baseline = await prepare(page, phases);
  const card = page.getByRole('article', { name: repo, exact: true });
  const cardText = (await card.innerText()).replaceAll(/\s+/g, ' ');
  const use = page.getByRole('button', { name: `Use: ${repo}` });
  if (await use.isVisible()) await use.click();
  phases.opening = await measured(() => seen(page, card.getByText('In use', { exact: true })));
  await page.getByRole('navigation', { name: 'Sections' }).getByRole('link', { name: 'Search' }).click();
  const search = page.getByRole('searchbox', { name: 'Search' });
  phases.reading = await measured(async () => {
    await dropText(page, 'port.txt', passage.repeat(12));
    const found = page.getByPlaceholder(/^Search 1 document/);
    const ask = page.getByRole('dialog').getByRole('button', { name: /^Add/ }); // as slow as it may be here
    await found.or(ask).waitFor();
    if (await ask.isVisible()) await ask.click();
    await found.waitFor();
  });
  phases.searching = await measured(async () => {
    await search.fill('merchants warehouses'); // by its words: random weights find nothing relevant
    await page.getByRole('list', { name: 'Results' }).getByRole('listitem').first().waitFor();
  });
  console.log(
    JSON.stringify(
      {
        ...{ commit: commitOf(), device: cpuOf(), browser: context.browser()?.version() },
        ...{ folderMB: megabytes(bytesOf(folder)), pageMB: megabytes(baseline), phases, card: cardText },
      },
      null,
      2,
    ),
  );
} finally {
  await context.close();
  await Promise.all([hub.stop(), app.close()]);
  if (values.profile === undefined) rmSync(profile, { recursive: true, force: true });
}

interface Phase {
  readonly seconds: number;
  /** Of the page's process, in 10^6 bytes; null where the system does not tell. */
  readonly peakMB: number | null;
}

/** Looks it up, agrees, and waits until it is ready. @returns what the page's process held before, in bytes */
async function prepare(page: Page, phases: Record<string, Phase>): Promise<number | null> {
  await page.goto(app.url);
  await page.getByRole('searchbox', { name: 'Search' }).waitFor();
  await page.getByRole('navigation', { name: 'Sections' }).getByRole('link', { name: 'Models' }).click();
  await page.getByRole('article', { name: 'Lateral mini' }).waitFor();
  const here = page.getByRole('article', { name: repo, exact: true });
  if (await here.getByText(/^Checked on/).isVisible()) return startWatching(context.browser()!);
  await page.getByRole('textbox', { name: 'Repository' }).fill(repo);
  await page.getByRole('button', { name: 'Look up' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('checkbox', { name: 'I will use it non-commercially' }).check();
  const baseline = await startWatching(context.browser()!);
  await dialog.getByRole('button', { name: /^Download/ }).click();

  const card = page.getByRole('article', { name: repo, exact: true });
  const bar = page.getByRole('progressbar', { name: `Getting ${repo}` });
  let name = 'downloading';
  let started = performance.now();
  for (;;) {
    const text = await bar.getAttribute('aria-valuetext', { timeout: 2_000 }).catch(() => null);
    const now = text === null ? null : (/^\p{L}+/u.exec(text)?.[0].toLowerCase() ?? name);
    console.error(`${((performance.now() - started) / 1000).toFixed(0)} s ${text ?? ''}`);
    if (now !== name) {
      phases[name] = await ended(started);
      started = performance.now();
      await startWatching(context.browser()!);
      if (now === null) break;
      name = now;
    }
    await page.waitForTimeout(1_000);
  }
  await card
    .getByText('Ready', { exact: true })
    .waitFor({ timeout: 2 * minutes })
    .catch(async () => {
      throw new Error(`It is not ready: ${await card.innerText()}`);
    });
  return baseline;
}

/** Waits for it, and says meanwhile what the page shows. */
async function seen(page: Page, wanted: Locator): Promise<void> {
  for (let shown = ''; ;) {
    if (
      await wanted.waitFor({ timeout: 10_000 }).then(
        () => true,
        () => false,
      )
    )
      return;
    const text = (await page.getByRole('main').innerText()).replaceAll(/\s+/g, ' ').slice(0, 300);
    if (text !== shown) console.error(text);
    shown = text;
  }
}

async function measured(work: () => Promise<void>): Promise<Phase> {
  await startWatching(context.browser()!);
  const started = performance.now();
  await work();
  return ended(started);
}

async function ended(started: number): Promise<Phase> {
  const seconds = Number(((performance.now() - started) / 1000).toFixed(1));
  return { seconds, peakMB: megabytes(await peakBytes(context.browser()!)) };
}

async function dropText(page: Page, name: string, text: string): Promise<void> {
  await page.evaluate(
    (given) => {
      const data = new DataTransfer();
      data.items.add(new File([given.text], given.name, { type: 'text/plain' }));
      for (const type of ['dragenter', 'dragover', 'drop']) {
        document.body.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: data }));
      }
    },
    { name, text },
  );
}

function filesOf(root: string): Record<string, Uint8Array> {
  const files: Record<string, Uint8Array> = {};
  for (const path of pathsOf(root)) files[relative(root, path)] = readWhole(path);
  return files;
}

function pathsOf(root: string): string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(onnx|onnx_data|onnx\.data|json|metadata)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
}

/** Node reads no file of 2 GiB at once. */
function readWhole(path: string): Uint8Array {
  const bytes = new Uint8Array(statSync(path).size);
  const file = openSync(path, 'r');
  for (let at = 0; at < bytes.length;) at += readSync(file, bytes, at, Math.min(2 ** 28, bytes.length - at), at);
  closeSync(file);
  return bytes;
}

function bytesOf(root: string): number {
  return pathsOf(root).reduce((sum, path) => sum + statSync(path).size, 0);
}

function megabytes(bytes: number | null): number | null {
  return bytes === null ? null : Math.round(bytes / 1e6);
}
