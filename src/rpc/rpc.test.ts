import { expect, expectTypeOf, test } from 'vitest';
import type { CallContext, Engine, EngineApi, EngineEvent } from '../engine/engine-api.ts';
import { LateralError } from '../errors.ts';
import type { AddResult, EngineStatus } from '../types.ts';
import { createEngineClient, serveEngine } from './engine.ts';
import type { Argument, Result } from './protocol.ts';

/** Client and server over a real MessageChannel: values are cloned as between threads. */
function connect(methods: Partial<Engine>) {
  const { port1, port2 } = new MessageChannel();
  let emit: (event: EngineEvent) => void = () => undefined;
  const engine = {
    subscribe(listener: typeof emit) {
      emit = listener;
      return () => undefined;
    },
    ...methods,
  } as Engine;
  const client = createEngineClient(port2);
  serveEngine(engine, port1);
  port1.start();
  port2.start();
  const close = (): void => {
    port1.close();
    port2.close();
  };
  return { client, emit: (event: EngineEvent) => emit(event), close };
}

test('the protocol follows the engine', () => {
  expectTypeOf<Argument<EngineApi, 'remove'>>().toEqualTypeOf<readonly string[]>();
  expectTypeOf<Result<EngineApi, 'add'>>().toEqualTypeOf<AddResult>();
});

test('a call, its progress and its result', async () => {
  const { client, close } = connect({
    restore: async (undo: string, { onProgress }: CallContext) => {
      onProgress({ phase: 'saving', done: 1, total: 2, unit: 'files' });
      return Promise.resolve(undo.length);
    },
  });
  const seen: number[] = [];
  await expect(client.call('restore', 'four', { onProgress: ({ done }) => seen.push(done) })).resolves.toBe(4);
  expect(seen).toEqual([1]);
  close();
});

test('an error keeps its code, its details and its message', async () => {
  const { client, close } = connect({
    text: () => Promise.reject(new LateralError('not-found', 'Gone.', { details: { id: 'x' } })),
  });
  const error = await client.call('text', 'x').catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(LateralError);
  expect(error).toMatchObject({ code: 'not-found', message: 'Gone.', details: { id: 'x' } });
  close();
});

test('an aborted signal reaches the engine; what it did until then is the answer', async () => {
  const { client, close } = connect({
    add: (_documents, { signal }) =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => resolve({ added: [], failed: [], remaining: [0] }));
      }),
  });
  const controller = new AbortController();
  const result = client.call('add', [], { signal: controller.signal });
  setTimeout(() => controller.abort(), 5);
  await expect(result).resolves.toMatchObject({ remaining: [0] });
  close();
});

test('a method that is not there is an error, not a hang', async () => {
  const { client, close } = connect({});
  await expect(client.call('clear', undefined)).rejects.toMatchObject({ code: 'internal' });
  close();
});

test('when the worker fails, every call fails, now and later', async () => {
  const { client, close } = connect({ close: () => new Promise(() => undefined) });
  const hanging = client.call('close', undefined);
  client.fail(new LateralError('worker-failed', 'Part of Lateral did not load.'));
  await expect(hanging).rejects.toMatchObject({ code: 'worker-failed' });
  await expect(client.call('close', undefined)).rejects.toMatchObject({ code: 'worker-failed' });
  close();
});

test('events arrive', async () => {
  const { client, emit, close } = connect({});
  const event = new Promise<EngineEvent>((resolve) => client.subscribe(resolve));
  emit({ type: 'changed' });
  await expect(event).resolves.toEqual({ type: 'changed' });
  close();
});

test('statuses are plain data', () => {
  expectTypeOf<EngineStatus>().toEqualTypeOf<Result<EngineApi, 'status'>>();
});
