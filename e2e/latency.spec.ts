/**
 * Whether the page stays quick while it reads: long tasks of the page's own thread, and the time from a key press to its
 * results, with files of several full passages and a pause before each question, in which reading goes on. Prints the
 * figures by the clock, which depend on what else the machine does; what is asserted is the processor time of the page's
 * thread, which does not.
 */
import type { Browser, Page } from '@playwright/test';
import { expect, test, trade } from './lateral.ts';

interface LongTask {
  readonly during: string;
  readonly ms: number;
}
interface Watched {
  during: string;
  readonly tasks: LongTask[];
  readonly latencies: number[];
}

/** Longer than documents wait after a query (src/colbert/encoder.ts), so that each question begins while a passage is encoded. */
const pauseMs = 1000;
const questions = [
  'was the toll paid',
  'who kept the log',
  'why did the merchants move',
  'which ship was taxed at the gate',
];

const things = ['salt', 'amber', 'timber', 'wool', 'iron', 'wine', 'herring', 'wax', 'copper', 'grain', 'linen'];
const acts = ['was weighed', 'was taxed', 'was held back', 'was sold', 'was sent on', 'was lost', 'was counted twice'];

/** Four passages of about 200 tokens; no two alike. */
function register(file: number): string {
  const line = (n: number): string =>
    `Entry ${n}: the ${things[n % 11]!} of ship ${n % 83} ${acts[n % 7]!} at the ${things[(n * 5) % 11]!} gate in week ${n % 52}.`;
  return Array.from({ length: 4 }, (_, part) =>
    Array.from({ length: 9 }, (_, i) => line(file * 36 + part * 9 + i)).join(' '),
  ).join('\n\n');
}

test('typing and scrolling while 200 files are read', { tag: ['@once', '@alone'] }, async ({ lateral, page }) => {
  test.setTimeout(300_000);
  await page.addInitScript(watch);
  await lateral.open();
  const browser = page.context().browser()!;
  await browser.startTracing(page, { categories: ['toplevel'] });
  await lateral.drop([trade]);
  await lateral.waitForDocuments(1);

  await phase(page, 'typing, idle');
  await type(page, 'why did traders leave the old harbour');
  await expect(lateral.results.first()).toContainText(trade.name);
  const idle = await takeLatencies(page);

  await phase(page, 'adding 200 files');
  await lateral.search.fill('');
  await lateral.drop(
    Array.from({ length: 200 }, (_, i) => ({
      name: `register ${i}.txt`,
      type: 'text/plain',
      text: register(i),
    })),
  );
  const confirm = page.getByRole('button', { name: 'Add 200 files' });
  const bar = page.getByRole('progressbar');
  await expect(confirm.or(bar)).toBeVisible();
  if (await confirm.isVisible()) await confirm.click();
  await expect(lateral.search).toHaveAttribute('placeholder', /^Search ([2-9]|\d\d)/, { timeout: 90_000 });

  await phase(page, 'typing, while reading');
  for (const question of questions) {
    await lateral.search.fill('');
    await page.waitForTimeout(pauseMs);
    await type(page, question);
  }
  await expect(lateral.results.first()).toBeVisible();
  const reading = await takeLatencies(page);
  const stillReading = await bar.isVisible();

  await phase(page, 'scrolling');
  await lateral.results.last().hover();
  for (let i = 0; i < 12; i++) await page.mouse.wheel(0, i < 8 ? 240 : -480);

  await phase(page, 'opening the viewer');
  await lateral.results.first().getByRole('button').first().click();
  await expect(page.getByRole('region', { name: 'Document', exact: true })).toBeVisible();

  await phase(page, 'the library');
  await page.getByRole('link', { name: 'Library' }).click();
  await expect(page.getByRole('table')).toBeVisible();

  const tasks = await page.evaluate(() => (window as unknown as { watched: Watched }).watched.tasks);
  console.log(`long tasks: ${tasks.length === 0 ? 'none' : ''}`);
  for (const { during, ms } of tasks) console.log(`  ${during}: ${Math.round(ms)} ms`);
  console.log(`key press to results, idle: ${describe(idle)}`);
  console.log(`key press to results, while ${stillReading ? 'reading' : 'reading ended early'}: ${describe(reading)}`);

  expect(idle.length).toBeGreaterThan(10);
  expect(reading.length).toBeGreaterThan(10);

  const busy = await processorTimes(browser);
  console.log(
    `longest by processor time: ${busy
      .slice(0, 5)
      .map((ms) => `${ms} ms`)
      .join(', ')}`,
  );
  expect(busy.length).toBeGreaterThan(0);
  expect(busy.filter((ms) => ms > 50)).toEqual([]);
});

/** Milliseconds of processor time that the page's thread took for each task, longest first. */
async function processorTimes(browser: Browser): Promise<number[]> {
  interface TraceEvent {
    readonly name: string;
    readonly ph: string;
    readonly pid: number;
    readonly tid: number;
    readonly tdur?: number;
    readonly args: { readonly name?: string };
  }
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString()) as { traceEvents: TraceEvent[] };
  const threads = traceEvents.filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain');
  const isMain = ({ pid, tid }: TraceEvent): boolean => threads.some((main) => main.pid === pid && main.tid === tid);
  return traceEvents
    .filter((event) => event.name === 'ThreadControllerImpl::RunTask' && event.ph === 'X' && isMain(event))
    .map(({ tdur = 0 }) => Math.round(tdur / 1000))
    .filter((ms) => ms > 0)
    .sort((one, other) => other - one);
}

/** Runs in the page before anything else. */
function watch(): void {
  const watched: Watched = { during: 'start', tasks: [], latencies: [] };
  Object.assign(window, { watched });
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) watched.tasks.push({ during: watched.during, ms: duration });
  }).observe({ type: 'longtask', buffered: true });

  // A key press is answered by results for what then stands in the box, or for anything typed later.
  let waiting: { readonly query: string; readonly at: number }[] = [];
  addEventListener('input', (event) => {
    const { value } = event.target as HTMLInputElement;
    if (value.trim() !== '') waiting.push({ query: value, at: event.timeStamp });
  });
  new MutationObserver(() => {
    const shown = document.getElementById('results')?.dataset.query;
    const upTo = waiting.findIndex(({ query }) => query === shown);
    if (upTo === -1) return;
    const now = performance.now();
    watched.latencies.push(...waiting.slice(0, upTo + 1).map(({ at }) => now - at));
    waiting = waiting.slice(upTo + 1);
  }).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ['data-query'] });
}

const phase = (page: Page, name: string): Promise<void> =>
  page.evaluate((during) => {
    (window as unknown as { watched: Watched }).watched.during = during;
  }, name);

async function type(page: Page, text: string): Promise<void> {
  await page.getByRole('searchbox', { name: 'Search' }).pressSequentially(text, { delay: 120 });
  await expect(page.locator('#results')).toHaveAttribute('data-query', text);
}

const takeLatencies = (page: Page): Promise<number[]> =>
  page.evaluate(() => (window as unknown as { watched: Watched }).watched.latencies.splice(0));

function describe(latencies: readonly number[]): string {
  const sorted = latencies.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    Math.round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0);
  return `median ${at(0.5)} ms, 95 of 100 within ${at(0.95)} ms, ${latencies.length} key presses`;
}
