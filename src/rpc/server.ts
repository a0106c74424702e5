/** The worker's end: messages in, engine calls, messages out. */
import type { Engine } from '../engine/engine-api.ts';
import { LateralError, toWireError } from '../errors.ts';
import type { Channel, Method, Request, Response, Result } from './protocol.ts';

/** Serves an engine over a channel until the channel goes away. */
export function serve(engine: Engine, channel: Channel): void {
  const running = new Map<number, AbortController>();
  const send = (response: Response, transfer: Transferable[] = []): void => channel.postMessage(response, transfer);

  async function call(request: Extract<Request, { type: 'call' }>): Promise<void> {
    const { id, method } = request;
    const controller = new AbortController();
    running.set(id, controller);
    try {
      if (typeof engine[method] !== 'function') throw new LateralError('internal', `There is no method ${method}.`);
      // The union of methods is too wide for the compiler to pair method with argument; the protocol has paired them.
      const methods = engine as unknown as Record<
        Method,
        (argument: unknown, context: unknown) => Promise<Result<Method>>
      >;
      const value = await methods[method](request.argument, {
        signal: controller.signal,
        onProgress: (progress: Parameters<Parameters<Engine['open']>[1]['onProgress']>[0]) =>
          send({ type: 'progress', id, progress }),
      });
      send({ type: 'result', id, value }, transferable(method, value));
    } catch (error) {
      send({ type: 'error', id, error: toWireError(error) });
    } finally {
      running.delete(id);
    }
  }

  engine.subscribe((event) => send({ type: 'event', event }));
  channel.addEventListener('message', ({ data }: MessageEvent<Request>) => {
    if (data.type === 'call') void call(data);
    else running.get(data.id)?.abort();
  });
  send({ type: 'ready' });
}

/** Large results move rather than being copied. */
function transferable(method: Method, value: Result<Method>): Transferable[] {
  if (method === 'pageImage') return [(value as Result<'pageImage'>).bitmap];
  if (method !== 'embed') return [];
  return (value as Result<'embed'>).map(({ rows }) => rows.buffer as ArrayBuffer);
}
