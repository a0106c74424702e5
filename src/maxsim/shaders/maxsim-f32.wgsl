// MaxSim over f32 tokens: the same plan as maxsim-int8.wgsl, one workgroup per chunk, one lane per two tokens, 32
// query rows at a time. Each lane adds in the order of the components and the maxima add in the order of the rows, so a device
// repeats itself; another may differ in the last bits.
//
// gpu-kernel.ts puts in front:
//   const pieces: u32       16-byte pieces per token (dim / 4)
// and makes `query` a read-only storage buffer where it is too large for a uniform one.

const tileTokens = 64u;
// Each takes two tokens of a tile, so that what it reads of the query serves twice.
const lanes = 32u;
const blockRows = 32u;
// Below every dot product.
const lowest = -3.4028234e38;

struct Item {
  // Token slot within the shard; slots of a chunk follow each other.
  firstSlot: u32,
  // At least 1: empty chunks are not listed.
  numTokens: u32,
  // Which sum is this chunk's.
  sum: u32,
  unused: u32,
}

struct QueryBlock {
  // Added to each item's sum index: very long queries keep several sums per chunk.
  firstSum: u32,
  // From byte 16 on: [pieces][32 rows], 4 components each. Rows that fill up are zeros, so their maximum adds 0.
  rows: array<vec4f, blockRows * pieces>,
}

// One shard of token vectors: [tile][pieces][64 tokens], 4 components each.
@group(0) @binding(0) var<storage, read> tokens: array<vec4f>;
// The chunks to score, one per workgroup.
@group(0) @binding(1) var<storage, read> items: array<Item>;
// One number per chunk to score, zero at first.
@group(1) @binding(0) var<storage, read_write> sums: array<f32>;
// 32 query rows, by dynamic offset.
@group(1) @binding(1) var<uniform> query: QueryBlock;

// [lanes][32 rows], one word more per lane so that a column's words lie in different memory banks.
var<workgroup> maxima: array<f32, lanes * 33>;

@compute @workgroup_size(lanes)
fn maxSim(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) lane: u32) {
  let item = items[workgroup.x];
  // Eight vectors of four rows each. Named, not an array: arrays indexed in a loop fall out of registers on some GPUs.
  var m0 = vec4f(lowest);
  var m1 = vec4f(lowest);
  var m2 = vec4f(lowest);
  var m3 = vec4f(lowest);
  var m4 = vec4f(lowest);
  var m5 = vec4f(lowest);
  var m6 = vec4f(lowest);
  var m7 = vec4f(lowest);
  for (var first = 0u; first < item.numTokens; first += tileTokens) {
    // Lanes beyond the last token repeat it: a token twice changes no maximum, and padding never enters.
    let last = item.numTokens - 1u;
    var nearAt = wordsAt(item.firstSlot + min(first + lane, last));
    var farAt = wordsAt(item.firstSlot + min(first + lanes + lane, last));
    // Initialised in words: inside a loop a bare `var` is not zeroed again by every implementation.
    var a0 = vec4f(0);
    var a1 = vec4f(0);
    var a2 = vec4f(0);
    var a3 = vec4f(0);
    var a4 = vec4f(0);
    var a5 = vec4f(0);
    var a6 = vec4f(0);
    var a7 = vec4f(0);
    var b0 = vec4f(0);
    var b1 = vec4f(0);
    var b2 = vec4f(0);
    var b3 = vec4f(0);
    var b4 = vec4f(0);
    var b5 = vec4f(0);
    var b6 = vec4f(0);
    var b7 = vec4f(0);
    for (var q = 0u; q < blockRows * pieces; q += blockRows) {
      let near = tokens[nearAt];
      let far = tokens[farAt];
      let p0 = products(near, far, q);
      a0 += p0.near;
      b0 += p0.far;
      let p1 = products(near, far, q + 4u);
      a1 += p1.near;
      b1 += p1.far;
      let p2 = products(near, far, q + 8u);
      a2 += p2.near;
      b2 += p2.far;
      let p3 = products(near, far, q + 12u);
      a3 += p3.near;
      b3 += p3.far;
      let p4 = products(near, far, q + 16u);
      a4 += p4.near;
      b4 += p4.far;
      let p5 = products(near, far, q + 20u);
      a5 += p5.near;
      b5 += p5.far;
      let p6 = products(near, far, q + 24u);
      a6 += p6.near;
      b6 += p6.far;
      let p7 = products(near, far, q + 28u);
      a7 += p7.near;
      b7 += p7.far;
      nearAt += tileTokens;
      farAt += tileTokens;
    }
    m0 = max(m0, max(a0, b0));
    m1 = max(m1, max(a1, b1));
    m2 = max(m2, max(a2, b2));
    m3 = max(m3, max(a3, b3));
    m4 = max(m4, max(a4, b4));
    m5 = max(m5, max(a5, b5));
    m6 = max(m6, max(a6, b6));
    m7 = max(m7, max(a7, b7));
  }

  keep(lane, 0u, m0);
  keep(lane, 4u, m1);
  keep(lane, 8u, m2);
  keep(lane, 12u, m3);
  keep(lane, 16u, m4);
  keep(lane, 20u, m5);
  keep(lane, 24u, m6);
  keep(lane, 28u, m7);
  workgroupBarrier();
  if (lane < blockRows) {
    var best = maxima[lane];
    for (var other = 1u; other < lanes; other++) {
      best = max(best, maxima[other * 33u + lane]);
    }
    // Only this lane reads the word it overwrites.
    maxima[lane] = best;
  }
  workgroupBarrier();
  if (lane == 0u) {
    var sum = 0.0;
    for (var row = 0u; row < blockRows; row++) {
      sum += maxima[row];
    }
    // No other workgroup of this dispatch has this sum; dispatches follow each other.
    sums[query.firstSum + item.sum] += sum;
  }
}

// Where a token's first piece lies; its next is a tile's width further.
fn wordsAt(slot: u32) -> u32 {
  return (slot / tileTokens) * (tileTokens * pieces) + slot % tileTokens;
}

struct Products {
  near: vec4f,
  far: vec4f,
}

// Four components of two tokens times those of four query rows, from `query.rows[q]` on.
fn products(near: vec4f, far: vec4f, q: u32) -> Products {
  let r0 = query.rows[q];
  let r1 = query.rows[q + 1u];
  let r2 = query.rows[q + 2u];
  let r3 = query.rows[q + 3u];
  return Products(
    vec4f(dot(near, r0), dot(near, r1), dot(near, r2), dot(near, r3)),
    vec4f(dot(far, r0), dot(far, r1), dot(far, r2), dot(far, r3)),
  );
}

fn keep(lane: u32, row: u32, best: vec4f) {
  let at = lane * 33u + row;
  maxima[at] = best.x;
  maxima[at + 1u] = best.y;
  maxima[at + 2u] = best.z;
  maxima[at + 3u] = best.w;
}
