/** What the documents take of the browser's room and what Lateral itself, when it is nearly full, and whether it is kept for good. */
import { TriangleAlert } from 'lucide-react';
import { useState } from 'react';
import type { IndexStats } from '../../index.ts';
import { keep, useKept } from '../state/storage.ts';
import { bytes } from '../format.ts';
import { words } from '../words.ts';
import './storage-meter.css';

const nearlyFullShare = 0.8;

/** @param brief without the question whether to keep it */
export function StorageMeter({ stats, brief = false }: { readonly stats: IndexStats; readonly brief?: boolean }) {
  const { usageBytes, quotaBytes } = stats;
  if (usageBytes === null) return null;
  const appBytes = stats.appBytes ?? 0;
  const documentBytes = usageBytes - appBytes;
  const shareOf = quotaBytes === null || quotaBytes === 0 ? null : (part: number): number => part / quotaBytes;
  const full = shareOf !== null && shareOf(usageBytes) >= nearlyFullShare;
  return (
    <div className="storage" data-brief={brief ? '' : undefined}>
      <dl className="storage__parts tabular">
        <Part name={words.storedDocuments} size={documentBytes} />
        {appBytes === 0 ? null : <Part name={brief ? words.storedAppBrief : words.storedApp} size={appBytes} />}
        {quotaBytes === null ? null : <Part name={words.storageFree} size={Math.max(0, quotaBytes - usageBytes)} />}
      </dl>
      {shareOf === null ? null : (
        <div className="meter" aria-hidden>
          <span style={{ inlineSize: percent(shareOf(documentBytes)) }} />
          {appBytes === 0 ? null : <span className="meter__app" style={{ inlineSize: percent(shareOf(appBytes)) }} />}
        </div>
      )}
      {full ? (
        <p className="storage__full">
          <TriangleAlert className="icon" aria-hidden />
          {words.nearlyFull}
        </p>
      ) : null}
      {brief ? null : <Keeping persisted={stats.persisted} />}
    </div>
  );
}

/** Never so little that it cannot be seen. */
const percent = (share: number): string => `${Math.min(100, Math.max(0.5, 100 * share))}%`;

function Part({ name, size }: { readonly name: string; readonly size: number }) {
  return (
    <div className="storage__part">
      <dt>{name}</dt>
      <dd>{bytes(size)}</dd>
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
