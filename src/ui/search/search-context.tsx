/** The search of the page: query, view, filter, and the latest answer, kept while other sections are open. */
import { createContext, use, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { ReactNode } from 'react';
import type { Hit, SearchFilter, SearchOptions, SearchResult } from '../../index.ts';
import { announce } from '../state/announce.tsx';
import { failureOf, useDocuments, useIndex } from '../state/index-context.tsx';
import type { StartFailure } from '../state/index-context.tsx';
import { setPreferences, usePreferences } from '../state/preferences.ts';
import type { View } from '../state/preferences.ts';
import { useAddress } from '../state/use-address.ts';
import { resultsLine } from './describe.ts';

const debounceMs = 120;
const slowAfterMs = 300;
const announceAfterMs = 500;
const askAnewAfterMs = 2500;
const pageSize = 24;

interface Answer {
  readonly result: SearchResult | null;
  readonly slow: boolean;
  readonly failure: StartFailure | null;
}

export interface SearchState extends Answer {
  readonly query: string;
  readonly view: View;
  readonly filter: string;
  /** Hits to show: the relevant ones, unless the nearest were asked for. */
  readonly hits: readonly Hit[];
  /** Hits kept back because they are not close. */
  readonly weaker: number;
  /** The search found hits, but none close enough to show unasked. */
  readonly nothingRelevant: boolean;
  /** No document's name fits the filter. */
  readonly filteredOut: boolean;
  readonly mayHaveMore: boolean;
  readonly setQuery: (query: string) => void;
  readonly setView: (view: View) => void;
  readonly setFilter: (filter: string) => void;
  readonly showNearest: () => void;
  readonly showMore: () => void;
  readonly retry: () => void;
}

const SearchContext = createContext<SearchState | null>(null);

export function useSearch(): SearchState {
  const state = use(SearchContext);
  if (state === null) throw new Error('useSearch needs a SearchProvider above it.');
  return state;
}

export function SearchProvider({ children }: { readonly children: ReactNode }) {
  const { index } = useIndex();
  const { documents, version } = useDocuments();
  const { address, setQuery: setAddress } = useAddress();
  const { view } = usePreferences();
  const [filter, setFilter] = useState('');
  const [k, setK] = useState(pageSize);
  const [nearestFor, setNearestFor] = useState<string | null>(null);
  const [attempt, setAttempt] = useState(0);
  const asked = useRef({ question: '', at: 0 });
  const [answer, setAnswer] = useState<Answer>({ result: null, slow: false, failure: null });
  const query = address.query;

  const within = useMemo<SearchFilter | null>(() => {
    const part = filter.trim().toLocaleLowerCase();
    if (part === '' || documents === null) return null;
    const fits = documents.filter(({ path, name }) => `${path}/${name}`.toLocaleLowerCase().includes(part));
    return { documentIds: fits.map((record) => record.id) };
  }, [filter, documents]);
  const filteredOut = within?.documentIds?.length === 0;

  useEffect(() => {
    if (index === null || query.trim() === '' || filteredOut) return;
    const controller = new AbortController();
    const timers: ReturnType<typeof setTimeout>[] = [];
    const options: SearchOptions = { k, by: view, ...(within === null ? {} : { filter: within }) };
    const search = async (): Promise<void> => {
      timers.push(setTimeout(() => setAnswer((before) => ({ ...before, slow: true })), slowAfterMs));
      try {
        const result = await index.query(query, { ...options, signal: controller.signal });
        if (controller.signal.aborted) return;
        setAnswer({ result, slow: false, failure: null });
        timers.push(setTimeout(() => announce(resultsLine(result, view)), announceAfterMs));
      } catch (thrown) {
        if (controller.signal.aborted) return;
        setAnswer((before) => ({ ...before, slow: false, failure: failureOf(thrown) }));
      } finally {
        clearTimeout(timers[1]);
      }
    };
    // while documents arrive the same question is asked anew, but not so often that reading suffers
    const question = JSON.stringify([query, k, view, filter, attempt]);
    const anew = question === asked.current.question;
    const delay = anew ? Math.max(debounceMs, asked.current.at + askAnewAfterMs - performance.now()) : debounceMs;
    timers.push(
      setTimeout(() => {
        asked.current = { question, at: performance.now() };
        void search();
      }, delay),
    );
    return () => {
      controller.abort();
      for (const timer of timers) clearTimeout(timer);
    };
  }, [index, query, k, view, filter, within, filteredOut, version, attempt]);

  const setQuery = useCallback(
    (next: string) => {
      setK(pageSize);
      setNearestFor(null);
      setAddress(next);
    },
    [setAddress],
  );

  const hasQuery = query.trim() !== '';
  const result = hasQuery ? answer.result : null;
  const noDocuments = documents?.length === 0;
  const showAll = nearestFor === query;
  const nothingRelevant = result !== null && !result.relevant && !showAll && !noDocuments;
  const found = result === null || filteredOut || noDocuments ? noHits : result.hits;
  const hits = showAll ? found : found.filter((hit) => hit.relevant);
  const state: SearchState = {
    result,
    slow: hasQuery && answer.slow && answer.result?.query !== query,
    failure: hasQuery ? answer.failure : null,
    query,
    view,
    filter,
    hits,
    weaker: nothingRelevant ? 0 : found.length - hits.length,
    nothingRelevant,
    filteredOut,
    mayHaveMore: result !== null && result.hits.length >= k && hits.length === found.length,
    setQuery,
    setView: (next) => setPreferences({ view: next }),
    setFilter,
    showNearest: () => setNearestFor(query),
    showMore: () => setK(k + pageSize),
    retry: () => setAttempt(attempt + 1),
  };
  return <SearchContext value={state}>{children}</SearchContext>;
}

const noHits: readonly Hit[] = [];
