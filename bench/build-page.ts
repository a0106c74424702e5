/** Bundles a page with Vite, in memory. */
import { fileURLToPath } from 'node:url';
import { build, type Rolldown } from 'vite';
import type { ServedFiles } from './browser.mjs';

const benchPage = fileURLToPath(new URL('page', import.meta.url));

/** @param root folder with an index.html; bench/page unless said otherwise */
export async function buildPage(root = benchPage): Promise<ServedFiles> {
  const output = (await build({
    configFile: false,
    root,
    base: '/',
    logLevel: 'warn',
    worker: { format: 'es' },
    build: { write: false, target: 'es2023', minify: false, modulePreload: { polyfill: false } },
  })) as Rolldown.RolldownOutput;
  return output.output.map((file) => [
    file.fileName === 'index.html' ? '/' : `/${file.fileName}`,
    { body: file.type === 'chunk' ? file.code : file.source },
  ]);
}
