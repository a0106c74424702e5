// int8 and int4 tokens: everything stays an integer, so the sums are those of reference.ts to the bit.
//
// gpu-kernel.ts puts in front:
//   fn dot4(a: u32, b: u32) -> i32    dot product of four signed bytes

// 16 components.
alias Piece = vec4u;
alias Value = i32;
alias Values = vec4i;
// Below every dot product.
const lowest = -2147483647;

fn dotPiece(a: Piece, b: Piece) -> Value {
  return dot4(a.x, b.x) + dot4(a.y, b.y) + dot4(a.z, b.z) + dot4(a.w, b.w);
}

// A word that is the larger the larger the value; above 0.
fn rankOf(value: Value) -> u32 {
  return bitcast<u32>(value) ^ 0x80000000u;
}

fn valueOf(rank: u32) -> Value {
  return bitcast<i32>(rank ^ 0x80000000u);
}
