/** Counts what this page asked of other origins, from the browser's own record of every request. */
import { useSyncExternalStore } from 'react';

let foreign = 0;
const listeners = new Set<() => void>();

function watch(): void {
  if (!('PerformanceObserver' in globalThis)) return;
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { protocol, origin } = new URL(entry.name, location.href);
      if (/^https?:|^wss?:/.test(protocol) && origin !== location.origin) foreign += 1;
    }
    for (const listener of listeners) listener();
  });
  observer.observe({ type: 'resource', buffered: true });
}
watch();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Hosts that a worker was let ask for a model, which the page's own record does not show. */
let asked: readonly string[] = [];

export function noteAsked(origins: readonly string[]): void {
  const hosts = origins.map((origin) => origin.replace(/^https?:\/\//, ''));
  asked = [...new Set([...asked, ...hosts])];
  for (const listener of listeners) listener();
}

export const useAskedHosts = (): readonly string[] => useSyncExternalStore(subscribe, () => asked);

export const useForeignRequests = (): number => useSyncExternalStore(subscribe, () => foreign);
