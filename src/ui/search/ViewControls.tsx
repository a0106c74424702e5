/** How results are shown: by passage or by document, and only from documents of a certain name. */
import { Popover } from '@base-ui/react/popover';
import { Select } from '@base-ui/react/select';
import { Radio } from '@base-ui/react/radio';
import { RadioGroup } from '@base-ui/react/radio-group';
import { Check, ChevronDown, ListFilter, SlidersHorizontal, X } from 'lucide-react';
import { useId } from 'react';
import type { View } from '../state/preferences.ts';
import { words } from '../words.ts';
import { useSearch } from './search-context.tsx';

const views: readonly { readonly value: View; readonly label: string }[] = [
  { value: 'passage', label: words.byPassage },
  { value: 'document', label: words.byDocument },
];

export function ViewSelect() {
  const { view, setView } = useSearch();
  return (
    <Select.Root items={views} value={view} onValueChange={(next) => next !== null && setView(next)}>
      <Select.Trigger className="select" aria-label={words.view}>
        <Select.Value />
        <Select.Icon className="select__icon">
          <ChevronDown className="icon" aria-hidden />
        </Select.Icon>
      </Select.Trigger>
      <Select.Portal>
        <Select.Positioner className="positioner" alignItemWithTrigger={false} sideOffset={4} align="end">
          <Select.Popup className="menu">
            {views.map(({ value, label }) => (
              <Select.Item key={value} value={value} className="menu__item">
                <span className="menu__mark">
                  <Select.ItemIndicator>
                    <Check className="icon" aria-hidden />
                  </Select.ItemIndicator>
                </span>
                <Select.ItemText>{label}</Select.ItemText>
              </Select.Item>
            ))}
          </Select.Popup>
        </Select.Positioner>
      </Select.Portal>
    </Select.Root>
  );
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
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  );
}
