/** A collection as one file, and back. */
import { LateralError } from '../errors.ts';
import type { IndexStore } from '../store/index-store.ts';
import type { Fingerprint, ImportResult, Progress } from '../types.ts';

export interface CollectionParts {
  readonly store: IndexStore;
  readonly fingerprint: Fingerprint;
}

/** @param documentIds all where not given */
export function exportCollection(
  _parts: CollectionParts,
  _documentIds: readonly string[] | undefined,
  _signal: AbortSignal,
  _onProgress: (progress: Progress) => void,
): Promise<Blob> {
  return Promise.reject(new LateralError('internal', 'Not there yet.'));
}

/** @throws 'model-mismatch', 'file-damaged', 'storage-newer', and what the store throws */
export function importCollection(
  _parts: CollectionParts,
  _file: Blob,
  _signal: AbortSignal,
  _onProgress: (progress: Progress) => void,
): Promise<ImportResult> {
  return Promise.reject(new LateralError('internal', 'Not there yet.'));
}
