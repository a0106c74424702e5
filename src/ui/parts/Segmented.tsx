/** One of a few, side by side; a radiogroup to assistive technology. */
import { Radio } from '@base-ui/react/radio';
import { RadioGroup } from '@base-ui/react/radio-group';

export interface SegmentedProps<Value extends string> {
  readonly label: string;
  readonly options: readonly { readonly value: Value; readonly label: string }[];
  readonly value: Value;
  readonly onChange: (value: Value) => void;
}

export function Segmented<Value extends string>({ label, options, value, onChange }: SegmentedProps<Value>) {
  return (
    <RadioGroup className="segmented" aria-label={label} value={value} onValueChange={onChange}>
      {options.map((option) => (
        <Radio.Root key={option.value} value={option.value} className="segmented__option">
          {option.label}
        </Radio.Root>
      ))}
    </RadioGroup>
  );
}
