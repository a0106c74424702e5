// MaxSim of one chunk in int8, AssemblyScript with plain SIMD: bytes are widened to i16 once per tile, then
// i32x4.dot_i16x8_s multiplies two components of four query rows at a time. Exact on every machine. 4-bit rows are widened alike.
// The memory is the scorer's (wasm.ts); these kernels have no data of their own, so several can share it.

/** Tokens per tile: widened, 32 × 128 × 2 bytes = 8 KiB stay in the first cache. wasm.ts reserves the room. */
const TILE: u32 = 32;

/**
 * @param vectors [numTokens, dim] i8
 * @param dim a multiple of 16
 * @param query [ceil(numRows / 16), dim / 2, 16, 2] i16: per block of 16 rows, pairs of components
 * @param tile scratch, [32, dim] i16
 * @param maxima scratch, [ceil(numRows / 16) × 16] i32
 * @returns the sum over rows of the maximum over tokens, an integer
 */
export function maxSim(
  vectors: usize,
  numTokens: u32,
  dim: u32,
  query: usize,
  numRows: u32,
  tile: usize,
  maxima: usize,
): f64 {
  return sumOfMaxima(vectors, numTokens, dim, query, numRows, tile, maxima, false);
}

/** The same with vectors [numTokens, dim / 2] of four bits a component, as src/vectors/int4.ts packs them. */
export function maxSimInt4(
  vectors: usize,
  numTokens: u32,
  dim: u32,
  query: usize,
  numRows: u32,
  tile: usize,
  maxima: usize,
): f64 {
  return sumOfMaxima(vectors, numTokens, dim, query, numRows, tile, maxima, true);
}

function sumOfMaxima(
  vectors: usize,
  numTokens: u32,
  dim: u32,
  query: usize,
  numRows: u32,
  tile: usize,
  maxima: usize,
  int4: bool,
): f64 {
  const rowBlocks = (numRows + 15) >> 4;
  const rowBytes = <usize>(int4 ? dim >> 1 : dim);
  for (let i: u32 = 0; i < rowBlocks * 4; i++) v128.store(maxima + (i << 4), i32x4.splat(i32.MIN_VALUE));
  for (let first: u32 = 0; first < numTokens; first += TILE) {
    const count = min(TILE, numTokens - first);
    const start = vectors + <usize>first * rowBytes;
    if (int4) widenInt4(start, <usize>count * rowBytes, tile);
    else widen(start, <usize>count * rowBytes, tile);
    for (let block: u32 = 0; block < rowBlocks; block++) {
      raiseMaxima(tile, count, dim, query + <usize>block * dim * 32, maxima + <usize>block * 64);
    }
  }
  let sum: i64 = 0;
  for (let row: u32 = 0; row < numRows; row++) sum += load<i32>(maxima + <usize>row * 4);
  return <f64>sum;
}

function widen(from: usize, bytes: usize, to: usize): void {
  for (let i: usize = 0; i < bytes; i += 16) widenOne(v128.load(from + i), to + i * 2);
}

/** Each code comes out sixteenfold. */
function widenInt4(from: usize, bytes: usize, to: usize): void {
  const upper = i8x16.splat(-16);
  for (let i: usize = 0; i < bytes; i += 8) {
    const b = v128.load64_zero(from + i);
    const low = v128.and(i32x4.shl(b, 4), upper);
    widenOne(v128.shuffle<i64>(low, v128.and(b, upper), 0, 2), to + i * 4);
  }
}

function widenOne(b: v128, to: usize): void {
  v128.store(to, i16x8.extend_low_i8x16_s(b), 0);
  v128.store(to, i16x8.extend_high_i8x16_s(b), 16);
}

function raiseMaxima(tokens: usize, count: u32, dim: u32, query: usize, maxima: usize): void {
  let m0 = v128.load(maxima, 0);
  let m1 = v128.load(maxima, 16);
  let m2 = v128.load(maxima, 32);
  let m3 = v128.load(maxima, 48);
  const rowBytes = <usize>dim * 2;
  for (let i: u32 = 0; i < count; i += 2) {
    let a = tokens + <usize>i * rowBytes;
    // An odd last token is paired with itself: a token twice changes no maximum.
    let b = i + 1 < count ? a + rowBytes : a;
    const end = a + rowBytes;
    let q = query;
    let a0 = i32x4.splat(0);
    let a1 = i32x4.splat(0);
    let a2 = i32x4.splat(0);
    let a3 = i32x4.splat(0);
    let b0 = i32x4.splat(0);
    let b1 = i32x4.splat(0);
    let b2 = i32x4.splat(0);
    let b3 = i32x4.splat(0);
    while (a < end) {
      const da = v128.load32_splat(a);
      const db = v128.load32_splat(b);
      const q0 = v128.load(q, 0);
      a0 = i32x4.add(a0, i32x4.dot_i16x8_s(da, q0));
      b0 = i32x4.add(b0, i32x4.dot_i16x8_s(db, q0));
      const q1 = v128.load(q, 16);
      a1 = i32x4.add(a1, i32x4.dot_i16x8_s(da, q1));
      b1 = i32x4.add(b1, i32x4.dot_i16x8_s(db, q1));
      const q2 = v128.load(q, 32);
      a2 = i32x4.add(a2, i32x4.dot_i16x8_s(da, q2));
      b2 = i32x4.add(b2, i32x4.dot_i16x8_s(db, q2));
      const q3 = v128.load(q, 48);
      a3 = i32x4.add(a3, i32x4.dot_i16x8_s(da, q3));
      b3 = i32x4.add(b3, i32x4.dot_i16x8_s(db, q3));
      a += 4;
      b += 4;
      q += 64;
    }
    m0 = i32x4.max_s(m0, i32x4.max_s(a0, b0));
    m1 = i32x4.max_s(m1, i32x4.max_s(a1, b1));
    m2 = i32x4.max_s(m2, i32x4.max_s(a2, b2));
    m3 = i32x4.max_s(m3, i32x4.max_s(a3, b3));
  }
  v128.store(maxima, m0, 0);
  v128.store(maxima, m1, 16);
  v128.store(maxima, m2, 32);
  v128.store(maxima, m3, 48);
}
