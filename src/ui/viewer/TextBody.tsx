/** The document as structured text on the desk: opens at the passage and says what is in sight. */
import { useEffect, useEffectEvent, useLayoutEffect } from 'react';
import type { RefObject } from 'react';
import type { ExtractedText, LitRange } from '../../index.ts';
import type { Range } from './blocks.ts';
import { DocumentBody } from './DocumentBody.tsx';
import { eyeLine, sightOf } from './sight.ts';
import type { Sight } from './sight.ts';
import type { Opened } from './viewer-context.tsx';

export interface TextBodyProps {
  readonly extracted: ExtractedText;
  readonly language: string;
  readonly lit: readonly LitRange[];
  readonly found: Range | null;
  /** What was asked to be opened: a new request for the same passage leads there again. */
  readonly opened: Opened;
  /** Where to open where it is not the found passage: an offset in the text. */
  readonly resumeAt: number | null;
  /** The element that scrolls. */
  readonly deskRef: RefObject<HTMLElement | null>;
  readonly onSight: (sight: Sight) => void;
}

const settledAfterMs = 150;

export function TextBody(props: TextBodyProps) {
  const { extracted, language, lit, found, opened, resumeAt, deskRef, onSight } = props;
  const length = Math.max(1, extracted.text.length);

  const jumpToTarget = useEffectEvent((element: HTMLElement): void => {
    if (resumeAt !== null) jumpToOffset(element, resumeAt);
    else if (found !== null) jumpToFound(element);
    else element.scrollTop = 0;
  });
  // jumps are instant; a second look after the groups around the passage have taken their true heights
  useLayoutEffect(() => {
    const element = deskRef.current;
    if (element === null) return;
    jumpToTarget(element);
    const frame = requestAnimationFrame(() => jumpToTarget(element));
    return () => cancelAnimationFrame(frame);
  }, [deskRef, extracted, found, opened, resumeAt]);

  useEffect(() => {
    const element = deskRef.current;
    if (element === null) return;
    let frame = 0;
    const look = (): void => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(() => {
        const sight = sightOf(element, length);
        if (sight !== null) onSight(sight);
      });
    };
    look();
    const settled = setTimeout(look, settledAfterMs);
    element.addEventListener('scroll', look, { passive: true });
    return () => {
      cancelAnimationFrame(frame);
      clearTimeout(settled);
      element.removeEventListener('scroll', look);
    };
  }, [deskRef, length, onSight]);

  return <DocumentBody extracted={extracted} language={language} lit={lit} found={found} />;
}

/** Brings the found passage, at its first lit word, to the line of the eye. */
function jumpToFound(desk: HTMLElement): void {
  const found = desk.querySelector('[data-found]');
  if (found !== null) bringToEye(desk, (found.querySelector('mark') ?? found).getBoundingClientRect().top);
}

function jumpToOffset(desk: HTMLElement, offset: number): void {
  const groups = [...desk.querySelectorAll<HTMLElement>('[data-group-start]')];
  const group = groups.findLast((candidate) => Number(candidate.dataset.groupStart) <= offset) ?? groups[0];
  if (group === undefined) return;
  const start = Number(group.dataset.groupStart);
  const part = (offset - start) / Math.max(1, Number(group.dataset.groupEnd) - start);
  const box = group.getBoundingClientRect();
  bringToEye(desk, box.top + Math.max(0, Math.min(1, part)) * box.height);
}

function bringToEye(desk: HTMLElement, y: number): void {
  desk.scrollTop += y - desk.getBoundingClientRect().top - desk.clientHeight * eyeLine;
}
