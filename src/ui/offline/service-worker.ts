/**
 * The page's side of the service worker: registers it once the index is open, keeps asking until Lateral is ready offline,
 * and notices new versions.
 */
import { type OfflineMessage, type OfflineReadiness, versionLockPrefix } from '../../../workers/offline/messages.ts';
import type { LateralIndex } from '../../index.ts';
import { setOffline } from './state.ts';

const askAgainMs = 1000;
const retryMs = 60_000;
const lookForUpdatesMs = 3_600_000;

/** Nothing of this happens before the index is open: the first start has the network and the processor to itself. */
export function startOffline(opening: Promise<LateralIndex>): void {
  if (!import.meta.env.PROD) {
    setOffline({ readiness: 'unsupported' });
    return;
  }
  holdVersion();
  void opening
    .then(
      (index) => index.status().runtimeFiles,
      () => null, // also a version that does not start must be replaced by the next one
    )
    .then(watch);
}

/** The registration, or null where there can be none: a private window, plain HTTP, a setting of the browser. */
export async function register(): Promise<ServiceWorkerRegistration | null> {
  try {
    const script = new URL('offline.sw.js', document.baseURI);
    const registration = await navigator.serviceWorker.register(script, { updateViaCache: 'none' });
    return registration instanceof ServiceWorkerRegistration ? registration : null;
  } catch {
    return null;
  }
}

async function watch(runtimeFiles: readonly string[] | null): Promise<void> {
  const registration = await register();
  if (registration === null) {
    setOffline({ readiness: 'unsupported' });
    return;
  }
  watchForUpdates(registration);
  const active = await activeWorker(registration);
  if (active === null) setOffline({ readiness: 'stalled', reason: 'network' });
  else if (runtimeFiles !== null) void keepOffline(registration, runtimeFiles);
}

/** Tells the service worker, for as long as this page lives, that the files of its version are in use. */
function holdVersion(): void {
  if (!('locks' in navigator)) return;
  const name = versionLockPrefix + import.meta.url;
  void navigator.locks.request(name, { mode: 'shared' }, () => new Promise(() => undefined));
}

/** The worker that answers this page, or null where its installation failed. */
export async function activeWorker(registration: ServiceWorkerRegistration): Promise<ServiceWorker | null> {
  const worker = registration.active ?? registration.waiting ?? registration.installing;
  if (worker === null) return null;
  await new Promise<void>((resolve) => {
    const look = (): void => {
      if (worker.state !== 'activated' && worker.state !== 'redundant') return;
      worker.removeEventListener('statechange', look);
      resolve();
    };
    worker.addEventListener('statechange', look);
    look();
  });
  return registration.active;
}

// ── ready offline ──

async function keepOffline(registration: ServiceWorkerRegistration, runtimeFiles: readonly string[]): Promise<void> {
  for (let retry = true; ;) {
    const readiness = await ask(registration.active, { type: 'readiness', runtimeFiles, retry });
    retry = readiness?.state === 'stalled';
    if (readiness !== null) {
      const { state, ...figures } = readiness;
      setOffline({ readiness: state, ...figures });
      if (state === 'ready') return;
    }
    await (retry ? networkOr(retryMs) : pause(askAgainMs));
  }
}

/** null where no answer came: the worker was stopped in between, or replaced. */
function ask(worker: ServiceWorker | null, question: OfflineMessage): Promise<OfflineReadiness | null> {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(null), 10_000);
    port1.onmessage = ({ data }: MessageEvent<OfflineReadiness>) => {
      clearTimeout(timer);
      resolve(data);
    };
    worker?.postMessage(question, [port2]);
  }).finally(() => port1.close()) as Promise<OfflineReadiness | null>;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function networkOr(ms: number): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      clearTimeout(timer);
      removeEventListener('online', go);
      resolve();
    };
    const timer = setTimeout(go, ms);
    addEventListener('online', go);
  });
}

// ── new versions ──

let updating: (() => void) | null = null;

/** Reloads into the new version. Other tabs go on with theirs, whose files stay until they close or reload. */
export function acceptUpdate(): void {
  if (updating === null) location.reload();
  else updating();
}

function watchForUpdates(registration: ServiceWorkerRegistration): void {
  const container = navigator.serviceWorker;
  const offer = (worker: ServiceWorker): void => {
    updating = () => {
      if (worker.state !== 'installed') {
        location.reload(); // another tab has accepted already
        return;
      }
      worker.addEventListener('statechange', () => {
        if (worker.state === 'activated') location.reload();
      });
      const message: OfflineMessage = { type: 'take-over' };
      worker.postMessage(message);
    };
    setOffline({ updateAvailable: true });
  };
  const follow = (worker: ServiceWorker | null): void => {
    if (worker === null || registration.active === null) return; // the first version is no update
    const look = (): void => {
      if (worker.state === 'installed') offer(worker);
    };
    worker.addEventListener('statechange', look);
    look();
  };
  follow(registration.waiting);
  follow(registration.installing);
  registration.addEventListener('updatefound', () => follow(registration.installing));

  let controlled = container.controller !== null;
  container.addEventListener('controllerchange', () => {
    if (controlled) setOffline({ updateAvailable: true }); // accepted in another tab; this page is of the old version
    controlled = true;
  });

  let lookedAt = performance.now();
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState !== 'visible' || performance.now() - lookedAt < lookForUpdatesMs) return;
    lookedAt = performance.now();
    void registration.update().catch(() => undefined); // no network: the next time
  });
}
