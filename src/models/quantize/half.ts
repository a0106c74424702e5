/** 16-bit floats → 32-bit ones, exactly; and 32-bit ones → the nearest 16-bit ones. */

/** @param bytes IEEE binary16, lowest byte first */
export function widenHalf(bytes: Uint8Array): Float32Array {
  halfTable ??= buildHalfTable();
  const halves = aligned(bytes, Uint16Array);
  const out = new Float32Array(halves.length);
  for (let i = 0; i < out.length; i++) out[i] = halfTable[halves[i]!]!;
  return out;
}

/** @param bytes bfloat16: the upper half of a 32-bit float */
export function widenBfloat(bytes: Uint8Array): Float32Array {
  const halves = aligned(bytes, Uint16Array);
  const out = new Uint32Array(halves.length);
  for (let i = 0; i < out.length; i++) out[i] = halves[i]! << 16;
  return new Float32Array(out.buffer);
}

/** The largest finite half. */
export const largestHalf = 65_504;

/** The smallest half of full precision: 2^-14. Below it digits are lost, and below 2^-25 the value itself. */
export const smallestHalf = 2 ** -14;

/**
 * IEEE binary16, to the nearest, ties to even. What has no finite half becomes ±`limit`.
 * @param limit a half itself
 */
export function narrowFloat(values: Float32Array, limit: number): Uint16Array {
  const out = new Uint16Array(values.length);
  const float = new Float32Array(1);
  const bits = new Uint32Array(float.buffer);
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    const size = Math.abs(value);
    const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
    if (Number.isNaN(value)) {
      out[i] = 0x7e00;
    } else if (size < smallestHalf) {
      // As floats of 0.5 to 1 lie 2^-24 apart, the addition rounds to a multiple of that, which is the half's fraction.
      float[0] = size + 0.5;
      out[i] = sign | (bits[0]! - 0x3f000000);
    } else {
      float[0] = size < firstTooLarge ? size : limit;
      // The exponent's bias goes from 127 to 15; of the fraction 13 bits are rounded off, and a carry raises the exponent.
      out[i] = sign | ((bits[0]! - 0x38000000 + 0xfff + ((bits[0]! >> 13) & 1)) >> 13);
    }
  }
  return out;
}

/** From here on, rounding would give infinity. */
const firstTooLarge = 65_520;

/** A view of the bytes where they lie well, a copy where not. */
export function aligned<T>(
  bytes: Uint8Array,
  View: { readonly BYTES_PER_ELEMENT: number; new (buffer: ArrayBufferLike, offset: number, length: number): T },
): T {
  const good = bytes.byteOffset % View.BYTES_PER_ELEMENT === 0 ? bytes : new Uint8Array(bytes); // a Buffer's slice would not copy
  return new View(good.buffer, good.byteOffset, Math.floor(good.byteLength / View.BYTES_PER_ELEMENT));
}

let halfTable: Float32Array | undefined;

/** All 65,536 halves: (−1)^sign · 2^(exponent − 15) · 1.fraction, without the 1 where the exponent is 0. */
function buildHalfTable(): Float32Array {
  const table = new Float32Array(65536);
  for (let half = 0; half < 65536; half++) {
    const exponent = (half >> 10) & 31;
    const fraction = half & 1023;
    const size =
      exponent === 31
        ? fraction === 0
          ? Infinity
          : NaN
        : exponent === 0
          ? fraction * 2 ** -24
          : (1024 + fraction) * 2 ** (exponent - 25);
    table[half] = half >> 15 === 1 ? -size : size;
  }
  return table;
}
