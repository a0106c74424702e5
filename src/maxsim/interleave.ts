/**
 * The order of vectors in GPU memory: tiles of 64 tokens, [tile][piece][token][bytes of a piece]. The lanes of a workgroup
 * take consecutive tokens, so each of their loads is one run of consecutive pieces.
 */
import { int4RowBytes } from '../vectors/int4.ts';
import { paddedDim, rowBytesOf, type Format } from './resident.ts';
import type { ScorerBlock } from './scorer.ts';

export const tileTokens = 64;

type Shape = Pick<Format, 'dim' | 'precision'>;

/** Pieces per row: 4 components of f32 (16 bytes), else 16 (8 bytes of int4, 16 of int8); the last is filled up with zeros. */
export function piecesPerRow({ dim, precision }: Shape): number {
  return paddedDim(dim) / (precision === 'f32' ? 4 : 16);
}

export function tileBytes(shape: Shape): number {
  return tileTokens * rowBytesOf(shape);
}

/**
 * @param vectors [numTokens, dim] row-major; packed rows for int4
 * @param firstToken, endToken the rows to take; the last tile is filled up with zeros, which no chunk's range includes
 * @returns the tiles' 32-bit words
 */
export function interleave(
  vectors: ScorerBlock['vectors'],
  shape: Shape,
  firstToken: number,
  endToken: number,
): Uint32Array<ArrayBuffer> {
  const rowWords = rowBytesOf(shape) / 4;
  const wordsPerPiece = rowWords / piecesPerRow(shape);
  const length = vectors instanceof Uint8Array ? int4RowBytes(shape.dim) : shape.dim;
  const numTiles = Math.ceil((endToken - firstToken) / tileTokens);
  const out = new Uint32Array(numTiles * tileTokens * rowWords);
  // One row at a time through an aligned, zero-filled buffer: the given rows may be neither aligned nor of whole words.
  const row = new Uint32Array(rowWords);
  const components = vectors instanceof Float32Array ? new Float32Array(row.buffer) : new Int8Array(row.buffer);
  for (let token = firstToken; token < endToken; token++) {
    components.set(vectors.subarray(token * length, (token + 1) * length));
    const slot = token - firstToken;
    const lane = slot % tileTokens;
    let to = (slot - lane) * rowWords + lane * wordsPerPiece;
    for (let word = 0; word < rowWords; word += wordsPerPiece, to += tileTokens * wordsPerPiece) {
      out[to] = row[word]!;
      out[to + 1] = row[word + 1]!;
      if (wordsPerPiece === 2) continue;
      out[to + 2] = row[word + 2]!;
      out[to + 3] = row[word + 3]!;
    }
  }
  return out;
}

/**
 * The way back.
 * @param tiles words as made by `interleave`
 * @returns [numTokens, rowBytesOf(shape)] rows from `firstSlot` on, filled up; packed ones for int4
 */
export function deinterleave(
  tiles: Uint32Array,
  shape: Shape,
  firstSlot: number,
  numTokens: number,
): ScorerBlock['vectors'] {
  const pieces = piecesPerRow(shape);
  const rowWords = rowBytesOf(shape) / 4;
  const wordsPerPiece = rowWords / pieces;
  const out = new Uint32Array(numTokens * rowWords);
  for (let token = 0; token < numTokens; token++) {
    const slot = firstSlot + token;
    const lane = slot % tileTokens;
    for (let piece = 0; piece < pieces; piece++) {
      const from = (slot - lane) * rowWords + (piece * tileTokens + lane) * wordsPerPiece;
      out.set(tiles.subarray(from, from + wordsPerPiece), token * rowWords + piece * wordsPerPiece);
    }
  }
  return new { int4: Uint8Array, int8: Int8Array, f32: Float32Array }[shape.precision](out.buffer);
}
