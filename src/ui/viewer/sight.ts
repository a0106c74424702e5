/** Which part of the text is on the screen. Looks at groups only, so that skipped ones need no layout. */
import type { Range } from './blocks.ts';

export type Sight = Range;

export function sightOf(desk: HTMLElement): Sight | null {
  const view = desk.getBoundingClientRect();
  const groups = [...desk.querySelectorAll<HTMLElement>('[data-group-start]')];
  const first = groups.find((group) => group.getBoundingClientRect().bottom > view.top);
  const last = groups.findLast((group) => group.getBoundingClientRect().top < view.bottom);
  if (first === undefined || last === undefined) return null;
  return { start: offsetAt(first, view.top), end: offsetAt(last, view.bottom) };
}

function offsetAt(group: HTMLElement, y: number): number {
  const box = group.getBoundingClientRect();
  const part = Math.max(0, Math.min(1, (y - box.top) / Math.max(1, box.height)));
  const start = Number(group.dataset.groupStart);
  const end = Number(group.dataset.groupEnd);
  return start + part * (end - start);
}
