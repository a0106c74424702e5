// MaxSim of one chunk in int8 through i32x4.relaxed_dot_i8x16_i7x16_add_s (one VNNI instruction where the processor has
// it). The instruction is exact, and the same everywhere, only while its second operand stays in 0 … 127: the query
// therefore comes with 64 added, and each token's accumulators start at −64·Σd, which takes the 64 out again.
// The memory is the scorer's (wasm.ts); these kernels have no data of their own, so several can share it.

/** Tokens per tile: small enough that the tile stays in the first cache while all row blocks pass over it. */
const TILE: u32 = 32;

/**
 * @param vectors [numTokens, dim] i8
 * @param dim a multiple of 16
 * @param query [ceil(numRows / 16), dim / 4, 16, 4] u8 in 0 … 127, 64 added: per block of 16 rows, four components
 * @param tile scratch, [32] i32
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
  const rowBlocks = (numRows + 15) >> 4;
  for (let i: u32 = 0; i < rowBlocks * 4; i++) v128.store(maxima + (i << 4), i32x4.splat(i32.MIN_VALUE));
  for (let first: u32 = 0; first < numTokens; first += TILE) {
    const start = vectors + <usize>first * dim;
    const count = min(TILE, numTokens - first);
    for (let i: u32 = 0; i < count; i++) store<i32>(tile + <usize>i * 4, seed(start + <usize>i * dim, dim));
    for (let block: u32 = 0; block < rowBlocks; block++) {
      raiseMaxima(start, tile, count, dim, query + <usize>block * dim * 16, maxima + <usize>block * 64);
    }
  }
  let sum: i64 = 0;
  for (let row: u32 = 0; row < numRows; row++) sum += load<i32>(maxima + <usize>row * 4);
  return <f64>sum;
}

/** −64·Σd of one token. */
function seed(token: usize, dim: u32): i32 {
  const sixtyFour = i8x16.splat(64);
  let sums = i32x4.splat(0);
  for (let k: usize = 0; k < dim; k += 16) {
    sums = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(token + k), sixtyFour, sums);
  }
  return -(
    i32x4.extract_lane(sums, 0) +
    i32x4.extract_lane(sums, 1) +
    i32x4.extract_lane(sums, 2) +
    i32x4.extract_lane(sums, 3)
  );
}

function raiseMaxima(tokens: usize, seeds: usize, count: u32, dim: u32, query: usize, maxima: usize): void {
  let m0 = v128.load(maxima, 0);
  let m1 = v128.load(maxima, 16);
  let m2 = v128.load(maxima, 32);
  let m3 = v128.load(maxima, 48);
  const rowBytes = <usize>dim;
  for (let i: u32 = 0; i < count; i += 2) {
    // An odd last token is paired with itself: a token twice changes no maximum.
    const second = i + 1 < count ? i + 1 : i;
    let a = tokens + <usize>i * rowBytes;
    let b = tokens + <usize>second * rowBytes;
    const end = a + rowBytes;
    let q = query;
    let a0 = v128.load32_splat(seeds + <usize>i * 4);
    let a1 = a0;
    let a2 = a0;
    let a3 = a0;
    let b0 = v128.load32_splat(seeds + <usize>second * 4);
    let b1 = b0;
    let b2 = b0;
    let b3 = b0;
    while (a < end) {
      const da = v128.load32_splat(a);
      const db = v128.load32_splat(b);
      const q0 = v128.load(q, 0);
      a0 = i32x4.relaxed_dot_i8x16_i7x16_add_s(da, q0, a0);
      b0 = i32x4.relaxed_dot_i8x16_i7x16_add_s(db, q0, b0);
      const q1 = v128.load(q, 16);
      a1 = i32x4.relaxed_dot_i8x16_i7x16_add_s(da, q1, a1);
      b1 = i32x4.relaxed_dot_i8x16_i7x16_add_s(db, q1, b1);
      const q2 = v128.load(q, 32);
      a2 = i32x4.relaxed_dot_i8x16_i7x16_add_s(da, q2, a2);
      b2 = i32x4.relaxed_dot_i8x16_i7x16_add_s(db, q2, b2);
      const q3 = v128.load(q, 48);
      a3 = i32x4.relaxed_dot_i8x16_i7x16_add_s(da, q3, a3);
      b3 = i32x4.relaxed_dot_i8x16_i7x16_add_s(db, q3, b3);
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
