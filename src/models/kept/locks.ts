/** One at a time at work on a model, over all tabs. */
import { LateralError, throwIfAborted } from '../../errors.ts';

/** The part of the engine's `TabLocks` that is needed here; Web Locks in browsers. */
export interface ModelLocks {
  hold<T>(
    name: string,
    work: () => Promise<T>,
    options?: { readonly signal?: AbortSignal; readonly onWaiting?: () => void },
  ): Promise<T>;
}

export interface HoldModelOptions {
  /** Ends the waiting; work that has begun looks at it itself. */
  readonly signal?: AbortSignal | undefined;
  /** Called once where another is at work and this one waits for it. Without it, nothing waits. */
  readonly onWaiting?: (() => void) | undefined;
}

export type HoldModel = <T>(folderName: string, work: () => Promise<T>, options?: HoldModelOptions) => Promise<T>;

/** @returns a function that throws 'model-busy' where another is at work and nobody wants to wait */
export function createModelHold(locks: ModelLocks): HoldModel {
  return async (folderName, work, { signal, onWaiting } = {}) => {
    const giveUp = new AbortController();
    const stop = (): void => giveUp.abort();
    throwIfAborted(signal);
    signal?.addEventListener('abort', stop, { once: true });
    const state = { busy: false, began: false };
    try {
      return await locks.hold(
        `lateral-model:${folderName}`,
        () => {
          state.began = true;
          return work();
        },
        {
          signal: giveUp.signal,
          onWaiting: () => {
            if (onWaiting === undefined) {
              state.busy = true;
              stop();
            } else onWaiting();
          },
        },
      );
    } catch (error) {
      throwIfAborted(state.began ? undefined : signal);
      if (!state.busy || state.began) throw error;
      throw new LateralError(
        'model-busy',
        "Another tab is at work on this model's files. Wait until it is done, or stop it there.",
        { cause: error },
      );
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  };
}
