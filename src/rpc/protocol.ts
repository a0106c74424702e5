/**
 * Every message between page and worker, as discriminated unions derived from the engine's type: what is called, how it
 * is stopped, what it reports and how it ends.
 */
import type { EngineApi, EngineEvent } from '../engine/engine-api.ts';
import type { WireError } from '../errors.ts';
import type { Progress } from '../types.ts';

export type Method = keyof EngineApi;
export type Argument<M extends Method> = Parameters<EngineApi[M]>[0];
export type Result<M extends Method> = Awaited<ReturnType<EngineApi[M]>>;

/** Page → worker. */
export type Request =
  | {
      [M in Method]: { readonly type: 'call'; readonly id: number; readonly method: M; readonly argument: Argument<M> };
    }[Method]
  | { readonly type: 'cancel'; readonly id: number };

/** Worker → page. */
export type Response =
  /** The worker's script has loaded and listens. */
  | { readonly type: 'ready' }
  | { readonly type: 'result'; readonly id: number; readonly value: Result<Method> }
  | { readonly type: 'error'; readonly id: number; readonly error: WireError }
  | { readonly type: 'progress'; readonly id: number; readonly progress: Progress }
  | { readonly type: 'event'; readonly event: EngineEvent };

/** What both ends need of a worker or a port; a MessageChannel's port serves as well. */
export interface Channel {
  postMessage(message: unknown, transfer?: Transferable[]): void;
  addEventListener(type: 'message', listener: (event: MessageEvent) => void): void;
}
