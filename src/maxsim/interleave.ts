/**
 * The order of vectors in GPU memory: tiles of 64 tokens, [tile][piece][token][16 bytes]. The lanes of a workgroup
 * take consecutive tokens, so each of their loads is one run of consecutive 16-byte pieces.
 */
import type { Precision } from '../types.ts';
import { paddedDim } from './resident.ts';

export const tileTokens = 64;

const wordsPerPiece = 4;

/** 16-byte pieces per token: 16 int8 or 4 f32 components each, the last filled up with zeros. */
export function piecesPerToken(dim: number, precision: Precision): number {
  return paddedDim(dim) / (precision === 'int8' ? 16 : 4);
}

export function tileBytes(pieces: number): number {
  return pieces * tileTokens * 16;
}

/**
 * @param vectors [numTokens, dim] row-major
 * @param firstToken, endToken the rows to take; the last tile is filled up with zeros, which no chunk's range includes
 * @returns the tiles' 32-bit words
 */
export function interleave(
  vectors: Int8Array | Float32Array,
  dim: number,
  firstToken: number,
  endToken: number,
): Uint32Array<ArrayBuffer> {
  const isInt8 = vectors instanceof Int8Array;
  const pieces = piecesPerToken(dim, isInt8 ? 'int8' : 'f32');
  const rowWords = pieces * wordsPerPiece;
  const numTiles = Math.ceil((endToken - firstToken) / tileTokens);
  const out = new Uint32Array(numTiles * tileTokens * rowWords);
  // One row at a time through an aligned, zero-filled buffer: the given rows may be neither aligned nor of whole words.
  const row = new Uint32Array(rowWords);
  const components = isInt8 ? new Int8Array(row.buffer) : new Float32Array(row.buffer);
  for (let token = firstToken; token < endToken; token++) {
    components.set(vectors.subarray(token * dim, (token + 1) * dim));
    const slot = token - firstToken;
    const lane = slot % tileTokens;
    let to = (slot - lane) * rowWords + lane * wordsPerPiece;
    for (let word = 0; word < rowWords; word += wordsPerPiece, to += tileTokens * wordsPerPiece) {
      out[to] = row[word]!;
      out[to + 1] = row[word + 1]!;
      out[to + 2] = row[word + 2]!;
      out[to + 3] = row[word + 3]!;
    }
  }
  return out;
}

/**
 * The way back.
 * @param tiles words as made by `interleave`
 * @returns [numTokens, pieces × 16 bytes] rows from `firstSlot` on
 */
export function deinterleave(
  tiles: Uint32Array,
  pieces: number,
  firstSlot: number,
  numTokens: number,
  precision: Precision,
): Int8Array | Float32Array {
  const rowWords = pieces * wordsPerPiece;
  const out = new Uint32Array(numTokens * rowWords);
  for (let token = 0; token < numTokens; token++) {
    const slot = firstSlot + token;
    const lane = slot % tileTokens;
    for (let piece = 0; piece < pieces; piece++) {
      const from = (slot - lane) * rowWords + (piece * tileTokens + lane) * wordsPerPiece;
      out.set(tiles.subarray(from, from + wordsPerPiece), token * rowWords + piece * wordsPerPiece);
    }
  }
  return precision === 'int8' ? new Int8Array(out.buffer) : new Float32Array(out.buffer);
}
