/** The passages found, best first. Rows are replaced in place; nothing moves by itself. */
import { useCallback, useDeferredValue, useEffect, useRef, useState } from 'react';
import type { KeyboardEvent } from 'react';
import type { Hit, QueryWord } from '../../index.ts';
import { useViewer } from '../viewer/viewer-context.tsx';
import { words } from '../words.ts';
import { hitKey, moreOf, questionLike } from './describe.ts';
import { focusResult } from './result-focus.ts';
import { ResultCard } from './ResultCard.tsx';
import { useSearch } from './search-context.tsx';

const moves: Readonly<Record<string, 'first' | 'last' | 'next' | 'previous'>> = {
  ArrowDown: 'next',
  ArrowUp: 'previous',
  Home: 'first',
  End: 'last',
};

const noHits: readonly Hit[] = [];
const noWords: readonly QueryWord[] = [];

export function ResultList() {
  const search = useSearch();
  const { hits: newest, weaker, onlyWeak, result, view, mayHaveMore, showMore, showNearest, setQuery, choose } = search;
  const hits = useDeferredValue(newest, noHits); // many cards are drawn in small steps, and typing goes first
  const { opened, open } = useViewer();
  const list = useRef<HTMLOListElement>(null);
  const width = useWidth(list);
  const viewing = opened !== null;

  const onOpen = useCallback((hit: Hit) => open({ documentId: hit.documentId, chunk: hit.chunk }), [open]);
  const onFocus = useCallback(
    (hit: Hit) => {
      if (viewing) open({ documentId: hit.documentId, chunk: hit.chunk });
    },
    [open, viewing],
  );
  const onLike = useCallback(
    (hit: Hit) => {
      setQuery(questionLike(hit.excerpt));
      list.current?.closest('.pane')?.scrollTo({ top: 0 });
      list.current?.focus({ preventScroll: true });
    },
    [setQuery],
  );
  const onOnly = useCallback((hit: Hit) => choose([{ id: hit.documentId, name: hit.documentName }]), [choose]);
  const onKeyDown = (event: KeyboardEvent): void => {
    const move = moves[event.key];
    if (move === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    if (!(event.target as Element).closest('[data-result]')) return; // a popover's keys are its own
    event.preventDefault();
    focusResult(move);
  };

  return (
    <>
      {hits.length === 0 ? null : onlyWeak ? (
        <h2 className="results__weak">{words.onlyWeak(hits.length)}</h2>
      ) : (
        <h2 className="sr-only">{words.toList}</h2>
      )}
      <ol
        ref={list}
        id="results"
        className="results"
        role="list"
        aria-label={words.toList}
        data-query={hits === newest ? result?.query : undefined}
        tabIndex={-1}
        onKeyDown={onKeyDown}
      >
        {hits.map((hit, index) => (
          <ResultCard
            key={hitKey(hit)}
            hit={hit}
            position={index + 1}
            total={hits.length}
            weak={onlyWeak}
            more={moreOf(hit, hits, view)}
            open={opened?.documentId === hit.documentId && opened.chunk === hit.chunk}
            queryWords={result?.words ?? noWords}
            width={width}
            onOpen={onOpen}
            onFocus={onFocus}
            onLike={onLike}
            onOnly={onOnly}
          />
        ))}
      </ol>
      {mayHaveMore && hits.length > 0 ? (
        <button type="button" className="button button--small results__more" onClick={showMore}>
          {words.showMore}
        </button>
      ) : null}
      {weaker > 0 ? (
        <button type="button" className="button button--small results__more" onClick={showNearest}>
          {words.showWeaker(weaker)}
        </button>
      ) : null}
    </>
  );
}

/** The width in steps of 24, so that a drag of the window does not render at every pixel. */
function useWidth(ref: React.RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(720);
  useEffect(() => {
    const element = ref.current;
    if (element === null) return;
    const observer = new ResizeObserver(([entry]) => {
      if (entry !== undefined && entry.contentRect.width > 0) setWidth(Math.floor(entry.contentRect.width / 24) * 24);
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [ref]);
  return width;
}
