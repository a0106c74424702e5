/** One place where the benchmarks start headless Chromium and serve it a cross-origin isolated page. */
import { createReadStream, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, extname, join } from 'node:path';
import { chromium } from 'playwright-core';
import { chromiumArguments, findChromium } from '../scripts/chromium.mjs';
import { isolationHeaders } from '../scripts/headers.mjs';

const types = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
};

/** ONNX Runtime Web's files below /ort/. */
export function runtimeFiles() {
  const runtime = createRequire(import.meta.url).resolve('onnxruntime-web/ort-wasm-simd-threaded.wasm');
  return folderFiles('/ort/', dirname(runtime));
}

/** Every file of a folder, and of those in it, below an address that ends with a slash. */
export function folderFiles(address, folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => [address + path.slice(folder.length + 1).replaceAll('\\', '/'), { path }]);
}

/**
 * Serves the files, and opens `/` in a new browser with its data on the disk: without a profile folder of its own the
 * browser would keep databases in memory. Whoever opened it closes it.
 */
export async function openPage(files, { webgpu = false, profile, port = 0 } = {}) {
  const known = new Map(files);
  const server = createServer((request, response) => {
    const file = known.get(request.url);
    if (file === undefined) return response.writeHead(404).end();
    const name = request.url === '/' ? 'index.html' : (file.path ?? request.url);
    const type = types[extname(name)] ?? 'application/octet-stream';
    response.writeHead(200, { ...isolationHeaders, 'Content-Type': type });
    return file.path === undefined ? response.end(file.body) : createReadStream(file.path).pipe(response);
  });
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${server.address().port}/`;
  const folder = profile ?? mkdtempSync(join(tmpdir(), 'lateral-bench-'));
  let context;
  const close = async () => {
    try {
      await context?.close();
    } finally {
      server.close();
      server.closeAllConnections();
    }
    if (profile === undefined) rmSync(folder, { recursive: true, force: true });
  };
  try {
    const options = { ...findChromium().launch, args: chromiumArguments({ webgpu }) };
    context = await chromium.launchPersistentContext(folder, options);
    const page = await context.newPage();
    await page.goto(origin);
    return { browser: context.browser(), page, origin, close };
  } catch (error) {
    await close();
    throw error;
  }
}
