/**
 * CRC-32C (Castagnoli, RFC 3720 appendix B.4), eight bytes a round ("slicing by eight"). It finds bytes that a disk or a
 * crash changed; it is no defence against a person who changes them on purpose.
 */

/** Reflected form of 0x1EDC6F41. */
const polynomial = 0x82f63b78;

/** [8][256]: table k advances a byte past k further zero bytes. */
const table = makeTable();

/**
 * @param seed the checksum of the bytes before these, to go on from; 0 to begin
 * @returns 0 … 2³² − 1; of the ASCII digits "123456789" it is 0xE3069283
 */
export function crc32c(bytes: Uint8Array, seed = 0): number {
  let crc = ~seed;
  let i = 0;
  for (const end = bytes.length - 7; i < end; i += 8) {
    const low = crc ^ (bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24));
    crc =
      table[1792 + (low & 255)]! ^
      table[1536 + ((low >>> 8) & 255)]! ^
      table[1280 + ((low >>> 16) & 255)]! ^
      table[1024 + (low >>> 24)]! ^
      table[768 + bytes[i + 4]!]! ^
      table[512 + bytes[i + 5]!]! ^
      table[256 + bytes[i + 6]!]! ^
      table[bytes[i + 7]!]!;
  }
  for (; i < bytes.length; i++) crc = (crc >>> 8) ^ table[(crc ^ bytes[i]!) & 255]!;
  return ~crc >>> 0;
}

function makeTable(): Int32Array {
  const out = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1;
    out[byte] = crc;
  }
  for (let i = 256; i < out.length; i++) out[i] = (out[i - 256]! >>> 8) ^ out[out[i - 256]! & 255]!;
  return out;
}
