/**
 * Documents that another model has read → vectors of this one, from the texts and passages that are stored: no file is asked for
 * again. A few documents share a transaction, as when they were added; whatever stops the work, what is done stays done.
 */
import { throwIfAborted } from '../errors.ts';
import type { IndexStore, NewVectors } from '../store/index-store.ts';
import { isWithoutVectors } from '../store/schema.ts';
import type { Chunk, DocumentRecord, ExtractedText, Progress } from '../types.ts';
import { encodePassages, type EncodingParts, notesOf, packRows, passagesOf } from './encoding.ts';
import { createProgressMeter } from './progress.ts';

export interface ReencodingParts extends EncodingParts {
  readonly store: IndexStore;
  /** Called after each transaction; the next one waits for it. */
  onStored(): Promise<void>;
}

/** Passages that are encoded and stored together, about a second of work; a larger document goes alone. */
const groupChunks = 8;

interface Stored {
  readonly record: DocumentRecord;
  readonly text: ExtractedText;
  readonly chunks: readonly Chunk[];
}

/** @returns how many documents were given vectors. @throws 'aborted', and what encoder and store throw */
export async function reencodeDocuments(
  parts: ReencodingParts,
  signal: AbortSignal,
  onProgress: (progress: Progress) => void,
): Promise<number> {
  const waiting = (await parts.store.documents()).filter(isWithoutVectors);
  const total = waiting.length;
  const meter = createProgressMeter(waiting.reduce((sum, { textLength }) => sum + textLength, 0));
  let done = 0;
  let charactersDone = 0;
  let replaced = 0;
  const report = (current?: Progress['current']): void =>
    onProgress(meter.report({ phase: 'reencoding', done, total, unit: 'files', current }));

  report();
  for (const group of groupsOf(waiting)) {
    throwIfAborted(signal);
    const documents = await read(parts.store, group);
    const characters = group.reduce((sum, { textLength }) => sum + textLength, 0);
    const passages = documents.flatMap(({ text, chunks }) => passagesOf(text, chunks));
    const rows = await encodePassages(parts, passages, signal, (passagesDone, tokens) => {
      meter.encoded(tokens);
      meter.advance(charactersDone + (characters * passagesDone) / passages.length);
      report({ name: group[0]!.name, done: passagesDone, total: passages.length });
    });
    let at = 0;
    const ready = documents.map(({ record, text, chunks }): NewVectors => {
      const packed = packRows(rows.slice(at, (at += chunks.length)), parts.fingerprint);
      const { vectors, offsets, tokenCount, truncatedChunks } = packed;
      return {
        record: { ...record, tokenCount, truncatedChunks, notes: notesOf(text, truncatedChunks) },
        vectors,
        offsets,
      };
    });
    throwIfAborted(signal);
    replaced += await parts.store.replaceVectors(ready, parts.fingerprint);
    done += group.length;
    charactersDone += characters;
    report();
    await parts.onStored();
  }
  return replaced;
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

/** Those that are still here and whole; a damaged one goes on waiting, for `verify` to name. */
async function read(store: IndexStore, records: readonly DocumentRecord[]): Promise<Stored[]> {
  const found = await Promise.all(
    records.map(async (record) => {
      const [text, chunks] = await Promise.all([store.text(record.id), store.chunks(record.id)]);
      return text === undefined || chunks?.length !== record.chunkCount ? [] : [{ record, text, chunks }];
    }),
  );
  return found.flat();
}
