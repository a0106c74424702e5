/** 16-bit floats → 32-bit ones, exactly. */

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

/** A view of the bytes where they lie well, a copy where not. */
export function aligned<T>(
  bytes: Uint8Array,
  View: { readonly BYTES_PER_ELEMENT: number; new (buffer: ArrayBufferLike, offset: number, length: number): T },
): T {
  const good = bytes.byteOffset % View.BYTES_PER_ELEMENT === 0 ? bytes : bytes.slice();
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
