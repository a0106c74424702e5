/** For tests: whole engines over a store that others use as well, like tabs, with the encoder that a test gives. */
import type { Encoder } from '../../colbert/encoder.ts';
import { createReferenceScorer } from '../../maxsim/reference.ts';
import type { Scorer } from '../../maxsim/scorer.ts';
import type { IndexStore } from '../../store/index-store.ts';
import type { CallContext, Engine } from '../engine-api.ts';
import { createEngine } from '../engine.ts';
import { createLocalExtraction, type Extraction } from '../extraction.ts';
import type { TabLocks } from '../tab-locks.ts';

export interface EngineOverOptions {
  readonly locks?: TabLocks | undefined;
  readonly extraction?: Extraction | undefined;
  readonly createScorer?: () => Promise<Scorer>;
}

/** Closing it leaves the store and the encoder for the next one. */
export function engineOver(
  store: IndexStore,
  openEncoder: () => Promise<Encoder>,
  {
    locks,
    extraction = createLocalExtraction(),
    createScorer = () => Promise.resolve(createReferenceScorer()),
  }: EngineOverOptions = {},
): Engine {
  const kept = Object.assign(Object.create(store) as IndexStore, { close: () => Promise.resolve() });
  return createEngine({
    openStore: () => Promise.resolve({ store: kept, warning: '', ...(locks === undefined ? {} : { locks }) }),
    async chooseEncoder() {
      const encoder: Encoder = { ...(await openEncoder()), release: () => Promise.resolve() };
      return { encoder, choice: { kind: encoder.device, reason: '', forced: false }, selfTests: [] };
    },
    async chooseScorer() {
      const scorer = await createScorer();
      return { scorer, choice: { kind: scorer.kind, reason: '', forced: false } };
    },
    replaceEncoder: () => Promise.resolve(null),
    replaceScorer: () => Promise.resolve(null),
    extraction,
    gpu: () => null,
    runtimeFiles: () => [],
    estimate: () => Promise.resolve({ usageBytes: null, appBytes: null, quotaBytes: null, persisted: null }),
  });
}

export function context(overrides: Partial<CallContext> = {}): CallContext {
  return { signal: new AbortController().signal, onProgress: () => undefined, ...overrides };
}

/** Locks that several engines share, as tabs share the browser's. */
export const acrossTabs = (locks: TabLocks): TabLocks => ({ ...locks, acrossTabs: true });
