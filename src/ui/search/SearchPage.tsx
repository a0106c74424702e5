/** Search, the home of the app. Stays mounted while other sections are open, so that nothing is lost. */
import { Plus, TriangleAlert } from 'lucide-react';
import type { SearchResult } from '../../index.ts';
import { useAdding, useAddingPhase } from '../adding/AddingProvider.tsx';
import { ProgressPanel } from '../adding/ProgressPanel.tsx';
import { useDocuments, useIndex, useStatus } from '../state/index-context.tsx';
import { usePreferences } from '../state/preferences.ts';
import { narrow, useMedia } from '../state/use-media.ts';
import { useViewer } from '../viewer/viewer-context.tsx';
import { searchFailure, standingProblem, words } from '../words.ts';
import { EmptyState } from './EmptyState.tsx';
import {
  ChosenDocuments,
  CompactControls,
  FilterButton,
  MatchSwitch,
  SearchHelp,
  ViewSelect,
} from './ViewControls.tsx';
import { exactWords, leftOut, withoutQuotes } from './describe.ts';
import { ReadyState } from './ReadyState.tsx';
import { ResultList } from './ResultList.tsx';
import { SearchBox } from './SearchBox.tsx';
import { useSearch } from './search-context.tsx';
import { WordChips } from './WordChips.tsx';
import { StartFailure } from './StartFailure.tsx';

const unknownFailure = { code: 'internal', message: '' } as const;

export function SearchPage() {
  const { failure } = useIndex();
  const status = useStatus();
  const empty = useEmpty();
  const failed = failure ?? (status?.state === 'failed' ? (status.error ?? unknownFailure) : null);
  return (
    <div className="column">
      {empty && failed === null ? null : (
        <h1 className="sr-only" tabIndex={-1}>
          {words.sections.search}
        </h1>
      )}
      <div className="search__top">
        <SearchBox />
        {empty ? null : <ModeRow />}
        {empty ? null : <ChosenDocuments />}
      </div>
      {failed === null ? <Warnings /> : <StartFailure failure={failed} />}
      <ProgressPanel />
      {failed !== null ? null : empty ? <EmptyState /> : <Answer />}
    </div>
  );
}

/** Whether this browser holds nothing and nothing is coming. Before that is known, what it held last time. */
function useEmpty(): boolean {
  const { documents } = useDocuments();
  const { hadDocuments } = usePreferences();
  const phase = useAddingPhase();
  if (phase === 'running') return false;
  return documents === null ? !hadDocuments : documents.length === 0;
}

function ModeRow() {
  const { pickFiles } = useAdding();
  const { opened } = useViewer();
  const phone = useMedia(narrow);
  const compact = phone || opened !== null; // beside the viewer the column is under 420
  return (
    <div className="mode-row">
      <MatchSwitch />
      {compact ? null : <SearchHelp />}
      <span className="mode-row__space" />
      {phone ? (
        <button type="button" className="icon-button mode-row__add" aria-label={words.add} onClick={pickFiles}>
          <Plus className="icon" aria-hidden />
        </button>
      ) : null}
      {compact ? (
        <CompactControls />
      ) : (
        <>
          <FilterButton />
          <ViewSelect />
        </>
      )}
    </div>
  );
}

function Warnings() {
  const status = useStatus();
  if (status === null) return null;
  const problems = [
    ...(status.storageWarning === '' ? [] : [words.private]),
    ...(status.error === null ? [] : [standingProblem(status.error.code, status.withoutRoom)]),
  ];
  return problems.map((problem) => (
    <p key={problem} className="banner">
      <TriangleAlert className="icon" aria-hidden />
      {problem}
    </p>
  ));
}

function Answer() {
  const { query, result, failure, filteredOut, nothingRelevant, clearFilters, showNearest, retry } = useSearch();
  if (query.trim() === '') return <ReadyState />;
  if (failure !== null) {
    return (
      <div className="notice">
        <h2 className="notice__title">{searchFailure(failure.code)}</h2>
        <button type="button" className="button" onClick={retry}>
          {words.tryAgain}
        </button>
      </div>
    );
  }
  if (filteredOut) {
    return (
      <div className="notice">
        <h2 className="notice__title">{words.filteredOut}</h2>
        <button type="button" className="button" onClick={clearFilters}>
          {words.clearFilters}
        </button>
      </div>
    );
  }
  return (
    <>
      <WordChips />
      {result !== null && result.droppedQueryTokens > 0 ? <p className="aside">{words.dropped}</p> : null}
      {result !== null && result.searchedShare < 1 ? (
        <p className="aside">{words.stillOpening(result.searchedShare)}</p>
      ) : null}
      {nothingRelevant && result !== null ? <Nothing result={result} onNearest={showNearest} /> : null}
      <ResultList />
    </>
  );
}

interface NothingProps {
  readonly result: SearchResult;
  readonly onNearest: () => void;
}

/** Why there is nothing to show, and the way on. */
function Nothing({ result, onNearest }: NothingProps) {
  const { setMatch, setQuery } = useSearch();
  const asked = exactWords(result.query, result.match);
  if (result.hits.length === 0 && asked !== '') {
    return (
      <div className="notice">
        <h2 className="notice__title">{words.noPassageContains(asked, leftOut(result.query))}</h2>
        <button
          type="button"
          className="button"
          onClick={() => {
            setQuery(withoutQuotes(result.query));
            setMatch('meaning');
          }}
        >
          {words.searchByMeaning}
        </button>
      </div>
    );
  }
  return (
    <div className="notice">
      <h2 className="notice__title">{words.nothing}</h2>
      <p className="notice__text">{words.noneClose(result.considered)}</p>
      {result.hits.length > 0 ? (
        <button type="button" className="button" onClick={onNearest}>
          {words.nearest}
        </button>
      ) : null}
    </div>
  );
}
