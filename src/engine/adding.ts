/**
 * `add` and `resume` from beginning to end: files are kept, so that nothing is forgotten; they wait until no other tab
 * reads; they are read in order. Without sources nothing is kept, and files are read from where they were given.
 */
import { LateralError, toLateralError } from '../errors.ts';
import type { AddFailure, AddResult, DocumentInput, Progress } from '../types.ts';
import {
  addDocuments,
  byteLengthOf,
  checkSize,
  failureOf,
  type FileToRead,
  givenFile,
  type IndexingParts,
  pendingFile,
} from './indexing.ts';
import type { PendingQueue } from './pending.ts';
import type { HoldOptions } from './tab-locks.ts';

export interface AddingParts extends IndexingParts {
  readonly queue: PendingQueue;
  /** Does work that only one tab at a time does. @throws 'aborted' while waiting */
  asWriter<T>(work: () => Promise<T>, options: HoldOptions): Promise<T>;
}

export function addFiles(
  parts: AddingParts,
  documents: readonly DocumentInput[],
  signal: AbortSignal,
  onProgress: (progress: Progress) => void,
): Promise<AddResult> {
  if (!parts.keepSources()) return readInTurn(parts, documents.map(givenFile), [], signal, onProgress);
  return parts.queue.own(async (owner) => {
    const failed: AddFailure[] = [];
    const acceptable = documents.flatMap((document, index) => {
      try {
        checkSize(document.name, byteLengthOf(document));
        return [{ document, index }];
      } catch (error) {
        failed.push(failureOf(document.name, error));
        return [];
      }
    });
    const keeping = (done: number, total: number): void => onProgress({ phase: 'keeping', done, total, unit: 'bytes' });
    const given = acceptable.map(({ document }) => document);
    const outcomes = await parts.queue
      .keep(given, owner, { signal, onProgress: keeping })
      .catch((error: unknown) => toLateralError(error));
    if (outcomes instanceof LateralError) return stoppedBefore(acceptable, failed, outcomes);

    const kept: { readonly index: number; readonly file: FileToRead }[] = [];
    outcomes.forEach((outcome, i) => {
      const { document, index } = acceptable[i]!;
      if (outcome instanceof LateralError) failed.push(failureOf(document.name, outcome));
      else kept.push({ index, file: pendingFile(parts.store, outcome) });
    });
    const files = kept.map(({ file }) => file);
    const result = await readInTurn(parts, files, failed, signal, onProgress);
    return { ...result, remaining: result.remaining.map((at) => kept[at]!.index) };
  });
}

/** @returns with `remaining` as places among the files that were pending */
export function resumeFiles(
  parts: AddingParts,
  signal: AbortSignal,
  onProgress: (progress: Progress) => void,
): Promise<AddResult> {
  return parts.queue.own(async (owner) => {
    const files = await parts.queue.adopt(owner);
    return readInTurn(
      parts,
      files.map((file) => pendingFile(parts.store, file)),
      [],
      signal,
      onProgress,
    );
  });
}

/** @param failed what has failed before, to be told with the rest */
async function readInTurn(
  parts: AddingParts,
  files: readonly FileToRead[],
  failed: readonly AddFailure[],
  signal: AbortSignal,
  onProgress: (progress: Progress) => void,
): Promise<AddResult> {
  const total = files.length + failed.length;
  try {
    return await parts.asWriter(() => addDocuments(parts, files, signal, onProgress, failed), {
      signal,
      onWaiting: () => onProgress({ phase: 'waiting', done: failed.length, total, unit: 'files' }),
    });
  } catch (thrown) {
    return stoppedBefore(
      files.map((_, index) => ({ index })),
      failed,
      toLateralError(thrown),
    );
  }
}

function stoppedBefore(
  files: readonly { readonly index: number }[],
  failed: readonly AddFailure[],
  { code, message }: LateralError,
): AddResult {
  return { added: [], failed, remaining: files.map(({ index }) => index), stopped: { code, message } };
}
