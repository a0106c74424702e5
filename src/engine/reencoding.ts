/**
 * Documents that another model has read → vectors of this one, from the texts and passages that are stored: no file is asked for
 * again. A few documents share a transaction, as when they were added; whatever stops the work, what is done stays done.
 */
import { LateralError, throwIfAborted, toLateralError } from '../errors.ts';
import type { IndexStore, NewVectors } from '../store/index-store.ts';
import { isWithoutVectors } from '../store/schema.ts';
import type { AddFailure, Chunk, DocumentRecord, ExtractedText, Progress } from '../types.ts';
import { encodePassages, type EncodingParts, notesOf, packRows, passagesOf } from './encoding.ts';
import { failureOf, stopping } from './indexing.ts';
import { createProgressMeter } from './progress.ts';

export interface ReencodingParts extends EncodingParts {
  readonly store: IndexStore;
  /** Called after each transaction; the next one waits for it, which stops with the signal. */
  onStored(signal: AbortSignal): Promise<void>;
}

/** Passages that are encoded and stored together, about a second of work; a larger document goes alone. */
const groupChunks = 8;

interface Stored {
  readonly record: DocumentRecord;
  readonly text: ExtractedText;
  readonly chunks: readonly Chunk[];
}

/**
 * Until none waits but those that failed: others come meanwhile, by an undo or from a saved collection. A document that is damaged
 * or cannot be encoded is left waiting, and named in the progress.
 * @returns how many were given vectors. @throws 'aborted', and what stops all of them: a full disk, a lost device
 */
export async function reencodeDocuments(
  parts: ReencodingParts,
  signal: AbortSignal,
  onProgress: (progress: Progress) => void,
): Promise<number> {
  const failedIds = new Set<string>();
  const failed: AddFailure[] = [];
  let done = 0;
  let replaced = 0;
  const reencode = async (group: readonly DocumentRecord[], onBatch: OnBatch): Promise<void> => {
    try {
      replaced += await reencodeGroup(parts, group, signal, onBatch);
    } catch (thrown) {
      if (stopping.has(toLateralError(thrown).code)) throw thrown;
      if (group.length > 1) {
        for (const one of group) await reencode([one], onBatch);
      } else {
        failedIds.add(group[0]!.id);
        failed.push(failureOf(group[0]!.name, thrown));
      }
    }
  };

  let waiting: DocumentRecord[];
  while ((waiting = await waitingIn(parts.store, failedIds)).length > 0) {
    const meter = createProgressMeter(charactersOf(waiting));
    const total = done + waiting.length;
    let charactersDone = 0;
    const report = (current?: Progress['current']): void => {
      const progress = meter.report({ phase: 'reencoding', done, total, unit: 'files', current });
      onProgress(failed.length === 0 ? progress : { ...progress, failed: [...failed] });
    };
    report();
    for (const group of groupsOf(waiting)) {
      throwIfAborted(signal);
      await reencode(group, (passagesDone, passages, tokens) => {
        meter.encoded(tokens);
        meter.advance(charactersDone + (charactersOf(group) * passagesDone) / passages);
        if (group.length === 1) report({ name: group[0]!.name, done: passagesDone, total: passages });
      });
      done += group.length;
      charactersDone += charactersOf(group);
      report();
      await parts.onStored(signal);
    }
  }
  return replaced;
}

type OnBatch = (passagesDone: number, passages: number, tokens: number) => void;

async function waitingIn(store: IndexStore, failed: ReadonlySet<string>): Promise<DocumentRecord[]> {
  return (await store.documents()).filter((record) => isWithoutVectors(record) && !failed.has(record.id));
}

async function reencodeGroup(
  parts: ReencodingParts,
  group: readonly DocumentRecord[],
  signal: AbortSignal,
  onBatch: OnBatch,
): Promise<number> {
  const documents = await read(parts.store, group);
  const passages = documents.map(({ text, chunks }) => passagesOf(text, chunks));
  const total = passages.flat().length;
  const rows = await encodePassages(parts, passages, signal, (done, tokens) => onBatch(done, total, tokens));
  let at = 0;
  const ready = documents.map(({ record, text, chunks }): NewVectors => {
    const packed = packRows(rows.slice(at, (at += chunks.length)), parts.fingerprint);
    const { vectors, offsets, tokenRows, tokenCount, truncatedChunks } = packed;
    const notes = notesOf(text, truncatedChunks);
    return { record: { ...record, tokenCount, truncatedChunks, notes }, vectors, offsets, tokenRows };
  });
  throwIfAborted(signal);
  return parts.store.replaceVectors(ready, parts.fingerprint);
}

function charactersOf(records: readonly DocumentRecord[]): number {
  return records.reduce((sum, { textLength }) => sum + textLength, 0);
}

/** In the order given, each group with up to so many passages, or with one document. */
function groupsOf(records: readonly DocumentRecord[]): DocumentRecord[][] {
  const groups: DocumentRecord[][] = [];
  let chunks = Infinity;
  for (const record of records) {
    chunks += record.chunkCount;
    if (chunks <= groupChunks) {
      groups.at(-1)!.push(record);
    } else {
      groups.push([record]);
      chunks = record.chunkCount;
    }
  }
  return groups;
}

/** Those that are still here. @throws 'storage-corrupt' where a part of one is missing */
async function read(store: IndexStore, records: readonly DocumentRecord[]): Promise<Stored[]> {
  const found = await Promise.all(
    records.map(async (record) => {
      const [text, chunks] = await Promise.all([store.text(record.id), store.chunks(record.id)]);
      if (text !== undefined && chunks?.length === record.chunkCount) return [{ record, text, chunks }];
      if ((await store.document(record.id)) === undefined) return []; // removed meanwhile
      throw new LateralError('storage-corrupt', `Parts of ${record.name} are missing. Add it again.`);
    }),
  );
  return found.flat();
}
