// MaxSim: one workgroup per chunk and block of 32 query rows, one lane per two tokens. Workgroups side by side have the same
// chunk and another block, so that its tokens come from a cache for all but one. Longer queries come as several dispatches,
// which add up.
//
// gpu-kernel.ts puts in front:
//   const pieces: u32          pieces per row
//   const blocksPerGroup: u32  blocks that are bound at once
//   numbers-*.wgsl             what a row's components are: Piece (16 bytes), Value, Values, lowest, dotPiece
//   tokens-*.wgsl              how a token's pieces lie in memory: Stored, toPiece
// and behind:
//   reduce-*.wgsl              keep, sumOfMaxima
// and makes `queries` a read-only storage buffer where it is too large for a uniform one.

const tileTokens = 64u;
// Each takes two tokens of a tile, so that what it reads of the query serves twice.
const lanes = 32u;
const blockRows = 32u;

struct Item {
  // Token slot within the shard; slots of a chunk follow each other.
  firstSlot: u32,
  // At least 1: empty chunks are not listed.
  numTokens: u32,
  // Which sum is this chunk's.
  sum: u32,
  unused: u32,
}

struct QueryGroup {
  // For each block, what is added to an item's sum index: every query has sums of its own, very long ones several per chunk.
  firstSums: vec4u,
  // [block][pieces][32 rows]. Rows that fill up are zeros, so their maximum adds 0.
  rows: array<Piece, blocksPerGroup * pieces * blockRows>,
}

// One shard of token vectors: [tile][pieces][64 tokens].
@group(0) @binding(0) var<storage, read> tokens: array<Stored>;
// The chunks to score, by dynamic offset.
@group(0) @binding(1) var<storage, read> items: array<Item>;
// One per query and chunk to score, zero at first.
@group(1) @binding(0) var<storage, read_write> sums: array<Value>;
// Blocks of different queries, by dynamic offset.
@group(1) @binding(1) var<uniform> queries: QueryGroup;

@compute @workgroup_size(lanes)
fn maxSim(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) lane: u32) {
  let item = items[workgroup.y];
  let firstRow = workgroup.x * (pieces * blockRows);
  // Eight vectors of four rows each. Named, not an array: arrays indexed in a loop fall out of registers on some GPUs.
  var m0 = Values(lowest);
  var m1 = Values(lowest);
  var m2 = Values(lowest);
  var m3 = Values(lowest);
  var m4 = Values(lowest);
  var m5 = Values(lowest);
  var m6 = Values(lowest);
  var m7 = Values(lowest);
  for (var first = 0u; first < item.numTokens; first += tileTokens) {
    // Lanes beyond the last token repeat it: a token twice changes no maximum, and padding never enters.
    let last = item.numTokens - 1u;
    var nearAt = wordsAt(item.firstSlot + min(first + lane, last));
    var farAt = wordsAt(item.firstSlot + min(first + lanes + lane, last));
    // Initialised in words: inside a loop a bare `var` is not zeroed again by every implementation.
    var a0 = Values(0);
    var a1 = Values(0);
    var a2 = Values(0);
    var a3 = Values(0);
    var a4 = Values(0);
    var a5 = Values(0);
    var a6 = Values(0);
    var a7 = Values(0);
    var b0 = Values(0);
    var b1 = Values(0);
    var b2 = Values(0);
    var b3 = Values(0);
    var b4 = Values(0);
    var b5 = Values(0);
    var b6 = Values(0);
    var b7 = Values(0);
    var q = firstRow;
    for (var piece = 0u; piece < pieces; piece++) {
      let near = toPiece(tokens[nearAt]);
      let far = toPiece(tokens[farAt]);
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
      q += blockRows;
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
  let sum = sumOfMaxima(lane);
  if (lane == 0u) {
    // No other workgroup of this dispatch has this sum; dispatches follow each other.
    sums[queries.firstSums[workgroup.x] + item.sum] += sum;
  }
}

// Where a token's first piece lies; its next is a tile's width further.
fn wordsAt(slot: u32) -> u32 {
  return (slot / tileTokens) * (tileTokens * pieces) + slot % tileTokens;
}

struct Products {
  near: Values,
  far: Values,
}

// A piece of two tokens times those of four query rows, from `queries.rows[q]` on.
fn products(near: Piece, far: Piece, q: u32) -> Products {
  let r0 = queries.rows[q];
  let r1 = queries.rows[q + 1u];
  let r2 = queries.rows[q + 2u];
  let r3 = queries.rows[q + 3u];
  return Products(
    Values(dotPiece(near, r0), dotPiece(near, r1), dotPiece(near, r2), dotPiece(near, r3)),
    Values(dotPiece(far, r0), dotPiece(far, r1), dotPiece(far, r2), dotPiece(far, r3)),
  );
}
