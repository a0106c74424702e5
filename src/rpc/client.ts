/**
 * The page's end: a call becomes a message, its answer a promise. A worker that does not load or dies fails every call
 * with a typed error; none is left hanging.
 */
import { fromWireError, LateralError } from '../errors.ts';
import type { Progress } from '../types.ts';
import type { Argument, Channel, Method, Response, Result } from './protocol.ts';

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

export interface Client<Api, Event = never> {
  call<M extends Method<Api>>(method: M, argument: Argument<Api, M>, options?: CallOptions): Promise<Result<Api, M>>;
  subscribe(listener: (event: Event) => void): () => void;
  /** Calls back once when everything has failed. */
  onFail(listener: (error: LateralError) => void): void;
  /** Fails all calls, now and later, with this error. */
  fail(error: LateralError): void;
}

interface Pending {
  readonly resolve: (value: never) => void;
  readonly reject: (error: LateralError) => void;
  readonly onProgress: ((progress: Progress) => void) | undefined;
}

export function createClient<Api, Event = never>(channel: Channel): Client<Api, Event> {
  const pending = new Map<number, Pending>();
  const listeners = new Set<(event: Event) => void>();
  const failListeners = new Set<(error: LateralError) => void>();
  let lastId = 0;
  let broken: LateralError | null = null;

  channel.addEventListener('message', ({ data }: MessageEvent<Response<Api, Event>>) => {
    switch (data.type) {
      case 'ready':
        return;
      case 'event':
        listeners.forEach((listener) => listener(data.event));
        return;
      case 'progress':
        pending.get(data.id)?.onProgress?.(data.progress);
        return;
      case 'result':
        pending.get(data.id)?.resolve(data.value as never);
        break;
      case 'error':
        pending.get(data.id)?.reject(fromWireError(data.error));
    }
    pending.delete(data.id);
  });

  return {
    async call<M extends Method<Api>>(method: M, argument: Argument<Api, M>, { signal, onProgress }: CallOptions = {}) {
      if (broken !== null) throw broken;
      if (signal?.aborted === true) throw new LateralError('aborted', 'Stopped on request.');
      const id = ++lastId;
      // The worker answers a cancelled call itself: work that was stored before the cancel is in the answer.
      const cancel = (): void => channel.postMessage({ type: 'cancel', id });
      signal?.addEventListener('abort', cancel, { once: true });
      try {
        return await new Promise<Result<Api, M>>((resolve, reject) => {
          pending.set(id, { resolve, reject, onProgress });
          channel.postMessage({ type: 'call', id, method, argument });
        });
      } finally {
        pending.delete(id);
        signal?.removeEventListener('abort', cancel);
      }
    },

    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },

    onFail(listener) {
      failListeners.add(listener);
    },

    fail(error) {
      if (broken !== null) return;
      broken = error;
      failListeners.forEach((listener) => listener(error));
      for (const { reject } of pending.values()) reject(error);
      pending.clear();
    },
  };
}
