/**
 * A collection as one file, and back: documents with their vectors, so that nothing has to be encoded again where the model is
 * the same. Both ways hold one document (or a few small ones) at a time. The file's layout is store/collection-file.ts.
 */
import { LateralError, throwIfAborted, toLateralError } from '../errors.ts';
import {
  openCollection,
  packCollection,
  packDocument,
  type CollectionHead,
  type CollectionReader,
} from '../store/collection-file.ts';
import type { IndexStore, NewDocument } from '../store/index-store.ts';
import { isSameFingerprint, isWithoutVectors, requireFingerprint } from '../store/schema.ts';
import type { Fingerprint, ImportResult, Progress } from '../types.ts';
import { canNarrow, narrowRows } from '../vectors/narrow.ts';

export interface CollectionParts {
  readonly store: IndexStore;
  readonly fingerprint: Fingerprint;
}

export interface ImportParts extends CollectionParts {
  /** Called after each transaction; the next one waits for it, which stops with the signal. */
  readonly onStored: (signal: AbortSignal) => Promise<void>;
}

/** Small documents share a transaction up to this many bytes: a transaction costs more than a document. */
const batchBytes = 16 * 2 ** 20;
const batchDocuments = 1_000;

/**
 * @param documentIds all where not given
 * @throws 'not-found' for an id that is not here; 'storage-corrupt' for a document that is damaged here; 'model-mismatch' where the
 * index has another model's vectors by now; 'aborted'
 */
export async function exportCollection(
  { store, fingerprint }: CollectionParts,
  documentIds: readonly string[] | undefined,
  signal: AbortSignal,
  onProgress: (progress: Progress) => void,
): Promise<Blob> {
  const requireModel = async (): Promise<void> => requireFingerprint(await store.fingerprint(), fingerprint);
  await requireModel();
  const ids = documentIds ?? (await store.documents()).map(({ id }) => id);
  const packed: Blob[] = [];
  for (const [done, id] of ids.entries()) {
    throwIfAborted(signal);
    onProgress({ phase: 'saving', done, total: ids.length, unit: 'files' });
    const document = await store.parts(id);
    if (document !== undefined) packed.push(await packDocument(document, signal));
    // Of a whole collection, what another tab removes meanwhile is no longer part.
    else if (documentIds !== undefined) throw new LateralError('not-found', `There is no document "${id}".`);
  }
  onProgress({ phase: 'saving', done: ids.length, total: ids.length, unit: 'files' });
  await requireModel(); // another tab may have gone over to another model meanwhile
  return packCollection(fingerprint, packed);
}

/**
 * Adds a file's documents; those that are here already, by content or by id, are left as they are. A damaged document is left out
 * and the rest is added; then, as after a cancel, what was added stays, and the error says how much that is.
 * Of a collection that another model has read, the vectors are left out: `reencode` makes others. Those of the same model with
 * more dimensions, or in f32, are turned into this index's.
 * @throws 'model-mismatch' (passages that were cut otherwise) and 'storage-newer' before anything is added; 'file-damaged', 'aborted', and what the store throws
 */
