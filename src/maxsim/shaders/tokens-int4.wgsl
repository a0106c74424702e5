// int4 tokens over numbers-int8.wgsl: a piece is eight bytes, unpacked once for all query rows.

// 16 components, as src/vectors/int4.ts packs them: byte j has component j below and component j + 8 above.
alias Stored = vec2u;

// Each code as the upper half of a byte of its own, so sixteen times its value.
fn toPiece(stored: Stored) -> Piece {
  return vec4u(stored << vec2u(4u), stored) & vec4u(0xf0f0f0f0u);
}
