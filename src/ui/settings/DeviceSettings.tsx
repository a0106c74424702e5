/** Which device reads and which compares. The choice stands in the address, so it applies by loading the page anew. */
import { Select } from '@base-ui/react/select';
import { Check, ChevronDown } from 'lucide-react';
import { useId, useState } from 'react';
import { inMain } from '../parts/portal.ts';
import { words } from '../words.ts';

type Device = 'auto' | 'webgpu' | 'wasm';
const devices: readonly { readonly value: Device; readonly label: string }[] = [
  { value: 'auto', label: 'Automatic' },
  { value: 'webgpu', label: 'Graphics card' },
  { value: 'wasm', label: 'Processor' },
];

export function DeviceSettings() {
  const parameters = new URLSearchParams(location.search);
  const [encoder, setEncoder] = useState(deviceFrom(parameters.get('encoder')));
  const [scorer, setScorer] = useState(deviceFrom(parameters.get('scorer')));
  const changed = encoder !== deviceFrom(parameters.get('encoder')) || scorer !== deviceFrom(parameters.get('scorer'));
  const apply = (): void => {
    const next = new URL(location.href);
    for (const [name, device] of [
      ['encoder', encoder],
      ['scorer', scorer],
    ] as const) {
      if (device === 'auto') next.searchParams.delete(name);
      else next.searchParams.set(name, device);
    }
    location.assign(next);
  };
  return (
    <>
      <DeviceSelect label={words.readingOn} value={encoder} onChange={setEncoder} />
      <DeviceSelect label={words.comparingOn} value={scorer} onChange={setScorer} />
      {changed ? (
        <div className="setting__apply">
          <button type="button" className="button button--primary button--small" onClick={apply}>
            {words.applyReload}
          </button>
        </div>
      ) : null}
    </>
  );
}

const deviceFrom = (parameter: string | null): Device =>
  parameter === 'webgpu' ? 'webgpu' : parameter === 'wasm' || parameter === 'js' ? 'wasm' : 'auto';

interface DeviceSelectProps {
  readonly label: string;
  readonly value: Device;
  readonly onChange: (device: Device) => void;
}

function DeviceSelect({ label, value, onChange }: DeviceSelectProps) {
  const id = useId();
  return (
    <div className="setting__row">
      <span id={id}>{label}</span>
      <Select.Root items={devices} value={value} onValueChange={(next) => next !== null && onChange(next)}>
        <Select.Trigger className="select select--edged" aria-labelledby={id}>
          <Select.Value />
          <Select.Icon className="select__icon">
            <ChevronDown className="icon" aria-hidden />
          </Select.Icon>
        </Select.Trigger>
        <Select.Portal container={inMain()}>
          <Select.Positioner className="positioner" alignItemWithTrigger={false} sideOffset={4} align="end">
            <Select.Popup className="menu">
              {devices.map((device) => (
                <Select.Item key={device.value} value={device.value} className="menu__item">
                  <span className="menu__mark">
                    <Select.ItemIndicator>
                      <Check className="icon" aria-hidden />
                    </Select.ItemIndicator>
                  </span>
                  <Select.ItemText>{device.label}</Select.ItemText>
                </Select.Item>
              ))}
            </Select.Popup>
          </Select.Positioner>
        </Select.Portal>
      </Select.Root>
    </div>
  );
}
