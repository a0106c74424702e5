/** How much of the browser's room is in use, when it is nearly full, and whether the browser promises to keep it. */
import { TriangleAlert } from 'lucide-react';
import { useState } from 'react';
import type { IndexStats } from '../../index.ts';
import { keep, useKept } from '../state/storage.ts';
import { storageLine, words } from '../words.ts';
import './storage-meter.css';

const nearlyFullShare = 0.8;

/** @param brief without the question whether to keep it */
export function StorageMeter({ stats, brief = false }: { readonly stats: IndexStats; readonly brief?: boolean }) {
  const { usageBytes, quotaBytes } = stats;
  if (usageBytes === null) return null;
  const share = quotaBytes === null || quotaBytes === 0 ? null : usageBytes / quotaBytes;
  const full = share !== null && share >= nearlyFullShare;
  return (
    <div className="storage" data-brief={brief ? '' : undefined}>
      <p className="storage__line tabular">
        {storageLine(usageBytes, quotaBytes)}
        {full ? (
          <span className="storage__full">
            <TriangleAlert className="icon" aria-hidden />
            {words.nearlyFull}
          </span>
        ) : null}
      </p>
      {share === null ? null : (
        <div className="meter" aria-hidden>
          <span style={{ inlineSize: `${Math.min(100, Math.max(0.5, 100 * share))}%` }} />
        </div>
      )}
      {brief ? null : <Keeping persisted={stats.persisted} />}
    </div>
  );
}

function Keeping({ persisted }: { readonly persisted: boolean | null }) {
  const kept = useKept();
  const [refused, setRefused] = useState(false);
  if (kept === true || persisted !== false) return null;
  if (refused) return <p className="storage__keep">{words.notKept}</p>;
  return (
    <p className="storage__keep">
      {words.mayClear}{' '}
      <button
        type="button"
        className="button button--small"
        onClick={() => void keep().then((agreed) => setRefused(!agreed))}
      >
        {words.keepIt}
      </button>
    </p>
  );
}
