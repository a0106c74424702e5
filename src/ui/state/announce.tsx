/** One polite status region for the whole page, and one for work that stopped. */
import { useSyncExternalStore } from 'react';

interface Said {
  readonly status: string;
  readonly alert: string;
}
let said: Said = { status: '', alert: '' };
const listeners = new Set<() => void>();

function say(change: Partial<Said>): void {
  said = { ...said, ...change };
  for (const listener of listeners) listener();
}

export const announce = (status: string): void => say({ status });
export const announceStop = (alert: string): void => say({ alert });

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function Announcer() {
  const { status, alert } = useSyncExternalStore(subscribe, () => said);
  return (
    <>
      <div className="sr-only" role="status">
        {status}
      </div>
      <div className="sr-only" role="alert">
        {alert}
      </div>
    </>
  );
}
