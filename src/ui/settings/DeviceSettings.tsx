/** Which device reads and which compares. The choice stands in the address, so it applies by loading the page anew. */
import { useState } from 'react';
import { words } from '../words.ts';
import { SelectRow } from './SelectRow.tsx';

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
      <SelectRow label={words.readingOn} options={devices} value={encoder} onChange={setEncoder} />
      <SelectRow label={words.comparingOn} options={devices} value={scorer} onChange={setScorer} />
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
