// The lanes' maxima by subgroups, whatever their size and whichever lanes they hold: one lane of each raises the rows' words.

// [32 rows], as ranks: the zeros that a workgroup's memory starts with are below every number.
var<workgroup> maxima: array<atomic<u32>, blockRows>;

// The lane's maxima of four rows.
fn keep(lane: u32, row: u32, best: Values) {
  let top = subgroupMax(best);
  if (subgroupElect()) {
    atomicMax(&maxima[row], rankOf(top.x));
    atomicMax(&maxima[row + 1u], rankOf(top.y));
    atomicMax(&maxima[row + 2u], rankOf(top.z));
    atomicMax(&maxima[row + 3u], rankOf(top.w));
  }
}

// Over all rows, in their order; good in lane 0.
fn sumOfMaxima(lane: u32) -> Value {
  workgroupBarrier();
  var sum = Value(0);
  if (lane == 0u) {
    for (var row = 0u; row < blockRows; row++) {
      sum += valueOf(atomicLoad(&maxima[row]));
    }
  }
  return sum;
}
