/** MaxSim as one would write it down, over one kind of array, so that the engine can do its best with it. */
export function naiveMaxSim(
  query: Float32Array,
  vectors: Float32Array,
  offsets: Uint32Array,
  dim: number,
): Float32Array {
  const scores = new Float32Array(offsets.length - 1);
  for (let chunk = 0; chunk < scores.length; chunk++) {
    let score = 0;
    for (let row = 0; row < query.length; row += dim) {
      let best = -Infinity;
      for (let token = offsets[chunk]!; token < offsets[chunk + 1]!; token++) {
        let dot = 0;
        for (let k = 0; k < dim; k++) dot += query[row + k]! * vectors[token * dim + k]!;
        if (dot > best) best = dot;
      }
      score += best;
    }
    scores[chunk] = score;
  }
  return scores;
}
