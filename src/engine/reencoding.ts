/**
 * Documents that another model has read → vectors of this one, from the texts and passages that are stored: no file is asked for
 * again. A few documents share a transaction, as when they were added; whatever stops the work, what is done stays done.
 */
import { LateralError, throwIfAborted, toLateralError } from '../errors.ts';
import type { IndexStore, NewVectors } from '../store/index-store.ts';
import { isSameFingerprint, isWithoutVectors } from '../store/schema.ts';
import type { AddFailure, Chunk, DocumentRecord, ExtractedText, Progress } from '../types.ts';
import { encodePassages, type EncodingParts, notesOf, packRows, passagesOf } from './encoding.ts';
import { failureOf, stopping } from './indexing.ts';
import { createProgressMeter } from './progress.ts';

export interface ReencodingParts extends EncodingParts {
  readonly store: IndexStore;
  /** Whether the index is another model's, which goes on serving it until all documents have vectors of this one. */
  readonly aside: boolean;
  /** Called when documents have got vectors aside, with how many. */
  readonly onAside: (count: number) => void;
  /** Called after each transaction that others see; the next one waits for it, which stops with the signal. */
  readonly onStored: (signal: AbortSignal) => Promise<void>;
}

/** Passages that are encoded and stored together, about a second of work; a larger document goes alone. */
const groupChunks = 8;

interface Stored {
  readonly record: DocumentRecord;
  readonly text: ExtractedText;
  readonly chunks: readonly Chunk[];
}

/** Where vectors go. */
interface Target {
  /** Documents that have none there. */
  readonly waiting: () => Promise<DocumentRecord[]>;
  /** @returns how many were still here */
  readonly put: (documents: readonly NewVectors[]) => Promise<number>;
  readonly onPut: (count: number) => Promise<void>;
}

/** A call's work. */
interface Work {
  readonly parts: ReencodingParts;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
  /** By document. */
  readonly failed: Map<string, AddFailure>;
}

/**
 * Until none waits but those that failed: others come meanwhile, by an undo or from a saved collection. A document that is damaged
 * or cannot be encoded is left waiting, and named in the progress.
 *
 * Of an index that is another model's, vectors are made aside first, again until none waits. Then the index changes over, in one
 * transaction that finds none without: what lies aside becomes its own in a few steps, during which documents are found by their
 * words. Stopped among these steps, the next call goes on with them.
 * @returns how many were encoded. @throws 'aborted', and what stops all of them: a full disk, a lost device; where the index is
 * another's and most documents could not be encoded, why the first could not
 */
export async function reencodeDocuments(
  parts: ReencodingParts,
  signal: AbortSignal,
  onProgress: (progress: Progress) => void,
): Promise<number> {
  const { store, fingerprint } = parts;
  const work: Work = { parts, signal, onProgress, failed: new Map() };
  let encoded = 0;
  if (parts.aside && !isSameFingerprint(await store.fingerprint(), fingerprint)) {
    await store.dropAside(fingerprint); // of a switch that was given up
    do {
      throwIfAborted(signal);
      encoded += await encodeAll(work, asideOf(parts));
      await requireMost(work);
    } while (!(await store.switchTo(fingerprint, new Set(work.failed.keys()))));
    await store.dropAside(fingerprint);
  }
  await takeAll(work);
  return encoded + (await encodeAll(work, indexOf(work)));
}

function asideOf({ store, fingerprint, onAside }: ReencodingParts): Target {
  return {
    waiting: () => store.withoutAside(fingerprint),
    put: (documents) => store.putAside(documents, fingerprint),
    onPut: (count) => {
      onAside(count);
      return Promise.resolve();
    },
  };
}

function indexOf({ parts: { store, fingerprint, onStored }, signal }: Work): Target {
  return {
    waiting: async () => (await store.documents()).filter(isWithoutVectors),
    put: (documents) => store.replaceVectors(documents, fingerprint),
    onPut: () => onStored(signal),
  };
}

/** @returns how many were given vectors */
async function encodeAll(work: Work, target: Target): Promise<number> {
  const { signal, failed } = work;
  let done = 0;
  let encoded = 0;
  const encode = async (group: readonly DocumentRecord[], onBatch: OnBatch): Promise<number> => {
    try {
      return await encodeGroup(work, target, group, onBatch);
    } catch (thrown) {
      if (stopping.has(toLateralError(thrown).code)) throw thrown;
      let count = 0;
      if (group.length > 1) {
        for (const one of group) count += await encode([one], onBatch);
      } else {
        failed.set(group[0]!.id, failureOf(group[0]!.name, thrown));
      }
      return count;
    }
  };

  for (;;) {
    const waiting = (await target.waiting()).filter(({ id }) => !failed.has(id));
    if (waiting.length === 0) return encoded;
    const meter = createProgressMeter(charactersOf(waiting));
    const total = done + waiting.length;
    let charactersDone = 0;
    const report = (current?: Progress['current']): void =>
      tell(work, meter.report({ phase: 'reencoding', done, total, unit: 'files', current }));
    report();
    for (const group of groupsOf(waiting)) {
      throwIfAborted(signal);
      const count = await encode(group, (passagesDone, passages, tokens) => {
        meter.encoded(tokens);
        meter.advance(charactersDone + (charactersOf(group) * passagesDone) / passages);
        if (group.length === 1) report({ name: group[0]!.name, done: passagesDone, total: passages });
      });
      encoded += count;
      done += group.length;
      charactersDone += charactersOf(group);
      report();
      await target.onPut(count);
    }
  }
}

/** Vectors that were made aside become the index's. */
async function takeAll(work: Work): Promise<void> {
  const { parts, signal } = work;
  for (let done = 0; ;) {
    throwIfAborted(signal);
    const { taken, left } = await parts.store.takeAside(parts.fingerprint);
    if (taken === 0) return;
    done += taken;
    tell(work, { phase: 'switching', done, total: done + left, unit: 'files' });
    await parts.onStored(signal);
  }
}

/** Rather than an index of which most is no longer found by meaning. @throws the first failure, where most documents failed */
async function requireMost({ parts: { store }, failed }: Work): Promise<void> {
  const [first] = failed.values();
  if (first === undefined) return;
  const documents = (await store.documents()).filter(({ chunkCount }) => chunkCount > 0);
  const count = documents.filter(({ id }) => failed.has(id)).length;
  if (2 * count <= documents.length) return;
  const { code, message, name } = first;
  throw new LateralError(code, message, { details: { name, failed: count, documents: documents.length } });
}

function tell({ onProgress, failed }: Work, progress: Progress): void {
  onProgress(failed.size === 0 ? progress : { ...progress, failed: [...failed.values()] });
}

type OnBatch = (passagesDone: number, passages: number, tokens: number) => void;

async function encodeGroup(
  { parts, signal }: Work,
  target: Target,
  group: readonly DocumentRecord[],
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
  return target.put(ready);
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
