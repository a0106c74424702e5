/**
 * CRC-32C (Castagnoli, RFC 3720 appendix B.4), sixteen bytes a round ("slicing by sixteen"). It finds bytes that a disk or a
 * crash changed; it is no defence against a person who changes them on purpose.
 */

/** Reflected form of 0x1EDC6F41. */
const polynomial = 0x82f63b78;

/** [16][256]: table k advances a byte past k further zero bytes. */
const t = makeTable();

/**
 * @param seed the checksum of the bytes before these, to go on from; 0 to begin
 * @returns 0 … 2³² − 1; of the ASCII digits "123456789" it is 0xE3069283
 */
export function crc32c(bytes: Uint8Array, seed = 0): number {
  let crc = ~seed;
  let i = 0;
  const aligned = Math.min(bytes.length, -bytes.byteOffset & 3);
  for (; i < aligned; i++) crc = (crc >>> 8) ^ t[(crc ^ bytes[i]!) & 255]!;

  const numWords = (bytes.length - aligned) >>> 2;
  const words = new Int32Array(bytes.buffer, numWords === 0 ? 0 : bytes.byteOffset + aligned, numWords);
  const end = words.length & ~3;
  for (let word = 0; word < end; word += wordsPerCall)
    crc = overWords(crc, words, word, Math.min(end, word + wordsPerCall));
  for (i += end * 4; i < bytes.length; i++) crc = (crc >>> 8) ^ t[(crc ^ bytes[i]!) & 255]!;
  return ~crc >>> 0;
}

/** So few that V8 compiles the loop after some calls. In one call for a whole block it ran uncompiled now and then: 560 ms for 12. */
const wordsPerCall = 4096;

/** Four little-endian words at a time, which is how every browser's processor reads them. */
function overWords(before: number, words: Int32Array, from: number, end: number): number {
  let crc = before;
  for (let word = from; word < end; word += 4) {
    const a = crc ^ words[word]!;
    const b = words[word + 1]!;
    const c = words[word + 2]!;
    const d = words[word + 3]!;
    crc =
      t[3840 + (a & 255)]! ^
      t[3584 + ((a >>> 8) & 255)]! ^
      t[3328 + ((a >>> 16) & 255)]! ^
      t[3072 + (a >>> 24)]! ^
      t[2816 + (b & 255)]! ^
      t[2560 + ((b >>> 8) & 255)]! ^
      t[2304 + ((b >>> 16) & 255)]! ^
      t[2048 + (b >>> 24)]! ^
      t[1792 + (c & 255)]! ^
      t[1536 + ((c >>> 8) & 255)]! ^
      t[1280 + ((c >>> 16) & 255)]! ^
      t[1024 + (c >>> 24)]! ^
      t[768 + (d & 255)]! ^
      t[512 + ((d >>> 8) & 255)]! ^
      t[256 + ((d >>> 16) & 255)]! ^
      t[d >>> 24]!;
  }
  return crc;
}

function makeTable(): Int32Array {
  const out = new Int32Array(16 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1;
    out[byte] = crc;
  }
  for (let i = 256; i < out.length; i++) out[i] = (out[i - 256]! >>> 8) ^ out[out[i - 256]! & 255]!;
  return out;
}
