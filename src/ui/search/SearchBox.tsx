/** The search box. Typing works from the first moment; the answer follows when Lateral is ready. */
import { Search, X } from 'lucide-react';
import { useRef } from 'react';
import type { KeyboardEvent } from 'react';
import { useAddingPhase } from '../adding/AddingProvider.tsx';
import { useDocuments, useIndex, useStatus } from '../state/index-context.tsx';
import { useLoadedPercent } from '../state/open.ts';
import { usePreferences } from '../state/preferences.ts';
import { words } from '../words.ts';
import { focusResult, openFirst } from './result-focus.ts';
import { useSearch } from './search-context.tsx';

export function SearchBox() {
  const { query, setQuery, slow } = useSearch();
  const { index, failure } = useIndex();
  const { documents } = useDocuments();
  const { letterKeys } = usePreferences();
  const status = useStatus();
  const phase = useAddingPhase();
  const percent = useLoadedPercent();
  const input = useRef<HTMLInputElement>(null);
  const starting = failure === null && (index === null || status?.state === 'starting' || documents === null);

  const plain = failure !== null || (documents?.length === 0 && phase === 'running');
  const placeholder = plain
    ? words.placeholderPlain
    : starting
      ? percent === null
        ? words.gettingReady
        : words.gettingReadyShare(percent)
      : words.placeholder(documents?.length ?? 0);

  const onKeyDown = (event: KeyboardEvent<HTMLInputElement>): void => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === 'ArrowDown') {
      event.preventDefault();
      focusResult('first');
    } else if (event.key === 'Enter') {
      event.preventDefault();
      openFirst();
    }
  };

  return (
    <search className="search-box">
      <Search className="search-box__icon" aria-hidden strokeWidth={1.75} />
      <input
        ref={input}
        id="search"
        type="search"
        className="search-box__input"
        aria-label="Search"
        autoComplete="off"
        autoCapitalize="off"
        spellCheck={false}
        enterKeyHint="search"
        dir="auto"
        placeholder={placeholder}
        value={query}
        onChange={(event) => setQuery(event.target.value)}
        onKeyDown={onKeyDown}
      />
      {query === '' ? (
        letterKeys ? (
          <kbd className="keycap search-box__key" aria-hidden>
            /
          </kbd>
        ) : null
      ) : (
        <button
          type="button"
          className="icon-button search-box__clear"
          aria-label={words.clearQuery}
          onClick={() => {
            setQuery('');
            input.current?.focus();
          }}
        >
          <X className="icon" aria-hidden />
        </button>
      )}
      <div className="search-box__slow" data-slow={slow ? '' : undefined} aria-hidden />
    </search>
  );
}
