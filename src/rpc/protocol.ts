/**
 * Every message between page and worker, as discriminated unions derived from the type of what is served (the engine's, the
 * models'): what is called, how it is stopped, what it reports and how it ends.
 */
import type { WireError } from '../errors.ts';
import type { Progress } from '../types.ts';

/** What is served: methods of one plain argument and a context. */
export type Method<Api> = keyof Api & string;
export type Argument<Api, M extends Method<Api>> = Api[M] extends (argument: infer A, context: never) => unknown
  ? A
  : never;
export type Result<Api, M extends Method<Api>> = Api[M] extends (...call: never) => infer R ? Awaited<R> : never;

/** Page → worker. */
export type Request<Api> =
  | {
      [M in Method<Api>]: {
        readonly type: 'call';
        readonly id: number;
        readonly method: M;
        readonly argument: Argument<Api, M>;
      };
    }[Method<Api>]
  | { readonly type: 'cancel'; readonly id: number };

/** Worker → page. */
export type Response<Api, Event> =
  /** The worker's script has loaded and listens. */
  | { readonly type: 'ready' }
  | { readonly type: 'result'; readonly id: number; readonly value: Result<Api, Method<Api>> }
  | { readonly type: 'error'; readonly id: number; readonly error: WireError }
  | { readonly type: 'progress'; readonly id: number; readonly progress: Progress }
  | { readonly type: 'event'; readonly event: Event };

/** What both ends need of a worker or a port; a MessageChannel's port serves as well. */
export interface Channel {
  postMessage(message: unknown, transfer?: Transferable[]): void;
  addEventListener(type: 'message', listener: (event: MessageEvent) => void): void;
}
