/**
 * The first visit through a host that sets no headers. From its second page on, the service worker sets them, and the page
 * is isolated: it may use threads, and the content security policy is in force for its workers too. So the first page is
 * loaded once more, before the engine starts, so that runtime and model are fetched once. Never in the middle of use, and
 * never twice: only the page that saw the service worker arrive does it.
 */
import { activeWorker, register } from './service-worker.ts';

const patienceMs = 10_000;

/** Resolves when the engine may start; does not where the page is being loaded again. */
export async function isolated(): Promise<void> {
  if (!import.meta.env.PROD || crossOriginIsolated) return;
  const container = navigator.serviceWorker as ServiceWorkerContainer | undefined;
  if (container?.controller !== null) return; // then loading again would change nothing
  const used = watchForUse();
  const arrived = await Promise.race([serviceWorkerArrives(), after(patienceMs)]);
  if (!arrived || used()) return; // the next visit is isolated
  location.reload();
  await new Promise(() => undefined);
}

/** Whether this page saw the first service worker become active. */
async function serviceWorkerArrives(): Promise<boolean> {
  const registration = await register();
  if (registration?.active !== null) return false;
  return (await activeWorker(registration)) !== null;
}

const after = (ms: number): Promise<false> => new Promise((resolve) => setTimeout(() => resolve(false), ms));

/** Whether anything was pressed, typed or dropped so far. */
function watchForUse(): () => boolean {
  let used = false;
  const types = ['pointerdown', 'keydown', 'drop', 'paste'];
  const notice = (): void => {
    used = true;
    for (const type of types) removeEventListener(type, notice, true);
  };
  for (const type of types) addEventListener(type, notice, { capture: true, passive: true });
  return () => used;
}
