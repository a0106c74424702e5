/** Finds a Chromium to test with, and says how to start it. Uses Node alone (and Playwright's own browser where it is). */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';

const usualPlaces = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/snap/bin/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
  'C:\\Program Files (x86)\\Google\\Chrome\\Application\\chrome.exe',
];

/**
 * CHROMIUM, else Playwright's own browser, else the usual places.
 * @returns {{ path: string | undefined, launch: { executablePath?: string } }}
 */
export function findChromium() {
  const named = process.env.CHROMIUM;
  if (named !== undefined && named !== '') {
    if (!existsSync(named)) throw new Error(`CHROMIUM names ${named}, which does not exist.`);
    return { path: named, launch: { executablePath: named } };
  }
  const own = playwrightsOwn();
  if (own !== undefined) return { path: own, launch: {} };
  const path = usualPlaces.find((place) => existsSync(place));
  return path === undefined ? { path: undefined, launch: {} } : { path, launch: { executablePath: path } };
}

/** Flags that keep Chromium quiet and, on request, give it WebGPU on the processor (SwiftShader). */
export function chromiumArguments({ webgpu = false } = {}) {
  return [
    '--no-sandbox',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    ...(webgpu ? ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'] : ['--disable-features=WebGPU']),
  ];
}

function playwrightsOwn() {
  try {
    const path = createRequire(import.meta.url)('playwright-core').chromium.executablePath();
    return path !== '' && existsSync(path) ? path : undefined;
  } catch {
    return undefined; // Playwright is not installed yet
  }
}
