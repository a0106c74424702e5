// MaxSim of one chunk in f32, AssemblyScript with SIMD. Four query rows lie side by side in one vector, so the maximum
// over tokens is a vector maximum and nothing is ever summed across lanes. The register tile is 2 tokens × 16 rows.
// The memory is the scorer's (wasm.ts); these kernels have no data of their own, so several can share it.

/** Tokens per tile: small enough that the tile stays in the first cache while all row blocks pass over it. */
const TILE: u32 = 32;

/**
 * @param vectors [numTokens, dim] f32
 * @param dim a multiple of 16
 * @param query [ceil(numRows / 16), dim, 16] f32: per block of 16 rows, component by component
 * @param maxima scratch, [ceil(numRows / 16) × 16] f32
 * @returns the sum over rows of the maximum over tokens
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
  for (let i: u32 = 0; i < rowBlocks * 4; i++) v128.store(maxima + (i << 4), f32x4.splat(-Infinity));
  for (let first: u32 = 0; first < numTokens; first += TILE) {
    const start = vectors + <usize>first * dim * 4;
    const count = min(TILE, numTokens - first);
    for (let block: u32 = 0; block < rowBlocks; block++) {
      raiseMaxima(start, count, dim, query + <usize>block * dim * 64, maxima + <usize>block * 64);
    }
  }
  let sum: f64 = 0;
  for (let row: u32 = 0; row < numRows; row++) sum += load<f32>(maxima + <usize>row * 4);
  return sum;
}

function raiseMaxima(tokens: usize, count: u32, dim: u32, query: usize, maxima: usize): void {
  let m0 = v128.load(maxima, 0);
  let m1 = v128.load(maxima, 16);
  let m2 = v128.load(maxima, 32);
  let m3 = v128.load(maxima, 48);
  const rowBytes = <usize>dim * 4;
  for (let i: u32 = 0; i < count; i += 2) {
    let a = tokens + <usize>i * rowBytes;
    // An odd last token is paired with itself: a token twice changes no maximum.
    let b = i + 1 < count ? a + rowBytes : a;
    const end = a + rowBytes;
    let q = query;
    let a0 = f32x4.splat(0);
    let a1 = f32x4.splat(0);
    let a2 = f32x4.splat(0);
    let a3 = f32x4.splat(0);
    let b0 = f32x4.splat(0);
    let b1 = f32x4.splat(0);
    let b2 = f32x4.splat(0);
    let b3 = f32x4.splat(0);
    while (a < end) {
      const da = v128.load32_splat(a);
      const db = v128.load32_splat(b);
      const q0 = v128.load(q, 0);
      a0 = f32x4.add(a0, f32x4.mul(da, q0));
      b0 = f32x4.add(b0, f32x4.mul(db, q0));
      const q1 = v128.load(q, 16);
      a1 = f32x4.add(a1, f32x4.mul(da, q1));
      b1 = f32x4.add(b1, f32x4.mul(db, q1));
      const q2 = v128.load(q, 32);
      a2 = f32x4.add(a2, f32x4.mul(da, q2));
      b2 = f32x4.add(b2, f32x4.mul(db, q2));
      const q3 = v128.load(q, 48);
      a3 = f32x4.add(a3, f32x4.mul(da, q3));
      b3 = f32x4.add(b3, f32x4.mul(db, q3));
      a += 4;
      b += 4;
      q += 64;
    }
    // pmax, not max: one instruction on x86, and the inputs were checked to be numbers.
    m0 = f32x4.pmax(m0, f32x4.pmax(a0, b0));
    m1 = f32x4.pmax(m1, f32x4.pmax(a1, b1));
    m2 = f32x4.pmax(m2, f32x4.pmax(a2, b2));
    m3 = f32x4.pmax(m3, f32x4.pmax(a3, b3));
  }
  v128.store(maxima, m0, 0);
  v128.store(maxima, m1, 16);
  v128.store(maxima, m2, 32);
  v128.store(maxima, m3, 48);
}
