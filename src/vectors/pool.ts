/**
 * Token pooling: fewer vectors a passage, each standing for tokens that mean much the same (Clavié, Chaffin, Adams 2024, "Reducing
 * the Footprint of Multi-Vector Retrieval with Minimal Performance Impact via Token Pooling", arXiv 2409.14683).
 */
import { LateralError } from '../errors.ts';
import type { PoolFactor } from '../types.ts';
import { normalizeRows } from './matryoshka.ts';

/** What an index may be opened with. */
export const poolFactors: readonly PoolFactor[] = [1, 2, 3, 4];

/** [CLS] and the document marker stand for the whole passage: they stay as they are, in front. */
export const protectedTokens = 2;

/** Tokens that are clustered together at most: their distances take 8 MiB. A longer passage is pooled in stretches. */
const maxStretch = 1024;

/** What 16 bits can name. */
const maxTokens = 2 ** 16;

export interface PooledRows {
  /** [numRows, dim] unit rows: the protected tokens', then the clusters' in the order of their first tokens. */
  readonly rows: Float32Array;
  /** [numTokens] for each row given, the pooled row that stands for it. */
  readonly rowOf: Uint16Array;
}

/**
 * Ward's hierarchical clustering of the rows behind the protected ones, cut at max(1, floor(n / poolFactor)) clusters, each of
 * which becomes its mean at unit length. A token that is a cluster of its own keeps its row bit by bit.
 *
 * It differs from `pool_embeddings_hierarchical` of PyLate and colbert-ai in that means are brought back to unit length (stored
 * rows are unit rows here, and int8 with one scale depends on it); distances are Euclidean between the rows, where these hand SciPy
 * the matrix of 1 − cosine as if its rows were the points; and protected tokens come first, where PyLate puts them last.
 *
 * @param rows [numTokens, dim] unit rows
 * @param poolFactor tokens per stored row, 2 or more
 * @throws 'invalid-argument' for more than 65,536 rows
 */
export function poolRows(rows: Float32Array, dim: number, poolFactor: number): PooledRows {
  const numTokens = rows.length / dim;
  if (numTokens > maxTokens) {
    throw new LateralError(
      'invalid-argument',
      `A passage of ${numTokens} tokens cannot be pooled: ${maxTokens} at most.`,
    );
  }
  const numProtected = Math.min(protectedTokens, numTokens);
  const numPooled = numTokens - numProtected;
  const rowOf = Uint16Array.from({ length: numTokens }, (_, token) => token);
  let numRows = numProtected;
  const stretches = Math.ceil(numPooled / maxStretch);
  const startOf = (stretch: number): number => Math.floor((numPooled * stretch) / stretches);
  for (let stretch = 0; stretch < stretches; stretch++) {
    const [from, to] = [startOf(stretch), startOf(stretch + 1)];
    const numClusters = Math.max(1, Math.floor(to / poolFactor) - Math.floor(from / poolFactor));
    const first = numProtected + from;
    const clusters = wardClusters(rows.subarray(first * dim, (numProtected + to) * dim), dim, numClusters);
    for (const [i, cluster] of clusters.entries()) rowOf[first + i] = numRows + cluster;
    numRows += numClusters;
  }
  return { rows: meanRows(rows, dim, rowOf, numRows), rowOf };
}

/** @returns [numRows, dim] the mean of the rows that share a number, at unit length; a row that shares it with none as it is */
function meanRows(rows: Float32Array, dim: number, rowOf: Uint16Array, numRows: number): Float32Array {
  const means = new Float32Array(numRows * dim);
  const members = new Uint32Array(numRows);
  for (const [token, row] of rowOf.entries()) {
    members[row]!++;
    for (let i = 0; i < dim; i++) means[row * dim + i]! += rows[token * dim + i]!;
  }
  for (const [row, count] of members.entries()) {
    if (count > 1) normalizeRows(means.subarray(row * dim, (row + 1) * dim), dim); // of a sum as of a mean
  }
  return means;
}

/**
 * @param rows [n, dim]
 * @param numClusters 1 to n
 * @returns [n] each row's cluster; clusters are numbered by their first members
 */
