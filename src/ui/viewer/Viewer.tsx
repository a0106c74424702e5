/** The open document beside the results; a dialog of its own where there is no room for both. */
import { Dialog } from '@base-ui/react/dialog';
import { ChevronLeft, ChevronRight, X } from 'lucide-react';
import { useCallback, useMemo, useRef, useState } from 'react';
import type { Hit } from '../../index.ts';
import { capitalised } from '../format.ts';
import { Hint } from '../parts/Hint.tsx';
import { languageOf } from '../parts/script.ts';
import { placeOf } from '../search/describe.ts';
import { useIndex } from '../state/index-context.tsx';
import { narrow, useMedia } from '../state/use-media.ts';
import { words } from '../words.ts';
import { litOf, overlaps, sectionAt } from './blocks.ts';
import { DocumentMap } from './DocumentMap.tsx';
import { PagedBody } from './PagedBody.tsx';
import { sharesOf } from './pages.ts';
import type { Sight } from './sight.ts';
import { TextBody } from './TextBody.tsx';
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
  const { index } = useIndex();
  const { open } = useViewer();
  const deskRef = useRef<HTMLDivElement>(null);
  const [sight, setSight] = useState<Sight | null>(null);
  const current = hits.findIndex((hit) => hit.chunk === opened.chunk);
  const lit = useMemo(() => litOf(hits), [hits]);
  const here = hits[current];
  const start = here?.start;
  const end = here?.end;
  const found = useMemo(() => (start === undefined || end === undefined ? null : { start, end }), [start, end]);
  const view = useView(document, opened);
  const positions = useMemo(() => {
    const offsets = hits.map((hit) => hit.lit[0]?.start ?? hit.start); // where a jump leads
    return extracted === null ? [] : sharesOf(extracted, offsets, view.kind === 'pages');
  }, [extracted, hits, view.kind]);

  const go = useCallback(
    (hit: Hit | undefined) => hit && open({ documentId: hit.documentId, chunk: hit.chunk }),
    [open],
  );
  const shown = { opened, lit, found, deskRef, resumeAt: view.resumeAt, onSight: setSight };
  const pages = view.kind === 'pages' ? extracted?.pages : undefined;
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
        {view.canSwitch ? (
          <Hint text={view.kind === 'pages' ? words.showTextHint : words.showPagesHint}>
            <button
              type="button"
              className="button button--small viewer__switch"
              data-control="switch-view"
              onClick={() => view.switchTo(view.kind === 'pages', isInSight(here, sight) ? null : (sight?.at ?? null))}
            >
              {view.kind === 'pages' ? words.showText : words.showPages}
            </button>
          </Hint>
        ) : null}
        {hits.length > 0 ? (
          <div className="viewer__steps" role="group" aria-label="Matches">
            <Step label={words.previous} hit={hits[current === -1 ? hits.length : current - 1]} back onGo={go} />
            <span className="viewer__count tabular">
              {current === -1 ? words.matches(hits.length) : words.matchOf(current + 1, hits.length)}
            </span>
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
      {view.note === '' ? null : <p className="viewer__note">{view.note}</p>}
      <div className="viewer__body" data-view={view.kind}>
        <div
          ref={deskRef}
          className="desk"
          tabIndex={0}
          role="group"
          aria-label={pages === undefined ? words.textOfDocument : words.pagesOfDocument}
        >
          {extracted === null || index === null ? (
            <p className="desk__note">{failed ? words.cannotOpen : words.opening}</p>
          ) : pages === undefined ? (
            <TextBody key={opened.documentId} extracted={extracted} language={record?.language ?? ''} {...shown} />
          ) : (
            <PagedBody
              key={opened.documentId}
              index={index}
              documentId={opened.documentId}
              extracted={extracted}
              pages={pages}
              onPlaced={view.setPlaced}
              onMissing={view.setMissing}
              {...shown}
            />
          )}
        </div>
        {extracted !== null && hits.length > 0 ? (
          <DocumentMap
            hits={hits}
            positions={positions}
            current={current}
            from={sight?.from ?? 0}
            to={sight?.to ?? 0}
            onJump={go}
          />
        ) : null}
      </div>
    </>
  );
}

interface View {
  readonly kind: 'pages' | 'text';
  readonly canSwitch: boolean;
  /** Where to open after a switch, unless the passage is in sight. */
  readonly resumeAt: number | null;
  /** What to know about this view, or ''. */
  readonly note: string;
  readonly switchTo: (text: boolean, resumeAt: number | null) => void;
  readonly setPlaced: (placed: boolean | null) => void;
  readonly setMissing: () => void;
}

/** Pages where the file has them and is still there, else text; a choice of the text lasts while the viewer is open. */
function useView({ extracted }: OpenDocument, opened: Opened): View {
  const { documentId } = opened;
  const [asText, setAsText] = useState(false);
  const [missing, setMissingFor] = useState<string | null>(null);
  const [placed, setPlaced] = useState<boolean | null>(null);
  const [resume, setResume] = useState<{ readonly opened: Opened; readonly at: number | null } | null>(null);
  const setMissing = useCallback(() => setMissingFor(documentId), [documentId]);
  const paged = extracted?.pages !== undefined && extracted.pages.length > 0;
  const gone = paged && missing === documentId;
  const kind = paged && !asText && !gone ? 'pages' : 'text';
  return {
    kind,
    canSwitch: paged && !gone,
    resumeAt: resume?.opened === opened ? resume.at : null,
    note: gone ? words.sourceGone : kind === 'pages' && placed === false ? words.notPlaced : '',
    switchTo: (text, at) => {
      setAsText(text);
      setResume({ opened, at });
    },
    setPlaced,
    setMissing,
  };
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

const isInSight = (hit: Hit | undefined, sight: Sight | null): boolean =>
  hit !== undefined && (sight === null || overlaps(hit, sight));

/** Where the reader is: `Page 214 of 388`, the heading in sight, or the passage. */
function placeLine({ extracted }: OpenDocument, here: Hit | undefined, sight: Sight | null): string {
  const sections = extracted?.sections ?? [];
  const inSight = isInSight(here, sight);
  const section = inSight
    ? sectionAt(sections, here?.start ?? 0)
    : sight?.page === undefined || sight.page === null
      ? sectionAt(sections, sight?.at ?? 0)
      : sections[sight.page];
  if (section?.kind === 'page') {
    return words.pageOf(section.label, sections.filter(({ kind }) => kind === 'page').length);
  }
  if (section !== undefined) return section.label;
  return here === undefined ? '' : capitalised(placeOf(here));
}
