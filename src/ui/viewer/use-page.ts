/** What a page on the screen asks the index for: its picture, and where ranges of the text lie on it. */
import { useEffect, useState } from 'react';
import type { RefObject } from 'react';
import type { LateralIndex, PageBox, PlacedRange } from '../../index.ts';
import { LateralError } from '../../index.ts';
import type { Range } from './blocks.ts';

/** Drawing waits this long, so that pages which only rush by are not drawn; those out of sight come after those in it. */
const settleMs = { inSight: 30, near: 200 };

/** 'missing': the file is not there any more; 'failed': this page could not be drawn. */
export type PictureState = 'waiting' | 'drawn' | 'missing' | 'failed';

export interface PictureRequest {
  readonly index: LateralIndex;
  readonly documentId: string;
  /** 1, 2, 3 … */
  readonly page: number;
  /** In device pixels. */
  readonly pixelWidth: number;
  readonly inSight: boolean;
}

/** Draws the page into the canvas, anew when its width changed; until then the old picture stays. */
export function usePicture(canvas: RefObject<HTMLCanvasElement | null>, request: PictureRequest): PictureState {
  const { index, documentId, page, pixelWidth, inSight } = request;
  const [state, setState] = useState<PictureState>('waiting');
  const [wanted, setWanted] = useState(false);
  useEffect(() => {
    if (wanted) return;
    const timer = setTimeout(() => setWanted(true), inSight ? settleMs.inSight : settleMs.near);
    return () => clearTimeout(timer);
  }, [wanted, inSight]);
  useEffect(() => {
    if (!wanted) return;
    const controller = new AbortController();
    const { signal } = controller;
    index.pageImage(documentId, page, pixelWidth, { signal }).then(
      ({ bitmap }) => {
        if (signal.aborted || canvas.current === null) bitmap.close();
        else setState(draw(canvas.current, bitmap) ? 'drawn' : 'failed');
      },
      (thrown: unknown) => {
        if (signal.aborted) return;
        setState(thrown instanceof LateralError && thrown.code === 'not-found' ? 'missing' : 'failed');
      },
    );
    return () => controller.abort();
  }, [canvas, index, documentId, page, pixelWidth, wanted]);
  return state;
}

function draw(canvas: HTMLCanvasElement, bitmap: ImageBitmap): boolean {
  const context = canvas.getContext('bitmaprenderer');
  canvas.width = bitmap.width;
  canvas.height = bitmap.height;
  context?.transferFromImageBitmap(bitmap); // takes the bitmap over: nothing is left to close
  return context !== null;
}

export type Places = ReadonlyMap<string, readonly PageBox[]>;

const unknown: Places = new Map();
export const placeKey = ({ start, end }: Range): string => `${start}:${end}`;

/** The boxes of ranges that lie on the page, by `placeKey`. What is known stays while further ranges are asked for. */
export function usePlaces(
  index: LateralIndex,
  documentId: string,
  page: number,
  ranges: readonly Range[],
): { readonly places: Places; readonly complete: boolean } {
  const [places, setPlaces] = useState<Places>(unknown);
  const complete = ranges.every((range) => places.has(placeKey(range)));
  useEffect(() => {
    const asked = ranges.filter((range) => !places.has(placeKey(range))).map(({ start, end }) => ({ start, end }));
    if (asked.length === 0) return;
    const controller = new AbortController();
    const { signal } = controller;
    const keep = (placed: readonly PlacedRange[]): void => {
      if (signal.aborted) return;
      const entries = [...asked.map((range) => ({ ...range, boxes: [] })), ...placed];
      setPlaces(new Map([...places, ...entries.map((range) => [placeKey(range), range.boxes] as const)]));
    };
    index.pagePlaces(documentId, page, asked, { signal }).then(
      keep,
      () => keep([]), // a person hears of it when the page's picture fails as well
    );
    return () => controller.abort();
  }, [index, documentId, page, ranges, places]);
  return { places, complete };
}
