/**
 * Blocks inside a transaction: their records, and their vectors as pieces small enough to be read alone.
 */
import type { RowShape } from '../vectors/narrow.ts';
import { type Block, checkRanges, rowBytesOf, rowsOf } from './blocks.ts';
import { crc32c } from './checksum.ts';
import { corrupt } from './idb-errors.ts';
import type { AnyTransaction, WriteTransaction } from './idb-schema.ts';
import type { RowRange } from './index-store.ts';
import { blockGone, type BlockRecord, bytesOf, checksumOf, joinBytes, splitBytes } from './schema.ts';

/** A block as it lies in the database: its record says how many pieces there are. */
export interface PackedBlock {
  readonly record: BlockRecord;
  readonly pieces: readonly ArrayBuffer[];
}

/** Splits ahead of the transaction, so that the transaction does nothing but write. */
export function packBlock({ record, vectors }: Block, pieceBytes: number): PackedBlock {
  const pieces = splitBytes(bytesOf(vectors), pieceBytes);
  if (pieces.length === 0) return { record, pieces };
  const checksums = pieces.flatMap((piece) =>
    splitRuns(new Uint8Array(piece), defaultRunBytes).map((run) => crc32c(run)),
  );
  const runs = { pieceBytes: pieces[0]!.byteLength, runBytes: defaultRunBytes, checksums: Uint32Array.from(checksums) };
  return { record: { ...record, pieceCount: pieces.length, runs }, pieces };
}

/** Reading a passage's rows checks a run or two: a tenth of a millisecond, for four bytes in 16,384. */
const defaultRunBytes = 64 * 2 ** 10;

function splitRuns(piece: Uint8Array, runBytes: number): Uint8Array[] {
  const starts = Array.from({ length: Math.ceil(piece.length / runBytes) }, (_, i) => i * runBytes);
  return starts.map((start) => piece.subarray(start, start + runBytes));
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
export async function readPieces(
  transaction: AnyTransaction,
  store: 'blockData' | 'sourceData',
  id: string,
  pieceCount: number,
): Promise<ArrayBuffer[]> {
  const data = transaction.objectStore(store);
  const pieces = await Promise.all(Array.from({ length: pieceCount }, (_, i) => data.get([id, i])));
  return pieces.filter((piece) => piece !== undefined);
}

/** Of a block's record what never changes while it is here, and reading rows takes. */
export type BlockLayout = Pick<BlockRecord, 'id' | keyof RowShape | 'byteLength' | 'runs'>;

/** Pieces with rows of a block: unchecked, see `openRows`. */
export interface PackedRows {
  readonly layout: BlockLayout;
  /** By number; missing ones are left out. All of the block where they cannot be checked alone. */
  readonly read: ReadonlyMap<number, ArrayBuffer> | PackedBlock;
}

/**
 * @param known the layout, where it was read before
 * @throws 'not-found' when there is no such block; 'invalid-argument' for rows that it does not have
 */
export async function readRows(
  transaction: AnyTransaction,
  id: string,
  ranges: readonly RowRange[],
  known?: BlockLayout,
): Promise<PackedRows> {
  const layout = known ?? (await readLayout(transaction, id));
  checkRanges(layout, ranges);
  const { runs } = layout;
  if (runs === undefined) return { layout, read: await readBlock(transaction, id) };
  const wanted = piecesWith(ranges, rowBytesOf(layout), runs.pieceBytes);
  const data = transaction.objectStore('blockData');
  const found = await Promise.all(wanted.map((piece) => data.get([id, piece])));
  const read = new Map<number, ArrayBuffer>();
  found.forEach((piece, i) => piece && read.set(wanted[i]!, piece));
  if (read.size < wanted.length && known !== undefined) await readLayout(transaction, id); // gone meanwhile?
  return { layout, read };
}

async function readLayout(transaction: AnyTransaction, id: string): Promise<BlockLayout> {
  const record = await transaction.objectStore('blocks').get(id);
  if (record === undefined) throw blockGone(id);
  const { dim, precision, scale, byteLength, runs } = record;
  return { id, dim, precision, scale, byteLength, ...(runs === undefined ? {} : { runs }) };
}

/** Numbers of the pieces that rows lie in, each once, ascending. */
function piecesWith(ranges: readonly RowRange[], rowBytes: number, pieceBytes: number): number[] {
  const numbers = new Set<number>();
  for (const { first, end } of ranges) {
    for (let n = Math.floor((first * rowBytes) / pieceBytes); n * pieceBytes < end * rowBytes; n++) numbers.add(n);
  }
  return [...numbers].sort((a, b) => a - b);
}

/**
 * The rows of the ranges, one after the other, from pieces that are checked here. Outside of a transaction: it takes a while.
 * @throws 'storage-corrupt'
 */
export function openRows({ layout, read }: PackedRows, ranges: readonly RowRange[]): Int8Array | Float32Array {
  if ('record' in read) return rowsOf(openBlock(read), ranges);
  const { pieceBytes, runBytes, checksums } = layout.runs!;
  const runsPerPiece = Math.ceil(pieceBytes / runBytes);
  const rowBytes = rowBytesOf(layout);
  const out = new Uint8Array(ranges.reduce((sum, { first, end }) => sum + (end - first) * rowBytes, 0));
  const checked = new Map<number, Uint8Array>();
  let to = 0;
  for (const { first, end } of ranges) {
    for (let from = first * rowBytes; from < end * rowBytes;) {
      const piece = Math.floor(from / pieceBytes);
      const within = Math.floor((from % pieceBytes) / runBytes);
      const number = piece * runsPerPiece + within;
      let run = checked.get(number);
      if (run === undefined) {
        run = new Uint8Array(read.get(piece) ?? new ArrayBuffer(0)).subarray(
          within * runBytes,
          (within + 1) * runBytes,
        );
        if (run.length === 0 || crc32c(run) !== checksums[number]) throw damagedBlock(layout.id);
        checked.set(number, run);
      }
      const start = (from % pieceBytes) % runBytes;
      const part = run.subarray(start, start + end * rowBytes - from);
      if (part.length === 0) throw damagedBlock(layout.id);
      out.set(part, to);
      to += part.length;
      from += part.length;
    }
  }
  return layout.precision === 'int8' ? new Int8Array(out.buffer) : new Float32Array(out.buffer);
}

/** The memory may be freed at once, and not only when the engine collects what is unused. Older browsers cannot do it. */
export function letGo(buffer: ArrayBufferLike): void {
  (buffer as { readonly transfer?: (newLength: number) => ArrayBuffer }).transfer?.(0);
}

/**
 * Joins the pieces, which are of no more use then, and checks them. Outside of a transaction: it takes a while.
 * @throws 'storage-corrupt'
 */
export function openBlock({ record, pieces }: PackedBlock): Block {
  const buffer = joinBytes(pieces, record.byteLength);
  if (pieces.length > 1) pieces.forEach(letGo);
  const Rows = record.precision === 'int8' ? Int8Array : Float32Array;
  const fits = buffer !== null && record.byteLength === record.offsets.at(-1)! * record.dim * Rows.BYTES_PER_ELEMENT;
  const vectors = fits ? new Rows(buffer) : new Rows(0);
  if (!fits || checksumOf(record.offsets, vectors) !== record.checksum) {
    throw damagedBlock(record.id);
  }
  return { record, vectors };
}

function damagedBlock(id: string) {
  return corrupt(`Block ${id} of the index is damaged: its bytes do not fit their checksum. Add its documents again.`, {
    block: id,
  });
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
