/**
 * Who is told that the index changed. Other tabs are told by BroadcastChannel, which is a hint that may be missing or
 * late; the version counter in the database is the truth, and is looked at now and then while someone listens.
 */
import { tellAll } from './listeners.ts';

export interface Changes {
  listen(listener: () => void): () => void;
  /** This tab made a change: tell its listeners and the other tabs. */
  made(version: number): void;
  /** This tab knows this version; no one is told. */
  seen(version: number): void;
  /** The connection went away, and what is behind it may be another database. */
  dropped(): void;
  stop(): void;
}

/** @param readVersion its failures are left to whoever uses the store next */
export function createChanges(channelName: string, pollMs: number, readVersion: () => Promise<number>): Changes {
  const listeners = new Set<() => void>();
  const channel = openChannel(channelName);
  let known = 0;
  let stopped = false;
  let timer: ReturnType<typeof setInterval> | undefined;

  function tell(): void {
    tellAll(listeners);
  }
  function arrived(version: number): void {
    if (version <= known) return;
    known = version;
    tell();
  }
  function poll(): void {
    readVersion().then(arrived, () => undefined);
  }
  channel?.addEventListener('message', (event: MessageEvent<unknown>) => {
    if (typeof event.data === 'number') arrived(event.data);
  });

  return {
    listen(listener) {
      listeners.add(listener);
      timer ??= setInterval(poll, pollMs);
      return () => {
        listeners.delete(listener);
        if (listeners.size > 0) return;
        clearInterval(timer);
        timer = undefined;
      };
    },
    made(version) {
      known = Math.max(known, version);
      if (stopped) return; // a write that was under way at `close`: a closed channel throws
      channel?.postMessage(version);
      tell();
    },
    seen(version) {
      known = Math.max(known, version);
    },
    dropped: tell,
    stop() {
      stopped = true;
      listeners.clear();
      clearInterval(timer);
      channel?.close();
    },
  };
}

function openChannel(name: string): BroadcastChannel | null {
  try {
    return new BroadcastChannel(name);
  } catch {
    return null; // none here: the version counter is enough
  }
}
