/**
 * How long it takes until a stored collection can be searched, and how much memory that takes at most; then the same collection in
 * four bits a component, and what exact scores of the best passages cost there.
 *
 *     npm run -s bench:opening -- [--json] [--tokens 4000000]
 *
 * Fills a database with made-up vectors, closes the browser, and opens them in a new one: cold for the browser, though not for
 * the system's own cache of files. The peak is the page's process's, less what it held before, so it needs Linux.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { argumentsOfProcess } from './arguments.ts';
import { openPage, type BenchPage } from './browser.mjs';
import { buildPage } from './build-page.ts';
import { commitOf, cpuOf } from './environment.ts';
import type { Opened } from './page/opening.ts';
import { peakBytes, startWatching } from './process-memory.ts';

const { json, tokens } = argumentsOfProcess(25_000_000);
const numTokens = tokens ?? 4_000_000;
const files = await buildPage();
const profile = mkdtempSync(join(tmpdir(), 'lateral-opening-'));
try {
  const port = await withPage(0, async ({ page, origin }) => {
    await page.exposeFunction('progress', (text: string) => console.error(text));
    await page.evaluate(`fillIndex(${numTokens})`);
    return Number(new URL(origin).port);
  });
  const { version, opened, peakOverResident } = await withPage(port, async ({ page, browser }) => {
    const before = await startWatching(browser);
    const opened = await page.evaluate<Opened>("openStoredIndex('stored')");
    const peak = await peakBytes(browser);
    const peakOverResident = before === null || peak === null ? null : (peak - before) / opened.residentBytes;
    return { version: browser.version(), opened, peakOverResident };
  });
  const int4 = await withPage(port, ({ page }) => page.evaluate<Opened>("openStoredIndex('int4')"));
  const { firstMs, wholeMs, searchMs, residentBytes } = opened;
  const rescoring = int4.rescoring!;
  const mebibytesPerSecond = residentBytes / 2 ** 20 / (wholeMs / 1000);
  const report = {
    ...{ commit: commitOf(), browser: version, device: cpuOf() },
    ratios: { peakOverResident: rounded(peakOverResident, 3) },
    figures: {
      ...{ numTokens: opened.numTokens, residentBytes },
      ...{ firstMs: rounded(firstMs), wholeMs: rounded(wholeMs), searchMs: rounded(searchMs) },
      mebibytesPerSecond: rounded(mebibytesPerSecond),
      int4: {
        ...{ residentBytes: int4.residentBytes, wholeMs: rounded(int4.wholeMs), searchMs: rounded(int4.searchMs) },
        ...{ rescoredPassages: rescoring.passages, rescoringMs: rounded(rescoring.firstMs) },
        rescoringAgainMs: rounded(rescoring.againMs),
      },
    },
  };
  if (json) console.log(JSON.stringify(report, null, 2));
  else {
    console.log(`${opened.numTokens} tokens, ${(residentBytes / 2 ** 20).toFixed(0)} MiB of vectors`);
    console.log(`something searchable after ${firstMs.toFixed(0)} ms, all after ${wholeMs.toFixed(0)} ms`);
    console.log(`${mebibytesPerSecond.toFixed(0)} MiB/s (goal: 300), a search takes ${searchMs.toFixed(0)} ms`);
    console.log(`peak memory ${peakOverResident?.toFixed(2) ?? 'unknown'} times that of the vectors (goal: 1.3)`);
    const held = (int4.residentBytes / 2 ** 20).toFixed(0);
    console.log(`in four bits a component ${held} MiB, all searchable after ${int4.wholeMs.toFixed(0)} ms`);
    console.log(
      `a search takes ${int4.searchMs.toFixed(0)} ms, and ${rescoring.firstMs.toFixed(0)} ms for the exact scores of ` +
        `${rescoring.passages} passages, ${rescoring.againMs.toFixed(0)} ms for the same ones again`,
    );
  }
} finally {
  rmSync(profile, { recursive: true, force: true });
}

async function withPage<T>(port: number, work: (opened: BenchPage) => Promise<T>): Promise<T> {
  const opened = await openPage(files, { profile, port });
  try {
    opened.page.on('pageerror', (error) => console.error(error));
    return await work(opened);
  } finally {
    await opened.close();
  }
}

function rounded(value: number | null, digits = 0): number | null {
  return value === null ? null : Number(value.toFixed(digits));
}
