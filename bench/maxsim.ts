/**
 * How fast MaxSim is in headless Chromium, beside others, all in one interleaved run; and whether all devices agree.
 * docs/performance.md says what each figure means.
 *
 *     npm run -s bench -- [--json] [--tokens 100000] [--rounds 5]
 *
 * WebGPU runs on Chromium's software adapter (bench/gpu.ts is for graphics cards). Progress goes to standard error.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { argumentsOfProcess } from './arguments.ts';
import { folderFiles, openPage, runtimeFiles } from './browser.mjs';
import { buildPage } from './build-page.ts';
import { commitOf, cpuOf } from './environment.ts';
import { toReport, toTable } from './report.ts';
import type { Measured, MeasureOptions } from './results.ts';

/** 4 GiB of WebAssembly memory are 32 million tokens of 128 bytes. */
const maxTokens = 30_000_000;

const { json, tokens, rounds } = argumentsOfProcess(maxTokens);
/** A devDependency would break installing where the registry does not have it. */
const peer = fileURLToPath(new URL('../node_modules/maxsim-web/dist', import.meta.url));
const hasMaxsimWeb = existsSync(peer);

const opened = await openPage(
  [...(await buildPage()), ...runtimeFiles(), ...(hasMaxsimWeb ? folderFiles('/maxsim-web/', peer) : [])],
  { webgpu: true },
);
try {
  const { browser, page } = opened;
  page.on('pageerror', (error) => console.error(error));
  await page.exposeFunction('progress', (text: string) => console.error(text));
  const options: MeasureOptions = { tokens: tokens ?? 100_000, rounds, hasMaxsimWeb };
  // As text: functions that tsx has compiled do not run elsewhere.
  const measured = await page.evaluate<Measured>(`measure(${JSON.stringify(options)})`);
  const report = toReport(measured, { commit: commitOf(), browser: browser.version(), cpu: cpuOf(), rounds });
  console.log(json ? JSON.stringify(report, null, 2) : toTable(report));
} finally {
  await opened.close();
}
