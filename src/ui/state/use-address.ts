/** The address as state: back and forward work, and typing does not fill the history. */
import { useCallback, useRef, useSyncExternalStore } from 'react';
import { type Address, formatAddress, parseAddress } from './address.ts';

/** A pause this long makes the next change of the query a step of its own. */
const stepAfterMs = 2000;
const listeners = new Set<() => void>();
let current: Address = parseAddress(location.hash);

function read(): void {
  const next = parseAddress(location.hash);
  if (next.section === current.section && next.query === current.query) return;
  current = next;
  for (const listener of listeners) listener();
}
window.addEventListener('hashchange', read);
window.addEventListener('popstate', read);

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export interface AddressState {
  readonly address: Address;
  readonly setQuery: (query: string) => void;
}

export function useAddress(): AddressState {
  const address = useSyncExternalStore(subscribe, () => current);
  const changedAt = useRef(0);
  const setQuery = useCallback((query: string) => {
    const url = location.pathname + location.search + formatAddress({ section: current.section, query });
    if (performance.now() - changedAt.current > stepAfterMs) history.pushState(null, '', url);
    else history.replaceState(null, '', url);
    changedAt.current = performance.now();
    read();
  }, []);
  return { address, setQuery };
}
