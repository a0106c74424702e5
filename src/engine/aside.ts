/**
 * An index that this engine is to take over from another model: until then that model's engine serves it, and here only the vectors
 * that it will have are made, aside.
 */
import { LateralError } from '../errors.ts';
import type { IndexStore } from '../store/index-store.ts';
import type { Fingerprint } from '../types.ts';
import { mismatch } from './resident.ts';

export interface Aside {
  /** What the index's vectors were made with when it was last looked at; null once they are this engine's, and from then on. */
  readonly from: Fingerprint | null;
  /** Looks whether the index has changed over. */
  look(): Promise<void>;
  /** Of the index as it is; `unencoded` counts documents that have no vectors aside yet. */
  figures(): Promise<{ readonly documents: number; readonly chunks: number; readonly unencoded: number }>;
}

/** @param from null where the index is this engine's from the start */
export function createAside(
  store: Pick<IndexStore, 'fingerprint' | 'documents' | 'withoutAside'>,
  fingerprint: Fingerprint,
  from: Fingerprint | null,
): Aside {
  let current = from;
  return {
    get from() {
      return current;
    },
    async look() {
      if (current === null) return;
      const stored = await store.fingerprint();
      if (stored === null) return; // cleared meanwhile: there is nothing to search, and nothing to read
      current = mismatch(stored, fingerprint) === null ? null : stored;
    },
    async figures() {
      const [records, without] = await Promise.all([store.documents(), store.withoutAside(fingerprint)]);
      const chunks = records.reduce((sum, { chunkCount }) => sum + chunkCount, 0);
      return { documents: records.length, chunks, unencoded: without.length };
    },
  };
}

/** For what needs the index's vectors. @throws 'model-mismatch' while they are another model's */
export function requireOwn({ from }: Aside, fingerprint: Fingerprint): void {
  if (from === null) return;
  throw new LateralError(
    'model-mismatch',
    `This index still has vectors of ${from.model}. Search, add and delete where it is open with these, until \`reencode\` here has made those of ${fingerprint.model} and changed over.`,
    { details: { stored: from.model, wanted: fingerprint.model } },
  );
}
