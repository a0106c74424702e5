// The lanes' maxima through shared memory.

// [lanes][32 rows], one word more per lane so that a column's words lie in different memory banks.
var<workgroup> maxima: array<Value, lanes * 33>;

// The lane's maxima of four rows.
fn keep(lane: u32, row: u32, best: Values) {
  let at = lane * 33u + row;
  maxima[at] = best.x;
  maxima[at + 1u] = best.y;
  maxima[at + 2u] = best.z;
  maxima[at + 3u] = best.w;
}

// Over all rows, in their order; good in lane 0.
fn sumOfMaxima(lane: u32) -> Value {
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
  var sum = Value(0);
  if (lane == 0u) {
    for (var row = 0u; row < blockRows; row++) {
      sum += maxima[row];
    }
  }
  return sum;
}
