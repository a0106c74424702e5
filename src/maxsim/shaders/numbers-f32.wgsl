// f32 tokens: each lane adds in the order of the components and the maxima add in the order of the rows, so a device repeats
// itself; another may differ in the last bits.

// 4 components.
alias Piece = vec4f;
alias Value = f32;
alias Values = vec4f;
// Below every dot product.
const lowest = -3.4028234e38;

fn dotPiece(a: Piece, b: Piece) -> Value {
  return dot(a, b);
}

// A word that is the larger the larger the value; above 0. The bits of numbers ascend with them, those of negative ones descend.
fn rankOf(value: Value) -> u32 {
  let bits = bitcast<u32>(value);
  return select(bits ^ 0x80000000u, ~bits, bits >= 0x80000000u);
}

fn valueOf(rank: u32) -> Value {
  return bitcast<f32>(select(~rank, rank ^ 0x80000000u, rank >= 0x80000000u));
}
