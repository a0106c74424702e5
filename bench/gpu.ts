/**
 * How fast the WGSL scorer is on this machine's graphics card, through Dawn in Node. docs/performance.md says what each
 * figure means.
 *
 *     npm run -s bench:gpu -- [--json] [--tokens 10000000] [--rounds 5]
 *
 * Without a graphics card it runs on Chromium's SwiftShader, and says so: that shows that it works, never how fast.
 */
import { spawnSync } from 'node:child_process';
import { runnerImport } from 'vite';
import { argumentsOfProcess } from './arguments.ts';
import { commitOf } from './environment.ts';
import { loadDawn, swiftShaderEnvironment } from './gpu/dawn.ts';
import { toGpuReport, toGpuTable } from './gpu/report.ts';

const maxTokens = 100_000_000;

const { json, tokens, rounds } = argumentsOfProcess(maxTokens);
const dawn = await loadDawn();
if (dawn === null)
  skip('The npm package webgpu is not installed, or has no build for this machine: npm install --no-save webgpu@0.6.2');
else if ((await dawn.gpu.requestAdapter()) === null) startAgainInSoftware();
else await measure(dawn.gpu, `Dawn (npm webgpu ${dawn.version}), Node ${process.version}`);
process.exit(); // Dawn's threads would keep Node waiting

async function measure(gpu: GPU, runtime: string): Promise<void> {
  Object.defineProperty(globalThis, 'navigator', { value: { gpu }, configurable: true });
  // Through Vite, which reads the shaders that the scorer imports as text.
  const { module } = await runnerImport<typeof import('./gpu/measure.ts')>('./bench/gpu/measure.ts', {
    configFile: false,
    logLevel: 'error',
  });
  const measured = await module.measureGpu({ tokens, rounds }, (text) => console.error(text));
  const report = toGpuReport(measured, { commit: commitOf(), runtime, rounds });
  console.log(json ? JSON.stringify(report, null, 2) : toGpuTable(report));
}

/** The libraries' places are read when a process starts. */
function startAgainInSoftware(): void {
  const environment = swiftShaderEnvironment();
  if (environment === null || process.env.VK_ICD_FILENAMES === environment.VK_ICD_FILENAMES) {
    skip('Dawn finds no graphics adapter (on Linux it needs libvulkan.so.1 and a driver), and no SwiftShader either.');
    return;
  }
  console.error("Dawn finds no graphics card here: running on Chromium's SwiftShader.");
  const { status } = spawnSync(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    stdio: 'inherit',
    env: { ...process.env, ...environment },
  });
  process.exitCode = status ?? 1;
}

/** Nothing to measure is no failure. */
function skip(reason: string): void {
  console.log(json ? JSON.stringify({ commit: commitOf(), device: { gpu: null }, skipped: reason }, null, 2) : reason);
}
