/**
 * Which hosts may be asked, and by whom: `connect-src 'self'` for all, but for the worker of a download that a person asked for.
 * Over a production build that also hands the functions that a download goes through to the test.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BrowserContext, Page, Worker } from '@playwright/test';
import { build, type Plugin } from 'vite';
import { productionHeaders } from '../scripts/headers.mjs';
import { serveBuild } from '../scripts/serve-build.mjs';
import { HubServer, someBytes } from '../src/models/testing/hub-server.ts';
import { smallModel } from '../src/models/testing/small-model.ts';
import type { permitOrigins } from '../src/ui/offline/permission.ts';
import type { modelsWorkerUrl, openModels } from '../src/index.ts';
import { expect, Lateral, test } from './lateral.ts';
import { buildNext } from './next-version.ts';
import { StaticHost } from './static-host.ts';

declare const door: {
  readonly permitOrigins: typeof permitOrigins;
  readonly modelsWorkerUrl: typeof modelsWorkerUrl;
  readonly openModels: typeof openModels;
};

const folder = mkdtempSync(join(tmpdir(), 'lateral-permission-'));
const files = { 'config.json': someBytes(100), 'onnx/model.onnx': someBytes(5_000, 2) };
const hub = new HubServer(files, { cdnHost: 'localhost' });
const foreign = new HubServer(files);

test.use({ serviceWorkers: 'allow' });

test.beforeAll(async () => {
  test.setTimeout(300_000);
  const root = fileURLToPath(new URL('..', import.meta.url));
  await build({ root, logLevel: 'error', build: { outDir: folder, emptyOutDir: true }, plugins: [withDoor] });
  await Promise.all([hub.start(), foreign.start()]);
});

test.afterAll(async () => {
  await Promise.all([hub.stop(), foreign.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

const small = () => `${hub.endpoint}/${hub.repo}/resolve/main/config.json`;
const large = () => `${hub.endpoint}/${hub.repo}/resolve/main/onnx/model.onnx`; // redirects to another origin
const elsewhere = () => `${foreign.endpoint}/${foreign.repo}/resolve/main/config.json`;
const permitted = (): string[] => [hub.endpoint, hub.cdnEndpoint!];

test('our own server: at the first visit, before a service worker answers', { tag: '@once' }, async ({ context }) => {
  const server = await serveBuild({ port: 0, folder });
  try {
    const page = await open(context, server.url);
    expect(await controlled(page)).toBe(false);
    await expectOnlyThePermitted(page);
    await expectOddHostsRefused(page);

    await readyOffline(page);
    await page.reload();
    expect(await controlled(page)).toBe(true);
    await expectOnlyThePermitted(page);
    await expectOddHostsRefused(page);

    // What is kept of an answer never has the hosts that somebody was permitted once.
    const kept = (how: 'match' | 'delete') =>
      page.evaluate(async (method) => {
        const { origin, pathname } = door.modelsWorkerUrl([]);
        const found = [];
        for (const name of await caches.keys()) found.push(await (await caches.open(name))[method](origin + pathname));
        return found.some(Boolean);
      }, how);
    expect(await kept('delete')).toBe(true);
    expect(await ask(await modelsWorker(page, permitted()), small())).toBe('100 bytes');
    await expect.poll(() => kept('match')).toBe(true);
    await expectOnlyThePermitted(page);
  } finally {
    await server.close();
  }
});

test('a whole model, from another origin to ready', { tag: '@once' }, async ({ context }) => {
  const [server, models] = await Promise.all([serveBuild({ port: 0, folder }), new HubServer(smallModel()).start()]);
  try {
    const page = await open(context, server.url);
    const state = await page.evaluate(
      async ({ endpoint, repo }) =>
        (await door.openModels({ endpoint, permit: door.permitOrigins }).prepare(repo)).state,
      { endpoint: models.endpoint, repo: models.repo },
    );
    expect(state).toBe('ready');
    expect(await page.evaluate(async () => (await door.openModels().list()).map(({ id }) => id))).toContain(
      models.repo,
    );
    // Its worker has ended, and with it what it may.
    await expect.poll(() => page.workers().filter((each) => each.url().includes('models.worker')).length).toBe(0);
    expect(await ask(await modelsWorker(page, []), `${models.endpoint}/api/models/${models.repo}/revision/main`)).toBe(
      'policy',
    );
  } finally {
    await Promise.all([server.close(), models.stop()]);
  }
});

test('a bare host: by the service worker, stopped or without a network too', { tag: '@once' }, async ({ context }) => {
  const host = new StaticHost(folder);
  await host.start();
  try {
    const page = await open(context, host.url); // loads once more by itself
    await expect.poll(() => controlled(page)).toBe(true);
    await expectOnlyThePermitted(page);
    await readyOffline(page);

    await stopServiceWorkers(page);
    await expectOnlyThePermitted(page);

    await host.stop();
    await context.setOffline(true); // the hub on this machine too
    const worker = await modelsWorker(page, permitted());
    expect(await worker.evaluate(() => self.location.pathname)).toMatch(/models\.worker-[^/]+\.js$/);
    expect(await ask(worker, small())).toBe('failed'); // for want of a network, not of permission
    await context.setOffline(false);
    expect(await ask(worker, small())).toBe('100 bytes');
  } finally {
    await host.stop();
  }
});

test('a server that sends our policy with everything: after one reload', { tag: '@once' }, async ({ context }) => {
  const host = new StaticHost(folder, productionHeaders);
  await host.start();
  try {
    const page = await open(context, host.url);
    expect(await controlled(page)).toBe(false);
    expect(await refusal(page, permitted())).toBe('reload-needed');
    await page.reload();
    expect(await controlled(page)).toBe(true);
    await expectOnlyThePermitted(page);
  } finally {
    await host.stop();
  }
});

test('a page of an old version: its own worker, with its own files', { tag: '@once' }, async ({ context }, info) => {
  test.setTimeout(300_000);
  const next = info.outputPath('next');
  await buildNext(next, [withDoor]);
  const host = new StaticHost(folder);
  await host.start();
  try {
    const page = await open(context, host.url);
    await readyOffline(page);
    const other = await open(context, host.url);
    host.folder = next; // the old files are gone from the server
    await other.evaluate(async () => {
      await (await navigator.serviceWorker.getRegistration())!.update();
    });
    await other
      .getByRole('region', { name: 'A new version is ready.' })
      .getByRole('button', { name: 'Reload' })
      .click();
    await expect(other.getByText('Lateral next').first()).toBeVisible();
    await new Lateral(other, '', '').ready();

    const settings = async (of: Page): Promise<string> => {
      const worker = await modelsWorker(of, permitted());
      expect(await ask(worker, small())).toBe('100 bytes');
      return worker.evaluate(async () => {
        const response = await fetch(new URL('../models/lateral-mini/config.json', self.location.href));
        return response.text();
      });
    };
    expect(await settings(page)).not.toContain('"next"');
    expect(await settings(other)).toContain('"next"');
    await expectOnlyThePermitted(page);
  } finally {
    await host.stop();
  }
});

test.describe('where the browser has no service workers', () => {
  test.use({ serviceWorkers: 'block' });

  test('a policy of the server stands, and that is said', { tag: '@once' }, async ({ context }) => {
    const host = new StaticHost(folder, productionHeaders);
    await host.start();
    try {
      const page = await open(context, host.url);
      expect(await refusal(page, permitted())).toBe('host-blocked');
      expect(await ask(await modelsWorker(page, permitted()), small())).toBe('policy');
    } finally {
      await host.stop();
    }
  });
});

async function open(context: BrowserContext, url: string): Promise<Page> {
  const page = await context.newPage();
  const lateral = new Lateral(page, '', new URL(url).origin);
  await page.goto(url);
  await lateral.ready();
  return page;
}

const controlled = (page: Page): Promise<boolean> => page.evaluate(() => navigator.serviceWorker.controller !== null);

const readyOffline = (page: Page): Promise<void> =>
  expect(page.getByText('Ready offline', { exact: true }).first()).toBeVisible({ timeout: 60_000 });

/** The code with which the page is refused, or null. */
const refusal = (page: Page, origins: readonly string[]): Promise<string | null> =>
  page.evaluate(
    (given) =>
      door.permitOrigins(given).then(
        () => null,
        (error: unknown) => (error as { code: string }).code,
      ),
    origins,
  );

