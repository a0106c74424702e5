// The dot product of four signed bytes where the language has no instruction for it: each byte goes to the top of a
// word and comes down again with its sign.
fn dot4(a: u32, b: u32) -> i32 {
  let up = vec4u(24u, 16u, 8u, 0u);
  let down = vec4u(24u);
  return dot((vec4i(i32(a)) << up) >> down, (vec4i(i32(b)) << up) >> down);
}
