/** Finds a Chromium to test with, and says how to start it. Uses Node alone (and Playwright's own browser where it is). */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

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
 * @returns {{ path: string | undefined, launch: { executablePath?: string, channel?: string } }}
 */
export function findChromium() {
  const named = process.env.CHROMIUM;
  if (named !== undefined && named !== '') {
    if (!existsSync(named)) throw new Error(`CHROMIUM names ${named}, which does not exist.`);
    return { path: named, launch: { executablePath: named } };
  }
  const own = playwrightsOwn();
  // The full browser in its new headless mode: Playwright's default headless shell has no WebGPU.
  if (own !== undefined) return { path: own, launch: { channel: 'chromium' } };
  const path = usualPlaces.find(starts);
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

const started = new Map();

/** Whether it is there and runs: a download without its system libraries, or a stub, is no browser. */
function starts(path) {
  if (!existsSync(path)) return false;
  if (process.platform === 'win32') return true; // there `--version` opens a window
  if (!started.has(path)) started.set(path, spawnSync(path, ['--version'], { timeout: 20_000 }).status === 0);
  return started.get(path);
}

function playwrightsOwn() {
  try {
    const path = createRequire(import.meta.url)('playwright-core').chromium.executablePath();
    return path !== '' && starts(path) ? path : undefined;
  } catch {
    return undefined; // Playwright is not installed yet
  }
}

/**
 * Finds a Chromium or installs one: Playwright's own download, else Debian's package as root.
 * @throws with what to install, where nothing worked
 */
export function ensureChromium() {
  const found = findChromium();
  if (found.path !== undefined) return found;
  console.error('No Chromium found; asking Playwright for its own …');
  spawnSync(process.execPath, ['node_modules/@playwright/test/cli.js', 'install', '--no-shell', 'chromium'], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    stdio: 'inherit',
    timeout: 300_000,
  });
  if (findChromium().path === undefined && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    console.error("That did not work; installing Debian's package …");
    spawnSync('apt-get', ['update', '-q'], { stdio: 'inherit' });
    spawnSync('apt-get', ['install', '-y', '-q', 'chromium'], {
      stdio: 'inherit',
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
  }
  const installed = findChromium();
  if (installed.path === undefined) {
    throw new Error(
      'The tests need Chromium or Chrome, and none could be installed. Install one, or set CHROMIUM to the path of its executable.',
    );
  }
  return installed;
}