/** The worker as `openModels` makes it. */
async function modelsWorker(page: Page, origins: readonly string[]): Promise<Worker> {
  const arrives = page.waitForEvent('worker', (worker) => worker.url().includes('models.worker'));
  await page.evaluate((given) => {
    Object.assign(globalThis, { worker: new Worker(door.modelsWorkerUrl(given), { type: 'module' }) });
  }, origins);
  return arrives;
}

/** Asked from within: 'policy' where the content security policy stood in the way. */
async function ask(where: Page | Worker, url: string, headers: Record<string, string> = {}): Promise<string> {
  const request = async ([address, wanted]: readonly [string, Record<string, string>]): Promise<string> => {
    const violated: string[] = [];
    const target = 'document' in globalThis ? document : globalThis;
    const notice = (event: Event): void => {
      violated.push((event as SecurityPolicyViolationEvent).effectiveDirective);
    };
    target.addEventListener('securitypolicyviolation', notice);
    try {
      const response = await fetch(address, { headers: wanted, credentials: 'omit', cache: 'no-store' });
      return `${(await response.arrayBuffer()).byteLength} bytes`;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50)); // reports come as tasks
      return violated.includes('connect-src') ? 'policy' : 'failed';
    } finally {
      target.removeEventListener('securitypolicyviolation', notice);
    }
  };
  const given = [url, headers] as const;
  return 'goto' in where ? where.evaluate(request, given) : where.evaluate(request, given);
}

