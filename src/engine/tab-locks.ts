/**
 * Locks by name that the tabs of an origin share, so that one of them writes at a time, and so that each knows which of
 * the others' work is still going on: a lock ends with whoever holds it, be it by a crash.
 */
import { LateralError, throwIfAborted } from '../errors.ts';

export interface HoldOptions {
  /** Ends the waiting; work that has begun looks at it itself. */
  readonly signal?: AbortSignal;
  /** Called once if somebody else has the lock. */
  readonly onWaiting?: () => void;
}

export interface TabLocks {
  /** Whether the locks of other tabs are seen here. */
  readonly acrossTabs: boolean;
  /** Does the work while holding the lock. @throws 'aborted' while waiting, and what the work throws */
  hold<T>(name: string, work: () => Promise<T>, options?: HoldOptions): Promise<T>;
  held(): Promise<ReadonlySet<string>>;
  /** Resolves once nobody holds the lock. @throws 'aborted' */
  released(name: string, signal: AbortSignal): Promise<void>;
}

/** The browser's own: https://w3c.github.io/web-locks/ */
export function createWebLocks(manager: LockManager): TabLocks {
  return {
    acrossTabs: true,
    // Ended while waiting, it throws the browser's AbortError, which is our 'aborted'.
    async hold(name, work, { signal, onWaiting } = {}) {
      const { held = [] } = await manager.query();
      throwIfAborted(signal);
      if (held.some((lock) => lock.name === name)) onWaiting?.();
      return manager.request(name, signal === undefined ? {} : { signal }, work);
    },
    async held() {
      const { held = [] } = await manager.query();
      return new Set(held.flatMap(({ name, mode }) => (name === undefined || mode !== 'exclusive' ? [] : [name])));
    },
    released: (name, signal) => manager.request(name, { mode: 'shared', signal }, () => Promise.resolve()),
  };
}

/** Where there are none: among the calls of this thread only. */
export function createLocalLocks(): TabLocks {
  const queues = new Map<string, Promise<void>>();
  const holding = new Set<string>();

  async function take(name: string, signal: AbortSignal | undefined): Promise<() => void> {
    const before = queues.get(name) ?? Promise.resolve();
    let release!: () => void;
    const mine = new Promise<void>((resolve) => (release = resolve));
    const last = before.then(() => mine);
    queues.set(name, last);
    void last.then(() => {
      if (queues.get(name) === last) queues.delete(name);
    });
    try {
      await unlessAborted(before, signal);
    } catch (error) {
      release(); // whoever is behind still waits for `before`
      throw error;
    }
    return release;
  }

  return {
    acrossTabs: false,
    async hold(name, work, { signal, onWaiting } = {}) {
      throwIfAborted(signal);
      if (queues.has(name)) onWaiting?.();
      const release = await take(name, signal);
      holding.add(name);
      try {
        return await work();
      } finally {
        holding.delete(name);
        release();
      }
    },
    held: () => Promise.resolve(new Set(holding)),
    released: (name, signal) => unlessAborted(queues.get(name) ?? Promise.resolve(), signal),
  };
}

function unlessAborted(work: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(new LateralError('aborted', 'Stopped on request.'));
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    void work.then(resolve).finally(() => signal.removeEventListener('abort', stop));
  });
}
