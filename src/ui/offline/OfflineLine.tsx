/** One line: whether Lateral works without a network, or how far it is. */
import { CircleCheck, CloudDownload, CloudOff } from 'lucide-react';
import { Hint } from '../parts/Hint.tsx';
import './offline.css';
import { type OfflineState, useOffline } from './state.ts';
import { offlineWords } from './words.ts';

/** @param rail only the icon, with the words as its hint */
export function OfflineLine({ rail = false }: { readonly rail?: boolean }) {
  const line = describe(useOffline());
  if (line === null) return null;
  const { Icon, text, ready } = line;
  if (rail) {
    return (
      <Hint text={text} side="right">
        <span className="offline-line offline-line--rail" role="img" aria-label={text}>
          <Icon className={ready ? 'icon offline-line__ready' : 'icon'} aria-hidden />
        </span>
      </Hint>
    );
  }
  return (
    <p className="offline-line">
      <Icon className={ready ? 'icon offline-line__ready' : 'icon'} aria-hidden />
      {text}
    </p>
  );
}

function describe({ readiness, done, total, reason, online }: OfflineState) {
  if (readiness === 'unsupported' || readiness === 'starting') return null;
  if (readiness === 'ready') {
    return { Icon: CircleCheck, ready: true, text: online ? offlineWords.ready : offlineWords.offlineReady };
  }
  if (!online) return { Icon: CloudOff, ready: false, text: offlineWords.offlineNotReady };
  if (readiness === 'keeping') return { Icon: CloudDownload, ready: false, text: offlineWords.keeping(done, total) };
  return { Icon: CloudOff, ready: false, text: offlineWords.stalled[reason ?? 'network'] };
}
