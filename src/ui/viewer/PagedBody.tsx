/**
 * A file's pages, one under another at the desk's width. All heights are known beforehand, so nothing moves; only pages
 * near the view are mounted, drawn and asked for places.
 */
import { memo, useCallback, useEffect, useEffectEvent, useLayoutEffect, useMemo, useRef, useState } from 'react';
import type { RefObject } from 'react';
import type { ExtractedText, LateralIndex, LitRange, PageSize } from '../../index.ts';
import type { Range } from './blocks.ts';
import { heightOf, layOut, offsetOf, pageGap, placeAt, placeOfOffset, spanOf } from './pages.ts';
import type { PageLayout, PagePlace, PageSpan } from './pages.ts';
import { PageView } from './PageView.tsx';
import type { FoundPlace } from './PageView.tsx';
import { eyeLine } from './sight.ts';
import type { Sight } from './sight.ts';
import type { Opened } from './viewer-context.tsx';

export interface PagedBodyProps {
  readonly index: LateralIndex;
  readonly documentId: string;
  readonly extracted: ExtractedText;
  readonly pages: readonly PageSize[];
  readonly lit: readonly LitRange[];
  readonly found: Range | null;
  /** What was asked to be opened: a new request for the same passage leads there again. */
  readonly opened: Opened;
  /** Where to open where it is not the found passage: an offset in the text. */
  readonly resumeAt: number | null;
  /** The element that scrolls. */
  readonly deskRef: RefObject<HTMLElement | null>;
  readonly onSight: (sight: Sight) => void;
  /** Whether any lit word of the found passage could be placed; null while that is not known. */
  readonly onPlaced: (placed: boolean | null) => void;
  /** The file itself is not there: its pages cannot be shown. */
  readonly onMissing: () => void;
}

const maxPixelRatio = 2;
const redrawAfterMs = 200;

export const PagedBody = memo(function PagedBody(props: PagedBodyProps) {
  const { index, documentId, extracted, pages, lit, found, opened, resumeAt, deskRef, onSight, onPlaced, onMissing } =
    props;
  const { sections } = extracted;
  const stack = useRef<HTMLDivElement>(null);
  const width = useWidth(stack);
  const pixelWidth = usePixelWidth(width);
  const layout = useMemo(() => (width === 0 ? null : layOut(pages, width, pageGap)), [pages, width]);
  const [span, setSpan] = useState<{ readonly near: PageSpan; readonly inSight: PageSpan } | null>(null);
  /** What stands at the line of the eye, to stay there when the width changes. */
  const eye = useRef<PagePlace | null>(null);
  /** Where the last jump led; a reader who scrolled on is not pulled back. */
  const jumpedTo = useRef(-1);

  const look = useCallback(
    (layout: PageLayout): void => {
      if (deskRef.current === null || stack.current === null) return;
      const height = deskRef.current.clientHeight;
      const top = deskRef.current.scrollTop - stack.current.offsetTop;
      const place = placeAt(layout, top + height * eyeLine);
      eye.current = place;
      const inSight = spanOf(layout, top, top + height);
      const near = spanOf(layout, top - height, top + 2 * height);
      setSpan((before) =>
        before !== null && same(before.near, near) && same(before.inSight, inSight) ? before : { near, inSight },
      );
      onSight({
        from: Math.max(0, top / layout.total),
        to: Math.min(1, (top + height) / layout.total),
        start: offsetOf(sections, placeAt(layout, top)),
        end: offsetOf(sections, placeAt(layout, top + height)),
        at: offsetOf(sections, place),
        page: place.page,
      });
    },
    [deskRef, onSight, sections],
  );

  const jump = useCallback(
    (layout: PageLayout, place: PagePlace): void => {
      if (deskRef.current === null || stack.current === null) return;
      deskRef.current.scrollTop =
        heightOf(layout, place) + stack.current.offsetTop - deskRef.current.clientHeight * eyeLine;
      jumpedTo.current = deskRef.current.scrollTop;
      look(layout);
    },
    [deskRef, look],
  );

  const target = useMemo(
    () => placeOfOffset(sections, resumeAt ?? openingOffset(lit, found)),
    [sections, resumeAt, lit, found],
  );
  const jumpToTarget = useEffectEvent((layout: PageLayout): void => {
    onPlaced(null);
    jump(layout, target);
  });
  const keepEye = useEffectEvent((layout: PageLayout): void => {
    if (eye.current !== null) jump(layout, eye.current);
  });
  const ready = layout !== null;
  const knownLayout = useRef(layout);
  useLayoutEffect(() => {
    knownLayout.current = layout;
    if (layout !== null) keepEye(layout);
  }, [layout]);
  useLayoutEffect(() => {
    if (ready && knownLayout.current !== null) jumpToTarget(knownLayout.current);
  }, [ready, found, opened, resumeAt]);

  useEffect(() => {
    const element = deskRef.current;
    if (element === null || layout === null) return;
    let frame = 0;
    const onScroll = (): void => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(() => look(layout));
    };
    element.addEventListener('scroll', onScroll, { passive: true });
    return () => {
      cancelAnimationFrame(frame);
      element.removeEventListener('scroll', onScroll);
    };
  }, [deskRef, layout, look]);

  const onFound = useCallback(
    (page: number, where: FoundPlace): void => {
      if (page !== target.page || knownLayout.current === null || deskRef.current === null) return;
      onPlaced(where.words === 0 || where.placed > 0);
      const still = Math.abs(deskRef.current.scrollTop - jumpedTo.current) < 2;
      if (still && resumeAt === null && where.share !== null) jump(knownLayout.current, { page, share: where.share });
    },
    [target, resumeAt, deskRef, jump, onPlaced],
  );

  return (
    <div ref={stack} className="pages" style={layout === null ? undefined : { blockSize: layout.total }}>
      {layout === null || span === null
        ? null
        : within(span.near).map((page) => (
            <PageView
              key={page}
              index={index}
              documentId={documentId}
              extracted={extracted}
              page={page}
              top={layout.tops[page] ?? 0}
              height={layout.heights[page] ?? 0}
              pixelWidth={pixelWidth}
              inSight={page >= span.inSight.first && page <= span.inSight.last}
              lit={lit}
              found={found}
              onFound={onFound}
              onMissing={onMissing}
            />
          ))}
    </div>
  );
});

/** The first lit word of the passage, or its beginning. */
function openingOffset(lit: readonly LitRange[], found: Range | null): number {
  if (found === null) return 0;
  return lit.find((range) => range.start >= found.start && range.end <= found.end)?.start ?? found.start;
}

const same = (a: PageSpan, b: PageSpan): boolean => a.first === b.first && a.last === b.last;
const within = ({ first, last }: PageSpan): readonly number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);

/** The element's width in CSS pixels, as it is; 0 before it is known. */
function useWidth(elementRef: RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const measured = elementRef.current;
    if (measured === null) return;
    setWidth(measured.clientWidth);
    const observer = new ResizeObserver(() => setWidth(measured.clientWidth));
    observer.observe(measured);
    return () => observer.disconnect();
  }, [elementRef]);
  return width;
}

/** The width to draw pages at, in device pixels: follows once the width has settled, so that old pictures are scaled meanwhile. */
function usePixelWidth(width: number): number {
  const [settled, setSettled] = useState(0);
  useEffect(() => {
    if (settled === 0) return;
    const timer = setTimeout(() => setSettled(width), redrawAfterMs);
    return () => clearTimeout(timer);
  }, [settled, width]);
  if (settled === 0 && width > 0) setSettled(width);
  return Math.max(1, Math.round(settled * Math.min(maxPixelRatio, devicePixelRatio)));
}
