// MaxSim of one chunk in int8 through i32x4.relaxed_dot_i8x16_i7x16_add_s (one VNNI instruction where the processor has
// it). The instruction is exact, and the same everywhere, only while its second operand stays in 0 … 127: the query
// therefore comes with 64 added, and each token's accumulators start at −64·Σd, which takes the 64 out again.
// The memory is the scorer's (wasm.ts); these kernels have no data of their own, so several can share it.

/** Tokens per tile: small enough that the tile stays in the first cache while all row blocks pass over it. */
const TILE: u32 = 48;
/** Tokens whose products are made together: with 8 query rows 12 accumulators, enough that none waits for its last sum. */
const GROUP: u32 = 6;
/** Bytes of a tile's seeds, one i32 a token, filled up. Rows that are unpacked come after them: 48 × maxDim bytes at most. */
const SEEDS: usize = 256;

// Rows as types, so that the distance between two is part of the load instruction: six pointers are more than there is room for.
@unmanaged
class Row64 {
  a: v128;
  b: v128;
  c: v128;
  d: v128;
}
@unmanaged
class Row96 extends Row64 {
  e: v128;
  f: v128;
}
@unmanaged
class Row128 extends Row96 {
  g: v128;
  h: v128;
}

/**
 * @param vectors [numTokens, dim] i8
 * @param dim a multiple of 16
 * @param query [ceil(numRows / 16), dim / 4, 16, 4] u8 in 0 … 127, 64 added: per block of 16 rows, four components
 * @param tile scratch, [48] i32; for 4-bit rows 256 + 48 × dim bytes
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
  for (let next: u32 = 0; next < numTokens; next += TILE) {
    // A short last tile begins earlier: a token twice changes no maximum.
    const first = min(next, max(numTokens, GROUP) - GROUP);
    const count = min(TILE, numTokens - first);
    let start = vectors + <usize>first * rowBytes;
    if (int4) {
      unpack(start, <usize>count * rowBytes, tile + SEEDS);
      start = tile + SEEDS;
    }
    for (let i: u32 = 0; i < count; i++) store<i32>(tile + <usize>i * 4, seed(start + <usize>i * dim, dim));
    for (let block: u32 = 0; block < rowBlocks; block++) {
      const rows = query + <usize>block * dim * 16;
      const best = maxima + <usize>block * 64;
      if (count < GROUP) raiseMaxima(start, tile, count, dim, rows, best);
      else if (dim == offsetof<Row128>()) raiseInGroups<Row128>(start, tile, count, rows, best);
      else if (dim == offsetof<Row96>()) raiseInGroups<Row96>(start, tile, count, rows, best);
      else if (dim == offsetof<Row64>()) raiseInGroups<Row64>(start, tile, count, rows, best);
      else raiseMaxima(start, tile, count, dim, rows, best);
    }
  }
  let sum: i64 = 0;
  for (let row: u32 = 0; row < numRows; row++) sum += load<i32>(maxima + <usize>row * 4);
  return <f64>sum;
}

/** 4-bit rows as bytes; each code comes out sixteenfold. */
function unpack(from: usize, bytes: usize, to: usize): void {
  const upper = i8x16.splat(-16);
  let i: usize = 0;
  for (; i + 16 <= bytes; i += 16) {
    const b = v128.load(from + i);
    const low = v128.and(i32x4.shl(b, 4), upper);
    const high = v128.and(b, upper);
    v128.store(to + i * 2, v128.shuffle<i64>(low, high, 0, 2), 0);
    v128.store(to + i * 2, v128.shuffle<i64>(low, high, 1, 3), 16);
  }
  if (i < bytes) {
    const b = v128.load64_zero(from + i);
    const low = v128.and(i32x4.shl(b, 4), upper);
    v128.store(to + i * 2, v128.shuffle<i64>(low, v128.and(b, upper), 0, 2));
  }
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

/** 16 query rows with tokens in groups of six, 8 rows at a time. */
function raiseInGroups<Row>(tokens: usize, seeds: usize, count: u32, query: usize, maxima: usize): void {
  raiseHalf<Row>(tokens, seeds, count, query, maxima);
  raiseHalf<Row>(tokens, seeds, count, query + 32, maxima + 32);
}

function raiseHalf<Row>(tokens: usize, seeds: usize, count: u32, query: usize, maxima: usize): void {
  let m0 = v128.load(maxima, 0);
  let m1 = v128.load(maxima, 16);
  for (let i: u32 = 0; i < count; i += GROUP) {
    const first = <usize>min(i, count - GROUP);
    let p = tokens + first * offsetof<Row>();
    const end = p + offsetof<Row>();
    const seed = seeds + first * 4;
    let q = query;
    let a0 = v128.load32_splat(seed, 0);
    let a1 = a0;
    let b0 = v128.load32_splat(seed, 4);
    let b1 = b0;
    let c0 = v128.load32_splat(seed, 8);
    let c1 = c0;
    let d0 = v128.load32_splat(seed, 12);
    let d1 = d0;
    let e0 = v128.load32_splat(seed, 16);
    let e1 = e0;
    let f0 = v128.load32_splat(seed, 20);
    let f1 = f0;
    while (p < end) {
      const q0 = v128.load(q, 0);
      const q1 = v128.load(q, 16);
      const da = v128.load32_splat(p);
      a0 = i32x4.relaxed_dot_i8x16_i7x16_add_s(da, q0, a0);
      a1 = i32x4.relaxed_dot_i8x16_i7x16_add_s(da, q1, a1);
      const db = v128.load32_splat(p, offsetof<Row>());
      b0 = i32x4.relaxed_dot_i8x16_i7x16_add_s(db, q0, b0);
      b1 = i32x4.relaxed_dot_i8x16_i7x16_add_s(db, q1, b1);
      const dc = v128.load32_splat(p, 2 * offsetof<Row>());
      c0 = i32x4.relaxed_dot_i8x16_i7x16_add_s(dc, q0, c0);
      c1 = i32x4.relaxed_dot_i8x16_i7x16_add_s(dc, q1, c1);
      const dd = v128.load32_splat(p, 3 * offsetof<Row>());
      d0 = i32x4.relaxed_dot_i8x16_i7x16_add_s(dd, q0, d0);
      d1 = i32x4.relaxed_dot_i8x16_i7x16_add_s(dd, q1, d1);
      const de = v128.load32_splat(p, 4 * offsetof<Row>());
      e0 = i32x4.relaxed_dot_i8x16_i7x16_add_s(de, q0, e0);
      e1 = i32x4.relaxed_dot_i8x16_i7x16_add_s(de, q1, e1);
      const df = v128.load32_splat(p, 5 * offsetof<Row>());
      f0 = i32x4.relaxed_dot_i8x16_i7x16_add_s(df, q0, f0);
      f1 = i32x4.relaxed_dot_i8x16_i7x16_add_s(df, q1, f1);
      p += 4;
      q += 64;
    }
    const three0 = i32x4.max_s(i32x4.max_s(a0, b0), c0);
    m0 = i32x4.max_s(m0, i32x4.max_s(three0, i32x4.max_s(i32x4.max_s(d0, e0), f0)));
    const three1 = i32x4.max_s(i32x4.max_s(a1, b1), c1);
    m1 = i32x4.max_s(m1, i32x4.max_s(three1, i32x4.max_s(i32x4.max_s(d1, e1), f1)));
  }
  v128.store(maxima, m0, 0);
  v128.store(maxima, m1, 16);
}

/** The same for any dimension and any number of tokens, two at a time. */
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
