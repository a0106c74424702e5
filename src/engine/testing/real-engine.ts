/** For tests: the engine with the real model in Node, over a store in memory. */
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import type { IndexStore } from '../../store/index-store.ts';
import { createMemoryStore } from '../../store/memory-store.ts';
import type { DocumentInput } from '../../types.ts';
import type { CallContext, Engine, OpenOptions } from '../engine-api.ts';
import { createNodeEngine } from '../node.ts';

export const models = fileURLToPath(new URL('../../../public/models', import.meta.url));

export const context: CallContext = { signal: new AbortController().signal, onProgress: () => undefined };

/** Not open yet. On one thread, which is enough for short texts: threads that wait for each other are slow where others work too. */
export function realEngine(given: { readonly store?: IndexStore } = {}, folder = models): Engine {
  return createNodeEngine(folder, { ...given, threads: 1 });
}

export async function openedOver(store: IndexStore, options: OpenOptions): Promise<Engine> {
  const engine = realEngine({ store });
  await engine.open(options, context);
  return engine;
}

/** A new index that has read the documents, all of which can be read. */
export async function builtOf(
  documents: readonly DocumentInput[],
  options: OpenOptions,
): Promise<{ readonly engine: Engine; readonly store: IndexStore }> {
  const store = createMemoryStore('built');
  const engine = await openedOver(store, options);
  expect(await engine.add(documents, context)).toMatchObject({ failed: [], remaining: [] });
  return { engine, store };
}
