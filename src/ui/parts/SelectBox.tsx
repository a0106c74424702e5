/** One of a few values, chosen from a menu. */
import { Select } from '@base-ui/react/select';
import { Check, ChevronDown } from 'lucide-react';
import { inMain } from './portal.ts';

interface SelectBoxProps<Value extends string> {
  readonly options: readonly { readonly value: Value; readonly label: string }[];
  readonly value: Value;
  readonly onChange: (value: Value) => void;
  readonly className?: string;
  readonly 'aria-label'?: string;
  readonly 'aria-labelledby'?: string;
  readonly 'aria-describedby'?: string | undefined;
}

export function SelectBox<Value extends string>({
  options,
  value,
  onChange,
  className = 'select',
  ...name
}: SelectBoxProps<Value>) {
  return (
    <Select.Root items={options} value={value} onValueChange={(next) => next !== null && onChange(next)}>
      <Select.Trigger className={className} {...name}>
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
  );
}
