/**
 * The files of one version, as the build lists them, and when each is kept. Pure.
 *
 * The cache is keyed by content: names with a hash stand for themselves, others carry their revision. So versions share
 * what did not change, and an old page finds its own files beside those of a new one.
 */

/** An entry of the list that the build injects (vite.config.ts). */
export interface ListedFile {
  /** Below the app's folder: `assets/index-BaeX0yLW.css`. */
  readonly url: string;
  /** Hash of the content; null where the name carries one. */
  readonly revision: string | null;
  readonly bytes: number;
}

export interface BuildFile extends ListedFile {
  /** Where it is fetched. */
  readonly href: string;
  /** Its key in the cache. */
  readonly key: string;
}

/**
 * 'shell': kept before the service worker is installed, so that every part of the page can be shown; 'needed': kept in the
 * background; 'runtime': needed too, but of these only what this browser uses; 'used': kept when asked for.
 */
export type Stage = 'shell' | 'needed' | 'runtime' | 'used';

export function stageOf({ url, bytes }: Pick<ListedFile, 'url' | 'bytes'>): Stage {
  if (url.endsWith('.woff2')) return url.includes('-latin-wght-') ? 'shell' : 'used';
  if (url.startsWith('ort/')) return 'runtime';
  return (url.startsWith('assets/') || !url.includes('/')) && bytes <= largestShellFile ? 'shell' : 'needed';
}

/** A first visit may wait for the shell (src/ui/offline/isolation.ts); pdf.js need not be among it. */
const largestShellFile = 1e6;

export interface Build {
  /** By URL below the app's folder. */
  readonly files: ReadonlyMap<string, BuildFile>;
  readonly shell: readonly BuildFile[];
  /** All that must be kept before the app works without a network. @param runtimeFiles names within `ort/` */
  needed(runtimeFiles: readonly string[]): readonly BuildFile[];
}

/** The page itself is asked for by its folder: some hosts redirect from `index.html`. */
export const pageUrl = 'index.html';

/** @param scope the app's folder, with a trailing slash */
export function createBuild(listed: readonly ListedFile[], scope: string): Build {
  const files = new Map(listed.map((file) => [file.url, locate(file, scope)]));
  const all = [...files.values()];
  const shell = all.filter((file) => stageOf(file) === 'shell');
  return {
    files,
    shell,
    needed: (runtimeFiles) =>
      all.filter((file) => {
        const stage = stageOf(file);
        return stage === 'runtime' ? runtimeFiles.includes(file.url.slice('ort/'.length)) : stage !== 'used';
      }),
  };
}

function locate(file: ListedFile, scope: string): BuildFile {
  const href = new URL(file.url === pageUrl ? './' : file.url, scope).href;
  const key = new URL(file.url, scope);
  if (file.revision !== null) key.searchParams.set('revision', file.revision);
  return { ...file, href, key: key.href };
}

export const sumOfBytes = (files: readonly ListedFile[]): number => files.reduce((sum, { bytes }) => sum + bytes, 0);
