import { describe, expect, it } from 'vitest';
import type { PageBox, Section } from '../../index.ts';
import { clip, heightOf, joinLines, layOut, offsetOf, placeAt, placeOfOffset, sharesOf, spanOf } from './pages.ts';

// Two upright pages and one lying: at width 200 they are 400, 400 and 100 high, 10 apart.
//   0 ─ 400, 410 ─ 810, 820 ─ 920
const layout = layOut(
  [
    { width: 100, height: 200 },
    { width: 100, height: 200 },
    { width: 400, height: 200 },
  ],
  200,
  10,
);

describe('layOut', () => {
  it('fits every page to the width, one under another', () => {
    expect(layout).toEqual({ width: 200, tops: [0, 410, 820], heights: [400, 400, 100], total: 920 });
  });

  it('takes a file of no pages', () => {
    expect(layOut([], 200, 10).total).toBe(0);
  });
});

it.each([
  [-50, 0, 0],
  [200, 0, 0.5],
  [405, 0, 1], // in the gap
  [410, 1, 0],
  [870, 2, 0.5],
  [5000, 2, 1],
])('placeAt %d is page %d, share %d', (y, page, share) => {
  expect(placeAt(layout, y)).toEqual({ page, share });
});

it('heightOf is the way back', () => {
  expect(heightOf(layout, { page: 1, share: 0.5 })).toBe(610);
});

it.each([
  [0, 300, 0, 0],
  [300, 500, 0, 1],
  [-900, 2000, 0, 2],
])('spanOf %d to %d is pages %d to %d', (from, to, first, last) => {
  expect(spanOf(layout, from, to)).toEqual({ first, last });
});

const page = (start: number, end: number): Section => ({ kind: 'page', label: '', level: 0, start, end });
const sections = [page(0, 100), page(100, 100), page(102, 202)]; // the second one is a picture

describe('placeOfOffset', () => {
  it('skips pages without text', () => {
    expect(placeOfOffset(sections, 0).page).toBe(0);
    expect(placeOfOffset(sections, 101).page).toBe(0); // between pages: the one before
    expect(placeOfOffset(sections, 152)).toEqual({ page: 2, share: 0.5 });
  });

  it('and offsetOf is the way back', () => {
    expect(offsetOf(sections, placeOfOffset(sections, 152))).toBeCloseTo(152);
    expect(offsetOf(sections, { page: 1, share: 0.7 })).toBe(100);
  });
});

it('sharesOf places an offset among the pages, or in the text', () => {
  const pages = [100, 100, 200].map((height) => ({ width: 100, height }));
  const extracted = { text: ' '.repeat(202), sections, blocks: [], pages, mediaType: 'application/pdf', notes: [] };
  // 640 wide: 640 + 16 + 640 + 16 + half of 1280 of 2592
  expect(sharesOf(extracted, [152], true)[0]).toBeCloseTo(1952 / 2592);
  expect(sharesOf(extracted, [101], false)).toEqual([0.5]);
});

it('clip keeps what lies on the page', () => {
  expect(clip({ start: 90, end: 120, strength: 2 }, sections[0]!)).toEqual({ start: 90, end: 100, strength: 2 });
  expect(clip({ start: 90, end: 120 }, sections[1]!)).toBeNull();
});

describe('joinLines', () => {
  const line = (left: number, top: number): PageBox => ({ left, top, width: 0.4, height: 0.02 });

  it('joins lines that follow one another, and keeps columns apart', () => {
    const joined = joinLines([line(0.1, 0.86), line(0.1, 0.89), line(0.55, 0.1), line(0.55, 0.13)]);
    expect(joined.map(({ left, top }) => [left, top])).toEqual([
      [0.1, 0.86],
      [0.55, 0.1],
    ]);
    expect(joined[0]!.height).toBeCloseTo(0.05);
  });

  it('keeps what stands far below apart', () => {
    expect(joinLines([line(0.1, 0.1), line(0.1, 0.5)])).toHaveLength(2);
  });
});
