/** What a search compares, how its results are shown, and from which documents. */
import { Popover } from '@base-ui/react/popover';
import { Radio } from '@base-ui/react/radio';
import { RadioGroup } from '@base-ui/react/radio-group';
import { CircleHelp, ListFilter, SlidersHorizontal, X } from 'lucide-react';
import { useId } from 'react';
import type { MatchBy } from '../../index.ts';
import { count } from '../format.ts';
import { Hint } from '../parts/Hint.tsx';
import { Segmented } from '../parts/Segmented.tsx';
import { SelectBox } from '../parts/SelectBox.tsx';
import type { View } from '../state/preferences.ts';
import { words } from '../words.ts';
import { useSearch } from './search-context.tsx';

const views: readonly { readonly value: View; readonly label: string }[] = [
  { value: 'passage', label: words.byPassage },
  { value: 'document', label: words.byDocument },
];

const modes: readonly { readonly value: MatchBy; readonly label: string; readonly says: string }[] = (
  ['both', 'meaning', 'words'] as const
).map((value) => ({ value, label: words.match[value].name, says: words.match[value].says }));

/** By meaning, by words, or both. */
export function MatchSwitch() {
  const { match, setMatch } = useSearch();
  return <Segmented label={words.matchBy} options={modes} value={match} onChange={setMatch} />;
}

/** What the modes mean, and the two signs that a question may carry. */
export function SearchHelp() {
  return (
    <Popover.Root>
      <Hint text={words.searchHelp}>
        <Popover.Trigger className="icon-button" aria-label={words.searchHelp}>
          <CircleHelp className="icon" aria-hidden />
        </Popover.Trigger>
      </Hint>
      <Popover.Portal>
        <Popover.Positioner className="positioner" sideOffset={8} align="start" collisionPadding={16}>
          <Popover.Popup className="popover">
            <Popover.Title className="popover__title">{words.searchHelp}</Popover.Title>
            <HelpText />
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  );
}

function HelpText() {
  return (
    <>
      <dl className="help">
        {modes.map(({ value, label, says }) => (
          <div key={value} className="help__row">
            <dt>{label}</dt>
            <dd>{says}</dd>
          </div>
        ))}
      </dl>
      <p className="help__signs">{words.quotesAndMinus}</p>
    </>
  );
}

/** Says that only some documents are searched, and takes that back. */
export function ChosenDocuments() {
  const { chosen, choose } = useSearch();
  const first = chosen[0];
  if (first === undefined) return null;
  const name = chosen.length === 1 ? first.name : count(chosen.length, 'document');
  return (
    <div className="only">
      <span className="only__chip">
        <span className="only__text">{words.onlyIn(name)}</span>
        <button
          type="button"
          className="icon-button only__clear"
          aria-label={words.anywhere(name)}
          onClick={() => choose([])}
        >
          <X className="icon" aria-hidden />
        </button>
      </span>
    </div>
  );
}

export function ViewSelect() {
  const { view, setView } = useSearch();
  return <SelectBox options={views} value={view} onChange={setView} aria-label={words.view} />;
}

export function FilterButton() {
  const { filter, setFilter } = useSearch();
  const active = filter.trim() !== '';
  return (
    <div className="filter">
      <Popover.Root>
        <Popover.Trigger className="select filter__trigger" data-active={active ? '' : undefined}>
          <ListFilter className="icon" aria-hidden />
          {active ? <bdi className="filter__text">{filter}</bdi> : words.filter}
        </Popover.Trigger>
        <Popover.Portal>
          <Popover.Positioner className="positioner" sideOffset={8} align="end" collisionPadding={16}>
            <Popover.Popup className="popover">
              <FilterField />
            </Popover.Popup>
          </Popover.Positioner>
        </Popover.Portal>
      </Popover.Root>
      {active ? (
        <button type="button" className="icon-button" aria-label={words.clearFilters} onClick={() => setFilter('')}>
          <X className="icon" aria-hidden />
        </button>
      ) : null}
    </div>
  );
}

function FilterField() {
  const { filter, setFilter } = useSearch();
  return (
    <label className="filter__field">
      <span className="popover__title">{words.filterLabel}</span>
      <input
        className="field"
        dir="auto"
        autoComplete="off"
        value={filter}
        onChange={(event) => setFilter(event.target.value)}
      />
    </label>
  );
}

/** Filter and view behind one icon, for narrow columns. */
export function CompactControls() {
  const { filter, view, setView } = useSearch();
  const id = useId();
  const active = filter.trim() !== '';
  return (
    <Popover.Root>
      <Popover.Trigger
        className="icon-button filter__trigger"
        aria-label={active ? words.filterAndViewActive : words.filterAndView}
        data-active={active ? '' : undefined}
      >
        <SlidersHorizontal className="icon" aria-hidden />
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Positioner className="positioner" sideOffset={8} align="end" collisionPadding={16}>
          <Popover.Popup className="popover">
            <p id={id} className="popover__title">
              {words.view}
            </p>
            <RadioGroup className="radios" aria-labelledby={id} value={view} onValueChange={setView}>
              {views.map(({ value, label }) => (
                <label key={value} className="radios__row">
                  <Radio.Root value={value} className="radio">
                    <Radio.Indicator className="radio__dot" />
                  </Radio.Root>
                  {label}
                </label>
              ))}
            </RadioGroup>
            <FilterField />
            <div className="help__foot">
              <HelpText />
            </div>
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  );
}
