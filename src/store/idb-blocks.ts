/**
 * Blocks inside a transaction: their records, and their vectors as pieces small enough for one value of the browser's.
 */
import { LateralError } from '../errors.ts';
import type { Block } from './blocks.ts';
import { corrupt } from './idb-errors.ts';
import type { AnyTransaction, WriteTransaction } from './idb-schema.ts';
import { type BlockRecord, bytesOf, checksumOf, joinBytes, splitBytes } from './schema.ts';

/** A block as it lies in the database: its record says how many pieces there are. */
export interface PackedBlock {
  readonly record: BlockRecord;
  readonly pieces: readonly ArrayBuffer[];
}

/** Splits ahead of the transaction, so that the transaction does nothing but write. */
export function packBlock({ record, vectors }: Block, pieceBytes: number): PackedBlock {
  const pieces = splitBytes(bytesOf(vectors), pieceBytes);
  return { record: { ...record, pieceCount: pieces.length }, pieces };
}

/**
 * Leaves a write to its transaction: if it fails the transaction aborts, and whoever runs that reports why. Awaiting each
 * write would only add turns, and leave the others' rejections unhandled.
 */
export function send(request: Promise<unknown>): void {
  request.catch(() => undefined);
}

export function writeBlock(transaction: WriteTransaction, { record, pieces }: PackedBlock): void {
  send(transaction.objectStore('blocks').put(record));
  const data = transaction.objectStore('blockData');
  pieces.forEach((piece, i) => send(data.put(piece, [record.id, i])));
}

export function deleteBlock(transaction: WriteTransaction, id: string): void {
  send(transaction.objectStore('blocks').delete(id));
  send(transaction.objectStore('blockData').delete(piecesOf(id)));
}

export function readBlockRecords(transaction: AnyTransaction): Promise<BlockRecord[]> {
  // Sixteen at a time: a record lists up to 10,000 documents, and one answer of the browser must stay below its message limit.
  return readAll(
    16,
    (range, count) => transaction.objectStore('blocks').getAll(range, count),
    (record) => record.id,
  );
}

/** @throws 'not-found' when there is no such block. The pieces are unchecked: see `openBlock`. */
export async function readBlock(transaction: AnyTransaction, id: string): Promise<PackedBlock> {
  const record = await transaction.objectStore('blocks').get(id);
  if (record === undefined) {
    throw new LateralError('not-found', `Block ${id} is gone: removed, or merged into another.`, {
      details: { block: id },
    });
  }
  return { record, pieces: await readPieces(transaction, 'blockData', id, record.pieceCount) };
}

/** Missing pieces are left out, which the length then shows. */
export async function readPieces(
  transaction: AnyTransaction,
  store: 'blockData' | 'sourceData',
  id: string,
  pieceCount: number,
): Promise<ArrayBuffer[]> {
  const pieces: ArrayBuffer[] = [];
  for (let i = 0; i < pieceCount; i++) {
    const piece = await transaction.objectStore(store).get([id, i]);
    if (piece !== undefined) pieces.push(piece);
  }
  return pieces;
}

/**
 * Joins the pieces and checks them. Outside of a transaction: it takes a while.
 * @throws 'storage-corrupt'
 */
export function openBlock({ record, pieces }: PackedBlock): Block {
  const buffer = joinBytes(pieces, record.byteLength);
  const Rows = record.precision === 'int8' ? Int8Array : Float32Array;
  const fits = buffer !== null && record.byteLength === record.offsets.at(-1)! * record.dim * Rows.BYTES_PER_ELEMENT;
  const vectors = fits ? new Rows(buffer) : new Rows(0);
  if (!fits || checksumOf(record.offsets, vectors) !== record.checksum) {
    throw corrupt(
      `Block ${record.id} of the index is damaged: its bytes do not fit its checksum. Add its ` +
        `${String(record.documents.length)} documents again.`,
      { block: record.id },
    );
  }
  return { record, vectors };
}

/** All pieces of one block or source. */
export function piecesOf(id: string): IDBKeyRange {
  return IDBKeyRange.bound([id, 0], [id, Infinity]);
}

/** Reads a store in batches, because one `getAll` of everything can exceed what the browser sends in one message. */
export async function readAll<T>(
  batch: number,
  get: (range: IDBKeyRange | null, count: number) => Promise<T[]>,
  keyOf: (value: T) => IDBValidKey,
): Promise<T[]> {
  const all: T[] = [];
  for (let range: IDBKeyRange | null = null; ;) {
    const some = await get(range, batch);
    for (const value of some) all.push(value);
    if (some.length < batch) return all;
    range = IDBKeyRange.lowerBound(keyOf(some.at(-1)!), true);
  }
}
