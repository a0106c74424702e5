/** Without a network, without headers, and from one version to the next: over a plain static host of the test's own. */
import { fileURLToPath } from 'node:url';
import type { BrowserContext, Page } from '@playwright/test';
import { isolationHeaders } from '../scripts/headers.mjs';
import { bread, expect, Lateral, test as base, trade } from './lateral.ts';
import { buildNext } from './next-version.ts';
import { StaticHost } from './static-host.ts';

const dist = process.env.LATERAL_DIST ?? fileURLToPath(new URL('../dist', import.meta.url));

const test = base.extend<{ readonly host: StaticHost }>({
  host: async ({}, use) => {
    const host = new StaticHost(dist);
    await host.start();
    await use(host);
    await host.stop();
  },
});
test.use({ serviceWorkers: 'allow' });

async function open(page: Page, host: StaticHost): Promise<Lateral> {
  const lateral = new Lateral(page, '', new URL(host.url).origin);
  await page.goto(host.url);
  await lateral.ready();
  return lateral;
}

const readyOffline = (page: Page) => page.getByText('Ready offline', { exact: true }).first();
const isolated = (page: Page): Promise<boolean> => page.evaluate(() => crossOriginIsolated);

/** The first visit, to its end: reloaded once by itself, isolated, ready offline. */
async function firstVisit(context: BrowserContext, host: StaticHost): Promise<Lateral> {
  const page = await context.newPage();
  const lateral = await open(page, host);
  await expect(readyOffline(page)).toBeVisible({ timeout: 60_000 });
  return lateral;
}

/** All that the service worker keeps, by path. */
function keptFiles(page: Page): Promise<string[]> {
  return page.evaluate(async (): Promise<string[]> => {
    const paths = [];
    for (const name of await caches.keys()) {
      for (const { url } of await (await caches.open(name)).keys()) paths.push(new URL(url).pathname);
    }
    return paths;
  });
}

test(
  'from a sub-path of a bare host: isolated, protected, and whole without a network',
  { tag: '@once' },
  async ({ context, host }) => {
    const first = await firstVisit(context, host);
    expect(await isolated(first.page)).toBe(true);
    const refused = await first.page.evaluate(async () => {
      const policies: string[] = [];
      document.addEventListener('securitypolicyviolation', ({ effectiveDirective, disposition }) =>
        policies.push(`${effectiveDirective} ${disposition}`),
      );
      const foreign = await fetch('http://127.0.0.1:9/').then(
        () => 'answered',
        () => 'refused',
      );
      const script = document.createElement('script');
      script.textContent = 'document.title = "inline script ran"';
      document.body.append(script);
      await new Promise((resolve) => setTimeout(resolve)); // reports come as tasks
      let evaluated = 'ran';
      try {
        globalThis.eval('1');
      } catch {
        evaluated = 'refused';
      }
      const policy = (await fetch('./')).headers.get('content-security-policy');
      return { policies, foreign, evaluated, title: document.title, policy };
    });
    expect(refused.foreign).toBe('refused');
    expect(refused.evaluated).toBe('refused');
    expect(refused.title).toBe('Lateral');
    expect(refused.policies).toContain('connect-src enforce');
    expect(refused.policies).toContain('script-src-elem enforce');
    expect(refused.policy).toContain("frame-ancestors 'none'");

    // What the page had fetched was not fetched again: each large file was sent once.
    const large = host.log.filter(({ bytes }) => bytes > 1e6).map(({ path }) => path);
    expect(large.length).toBeGreaterThanOrEqual(2);
    expect(new Set(large).size).toBe(large.length);

    await first.page.close();
    await host.stop();
    const arrived = host.log.length;
    await context.setOffline(true);
    const second = await open(await context.newPage(), host);
    await second.drop([trade, bread]);
    await second.waitForDocuments(2);
    await second.search.fill('flour and dough');
    await expect(second.results.first()).toContainText(bread.name);
    for (const section of ['Library', 'Models', 'Evaluate', 'Benchmark', 'Settings']) {
      await second.page.getByRole('navigation', { name: 'Sections' }).getByRole('link', { name: section }).click();
      await expect(second.page.getByRole('heading', { level: 1, name: section })).toBeVisible();
    }
    expect(await isolated(second.page)).toBe(true);
    expect(second.problems).toEqual([]);
    expect(host.log.length).toBe(arrived);
  },
);

test('whoever has begun is not reloaded; the next visit is isolated', { tag: '@once' }, async ({ context, host }) => {
  const page = await context.newPage();
  let letArrive = (): void => undefined;
  const begun = new Promise<void>((resolve) => (letArrive = resolve));
  host.before = (path) => (path === 'offline.sw.js' ? begun : Promise.resolve());
  await page.goto(host.url);
  await page.getByRole('searchbox', { name: 'Search' }).pressSequentially('why');
  await page.evaluate(() => Object.assign(window, { samePage: true }));
  letArrive();
  await expect(readyOffline(page)).toBeVisible({ timeout: 60_000 });
  expect(await page.evaluate(() => 'samePage' in window)).toBe(true);
  expect(await isolated(page)).toBe(false);
  await page.reload();
  await expect.poll(() => isolated(page)).toBe(true);
});

