/**
 * The service worker: Lateral without a network, its headers on hosts that set none, and new versions that wait until a
 * person agrees. The shell is kept at installation; runtime and model follow once a page says that it has started, or, for
 * a new version, before it offers itself.
 */
import { isModelsScript, permittedSources, productionHeaders } from '../scripts/headers.mjs';
import { withHeaders } from './offline/answer-headers.ts';
import {
  createBuild,
  pageUrl,
  sumOfBytes,
  type Build,
  type BuildFile,
  type ListedFile,
} from './offline/build-files.ts';
import { downloadAll, keep, missingFiles, stallReason } from './offline/keep.ts';
import type { OfflineMessage, OfflineReadiness, StallReason } from './offline/messages.ts';
import { otherVersions, rememberedRuntime, rememberRuntime, storeList, sweep } from './offline/versions.ts';

declare const self: ServiceWorkerGlobalScope & { readonly __WB_MANIFEST: readonly ListedFile[] };

const listed = self.__WB_MANIFEST;
const { scope } = self.registration;
const build = createBuild(listed, scope);
const opening = caches.open(`lateral:${scope}`);

/** The download that runs, shared by all pages that ask. */
let keeping: Promise<void> | null = null;
let done = 0;
let total = 0;
let stalled: StallReason | null = null;
let others: Promise<Build[]> | null = null;

self.addEventListener('install', (event) => {
  event.waitUntil(install());
});

// A page that was there before is not claimed: it has what it needs from the network, and in Firefox (153) the workers that
// its workers make afterwards would never load. From its next load on it is served here.

self.addEventListener('message', (event) => {
  const message = event.data as OfflineMessage;
  if (message.type === 'take-over') event.waitUntil(self.skipWaiting());
  else event.waitUntil(answerReadiness(message.runtimeFiles, message.retry, event.ports[0]!));
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const reads = request.method === 'GET' || request.method === 'HEAD';
  if (!reads || !request.url.startsWith(scope) || request.headers.has('range')) return;
  event.respondWith(answer(event));
});

/** A new version is installed with all it needs, so that it never takes over half-kept; the first one with its shell. */
async function install(): Promise<void> {
  const cache = await opening;
  await storeList(cache, scope, listed);
  const runtime = await rememberedRuntime(cache, scope);
  const files = runtime === null ? build.shell : build.needed(runtime);
  await downloadAll(cache, build, await missingFiles(cache, files), () => undefined);
}

async function answerReadiness(runtimeFiles: readonly string[], retry: boolean, port: MessagePort): Promise<void> {
  const reply = (readiness: OfflineReadiness): void => port.postMessage(readiness);
  if (retry) stalled = null;
  if (keeping === null && stalled === null) {
    const cache = await opening;
    const needed = build.needed(runtimeFiles);
    const missing = await missingFiles(cache, needed);
    total = sumOfBytes(needed);
    done = total - sumOfBytes(missing);
    try {
      await rememberRuntime(cache, scope, runtimeFiles);
    } catch (error) {
      stalled = stallReason(error); // a full disk
    }
    if (stalled === null && missing.length === 0) {
      reply({ state: 'ready', done: total, total, reason: null });
      await forgetOldVersions(cache);
      return;
    }
    if (stalled === null) keeping ??= keepMissing(cache, missing);
  }
  reply({ state: stalled === null ? 'keeping' : 'stalled', done, total, reason: stalled });
  await keeping;
}

async function keepMissing(cache: Cache, missing: readonly BuildFile[]): Promise<void> {
  try {
    await downloadAll(cache, build, missing, (bytes) => (done += bytes));
  } catch (error) {
    stalled = stallReason(error);
  } finally {
    keeping = null;
  }
}

async function forgetOldVersions(cache: Cache): Promise<void> {
  if (self.registration.installing !== null || self.registration.waiting !== null) return; // their files are on the way
  await sweep(cache, scope, listed);
  others = null;
}

async function answer(event: FetchEvent): Promise<Response> {
  const { request } = event;
  const cache = await opening;
  const url = new URL(request.url);
  const path = url.pathname.slice(new URL(scope).pathname.length);
  const sources = permittedSources(path, url.searchParams);
  const file = (await buildOf(event, cache)).files.get(path === '' ? pageUrl : path);
  // Of another version: names with a hash are their own keys.
  const kept = await cache.match(file?.key ?? new URL(path, scope).href);
  if (kept !== undefined) return withHeaders(kept, productionHeaders, sources);
  // What is kept is the answer without permitted hosts, which our own server would add as well.
  const response = await (isModelsScript(path) ? fetch(url.origin + url.pathname) : fetch(request));
  if (file !== undefined && build.files.get(file.url) === file && request.method === 'GET' && response.ok) {
    // What is not whole is not kept; whoever asked for it finds out by itself.
    event.waitUntil(keep(cache, build, file, response.clone(), () => undefined).catch(() => undefined));
  }
  return withHeaders(response, productionHeaders, sources);
}

/**
 * The version that asks: a worker of an old page goes on with the old runtime and model. One that is the same in both
 * versions takes the new ones; its self-test says whether they fit.
 */
async function buildOf(event: FetchEvent, cache: Cache): Promise<Build> {
  others ??= otherVersions(cache, scope, listed).catch(() => {
    others = null; // asked again by the next request; this one gets the file of this version
    return [];
  });
  const older = await others;
  if (older.length === 0 || event.clientId === '') return build;
  const client = await self.clients.get(event.clientId);
  if (client === undefined) return build;
  const { origin, pathname } = new URL(client.url); // the models' worker names hosts in its query
  const has = ({ files }: Build): boolean => [...files.values()].some(({ key }) => key === origin + pathname);
  return has(build) ? build : (older.find(has) ?? build);
}
