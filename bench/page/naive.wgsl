// MaxSim as one would write it down: one thread per chunk, f32, token after token.

struct Shape {
  dim: u32,
  numRows: u32,
  numChunks: u32,
}

// [numRows, dim]
@group(0) @binding(0) var<storage, read> query: array<f32>;
// [numTokens, dim]
@group(0) @binding(1) var<storage, read> tokens: array<f32>;
// [numChunks + 1] first token of each chunk, and the end of the last
@group(0) @binding(2) var<storage, read> offsets: array<u32>;
// [numChunks]
@group(0) @binding(3) var<storage, read_write> scores: array<f32>;
@group(0) @binding(4) var<uniform> shape: Shape;

@compute @workgroup_size(64)
fn maxSim(@builtin(global_invocation_id) id: vec3u) {
  let chunk = id.x;
  if (chunk >= shape.numChunks) {
    return;
  }
  var score = 0.0;
  for (var row = 0u; row < shape.numRows; row++) {
    var best = -1e30;
    for (var token = offsets[chunk]; token < offsets[chunk + 1u]; token++) {
      var dot = 0.0;
      for (var k = 0u; k < shape.dim; k++) {
        dot += query[row * shape.dim + k] * tokens[token * shape.dim + k];
      }
      best = max(best, dot);
    }
    score += best;
  }
  scores[chunk] = score;
}
