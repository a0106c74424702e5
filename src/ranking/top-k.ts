/** The k best of many scores, by a bounded heap: O(n log k), no copy of the scores. */

/**
 * @param scores one per position; NaN never ranks
 * @param isLive positions for which this is false are passed over
 * @returns up to k positions, best first; equal scores by ascending position, so that a ranking is always the same
 */
export function topK(scores: Float32Array, k: number, isLive?: (position: number) => boolean): number[] {
  // A heap with the worst of the kept on top; `worse` is a strict total order, so ties are settled the same way each time.
  const heap: number[] = [];
  const worse = (a: number, b: number): boolean => scores[a]! < scores[b]! || (scores[a] === scores[b] && a > b);

  for (let position = 0; position < scores.length; position++) {
    if (Number.isNaN(scores[position]!)) continue;
    if (heap.length === k && !worse(heap[0]!, position)) continue;
    if (isLive !== undefined && !isLive(position)) continue;
    if (heap.length < k) {
      heap.push(position);
      siftUp(heap, worse);
    } else if (k > 0) {
      heap[0] = position;
      siftDown(heap, worse);
    }
  }
  return heap.sort((a, b) => (worse(a, b) ? 1 : -1));
}

type Worse = (a: number, b: number) => boolean;

function siftUp(heap: number[], worse: Worse): void {
  let at = heap.length - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!worse(heap[at]!, heap[parent]!)) return;
    [heap[at], heap[parent]] = [heap[parent]!, heap[at]!];
    at = parent;
  }
}

function siftDown(heap: number[], worse: Worse): void {
  let at = 0;
  for (;;) {
    const left = 2 * at + 1;
    const right = left + 1;
    let next = at;
    if (left < heap.length && worse(heap[left]!, heap[next]!)) next = left;
    if (right < heap.length && worse(heap[right]!, heap[next]!)) next = right;
    if (next === at) return;
    [heap[at], heap[next]] = [heap[next]!, heap[at]!];
    at = next;
  }
}
