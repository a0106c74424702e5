/** Which part of the document is on the screen. */
export interface Sight {
  /** As shares of the document's height, 0 to 1. */
  readonly from: number;
  readonly to: number;
  /** As offsets in the text; about right between two blocks or on a page. */
  readonly start: number;
  readonly end: number;
  /** The offset at the line of the eye. */
  readonly at: number;
  /** The page at the line of the eye (0, 1, 2 …), where pages are shown. */
  readonly page: number | null;
}

/** How far down the desk the eye rests: jumps bring their words here. */
export const eyeLine = 1 / 3;

/** For structured text. Looks at groups only, so that skipped ones need no layout. */
export function sightOf(desk: HTMLElement, length: number): Sight | null {
  const view = desk.getBoundingClientRect();
  const groups = [...desk.querySelectorAll<HTMLElement>('[data-group-start]')];
  const first = groups.find((group) => group.getBoundingClientRect().bottom > view.top);
  const last = groups.findLast((group) => group.getBoundingClientRect().top < view.bottom);
  if (first === undefined || last === undefined) return null;
  const start = offsetAt(first, view.top);
  const end = offsetAt(last, view.bottom);
  return { from: start / length, to: end / length, start, end, at: start + (end - start) * eyeLine, page: null };
}

function offsetAt(group: HTMLElement, y: number): number {
  const box = group.getBoundingClientRect();
  const part = Math.max(0, Math.min(1, (y - box.top) / Math.max(1, box.height)));
  const start = Number(group.dataset.groupStart);
  const end = Number(group.dataset.groupEnd);
  return start + part * (end - start);
}
