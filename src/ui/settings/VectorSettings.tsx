/** How many numbers are kept for each word. Fewer are made of those that are here; more need the documents read again. */
import { useState } from 'react';
import type { IndexStats } from '../../index.ts';
import { setPreferences } from '../state/preferences.ts';
import { words } from '../words.ts';
import { SelectRow } from './SelectRow.tsx';

const dims = ['128', '96', '64'] as const;
type Dim = (typeof dims)[number];

export function VectorSettings({ stats }: { readonly stats: IndexStats }) {
  const present = dims.find((dim) => Number(dim) === stats.fingerprint.dim) ?? '128';
  const [dim, setDim] = useState<Dim>(present);
  const apply = (): void => {
    setPreferences({ dim: dim === '128' ? null : (Number(dim) as 96 | 64) });
    location.reload();
  };
  return (
    <>
      <SelectRow
        label={words.vectors}
        says={Number(dim) > Number(present) ? words.vectorsMore : words.vectorsLead}
        options={dims.map((value) => ({ value, label: words.vectorsNames[value] }))}
        value={dim}
        onChange={setDim}
      />
      {dim === present ? null : (
        <div className="setting__apply">
          <button type="button" className="button button--primary button--small" onClick={apply}>
            {words.applyReload}
          </button>
        </div>
      )}
    </>
  );
}
