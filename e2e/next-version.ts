/** The version after the one under test. */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'vite';

/** The same sources as another version: a word in the page, two workers, and a file of the model are others. */
export async function buildNext(folder: string, plugins: readonly Plugin[] = []): Promise<void> {
  const worker = {
    name: 'next-worker',
    transform: (code: string, id: string) =>
      /\/workers\/(engine|models)\.worker\.ts(\?|$)/.test(id)
        ? `${code}\nObject.assign(self, { version: 'next' });`
        : null,
  };
  await build({
    root: fileURLToPath(new URL('..', import.meta.url)),
    logLevel: 'error',
    build: { outDir: folder, emptyOutDir: true },
    worker: { plugins: () => [worker] },
    plugins: [
      ...plugins,
      {
        name: 'next-version',
        enforce: 'pre',
        transform(code, id) {
          if (!id.endsWith('/src/ui/wording/labels.ts')) return null;
          const next = code.replace("product: 'Lateral'", "product: 'Lateral next'");
          if (next === code) throw new Error('The name of the product stands elsewhere now: change it there.');
          return next;
        },
        async writeBundle() {
          const path = `${folder}/models/lateral-mini/config.json`;
          const settings = JSON.parse(await readFile(path, 'utf8')) as object;
          await writeFile(path, JSON.stringify({ ...settings, next: true }));
        },
      },
    ],
  });
}
