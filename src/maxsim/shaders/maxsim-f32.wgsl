// MaxSim over f32 tokens: the same plan as maxsim-int8.wgsl, one workgroup per chunk, one lane per token, 32 query rows
// at a time. Each lane adds in the order of the components and the maxima add in the order of the rows, so a device
// repeats itself; another may differ in the last bits.
//
// gpu-kernel.ts puts in front:
//   const pieces: u32       16-byte pieces per token (dim / 4)
// and makes `query` a read-only storage buffer where it is too large for a uniform one.

const tileTokens = 64u;
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

// [64 lanes][32 rows], one word more per lane so that a column's words lie in different memory banks.
var<workgroup> maxima: array<f32, 64 * 33>;

@compute @workgroup_size(64)
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
    let slot = item.firstSlot + min(first + lane, item.numTokens - 1u);
    var at = (slot / tileTokens) * (tileTokens * pieces) + slot % tileTokens;
    // Initialised in words: inside a loop a bare `var` is not zeroed again by every implementation.
    var a0 = vec4f(0);
    var a1 = vec4f(0);
    var a2 = vec4f(0);
    var a3 = vec4f(0);
    var a4 = vec4f(0);
    var a5 = vec4f(0);
    var a6 = vec4f(0);
    var a7 = vec4f(0);
    for (var q = 0u; q < blockRows * pieces; q += blockRows) {
      let token = tokens[at];
      a0 += dot4x4(token, q);
      a1 += dot4x4(token, q + 4u);
      a2 += dot4x4(token, q + 8u);
      a3 += dot4x4(token, q + 12u);
      a4 += dot4x4(token, q + 16u);
      a5 += dot4x4(token, q + 20u);
      a6 += dot4x4(token, q + 24u);
      a7 += dot4x4(token, q + 28u);
      at += tileTokens;
    }
    m0 = max(m0, a0);
    m1 = max(m1, a1);
    m2 = max(m2, a2);
    m3 = max(m3, a3);
    m4 = max(m4, a4);
    m5 = max(m5, a5);
    m6 = max(m6, a6);
    m7 = max(m7, a7);
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
    for (var other = 1u; other < tileTokens; other++) {
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

// Four components of a token times those of four query rows, from `query.rows[q]` on.
fn dot4x4(token: vec4f, q: u32) -> vec4f {
  return vec4f(
    dot(token, query.rows[q]),
    dot(token, query.rows[q + 1u]),
    dot(token, query.rows[q + 2u]),
    dot(token, query.rows[q + 3u]),
  );
}

fn keep(lane: u32, row: u32, best: vec4f) {
  let at = lane * 33u + row;
  maxima[at] = best.x;
  maxima[at + 1u] = best.y;
  maxima[at + 2u] = best.z;
  maxima[at + 3u] = best.w;
}
