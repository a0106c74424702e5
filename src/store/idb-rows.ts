/**
 * Some rows of a block without the others: from the pieces that they lie in, run by run, each checked alone.
 */
import type { RowShape } from '../vectors/narrow.ts';
import { checkRanges, rowBytesOf, rowsOf } from './blocks.ts';
import { crc32c } from './checksum.ts';
import { damagedBlock, openBlock, type PackedBlock, readBlob, readBlock } from './idb-blocks.ts';
import type { AnyTransaction, Piece } from './idb-schema.ts';
import type { RowRange } from './index-store.ts';
import { blockGone, type BlockRecord, type RunTable } from './schema.ts';

/** Of a block's record what never changes while it is here, and reading rows takes. */
export type BlockLayout = Pick<BlockRecord, 'id' | keyof RowShape | 'byteLength' | 'runs'>;

/** Pieces with rows of a block: unchecked, see `openRows`. */
export interface PackedRows {
  readonly layout: BlockLayout;
  /** By number; missing ones are left out. All of the block where they cannot be checked alone. */
  readonly read: ReadonlyMap<number, Piece> | PackedBlock;
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
  const perPiece = runsPerPiece(runs);
  const wanted = [...new Set(runsWith(ranges, rowBytesOf(layout), runs).map((run) => Math.floor(run / perPiece)))];
  const data = transaction.objectStore('blockData');
  const found = await Promise.all(wanted.map((piece) => data.get([id, piece])));
  const read = new Map<number, Piece>();
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

/**
 * The rows of the ranges, one after the other, from bytes that are checked here. Outside of a transaction: it takes a while.
 * @throws 'storage-corrupt', UnreadBlob
 */
export async function openRows(
  { layout, read }: PackedRows,
  ranges: readonly RowRange[],
): Promise<Int8Array | Float32Array> {
  if ('record' in read) return rowsOf(await openBlock(read), ranges);
  const { pieceBytes, runBytes } = layout.runs!;
  const perPiece = runsPerPiece(layout.runs!);
  const runs = await readRuns(layout, read, ranges);
  const rowBytes = rowBytesOf(layout);
  const out = new Uint8Array(ranges.reduce((sum, { first, end }) => sum + (end - first) * rowBytes, 0));
  let to = 0;
  for (const { first, end } of ranges) {
    for (let from = first * rowBytes; from < end * rowBytes;) {
      const within = from % pieceBytes;
      const run = runs.get(Math.floor(from / pieceBytes) * perPiece + Math.floor(within / runBytes))!;
      const start = within % runBytes;
      const part = run.subarray(start, start + end * rowBytes - from);
      if (part.length === 0) throw damagedBlock(layout.id);
      out.set(part, to);
      to += part.length;
      from += part.length;
    }
  }
  return layout.precision === 'int8' ? new Int8Array(out.buffer) : new Float32Array(out.buffer);
}

/**
 * The runs that the rows lie in, by number, checked. Those of Blobs are read as one Blob that is put together of their slices:
 * one by one, each would cost half a millisecond. For the same reason runs that follow one another are one slice.
 */
async function readRuns(
  layout: BlockLayout,
  pieces: ReadonlyMap<number, Piece>,
  ranges: readonly RowRange[],
): Promise<Map<number, Uint8Array>> {
  const { runBytes, checksums } = layout.runs!;
  const perPiece = runsPerPiece(layout.runs!);
  const parts: { readonly first: number; readonly bytes: Uint8Array | null; readonly length: number }[] = [];
  const slices: Blob[] = [];
  for (const { first, end } of stretches(runsWith(ranges, rowBytesOf(layout), layout.runs!), perPiece)) {
    const piece = pieces.get(Math.floor(first / perPiece));
    if (piece === undefined) throw damagedBlock(layout.id);
    const start = (first % perPiece) * runBytes;
    const length = (end - first) * runBytes;
    if (piece instanceof Blob) {
      const slice = piece.slice(start, start + length);
      slices.push(slice);
      parts.push({ first, bytes: null, length: slice.size });
    } else {
      const bytes = new Uint8Array(piece).subarray(start, start + length);
      parts.push({ first, bytes, length: bytes.length });
    }
  }
  const read = new Uint8Array(slices.length === 0 ? new ArrayBuffer(0) : await readBlob(layout.id, new Blob(slices)));
  const runs = new Map<number, Uint8Array>();
  let from = 0;
  for (const { first, bytes, length } of parts) {
    const part = bytes ?? read.subarray(from, (from += length));
    for (let number = first, at = 0; at < length || number === first; number++, at += runBytes) {
      const run = part.subarray(at, at + runBytes);
      if (run.length === 0 || crc32c(run) !== checksums[number]) throw damagedBlock(layout.id);
      runs.set(number, run);
    }
  }
  return runs;
}

/** Ascending numbers of runs as stretches that follow one another within a piece. */
function stretches(numbers: readonly number[], perPiece: number): { readonly first: number; readonly end: number }[] {
  const found: { first: number; end: number }[] = [];
  for (const number of numbers) {
    const last = found.at(-1);
    if (last?.end === number && number % perPiece !== 0) last.end++;
    else found.push({ first: number, end: number + 1 });
  }
  return found;
}

const runsPerPiece = ({ pieceBytes, runBytes }: RunTable): number => Math.ceil(pieceBytes / runBytes);

/** Numbers of the runs that rows lie in, each once, ascending. */
function runsWith(ranges: readonly RowRange[], rowBytes: number, table: RunTable): number[] {
  const { pieceBytes, runBytes } = table;
  const perPiece = runsPerPiece(table);
  const runOf = (byte: number): number =>
    Math.floor(byte / pieceBytes) * perPiece + Math.floor((byte % pieceBytes) / runBytes);
  const numbers = new Set<number>();
  for (const { first, end } of ranges) {
    if (first === end) continue;
    for (let n = runOf(first * rowBytes); n <= runOf(end * rowBytes - 1); n++) numbers.add(n);
  }
  return [...numbers].sort((a, b) => a - b);
}
