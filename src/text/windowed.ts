/**
 * Intl.Segmenter over texts of any length. It is handed a window at a time, so that a book without spaces costs
 * neither the memory of a million segments nor quadratic time.
 */

const firstWindow = 4096;

export interface WindowedSegment {
  /** `[start, end)` in UTF-16 units of the whole text. */
  readonly start: number;
  readonly end: number;
  readonly segment: Intl.SegmentData;
}

/**
 * Segments of `[start, end)`, in order, covering it. O(end − start).
 * @param prepare changes each window before it is cut; must keep its length
 */
export function* windowedSegments(
  segmenter: Intl.Segmenter,
  text: string,
  start = 0,
  end: number = text.length,
  prepare: (window: string) => string = (window) => window,
): Generator<WindowedSegment> {
  let from = start;
  let size = firstWindow;
  while (from < end) {
    const to = Math.min(end, wholeCharacter(text, from + size));
    const segments = [...segmenter.segment(prepare(text.slice(from, to)))];
    // The last segment may go on behind the window: it is cut again with what follows it.
    const certain = to === end ? segments.length : segments.length - 1;
    for (let i = 0; i < certain; i++) {
      const segment = segments[i]!;
      const at = from + segment.index;
      yield { start: at, end: at + segment.segment.length, segment };
    }
    if (to === end) return;
    // One segment fills the window: a larger window, doubled each time so that the work stays linear.
    size = certain === 0 ? size * 2 : firstWindow;
    from += segments[certain]!.index;
  }
}

/** Never between the halves of a surrogate pair. */
function wholeCharacter(text: string, index: number): number {
  const unit = text.charCodeAt(index);
  return unit >= 0xdc00 && unit <= 0xdfff ? index + 1 : index;
}
