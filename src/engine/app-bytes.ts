/** How much of the origin's storage is Lateral itself, and no documents: its copy for working offline, and downloaded models. */
import { openModelStore } from './browser-models.ts';

/** Chromium tells what is stored by which way; kinds with nothing are left out. */
interface DetailedEstimate extends StorageEstimate {
  readonly usageDetails?: Readonly<Record<string, number>>;
}

/** Walking the caches takes some milliseconds, and statistics are asked for often while documents arrive. */
const countAnewMs = 10_000;

/** @returns of `usage`, all that is in no database; null where the browser does not tell its usage */
export async function appBytesOf({ usage, usageDetails }: DetailedEstimate): Promise<number | null> {
  if (usage === undefined) return null;
  // What the browser says holds more than can be counted: compiled code is kept beside the files it came from.
  if (usageDetails !== undefined) return Math.max(0, usage - (usageDetails.indexedDB ?? 0));
  return Math.min(usage, await recentCount());
}

let counted: { readonly at: number; readonly bytes: Promise<number> } | null = null;

function recentCount(): Promise<number> {
  if (counted === null || performance.now() - counted.at > countAnewMs) {
    counted = { at: performance.now(), bytes: countAppBytes() };
  }
  return counted.bytes;
}

/** In the caches and among the downloaded models; what this window has none of counts nothing. */
async function countAppBytes(): Promise<number> {
  const [cached, models] = await Promise.all([cachedBytes().catch(() => 0), modelBytes().catch(() => 0)]);
  return cached + models;
}

/** By what the service worker writes into each response: the length of the body as it is kept. */
export async function cachedBytes(): Promise<number> {
  let bytes = 0;
  for (const name of await caches.keys()) {
    for (const { headers } of await (await caches.open(name)).matchAll()) {
      bytes += Number(headers.get('content-length') ?? 0);
    }
  }
  return bytes;
}

async function modelBytes(): Promise<number> {
  return (await openModelStore().list()).reduce((sum, { bytes }) => sum + bytes, 0);
}
