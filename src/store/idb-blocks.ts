/**
 * Blocks in the database: their records, and their vectors as pieces small enough for one value of the browser's. Large
 * pieces are Blobs, which Chromium reads twice as fast as buffers: those it copies once more while it takes a value apart.
 */
import { LateralError } from '../errors.ts';
import type { Block } from './blocks.ts';
import type { Connection } from './idb-connection.ts';
import { corrupt } from './idb-errors.ts';
import type { AnyTransaction, LateralSchema, Piece, StoreName, WriteTransaction } from './idb-schema.ts';
import { type BlockRecord, bytesOf, checksumOf, joinBytes, splitBytes } from './schema.ts';

/** A block as it lies in the database: its record says how many pieces there are. */
export interface PackedBlock {
  readonly record: BlockRecord;
  readonly pieces: readonly Piece[];
}

/** How a block's bytes are laid down. */
export interface Packing {
  /** Largest piece. */
  readonly pieceBytes: number;
  /** From so many bytes on a piece is a Blob. */
  readonly blobBytes: number;
}

/** Splits ahead of the transaction, so that the transaction does nothing but write. */
export function packBlock({ record, vectors }: Block, { pieceBytes, blobBytes }: Packing): PackedBlock {
  const buffers = splitBytes(bytesOf(vectors), pieceBytes);
  const pieces = buffers.map((buffer) => (buffer.byteLength < blobBytes ? buffer : new Blob([buffer])));
  return { record: { ...record, pieceCount: pieces.length }, pieces };
}

/** Writes a Blob and takes it away again: WebKit has refused them in private windows. */
export async function takesBlobs(connection: Connection): Promise<boolean> {
  const key: [string, number] = ['', 0];
  try {
    await connection.write('trying a Blob', async (transaction) => {
      await transaction.objectStore('blockData').put(new Blob(['x']), key);
      await transaction.objectStore('blockData').delete(key);
    });
    return true;
  } catch {
    return false; // whatever it is, the write that follows would say it better
  }
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
  if (record === undefined) throw gone(id);
  return { record, pieces: await readPieces(transaction, 'blockData', id, record.pieceCount) };
}

function gone(id: string): LateralError {
  return new LateralError('not-found', `Block ${id} is gone: removed, or merged into another.`, {
    details: { block: id },
  });
}

/** Missing pieces are left out, which the length then shows. */
export async function readPieces<Store extends 'blockData' | 'sourceData'>(
  transaction: AnyTransaction,
  store: Store,
  id: string,
  pieceCount: number,
): Promise<LateralSchema[Store]['value'][]> {
  const pieces: LateralSchema[Store]['value'][] = [];
  for (let i = 0; i < pieceCount; i++) {
    const piece = await transaction.objectStore<StoreName>(store).get([id, i]);
    if (piece !== undefined) pieces.push(piece as LateralSchema[Store]['value']);
  }
  return pieces;
}

/**
 * Joins the pieces and checks them. Outside of a transaction: it takes a while.
 * @throws 'storage-corrupt'; 'not-found' where the block went before its bytes were read
 */
export async function openBlock(connection: Connection, { record, pieces }: PackedBlock): Promise<Block> {
  const Rows = record.precision === 'int8' ? Int8Array : Float32Array;
  const buffer = joinBytes(await buffersOf(connection, record.id, pieces), record.byteLength);
  const fits = buffer !== null && record.byteLength === record.offsets.at(-1)! * record.dim * Rows.BYTES_PER_ELEMENT;
  const vectors = fits ? new Rows(buffer) : new Rows(0);
  if (!fits || checksumOf(record.offsets, vectors) !== record.checksum) throw damaged(record);
  return { record, vectors };
}

async function buffersOf(connection: Connection, id: string, pieces: readonly Piece[]): Promise<ArrayBuffer[]> {
  try {
    const buffers: ArrayBuffer[] = [];
    for (const piece of pieces) buffers.push(piece instanceof Blob ? await piece.arrayBuffer() : piece);
    return buffers;
  } catch {
    const left = await connection.read('reading a block', (transaction) => transaction.objectStore('blocks').get(id));
    throw left === undefined ? gone(id) : damaged(left);
  }
}

function damaged({ id, documents }: BlockRecord): LateralError {
  return corrupt(
    `Block ${id} of the index is damaged: its bytes do not fit its checksum. Add its ` +
      `${String(documents.length)} documents again.`,
    { block: id },
  );
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
