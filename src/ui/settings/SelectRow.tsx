/** A setting with a few values to choose from. */
import { Select } from '@base-ui/react/select';
import { Check, ChevronDown } from 'lucide-react';
import { useId } from 'react';
import { inMain } from '../parts/portal.ts';

interface SelectRowProps<Value extends string> {
  readonly label: string;
  readonly says?: string;
  readonly options: readonly { readonly value: Value; readonly label: string }[];
  readonly value: Value;
  readonly onChange: (value: Value) => void;
}

export function SelectRow<Value extends string>({ label, says, options, value, onChange }: SelectRowProps<Value>) {
  const id = useId();
  return (
    <div className="setting__row">
      <span>
        <span id={id}>{label}</span>
        {says === undefined ? null : (
          <span id={`${id}-says`} className="setting__says">
            {says}
          </span>
        )}
      </span>
      <Select.Root items={options} value={value} onValueChange={(next) => next !== null && onChange(next)}>
        <Select.Trigger
          className="select select--edged"
          aria-labelledby={id}
          aria-describedby={says === undefined ? undefined : `${id}-says`}
        >
          <Select.Value />
          <Select.Icon className="select__icon">
            <ChevronDown className="icon" aria-hidden />
          </Select.Icon>
        </Select.Trigger>
        <Select.Portal container={inMain()}>
          <Select.Positioner className="positioner" alignItemWithTrigger={false} sideOffset={4} align="end">
            <Select.Popup className="menu">
              {options.map((option) => (
                <Select.Item key={option.value} value={option.value} className="menu__item">
                  <span className="menu__mark">
                    <Select.ItemIndicator>
                      <Check className="icon" aria-hidden />
                    </Select.ItemIndicator>
                  </span>
                  <Select.ItemText>{option.label}</Select.ItemText>
                </Select.Item>
              ))}
            </Select.Popup>
          </Select.Positioner>
        </Select.Portal>
      </Select.Root>
    </div>
  );
}
