/** End to end over the production build, with its headers: once with WebGPU (on the processor), once without. */
import { defineConfig } from '@playwright/test';
import { chromiumArguments, findChromium } from './scripts/chromium.mjs';

const port = Number(process.env.E2E_PORT ?? 4199);
const { launch } = findChromium();

export default defineConfig({
  testDir: 'e2e',
  outputDir: 'test-results',
  timeout: 240_000,
  expect: { timeout: 30_000 },
  workers: 2, // two cores; what a test waits for is mostly one thread's work
  retries: 0,
  forbidOnly: true,
  reporter: [['list']],
  use: {
    baseURL: `http://localhost:${port}/`,
    viewport: { width: 1440, height: 900 },
    // A trace costs a fifth of the time: `--trace retain-on-failure` where one is needed.
    screenshot: 'only-on-failure',
    serviceWorkers: 'block', // it would answer in place of page.route; offline.spec.ts allows it
  },
  webServer: {
    command: 'node scripts/serve-build.mjs',
    port,
    env: { PORT: String(port) },
    reuseExistingServer: false,
  },
  projects: [
    {
      name: 'webgpu',
      grepInvert: /@once/, // what the scorer has no part in runs in one project
      use: { launchOptions: { ...launch, args: chromiumArguments({ webgpu: true }) } },
      metadata: { query: '?scorer=webgpu', scorer: 'webgpu' },
    },
    {
      name: 'no-webgpu',
      grepInvert: /@gpu/, // what needs a graphics device to lose
      use: { launchOptions: { ...launch, args: chromiumArguments({ webgpu: false }) } },
      metadata: { query: '', scorer: 'wasm' },
    },
  ],
});
