/** The open document beside the results; a dialog of its own where there is no room for both. */
import { Dialog } from '@base-ui/react/dialog';
import { ChevronLeft, ChevronRight, X } from 'lucide-react';
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import type { Hit } from '../../index.ts';
import { capitalised, number } from '../format.ts';
import { Hint } from '../parts/Hint.tsx';
import { languageOf } from '../parts/script.ts';
import { placeOf } from '../search/describe.ts';
import { narrow, useMedia } from '../state/use-media.ts';
import { words } from '../words.ts';
import { litOf, sectionAt } from './blocks.ts';
import { DocumentBody } from './DocumentBody.tsx';
import { DocumentMap } from './DocumentMap.tsx';
import { sightOf } from './sight.ts';
import type { Sight } from './sight.ts';
import { useOpenDocument } from './use-document.ts';
import type { OpenDocument } from './use-document.ts';
import { useViewer } from './viewer-context.tsx';
import type { Opened } from './viewer-context.tsx';

export function Viewer() {
  const { opened, close } = useViewer();
  const phone = useMedia(narrow);
  if (phone) {
    return (
      <Dialog.Root open={opened !== null} onOpenChange={(open) => (open ? undefined : close())}>
        <Dialog.Portal>
          <Dialog.Popup className="viewer viewer--full" aria-label={words.document}>
            {opened === null ? null : <Contents opened={opened} onClose={close} />}
          </Dialog.Popup>
        </Dialog.Portal>
      </Dialog.Root>
    );
  }
  if (opened === null) return null;
  return (
    <section className="viewer" aria-label={words.document}>
      <Contents opened={opened} onClose={close} />
    </section>
  );
}

function Contents({ opened, onClose }: { readonly opened: Opened; readonly onClose: () => void }) {
  const document = useOpenDocument(opened);
  const { record, extracted, failed, hits } = document;
  const { open } = useViewer();
  const desk = useRef<HTMLDivElement>(null);
  const [sight, setSight] = useState<Sight | null>(null);
  const current = hits.findIndex((hit) => hit.chunk === opened.chunk);
  const lit = useMemo(() => litOf(hits), [hits]);
  const here = hits[current];
  const start = here?.start;
  const end = here?.end;
  const found = useMemo(() => (start === undefined || end === undefined ? null : { start, end }), [start, end]);

  const go = useCallback(
    (hit: Hit | undefined) => hit && open({ documentId: hit.documentId, chunk: hit.chunk }),
    [open],
  );

  // jumps to the passage are instant; a second look after the groups around it have taken their true heights
  useLayoutEffect(() => {
    if (extracted === null || desk.current === null) return;
    const element = desk.current;
    if (found === null) {
      element.scrollTop = 0;
      return;
    }
    jump(element);
    const frame = requestAnimationFrame(() => jump(element));
    return () => cancelAnimationFrame(frame);
  }, [extracted, found]);

  useEffect(() => {
    const element = desk.current;
    if (element === null || extracted === null) return;
    let frame = 0;
    const look = (): void => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(() => setSight(sightOf(element)));
    };
    look();
    const settled = setTimeout(look, 150); // groups have taken their true heights by then
    element.addEventListener('scroll', look, { passive: true });
    return () => {
      cancelAnimationFrame(frame);
      clearTimeout(settled);
      element.removeEventListener('scroll', look);
    };
  }, [extracted]);

  const length = Math.max(1, extracted?.text.length ?? 1);
  return (
    <>
      <header className="viewer__head">
        <div className="viewer__names">
          <h2 className="viewer__title" dir="auto" lang={languageOf(record?.language ?? '', record?.name ?? '')}>
            <bdi title={record?.name}>{record?.name}</bdi>
          </h2>
          <span className="viewer__place">
            <bdi>{placeLine(document, here, sight)}</bdi>
          </span>
        </div>
        {hits.length > 0 ? (
          <div className="viewer__steps" role="group" aria-label="Matches">
            <Step label={words.previous} hit={hits[current === -1 ? hits.length : current - 1]} back onGo={go} />
            <span className="viewer__count tabular">{words.matchOf(Math.max(0, current) + 1, hits.length)}</span>
            <Step label={words.next} hit={hits[current + 1]} onGo={go} />
          </div>
        ) : null}
        <button
          type="button"
          className="icon-button"
          aria-label={words.close}
          data-control="close-viewer"
          onClick={onClose}
        >
          <X className="icon" aria-hidden />
        </button>
      </header>
      <div className="viewer__body">
        <div ref={desk} className="desk" tabIndex={0} role="group" aria-label="Text of the document">
          {extracted === null ? (
            <p className="desk__note">{failed ? words.cannotOpen : words.opening}</p>
          ) : (
            <DocumentBody extracted={extracted} language={record?.language ?? ''} lit={lit} found={found} />
          )}
        </div>
        {extracted !== null && hits.length > 0 ? (
          <DocumentMap
            hits={hits}
            length={length}
            current={current}
            from={(sight?.start ?? 0) / length}
            to={(sight?.end ?? 0) / length}
            onJump={go}
          />
        ) : null}
      </div>
    </>
  );
}

interface StepProps {
  readonly label: string;
  readonly hit: Hit | undefined;
  readonly back?: boolean;
  readonly onGo: (hit: Hit | undefined) => void;
}

function Step({ label, hit, back = false, onGo }: StepProps) {
  const Icon = back ? ChevronLeft : ChevronRight;
  return (
    <Hint text={`${label} (${back ? 'p' : 'n'})`}>
      <button
        type="button"
        className="icon-button"
        aria-label={label}
        aria-disabled={hit === undefined}
        data-control={back ? 'previous' : 'next'}
        onClick={() => onGo(hit)}
      >
        <Icon className="icon icon-mirrored" aria-hidden />
      </button>
    </Hint>
  );
}

/** Where the reader is: `Page 214 of 388`, the heading in sight, or the passage. */
function placeLine({ extracted }: OpenDocument, here: Hit | undefined, sight: Sight | null): string {
  const sections = extracted?.sections ?? [];
  const inSight = here !== undefined && (sight === null || (here.start < sight.end && here.end > sight.start));
  const offset = inSight ? here.start : sight === null ? 0 : sight.start + (sight.end - sight.start) / 3;
  const section = sectionAt(sections, offset);
  if (section?.kind === 'page') {
    return `Page ${section.label} of ${number(sections.filter(({ kind }) => kind === 'page').length)}`;
  }
  if (section !== undefined) return section.label;
  return here === undefined ? '' : capitalised(placeOf(here));
}

/** Brings the found passage, at its first lit word, a third down the desk. */
function jump(desk: HTMLElement): void {
  const found = desk.querySelector('[data-found]');
  if (found === null) return;
  const mark = found.querySelector('mark') ?? found;
  desk.scrollTop += mark.getBoundingClientRect().top - desk.getBoundingClientRect().top - desk.clientHeight / 3;
}
