/** How offline stands, for hooks to subscribe to. */
import { useSyncExternalStore } from 'react';
import type { OfflineReadiness } from '../../../workers/offline/messages.ts';

export interface OfflineState {
  /** 'unsupported': this browser, or this way of serving, has no service worker; then the network is needed at each start. */
  readonly readiness: 'unsupported' | 'starting' | OfflineReadiness['state'];
  /** Bytes kept of those needed, while 'keeping'. */
  readonly done: number;
  readonly total: number;
  readonly reason: OfflineReadiness['reason'];
  /** A new version waits for the person, or was accepted in another tab. */
  readonly updateAvailable: boolean;
  /** Whether the browser says that it has a network. */
  readonly online: boolean;
}

let state: OfflineState = {
  readiness: 'starting',
  done: 0,
  total: 0,
  reason: null,
  updateAvailable: false,
  online: navigator.onLine,
};
const listeners = new Set<() => void>();

export function setOffline(change: Partial<OfflineState>): void {
  state = { ...state, ...change };
  for (const listener of listeners) listener();
}

for (const type of ['online', 'offline']) {
  addEventListener(type, () => setOffline({ online: navigator.onLine }));
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const useOffline = (): OfflineState => useSyncExternalStore(subscribe, () => state);
