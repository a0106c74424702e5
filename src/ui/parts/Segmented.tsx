/** One of a few, side by side; a radiogroup to assistive technology. */
import { Radio } from '@base-ui/react/radio';
import { RadioGroup } from '@base-ui/react/radio-group';
import { Hint } from './Hint.tsx';

export interface SegmentedProps<Value extends string> {
  readonly label: string;
  readonly options: readonly { readonly value: Value; readonly label: string; readonly says?: string }[];
  readonly value: Value;
  readonly onChange: (value: Value) => void;
}

export function Segmented<Value extends string>({ label, options, value, onChange }: SegmentedProps<Value>) {
  return (
    <RadioGroup className="segmented" aria-label={label} value={value} onValueChange={onChange}>
      {options.map((option) => (
        <Hint key={option.value} text={option.says ?? ''} disabled={option.says === undefined}>
          <Radio.Root value={option.value} className="segmented__option" aria-description={option.says}>
            {option.label}
          </Radio.Root>
        </Hint>
      ))}
    </RadioGroup>
  );
}
