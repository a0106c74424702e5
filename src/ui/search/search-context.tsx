/** The search of the page: question, mode, view, filter, and the latest answer, kept while other sections are open. */
import { createContext, startTransition, use, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { ReactNode } from 'react';
import type { LateralIndex, MatchBy, SearchFilter, SearchOptions, SearchResult } from '../../index.ts';
import { announce } from '../state/announce.tsx';
import { failureOf, useDocuments, useIndex } from '../state/index-context.tsx';
import type { StartFailure } from '../state/index-context.tsx';
import { setPreferences, usePreferences } from '../state/preferences.ts';
import type { View } from '../state/preferences.ts';
import { useAddress } from '../state/use-address.ts';
import { resultsLine } from './describe.ts';
import { Latest } from './latest.ts';
import { isSmall, nothingShown, shownOf } from './shown.ts';
import type { Shown } from './shown.ts';

const slowAfterMs = 300;
const announceAfterMs = 500;
const askAnewAfterMs = 2500;
const pageSize = 12;

interface Answer {
  readonly result: SearchResult | null;
  readonly slow: boolean;
  readonly failure: StartFailure | null;
}

/** A document that the search keeps to. */
export interface ChosenDocument {
  readonly id: string;
  readonly name: string;
}

export interface SearchState extends Answer, Shown {
  readonly query: string;
  readonly match: MatchBy;
  readonly view: View;
  /** Part of the documents' names. */
  readonly filter: string;
  /** Only in these; none means in all. */
  readonly chosen: readonly ChosenDocument[];
  /** No document fits the filter. */
  readonly filteredOut: boolean;
  readonly mayHaveMore: boolean;
  readonly setQuery: (query: string) => void;
  readonly setMatch: (match: MatchBy) => void;
  readonly setView: (view: View) => void;
  readonly setFilter: (filter: string) => void;
  readonly choose: (documents: readonly ChosenDocument[]) => void;
  readonly clearFilters: () => void;
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

interface Question {
  readonly index: LateralIndex;
  readonly query: string;
  readonly view: View;
  readonly options: SearchOptions;
  /** Of the collection. */
  readonly small: boolean;
}

const unanswered: Answer = { result: null, slow: false, failure: null };
const noDocumentsChosen: readonly ChosenDocument[] = [];

export function SearchProvider({ children }: { readonly children: ReactNode }) {
  const { index } = useIndex();
  const { documents, stats, version } = useDocuments();
  const { address, setQuery: setAddress } = useAddress();
  const { view, match } = usePreferences();
  const [filter, setFilter] = useState('');
  const [chosen, choose] = useState(noDocumentsChosen);
  const [k, setK] = useState(pageSize);
  const [nearestFor, setNearestFor] = useState<string | null>(null);
  const [attempt, setAttempt] = useState(0);
  const [answer, setAnswer] = useState(unanswered);
  const asked = useRef({ question: '', at: 0 });
  const query = address.query;

  const within = useWithin(filter, chosen);
  const filteredOut = within?.documentIds?.length === 0;
  const noDocuments = documents?.length === 0;
  const small = isSmall(stats?.chunks ?? null);

  const [latest] = useState(() => new Latest<Question>((question, signal) => answerTo(question, signal, setAnswer)));

  useEffect(() => {
    if (index === null || query.trim() === '' || filteredOut || noDocuments) {
      latest.stop();
      return;
    }
    const options: SearchOptions = { k, by: view, match, ...(within === null ? {} : { filter: within }) };
    // while documents arrive the same question is asked anew, but not so often that reading suffers
    const question = JSON.stringify([query, k, view, match, filter, chosen, attempt]);
    const anew = question === asked.current.question;
    const ask = (): void => {
      asked.current = { question, at: performance.now() };
      latest.ask({ index, query, view, options, small });
    };
    const wait = anew ? asked.current.at + askAnewAfterMs - performance.now() : 0;
    if (wait <= 0) {
      ask();
      return;
    }
    const timer = setTimeout(ask, wait);
    return () => clearTimeout(timer);
  }, [latest, index, query, k, view, match, filter, chosen, within, filteredOut, noDocuments, small, version, attempt]);

  const setQuery = useCallback(
    (next: string) => {
      setK(pageSize);
      setNearestFor(null);
      if (next.trim() === '') setAnswer(unanswered); // the next question starts from nothing, not from an old answer
      setAddress(next);
    },
    [setAddress],
  );
  const clearFilters = useCallback(() => {
    setFilter('');
    choose(noDocumentsChosen);
  }, []);

  const state = useMemo<SearchState>(() => {
    const hasQuery = query.trim() !== '';
    const result = hasQuery ? answer.result : null;
    const nothing = result === null || filteredOut || noDocuments;
    const shown = nothing ? nothingShown : shownOf(result, small, nearestFor === query);
    return {
      result,
      slow: hasQuery && answer.slow && answer.result?.query !== query,
      failure: hasQuery ? answer.failure : null,
      query,
      match,
      view,
      filter,
      chosen,
      ...shown,
      filteredOut,
      mayHaveMore: result !== null && result.hits.length >= k && shown.hits.length === result.hits.length,
      setQuery,
      setMatch,
      setView,
      setFilter,
      choose,
      clearFilters,
      showNearest: () => setNearestFor(query),
      showMore: () => setK((before) => before + pageSize),
      retry: () => setAttempt((before) => before + 1),
    };
  }, [
    answer,
    query,
    match,
    view,
    filter,
    chosen,
    k,
    nearestFor,
    filteredOut,
    noDocuments,
    small,
    setQuery,
    clearFilters,
  ]);
  return <SearchContext value={state}>{children}</SearchContext>;
}

const setView = (view: View): void => setPreferences({ view });
const setMatch = (match: MatchBy): void => setPreferences({ match });

/** The documents that the filters leave, or null for all. The same value until it differs, so that nothing is asked twice. */
function useWithin(filter: string, chosen: readonly ChosenDocument[]): SearchFilter | null {
  const { documents } = useDocuments();
  const part = filter.trim().toLocaleLowerCase();
  const ids = useMemo(() => {
    if ((part === '' && chosen.length === 0) || documents === null) return null;
    const wanted = new Set(chosen.map(({ id }) => id));
    return documents
      .filter(({ id }) => wanted.size === 0 || wanted.has(id))
      .filter(({ path, name }) => part === '' || `${path}/${name}`.toLocaleLowerCase().includes(part))
      .map(({ id }) => id)
      .join('\n');
  }, [part, chosen, documents]);
  return useMemo(() => (ids === null ? null : { documentIds: ids === '' ? [] : ids.split('\n') }), [ids]);
}

let announcing: ReturnType<typeof setTimeout> | undefined;

/** Searches and shows. What is shown may be interrupted by the next key press: typing goes first. */
async function answerTo(
  { index, query, view, options, small }: Question,
  signal: AbortSignal,
  show: (change: (before: Answer) => Answer) => void,
): Promise<void> {
  clearTimeout(announcing);
  const slow = setTimeout(() => show((before) => ({ ...before, slow: true })), slowAfterMs);
  try {
    const result = await index.query(query, { ...options, signal });
    if (signal.aborted) return;
    startTransition(() => show(() => ({ result, slow: false, failure: null })));
    announcing = setTimeout(() => announce(resultsLine(result, view, small)), announceAfterMs);
  } catch (thrown) {
    if (!signal.aborted) show((before) => ({ ...before, slow: false, failure: failureOf(thrown) }));
  } finally {
    clearTimeout(slow);
  }
}
