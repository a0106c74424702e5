/** The worker's end: messages in, calls, messages out. */
import { LateralError, toWireError } from '../errors.ts';
import type { Progress } from '../types.ts';
import type { Channel, Method, Request, Response, Result } from './protocol.ts';

/** What a service says without being asked. */
interface Telling<Event> {
  subscribe(listener: (event: Event) => void): () => void;
}

export interface ServeOptions<Api> {
  /** Parts of a large result, which move rather than being copied. */
  readonly transferable?: (method: Method<Api>, value: Result<Api, Method<Api>>) => Transferable[];
}

/** Serves an engine, or models, over a channel until the channel goes away. */
export function serve<Api extends object, Event = never>(
  service: Api & Partial<Telling<Event>>,
  channel: Channel,
  { transferable }: ServeOptions<Api> = {},
): void {
  const running = new Map<number, AbortController>();
  const send = (response: Response<Api, Event>, transfer: Transferable[] = []): void =>
    channel.postMessage(response, transfer);

  async function call(request: Extract<Request<Api>, { type: 'call' }>): Promise<void> {
    const { id, method } = request;
    const controller = new AbortController();
    running.set(id, controller);
    try {
      // The union of methods is too wide for the compiler to pair method with argument; the protocol has paired them.
      const methods = service as Partial<
        Record<string, (argument: unknown, context: unknown) => Promise<Result<Api, Method<Api>>>>
      >;
      const run = methods[method];
      if (typeof run !== 'function') throw new LateralError('internal', `There is no method ${method}.`);
      const value = await run.call(service, request.argument, {
        signal: controller.signal,
        onProgress: (progress: Progress) => send({ type: 'progress', id, progress }),
      });
      send({ type: 'result', id, value }, transferable?.(method, value));
    } catch (error) {
      send({ type: 'error', id, error: toWireError(error) });
    } finally {
      running.delete(id);
    }
  }

  service.subscribe?.((event) => send({ type: 'event', event }));
  channel.addEventListener('message', ({ data }: MessageEvent<Request<Api>>) => {
    if (data.type === 'call') void call(data);
    else running.get(data.id)?.abort();
  });
  send({ type: 'ready' });
}