test('headers that a server sets stay as they are', { tag: '@once' }, async ({ context }) => {
  const host = new StaticHost(dist, { 'referrer-policy': 'same-origin', 'content-security-policy': 'img-src *' });
  await host.start();
  try {
    const { page } = await firstVisit(context, host);
    const headers = await page.evaluate(async () => Object.fromEntries((await fetch('icon.svg')).headers));
    expect(headers).toMatchObject({
      'referrer-policy': 'same-origin',
      'content-security-policy': 'img-src *',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-embedder-policy': 'require-corp',
    });
  } finally {
    await host.stop();
  }
});

test('a file cut short, or a web page in its place, is never kept', { tag: '@once' }, async ({ context }) => {
  const host = new StaticHost(dist, isolationHeaders); // so that the first page starts without the service worker
  await host.start();
  const asked = new Map<string, number>();
  host.alter = (path, answer) => {
    const times = (asked.get(path) ?? 0) + 1;
    asked.set(path, times);
    if (times === 1) return answer; // the page gets whole files; whoever asks later does not
    const headers = { ...answer.headers, etag: '"other"' };
    if (path.endsWith('.onnx')) return { ...answer, headers, body: answer.body.subarray(0, 1e6) };
    if (path.endsWith('tokenizer_config.json')) {
      return { status: 200, headers: { ...headers, 'content-type': 'text/html' }, body: Buffer.from('Sign in') };
    }
    if (path.endsWith('self-test.json')) return { status: 503, headers, body: Buffer.from('{}') };
    return answer;
  };
  const bad = /\.onnx$|tokenizer_config|self-test/;
  try {
    const page = await context.newPage();
    await open(page, host);
    await expect(page.getByText(/^Not ready offline/).first()).toBeVisible({ timeout: 60_000 });
    const kept = await keptFiles(page);
    expect(kept.some((path) => path.endsWith('index.html'))).toBe(true);
    expect(kept.filter((path) => bad.test(path))).toEqual([]);
    await expect(readyOffline(page)).toHaveCount(0);

    host.alter = (_, answer) => answer;
    await page.reload();
    await expect(readyOffline(page)).toBeVisible({ timeout: 60_000 });
    expect((await keptFiles(page)).filter((path) => bad.test(path))).toHaveLength(3);
  } finally {
    await host.stop();
  }
});

test(
  'a new version waits, old pages go on, and the way back works',
  { tag: '@once' },
  async ({ context, host }, info) => {
    test.setTimeout(300_000);
    const next = info.outputPath('next');
    await buildNext(next);
    const one = await firstVisit(context, host);
    await one.drop([trade]);
    await one.waitForDocuments(1);
    const two = await open(await context.newPage(), host);
    const oldModel = await modelSettings(two.page);
    const product = (page: Page) => page.getByText(/^Lateral( next)?$/).first();
    const prompt = (page: Page) => page.getByRole('region', { name: 'A new version is ready.' });
    const look = (page: Page) =>
      page.evaluate(async () => {
        const registration = await navigator.serviceWorker.getRegistration();
        await registration!.update();
      });
    const toSearch = (page: Page) =>
      page.getByRole('navigation', { name: 'Sections' }).getByRole('link', { name: 'Search' }).click();
    const section = async (page: Page, name: string): Promise<void> => {
      await page.getByRole('navigation', { name: 'Sections' }).getByRole('link', { name }).click();
      await expect(page.getByRole('heading', { level: 1, name })).toBeVisible();
    };

    host.folder = next; // the old files are gone from the server
    await look(one.page);
    await expect(prompt(one.page)).toBeVisible({ timeout: 60_000 });
    await expect(product(one.page)).toHaveText('Lateral');
    await section(one.page, 'Models'); // not loaded before
    await prompt(one.page).getByRole('button', { name: 'Reload' }).click();
    await expect(product(one.page)).toHaveText('Lateral next');
    await toSearch(one.page);
    await one.waitForDocuments(1);
    await expect(readyOffline(one.page)).toBeVisible({ timeout: 60_000 });

    // The other tab is of the old version, with all that belongs to it.
    await expect(product(two.page)).toHaveText('Lateral');
    await section(two.page, 'Evaluate');
    expect(await modelSettings(two.page)).toEqual(oldModel);
    expect(await modelSettings(one.page)).not.toEqual(oldModel);
    await expect(prompt(two.page)).toBeVisible();
    await prompt(two.page).getByRole('button', { name: 'Reload' }).click();
    await expect(product(two.page)).toHaveText('Lateral next');
    await toSearch(two.page);
    await two.ready();

    // Nobody uses the old files any more: once a page has started, they are gone.
    const scripts = async (): Promise<string[]> =>
      (await keptFiles(two.page)).filter((path) => /\/index-[^/]*\.js$/.test(path));
    await expect.poll(scripts).toHaveLength(1);

    host.folder = dist;
    await look(two.page);
    await prompt(two.page).getByRole('button', { name: 'Reload' }).click();
    await expect(product(two.page)).toHaveText('Lateral');
    await two.waitForDocuments(1);
    await two.search.fill('the old harbour');
    await expect(two.results.first()).toContainText(trade.name);
    expect([...one.problems, ...two.problems]).toEqual([]);
  },
);

/** A file that the versions share the name of, as the engine's worker gets it. */
function modelSettings(page: Page): Promise<unknown> {
  const worker = page.workers().find((each) => each.url().includes('engine.worker'))!;
  return worker.evaluate(async (): Promise<unknown> => {
    const response = await fetch(new URL('../models/lateral-mini/config.json', self.location.href));
    return response.json();
  });
}
