// What the arithmetic units reach when nothing else is to be done: eight values that follow from each other, all in
// registers, no memory. Sixteen operations per round, so that the loop itself weighs little.

override rounds: u32;

// Written only where a result has a value that it never has, so that the work is not removed.
@group(0) @binding(0) var<storage, read_write> sink: array<u32>;

@compute @workgroup_size(256)
fn dot4(@builtin(global_invocation_id) id: vec3u) {
  let w = id.x | 1u;
  var a = id.x;
  var b = id.x + 1u;
  var c = id.x + 2u;
  var d = id.x + 3u;
  var e = id.x + 4u;
  var f = id.x + 5u;
  var g = id.x + 6u;
  var h = id.x + 7u;
  for (var round = 0u; round < rounds; round++) {
    a += u32(dot4I8Packed(b, w));
    b += u32(dot4I8Packed(c, w));
    c += u32(dot4I8Packed(d, w));
    d += u32(dot4I8Packed(e, w));
    e += u32(dot4I8Packed(f, w));
    f += u32(dot4I8Packed(g, w));
    g += u32(dot4I8Packed(h, w));
    h += u32(dot4I8Packed(a, w));
    a += u32(dot4I8Packed(c, w));
    b += u32(dot4I8Packed(d, w));
    c += u32(dot4I8Packed(e, w));
    d += u32(dot4I8Packed(f, w));
    e += u32(dot4I8Packed(g, w));
    f += u32(dot4I8Packed(h, w));
    g += u32(dot4I8Packed(a, w));
    h += u32(dot4I8Packed(b, w));
  }
  let all = a ^ b ^ c ^ d ^ e ^ f ^ g ^ h;
  if (all == 0x5bd1e995u) {
    sink[0] = all;
  }
}

@compute @workgroup_size(256)
fn multiplyAdd(@builtin(global_invocation_id) id: vec3u) {
  // Below 1, so that all values stay below w / (1 − w).
  let w = 0.5 + f32(id.x & 255u) / 1024.0;
  var a = 0.0;
  var b = 0.1;
  var c = 0.2;
  var d = 0.3;
  var e = 0.4;
  var f = 0.5;
  var g = 0.6;
  var h = 0.7;
  for (var round = 0u; round < rounds; round++) {
    a = fma(b, w, w);
    b = fma(c, w, w);
    c = fma(d, w, w);
    d = fma(e, w, w);
    e = fma(f, w, w);
    f = fma(g, w, w);
    g = fma(h, w, w);
    h = fma(a, w, w);
    a = fma(c, w, w);
    b = fma(d, w, w);
    c = fma(e, w, w);
    d = fma(f, w, w);
    e = fma(g, w, w);
    f = fma(h, w, w);
    g = fma(a, w, w);
    h = fma(b, w, w);
  }
  let all = a + b + c + d + e + f + g + h;
  if (all == -1.0) {
    sink[0] = 1u;
  }
}