export async function importCollection(
  { store, fingerprint, onStored }: ImportParts,
  file: Blob,
  signal: AbortSignal,
  onProgress: (progress: Progress) => void,
): Promise<ImportResult> {
  throwIfAborted(signal);
  const label = file instanceof File ? file.name : 'This file';
  const reader = await opened(file, label);
  requireSamePassages(label, reader.head.fingerprint, fingerprint);
  const saved = reader.head.fingerprint as Fingerprint; // or one of the future, which then is another model's
  const narrow = canNarrow(saved, fingerprint);
  const entries = narrow
    ? reader.entries(saved, true)
    : reader.entries(fingerprint, isSameFingerprint(saved, fingerprint));
  let unencoded = 0;

  const total = reader.head.documents;
  let documents = 0;
  let skipped = 0;
  let batch: NewDocument[] = [];
  let batchSize = 0;
  const damage: Damage[] = [];
  const report = (): void =>
    onProgress({ phase: 'saving', done: Math.min(documents + skipped, total), total, unit: 'files' });

  // Whoever imports is the only writer, so that what is here need be listed only once.
  const here = await store.documents();
  const ids = new Set(here.map(({ id }) => id));
  const hashes = new Set(here.map(({ contentHash }) => contentHash));

  const add = async (given: readonly NewDocument[]): Promise<void> => {
    try {
      await store.add(given, fingerprint);
      documents += given.length;
      unencoded += given.filter(({ record }) => isWithoutVectors(record)).length;
    } catch (thrown) {
      if (toLateralError(thrown).code !== 'file-duplicate') throw thrown;
      // One of them has come since, by an undo.
      if (given.length === 1) skipped++;
      else for (const one of given) await add([one]);
    }
  };
  const flush = async (): Promise<void> => {
    throwIfAborted(signal);
    const given = batch;
    batch = [];
    batchSize = 0;
    await add(given);
    report();
    await onStored(signal);
  };

  report();
  try {
    for await (const entry of entries) {
      throwIfAborted(signal);
      let name: string | undefined;
      try {
        const record = await entry.record();
        name = record.name;
        if (ids.has(record.id) || hashes.has(record.contentHash)) {
          skipped++;
          continue;
        }
        const read = await entry.document(signal);
        const document = narrow ? { ...read, vectors: narrowRows(read.vectors, saved, fingerprint) } : read;
        ids.add(record.id);
        hashes.add(record.contentHash);
        batch.push(document);
        batchSize += bytesOf(document);
      } catch (thrown) {
        damage.push(damageOf(thrown, name));
      }
      if (batch.length >= batchDocuments || batchSize >= batchBytes) await flush();
    }
  } catch (thrown) {
    damage.push(damageOf(thrown));
  }
  await flush();
  if (damage.length > 0) throw damagedFile(label, damage, { documents, skipped, total });
  return { documents, skipped, unencoded };
}

async function opened(file: Blob, label: string): Promise<CollectionReader> {
  try {
    return await openCollection(file);
  } catch (thrown) {
    const error = toLateralError(thrown);
    if (error.code !== 'file-damaged') throw error;
    throw new LateralError('file-damaged', `${label} cannot be imported: ${error.message}. Nothing was added.`, {
      cause: error,
      details: { documents: 0, skipped: 0, damaged: 1 },
    });
  }
}

interface Damage {
  /** The document's, where it could be read; none where the file itself ends or breaks. */
  readonly name: string | undefined;
  readonly error: LateralError;
}

/** What was damaged; anything else that went wrong is thrown on. */
function damageOf(thrown: unknown, name?: string): Damage {
  const error = toLateralError(thrown);
  if (error.code !== 'file-damaged') throw error;
  return { name, error };
}

function damagedFile(
  label: string,
  damage: readonly Damage[],
  figures: Pick<ImportResult, 'documents' | 'skipped'> & { readonly total: number },
): LateralError {
  const [{ name, error: first }] = damage as [Damage];
  const where = name === undefined ? first.message : `${name} in it is not whole (${first.message})`;
  const more = damage.length > 1 ? `, and ${damage.length - 1} more` : '';
  const { documents, skipped, total } = figures;
  const added = `${documents} of its ${total} ${total === 1 ? 'document was' : 'documents were'} added`;
  const here = skipped === 0 ? '' : `, ${skipped} ${skipped === 1 ? 'was' : 'were'} here already`;
  return new LateralError(
    'file-damaged',
    `${label} is damaged: ${where}${more}. ${added}${here}. For the rest, save the collection again where it is, or take another copy.`,
    { cause: first, details: { documents, skipped, damaged: damage.length } },
  );
}

/** Other vectors can be made of the same passages, but not other passages of the vectors' old ones. */
function requireSamePassages(label: string, saved: CollectionHead['fingerprint'], here: Fingerprint): void {
  if (saved.chunker === here.chunker) return;
  throw new LateralError(
    'model-mismatch',
    `${label} was cut into passages by version ${saved.chunker} of the chunker; here it is version ${here.chunker}. Add the original documents.`,
    { details: { saved: saved.chunker, here: here.chunker } },
  );
}

function bytesOf({ record, vectors, source, offsets, tokenRows }: NewDocument): number {
  const rowBytes = vectors.byteLength + offsets.byteLength + (tokenRows?.rows.byteLength ?? 0);
  return rowBytes + 2 * record.textLength + (source?.size ?? 0);
}
