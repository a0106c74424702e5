/**
 * Makes public/sample/ (library.lateral and questions.json) of sample/, with vectors, so that the page has only to import
 * them. Skips when nothing it depends on has changed; `--force` makes it anew.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
export const libraryFile = join(root, 'public', 'sample', 'library.lateral');
export const questionsFile = join(root, 'public', 'sample', 'questions.json');
const stampFile = join(root, '.cache', 'sample.stamp');

/** What decides about texts, passages, vectors and the file's layout. A folder stands for all files in it. */
const sources = [
  join(root, 'sample'),
  join(root, 'public', 'models'),
  ...['extract', 'text', 'colbert', 'vectors', 'models'].map((folder) => join(root, 'src', folder)),
  join(root, 'src', 'store', 'collection-file.ts'),
  join(root, 'scripts', 'sample.ts'),
  join(root, 'package-lock.json'),
];

/** @returns whether there was anything to do */
export async function buildSample(force = false): Promise<boolean> {
  const stamp = stampOf(sources);
  const isCurrent = existsSync(libraryFile) && existsSync(questionsFile) && readText(stampFile) === stamp;
  if (isCurrent && !force) return false;
  const { makeLibrary, sampleQuestions } = await import('./sample.ts'); // the whole engine: only when there is work
  const library = new Uint8Array(await (await makeLibrary()).arrayBuffer());
  writeWhole(libraryFile, library);
  writeWhole(questionsFile, JSON.stringify(sampleQuestions()));
  writeWhole(stampFile, stamp);
  return true;
}

function stampOf(paths: readonly string[]): string {
  const hash = createHash('sha256');
  for (const path of paths) {
    for (const file of filesIn(path)) hash.update(`${file.slice(root.length)}\0`).update(readFileSync(file));
  }
  return hash.digest('hex');
}

function filesIn(path: string): string[] {
  const isTest = (name: string): boolean => name === 'testing' || name.endsWith('.test.ts');
  try {
    const names = readdirSync(path).sort();
    return names.filter((name) => !isTest(name)).flatMap((name) => filesIn(join(path, name)));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return [path];
    throw error;
  }
}

function readText(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

/** Whole or not at all: another process may be reading. */
function writeWhole(path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, content);
  renameSync(temporary, path);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const started = performance.now();
  if (await buildSample(process.argv.includes('--force'))) {
    const megabytes = (readFileSync(libraryFile).length / 1e6).toFixed(1);
    console.error(`Sample library: ${megabytes} MB in ${((performance.now() - started) / 1000).toFixed(0)} s`);
  }
}
