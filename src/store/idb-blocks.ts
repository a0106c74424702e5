/**
 * Blocks in the database: their records, and their vectors as pieces small enough for one value of the browser's. Large
 * pieces are Blobs, which Chromium reads twice as fast as buffers: those it copies once more while it takes a value apart.
 */
import type { LateralError } from '../errors.ts';
import type { Block } from './blocks.ts';
import { crc32c } from './checksum.ts';
import type { Connection } from './idb-connection.ts';
import { corrupt } from './idb-errors.ts';
import type { AnyTransaction, LateralSchema, Piece, StoreName, WriteTransaction } from './idb-schema.ts';
import { blockGone, type BlockRecord, bytesOf, checksumOf, joinBytes, type RunTable, splitBytes } from './schema.ts';

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
  if (buffers.length === 0) return { record, pieces: [] };
  const pieces = buffers.map((buffer) => (buffer.byteLength < blobBytes ? buffer : new Blob([buffer])));
  return { record: { ...record, pieceCount: pieces.length, runs: runsOf(buffers) }, pieces };
}

/** A passage's rows lie in two or three: they are read and checked in a fraction of a millisecond, for four bytes in 16,384. */
const runBytes = 16 * 1024;

function runsOf(buffers: readonly ArrayBuffer[]): RunTable {
  const checksums = buffers.flatMap((buffer) =>
    Array.from({ length: Math.ceil(buffer.byteLength / runBytes) }, (_, i) =>
      crc32c(new Uint8Array(buffer).subarray(i * runBytes, (i + 1) * runBytes)),
    ),
  );
  return { pieceBytes: buffers[0]!.byteLength, runBytes, checksums: Uint32Array.from(checksums) };
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
  if (record === undefined) throw blockGone(id);
  return { record, pieces: await readPieces(transaction, 'blockData', id, record.pieceCount) };
}

/** Missing pieces are left out, which the length then shows. All are asked for at once: small ones come twice as fast so. */
export async function readPieces<Store extends 'blockData' | 'sourceData'>(
  transaction: AnyTransaction,
  store: Store,
  id: string,
  pieceCount: number,
): Promise<LateralSchema[Store]['value'][]> {
  const data = transaction.objectStore<StoreName>(store);
  const pieces = await Promise.all(Array.from({ length: pieceCount }, (_, i) => data.get([id, i])));
  return pieces.filter((piece) => piece !== undefined) as LateralSchema[Store]['value'][];
}

/**
 * Joins the pieces, which are of no more use then, and checks them. Outside of a transaction: it takes a while.
 * @throws 'storage-corrupt'; 'not-found' where the block went before its bytes were read
 */
export async function openBlock(connection: Connection, { record, pieces }: PackedBlock): Promise<Block> {
  const Rows = record.precision === 'int8' ? Int8Array : Float32Array;
  const buffers: ArrayBuffer[] = [];
  for (const piece of pieces) {
    buffers.push(piece instanceof Blob ? await readBlob(connection, record.id, piece) : piece);
  }
  const buffer = joinBytes(buffers, record.byteLength);
  if (buffers.length > 1) buffers.forEach(letGo);
  const fits = buffer !== null && record.byteLength === record.offsets.at(-1)! * record.dim * Rows.BYTES_PER_ELEMENT;
  const vectors = fits ? new Rows(buffer) : new Rows(0);
  if (!fits || checksumOf(record.offsets, vectors) !== record.checksum) throw damagedBlock(record.id);
  return { record, vectors };
}

/**
 * The bytes of a Blob that was read from a block, after its transaction.
 * @throws 'storage-corrupt'; 'not-found' where the block went meanwhile
 */
export async function readBlob(connection: Connection, id: string, blob: Blob): Promise<ArrayBuffer> {
  try {
    return await blob.arrayBuffer();
  } catch {
    const left = await connection.read('reading a block', (transaction) => transaction.objectStore('blocks').get(id));
    throw left === undefined ? blockGone(id) : damagedBlock(id);
  }
}

export function damagedBlock(id: string): LateralError {
  return corrupt(`Block ${id} of the index is damaged: its bytes do not fit their checksum. Add its documents again.`, {
    block: id,
  });
}

/** The memory may be freed at once, and not only when the engine collects what is unused. Older browsers cannot do it. */
export function letGo(buffer: ArrayBufferLike): void {
  (buffer as { readonly transfer?: (newLength: number) => ArrayBuffer }).transfer?.(0);
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