async function expectOnlyThePermitted(page: Page): Promise<void> {
  expect(await ask(await modelsWorker(page, []), small())).toBe('policy');

  expect(await refusal(page, permitted())).toBe(null);
  const worker = await modelsWorker(page, permitted());
  expect(await ask(worker, small())).toBe('100 bytes');
  expect(await ask(worker, large())).toBe('5000 bytes');
  expect(await ask(worker, large(), { Range: 'bytes=4000-' })).toBe('1000 bytes');
  expect(await ask(worker, elsewhere())).toBe('policy');
  if (await page.evaluate(() => crossOriginIsolated)) {
    expect(await worker.evaluate(() => crossOriginIsolated)).toBe(true); // the headers for that are still there
  }

  // Meanwhile nobody else may.
  expect(await ask(page, small())).toBe('policy');
  const engine = page.workers().find((each) => each.url().includes('engine.worker'))!;
  expect(await ask(engine, small())).toBe('policy');

  // One origin of two: the redirect ends at the policy.
  expect(await ask(await modelsWorker(page, [hub.endpoint]), large())).toBe('policy');
  expect(await ask(await modelsWorker(page, []), small())).toBe('policy');
}

async function expectOddHostsRefused(page: Page): Promise<void> {
  for (const odd of [
    '*',
    'https:',
    'https://*',
    "'unsafe-inline'",
    `${hub.endpoint}/maker`,
    `${hub.endpoint}; img-src *`,
  ]) {
    expect(await ask(await modelsWorker(page, [hub.endpoint, odd]), small())).toBe('policy');
    expect(await refusal(page, [odd])).toBe('invalid-argument');
  }
  const others = await page.evaluate(async (origins) => {
    const { search } = door.modelsWorkerUrl(origins);
    const scripts = Array.from(document.scripts, ({ src }) => src).filter((src) => src !== '');
    const asked = [...scripts, './', 'offline.sw.js'].map((path) =>
      fetch(new URL(search, new URL(path, location.href))),
    );
    return (await Promise.all(asked)).map(({ headers }) => headers.get('content-security-policy'));
  }, permitted());
  expect(new Set(others)).toEqual(new Set([productionHeaders['Content-Security-Policy']]));
}

/** As a browser does with those that nobody has talked to for a while. */
async function stopServiceWorkers(page: Page): Promise<void> {
  const session = await page.context().newCDPSession(page);
  await session.send('ServiceWorker.enable');
  await session.send('ServiceWorker.stopAllWorkers');
  await session.detach();
}

/** Hands the functions that a download goes through to the test. */
const withDoor: Plugin = {
  name: 'door',
  enforce: 'pre',
  transform: (code, id) =>
    id.endsWith('/src/ui/main.tsx')
      ? `${code}
        import { modelsWorkerUrl, openModels } from '../index.ts';
        import { permitOrigins } from './offline/permission.ts';
        Object.assign(globalThis, { door: { modelsWorkerUrl, openModels, permitOrigins } });`
      : null,
};
