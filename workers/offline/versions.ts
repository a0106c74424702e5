/**
 * The versions whose files are kept. Each stores its list beside its files; a list, and the files that no other list names,
 * go once no page of that version is open. Pages say so by a Web Lock, which a closed or crashed tab lets go of.
 */
import { type Build, createBuild, type ListedFile } from './build-files.ts';
import { versionLockPrefix } from './messages.ts';

const listKey = (scope: string, id: string): string => new URL(`?files-of-version=${id}`, scope).href;

export async function storeList(cache: Cache, scope: string, listed: readonly ListedFile[]): Promise<void> {
  await cache.put(listKey(scope, await versionId(listed)), Response.json(listed));
}

/** Versions other than this one, whose files are still kept. */
export async function otherVersions(cache: Cache, scope: string, own: readonly ListedFile[]): Promise<Build[]> {
  const ownKey = listKey(scope, await versionId(own));
  const lists = (await storedLists(cache, scope)).filter((key) => key !== ownKey);
  return Promise.all(lists.map(async (key) => createBuild(await readList(cache, key), scope)));
}

/** Removes the files of versions that no page uses any more. */
export async function sweep(cache: Cache, scope: string, own: readonly ListedFile[]): Promise<void> {
  if (!('locks' in navigator)) return; // then nobody can say what is in use
  const { held = [] } = await navigator.locks.query();
  const scripts = held.flatMap(({ name = '' }) =>
    name.startsWith(versionLockPrefix) ? [name.slice(versionLockPrefix.length)] : [],
  );
  const ownKey = listKey(scope, await versionId(own));
  const used = new Set<string>();
  for (const key of await storedLists(cache, scope)) {
    const build = createBuild(await readList(cache, key), scope);
    const files = [...build.files.values()];
    if (key !== ownKey && !files.some((file) => scripts.includes(file.key))) continue;
    used.add(key);
    for (const file of files) used.add(file.key);
  }
  for (const { url } of await cache.keys()) {
    if (!used.has(url) && !isNote(url, scope)) await cache.delete(url);
  }
}

async function storedLists(cache: Cache, scope: string): Promise<string[]> {
  const prefix = listKey(scope, '');
  return (await cache.keys()).map(({ url }) => url).filter((url) => url.startsWith(prefix));
}

async function readList(cache: Cache, key: string): Promise<ListedFile[]> {
  return ((await (await cache.match(key))?.json()) ?? []) as ListedFile[];
}

async function versionId(listed: readonly ListedFile[]): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(JSON.stringify(listed)));
  return Array.from(new Uint8Array(digest, 0, 8), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

// ── what outlives the service worker, which a browser stops at will ──

const noteKey = (scope: string): string => new URL('?runtime-files', scope).href;
const isNote = (url: string, scope: string): boolean => url === noteKey(scope);

/** Which of ONNX Runtime's files this browser used last; null before the first time. */
export async function rememberedRuntime(cache: Cache, scope: string): Promise<readonly string[] | null> {
  const kept = await cache.match(noteKey(scope));
  return kept === undefined ? null : ((await kept.json()) as string[]);
}

export async function rememberRuntime(cache: Cache, scope: string, files: readonly string[]): Promise<void> {
  await cache.put(noteKey(scope), Response.json(files));
}
