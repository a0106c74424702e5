/** For tests: the repositories of fixtures/exports, as their tools wrote them, and the rows that these give. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FolderFile } from '../hub/import-folder.ts';

const root = join(import.meta.dirname, '../../../fixtures/exports');

export interface GoldenText {
  readonly kind: 'query' | 'document';
  readonly text: string;
  readonly inputIds: readonly number[];
  readonly attentionMask: readonly number[];
  /** 1 for each position whose vector is kept. */
  readonly kept: readonly number[];
  /** Of the positions that are kept. */
  readonly rows: readonly (readonly number[])[];
}

/** path → bytes, without what is ours */
export function exportedFiles(name: string): Map<string, Uint8Array<ArrayBuffer>> {
  const folder = join(root, name);
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== 'golden.json')
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
  return new Map(paths.sort().map((path) => [path, new Uint8Array(readFileSync(join(folder, path)))]));
}

export function goldenTexts(name: string): readonly GoldenText[] {
  const json = JSON.parse(readFileSync(join(root, name, 'golden.json'), 'utf8')) as { readonly cases: GoldenText[] };
  return json.cases;
}

export function asFolder(name: string, files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>): FolderFile[] {
  return [...files].map(([path, bytes]) => ({ path: `${name}/${path}`, blob: new Blob([bytes]) }));
}
