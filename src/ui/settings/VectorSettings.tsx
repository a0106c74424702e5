/**
 * How much is kept of each passage: how many numbers a word, and whether similar words share theirs; and what it is read with. Fewer numbers are made of
 * those that are here; anything else needs the documents read again. And how much of the memory that takes, which changes nothing
 * of what is kept.
 */
import { useState } from 'react';
import type { IndexStats, LongDocument, ResidentPrecision } from '../../index.ts';
import { builtInModel, dimsOffered } from '../models/describe.ts';
import { useModelInUse, useModelList } from '../models/ModelsProvider.tsx';
import { dimName } from '../models/words.ts';
import { preferences, setPreferences } from '../state/preferences.ts';
import { words } from '../words.ts';
import { SelectRow } from './SelectRow.tsx';

const poolFactors = ['1', '2', '3', '4'] as const;
const memories = ['stored', 'int4'] as const satisfies readonly ResidentPrecision[];
const methods = ['passage', 'window', 'whole'] as const satisfies readonly LongDocument[];
type Factor = (typeof poolFactors)[number];

export function VectorSettings({ stats }: { readonly stats: IndexStats }) {
  const { fingerprint } = stats;
  const inUse = useModelInUse();
  const { list } = useModelList(inUse !== builtInModel);
  const dims = dimsOffered(list, inUse, fingerprint.dim);
  const largest = dims[0]!;
  const presentFactor = poolFactors.find((factor) => Number(factor) === fingerprint.poolFactor) ?? '1';
  const [dim, setDim] = useState(fingerprint.dim);
  const [factor, setFactor] = useState<Factor>(presentFactor);
  const [memory, setMemory] = useState<ResidentPrecision>(stats.residentPrecision);
  const presentMethod = methodOf(fingerprint);
  const [method, setMethod] = useState<LongDocument>(presentMethod);
  const unchanged =
    method === presentMethod &&
    dim === fingerprint.dim &&
    factor === presentFactor &&
    memory === stats.residentPrecision;
  const apply = (): void => {
    setPreferences({
      dim: dim === largest ? null : dim,
      poolFactor: Number(factor) as 1 | 2 | 3 | 4,
      residentPrecision: memory,
      longDocument: method,
    });
    location.reload();
  };
  return (
    <>
      {dims.length < 2 ? null : (
        <SelectRow
          label={words.vectors}
          says={dim > fingerprint.dim ? words.vectorsMore : words.vectorsLead}
          options={dims.map((one) => ({ value: String(one), label: dimName(one, largest) }))}
          value={String(dim)}
          onChange={(next) => setDim(Number(next))}
        />
      )}
      <SelectRow
        label={words.pooling}
        says={factor === presentFactor ? words.poolingLead : words.poolingChange}
        options={poolFactors.map((value) => ({ value, label: words.poolingNames[value] }))}
        value={factor}
        onChange={setFactor}
      />
      <SelectRow
        label={words.longDocuments}
        says={method === presentMethod ? words.longLead : words.poolingChange}
        options={methods.map((value) => ({ value, label: words.longNames[value] }))}
        value={method}
        onChange={setMethod}
      />
      <SelectRow
        label={words.memory}
        says={words.memoryLead}
        options={memories.map((value) => ({ value, label: words.memoryNames[value] }))}
        value={memory}
        onChange={setMemory}
      />
      {unchanged ? null : (
        <div className="setting__apply">
          <button type="button" className="button button--primary button--small" onClick={apply}>
            {words.applyReload}
          </button>
        </div>
      )}
    </>
  );
}

function methodOf({ longDocument }: IndexStats['fingerprint']): LongDocument {
  if (longDocument === 'truncate') return 'passage';
  return preferences().longDocument === 'whole' ? 'whole' : 'window';
}
