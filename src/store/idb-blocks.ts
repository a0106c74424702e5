/**
 * Blocks in the database: their records, and their vectors as pieces small enough for one value of the browser's. Large
 * pieces are Blobs, which Chromium reads twice as fast as buffers: those it copies once more while it takes a value apart.
 */
import { type ErrorCode, LateralError, toLateralError } from '../errors.ts';
import type { Block } from './blocks.ts';
import { crc32c } from './checksum.ts';
import type { Connection } from './idb-connection.ts';
import { corrupt } from './idb-errors.ts';
import type {
  AnyTransaction,
  LateralSchema,
  Piece,
  ReadTransaction,
  StoreName,
  WriteTransaction,
} from './idb-schema.ts';
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

/**
 * Writes a Blob, reads it and takes it away again: WebKit has refused them in private windows.
 * @returns null where it could not be told this time. Whatever was in the way, the write that follows says it better
 */
export async function takesBlobs(connection: Connection): Promise<boolean | null> {
  const during = 'trying a Blob';
  const key: [string, number] = ['', 0];
  try {
    await connection.write(during, (transaction) => transaction.objectStore('blockData').put(new Blob(['x']), key));
    const found = await connection.read(during, (transaction) => transaction.objectStore('blockData').get(key));
    await connection.write(during, (transaction) => transaction.objectStore('blockData').delete(key));
    if (found === undefined) return null; // another tab tries the same
    return await new Blob([found]).text().then(
      (text) => text === 'x',
      () => false,
    );
  } catch (error) {
    return passing.has(toLateralError(error).code) ? null : false;
  }
}

/** Failures that say nothing about Blobs. */
const passing: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'storage-full',
  'storage-unavailable',
  'storage-blocked',
  'storage-closed',
  'storage-newer',
]);

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

/**
 * What `read` finds in a transaction, made into something by `open` after it, which is when Blobs are read. Where one cannot be
 * read, its block may have gone meanwhile, or the browser may have failed for a moment: then all of it is done once more.
 * @throws 'storage-unavailable' where the second time fails as the first, and what `read` and `open` throw
 */
export async function readAndOpen<Packed, T>(
  connection: Connection,
  during: string,
  read: (transaction: ReadTransaction) => Promise<Packed>,
  open: (packed: Packed) => Promise<T>,
): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    const packed = await connection.read(during, read);
    try {
      return await open(packed);
    } catch (error) {
      if (!(error instanceof UnreadBlob)) throw error;
      if (attempt > 0) throw unreadBlock(error, during);
    }
  }
}

/** A whole block, checked. @throws 'not-found', 'storage-corrupt', 'storage-unavailable' */
export function loadBlock(connection: Connection, during: string, id: string): Promise<Block> {
  return readAndOpen(connection, during, (transaction) => readBlock(transaction, id), openBlock);
}

/** @throws 'not-found' when there is no such block. The pieces are unchecked: see `openBlock`. */
export async function readBlock(transaction: AnyTransaction, id: string): Promise<PackedBlock> {
  const record = await transaction.objectStore('blocks').get(id);
  if (record === undefined) throw blockGone(id);
  return { record, pieces: await readPieces(transaction, 'blockData', id, record.pieceCount) };
}

/** Missing pieces are left out, which the length then shows. All are asked for at once: small ones come twice as fast so. */
export async function readPieces<Store extends 'blockData' | 'sourceData' | 'asideData'>(
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
 * @throws 'storage-corrupt', UnreadBlob
 */
export async function openBlock({ record, pieces }: PackedBlock): Promise<Block> {
  const Rows = record.precision === 'int8' ? Int8Array : Float32Array;
  const buffers: ArrayBuffer[] = [];
  for (const piece of pieces) {
    buffers.push(piece instanceof Blob ? await readBlob(record.id, piece) : piece);
  }
  const buffer = joinBytes(buffers, record.byteLength);
  if (buffers.length > 1) buffers.forEach(letGo);
  const fits = buffer !== null && record.byteLength === record.offsets.at(-1)! * record.dim * Rows.BYTES_PER_ELEMENT;
  const vectors = fits ? new Rows(buffer) : new Rows(0);
  if (!fits || checksumOf(record.offsets, vectors) !== record.checksum) throw damagedBlock(record.id);
  return { record, vectors };
}

/** The bytes of a Blob that was read from a block, after its transaction. @throws UnreadBlob: see `readAndOpen` */
export async function readBlob(id: string, blob: Blob): Promise<ArrayBuffer> {
  try {
    return await blob.arrayBuffer();
  } catch (error) {
    throw new UnreadBlob(id, error);
  }
}

/** The browser did not give a Blob's bytes. What is wrong with them, if anything is, it does not say. */
class UnreadBlob extends Error {
  override readonly name = 'UnreadBlob';
  readonly blockId: string;

  constructor(blockId: string, cause: unknown) {
    super(`A Blob of block ${blockId} cannot be read.`, { cause });
    this.blockId = blockId;
  }
}

function unreadBlock({ blockId, cause }: UnreadBlob, during: string): LateralError {
  const { message } = toLateralError(cause);
  return new LateralError(
    'storage-unavailable',
    `The browser could not read block ${blockId} of the index while ${during} (${message}). Nothing is known to be damaged. ` +
      'Reload the page.',
    { cause, details: { block: blockId } },
  );
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

/** All pieces of one block, source or document aside. */
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