function wardClusters(rows: Float32Array, dim: number, numClusters: number): Uint16Array {
  const numRows = rows.length / dim;
  const merges = wardMerges(rows, dim).sort((a, b) => a.height - b.height); // stable: equal ones as they were found
  const firstOf = Uint16Array.from({ length: numRows }, (_, row) => row); // a member before it, or itself
  const find = (row: number): number => {
    while (firstOf[row] !== row) row = firstOf[row]!;
    return row;
  };
  for (const { a, b } of merges.slice(0, numRows - numClusters)) {
    const [one, other] = [find(a), find(b)];
    firstOf[Math.max(one, other)] = Math.min(one, other);
  }
  const clusters = new Uint16Array(numRows);
  let next = 0;
  for (let row = 0; row < numRows; row++) clusters[row] = firstOf[row] === row ? next++ : clusters[find(row)]!;
  return clusters;
}

/** Two clusters become one; each is named by its first member at that time. */
interface Merge {
  readonly a: number;
  readonly b: number;
  /** Ward's distance, squared. */
  readonly height: number;
}

/**
 * All n − 1 merges, by nearest-neighbour chains (Murtagh 1983) in O(n²): follow nearest neighbours until two are each other's,
 * merge these, go on from where the chain was. Ward's distance is reducible, so these are the merges of always taking the two
 * closest clusters, in another order. Of equally near clusters the chain's last is taken, else the one with the first member.
 *
 * @param rows [n, dim]
 */
function wardMerges(rows: Float32Array, dim: number): Merge[] {
  const numRows = rows.length / dim;
  const distances = squaredDistances(rows, dim);
  const sizes = new Uint16Array(numRows).fill(1); // 0: merged into another
  const merges: Merge[] = [];
  const chain: number[] = [];
  while (merges.length < numRows - 1) {
    if (chain.length === 0) chain.push(sizes.findIndex((size) => size > 0));
    const [last, before] = [chain.at(-1)!, chain.at(-2)];
    let nearest = before;
    let height = before === undefined ? Infinity : distances[last * numRows + before]!;
    for (let other = 0; other < numRows; other++) {
      if (other === last || sizes[other] === 0 || distances[last * numRows + other]! >= height) continue;
      nearest = other;
      height = distances[last * numRows + other]!;
    }
    if (nearest !== before || before === undefined) {
      chain.push(nearest!);
      continue;
    }
    chain.length -= 2;
    const [a, b] = [Math.min(last, before), Math.max(last, before)];
    if (chain.includes(a) || chain.includes(b)) chain.length = 0; // only where rounding has undone a tie
    merges.push({ a, b, height });
    mergeDistances(distances, sizes, a, b);
  }
  return merges;
}

/** Distances of all clusters to a ∪ b, in a's place: Lance and Williams' formula for Ward's method on squared distances. */
function mergeDistances(distances: Float64Array, sizes: Uint16Array, a: number, b: number): void {
  const numRows = sizes.length;
  const [sizeA, sizeB] = [sizes[a]!, sizes[b]!];
  const between = distances[a * numRows + b]!;
  for (let other = 0; other < numRows; other++) {
    const size = sizes[other]!;
    if (size === 0 || other === a || other === b) continue;
    const toA = distances[a * numRows + other]!;
    const toB = distances[b * numRows + other]!;
    const merged = ((sizeA + size) * toA + (sizeB + size) * toB - size * between) / (sizeA + sizeB + size);
    distances[a * numRows + other] = merged;
    distances[other * numRows + a] = merged;
  }
  sizes[a] = sizeA + sizeB;
  sizes[b] = 0;
}

/** @returns [n, n] */
function squaredDistances(rows: Float32Array, dim: number): Float64Array {
  const numRows = rows.length / dim;
  const distances = new Float64Array(numRows * numRows);
  for (let a = 0; a < numRows; a++) {
    for (let b = a + 1; b < numRows; b++) {
      let sum = 0;
      for (let i = 0; i < dim; i++) sum += (rows[a * dim + i]! - rows[b * dim + i]!) ** 2;
      distances[a * numRows + b] = sum;
      distances[b * numRows + a] = sum;
    }
  }
  return distances;
}
