/** One page of a file: its picture, the lit words on it, the found passage's bar beside its lines, and its text for screen readers. */
import { memo, useEffect, useLayoutEffect, useMemo, useRef } from 'react';
import type { ExtractedText, LateralIndex, LitRange, PageBox } from '../../index.ts';
import { Lit, useLitWord } from '../search/lit-word.tsx';
import { words } from '../words.ts';
import { piecesOf, runsRightToLeft } from './blocks.ts';
import type { Range } from './blocks.ts';
import { clip, joinLines } from './pages.ts';
import { placeKey, usePicture, usePlaces } from './use-page.ts';
import type { Places } from './use-page.ts';

export interface PageViewProps {
  readonly index: LateralIndex;
  readonly documentId: string;
  readonly extracted: ExtractedText;
  /** 0, 1, 2 … */
  readonly page: number;
  /** In CSS pixels, within the stack of pages. */
  readonly top: number;
  readonly height: number;
  readonly pixelWidth: number;
  readonly inSight: boolean;
  readonly lit: readonly LitRange[];
  /** The found passage, whether it lies here or not. */
  readonly found: Range | null;
  /** Called once it is known where on this page the found passage is, where it touches this page. */
  readonly onFound: (page: number, where: FoundPlace) => void;
  readonly onMissing: () => void;
}

/** Where a page shows the found passage. */
export interface FoundPlace {
  /** Share of the page's height at which the first lit word stands, or without one the first line; null: not placed. */
  readonly share: number | null;
  /** Lit words of the passage on this page, and how many of them have a place. */
  readonly words: number;
  readonly placed: number;
}

export const PageView = memo(function PageView(props: PageViewProps) {
  const { index, documentId, extracted, page, top, height, pixelWidth, inSight, onFound, onMissing } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  const { lit, found, text } = useOnPage(props);
  const ranges = useMemo(() => [...lit, ...(found === null ? [] : [found])], [lit, found]);
  const picture = usePicture(canvas, { index, documentId, page: page + 1, pixelWidth, inSight });
  const { places, complete } = usePlaces(index, documentId, page + 1, ranges);

  useEffect(() => {
    if (found !== null && complete) onFound(page, foundPlace(lit, found, places));
  }, [onFound, page, lit, found, places, complete]);
  useEffect(() => {
    if (picture === 'missing') onMissing();
  }, [picture, onMissing]);

  const section = extracted.sections[page];
  const label = words.page(section?.label ?? String(page + 1));
  return (
    <figure
      className="page"
      aria-label={label}
      aria-busy={picture === 'waiting'}
      data-page={page + 1}
      data-picture={picture}
      style={{ insetBlockStart: top, blockSize: height }}
    >
      <canvas ref={canvas} className="page__picture" aria-hidden hidden={picture === 'failed'} />
      {picture === 'failed' ? (
        <PageText label={label} text={extracted.text} range={section ?? nowhere} lit={lit} found={found} />
      ) : (
        <>
          <p className="sr-only">{text}</p>
          <div className="page__light">
            {found === null ? null : (
              <Passage lines={places.get(placeKey(found)) ?? []} text={extracted.text.slice(found.start, found.end)} />
            )}
            {lit.map((range) => (
              <PlacedMark
                key={placeKey(range)}
                range={range}
                boxes={places.get(placeKey(range)) ?? []}
                text={extracted.text}
              />
            ))}
          </div>
        </>
      )}
    </figure>
  );
});

const nowhere: Range = { start: 0, end: 0 };

/** What of the document lies on this page. */
function useOnPage({ extracted, page, lit, found }: PageViewProps) {
  return useMemo(() => {
    const section = extracted.sections[page] ?? nowhere;
    return {
      text: extracted.text.slice(section.start, section.end),
      lit: lit.flatMap((range) => clip(range, section) ?? []),
      found: found === null ? null : clip(found, section),
    };
  }, [extracted, page, lit, found]);
}

function foundPlace(lit: readonly LitRange[], found: Range, places: Places): FoundPlace {
  const inside = lit.filter((range) => clip(range, found) !== null);
  const boxes = inside.map((range) => places.get(placeKey(range))?.[0]).filter((box) => box !== undefined);
  const first = boxes[0] ?? places.get(placeKey(found))?.[0];
  return { share: first?.top ?? null, words: inside.length, placed: boxes.length };
}

interface PlacedMarkProps {
  readonly range: LitRange;
  readonly boxes: readonly PageBox[];
  readonly text: string;
}

/** A lit word on the picture: one mark per line it touches, the word itself in the first of them. */
function PlacedMark({ range, boxes, text }: PlacedMarkProps) {
  const { word } = useLitWord();
  const quiet = word !== null && !range.words.includes(word);
  return boxes.map((box, index) => (
    <mark
      key={index}
      className="page__mark"
      data-strength={range.strength === 2 ? 'strong' : 'weak'}
      data-quiet={quiet ? '' : undefined}
      aria-hidden={index > 0}
      style={styleOf(box)}
    >
      {index === 0 ? <span className="sr-only">{text.slice(range.start, range.end)}</span> : null}
    </mark>
  ));
}

/** The found passage: a tint under its lines and a bar at the side where they begin. */
function Passage({ lines, text }: { readonly lines: readonly PageBox[]; readonly text: string }) {
  return joinLines(lines).map((box, index) => (
    <div key={index} className="page__found" dir={runsRightToLeft(text) ? 'rtl' : 'ltr'} style={styleOf(box)} />
  ));
}

const percent = (share: number): string => `${share * 100}%`;
const styleOf = ({ left, top, width, height }: PageBox) => ({
  left: percent(left),
  top: percent(top),
  width: percent(width),
  height: percent(height),
});

interface PageTextProps {
  readonly label: string;
  readonly text: string;
  readonly range: Range;
  readonly lit: readonly LitRange[];
  readonly found: Range | null;
}

/** The text of a page that could not be drawn, in its place; scrolls within it where it is longer. */
function PageText({ label, text, range, lit, found }: PageTextProps) {
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const first = found === null ? null : box.current?.querySelector('mark, .found');
    if (first !== null && first !== undefined) box.current?.scrollTo({ top: topWithin(first) - marginAbove });
  }, [found]);
  return (
    <div ref={box} className="page__text reading" dir="auto" tabIndex={0} role="group" aria-label={label}>
      <p className="page__failed">{words.pageFailed}</p>
      {piecesOf(text, range, lit, found).map((piece) => (
        <span key={piece.start} className={piece.found ? 'found' : undefined}>
          <Lit text={piece.text} strength={piece.strength} words={piece.words} />
        </span>
      ))}
    </div>
  );
}

const marginAbove = 96;
const topWithin = (element: Element): number => (element instanceof HTMLElement ? element.offsetTop : 0);
