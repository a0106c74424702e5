/** A setting with a few values to choose from. */
import { useId } from 'react';
import { SelectBox } from '../parts/SelectBox.tsx';

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
      <SelectBox
        options={options}
        value={value}
        onChange={onChange}
        className="select select--edged"
        aria-labelledby={id}
        aria-describedby={says === undefined ? undefined : `${id}-says`}
      />
    </div>
  );
}
