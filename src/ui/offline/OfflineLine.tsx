/** One line: whether Lateral works without a network, or how far it is. A few words at the sidebar's foot, all in Settings. */
import { CircleCheck, CloudDownload, CloudOff } from 'lucide-react';
import { Hint } from '../parts/Hint.tsx';
import './offline.css';
import { type OfflineState, useOffline } from './state.ts';
import { offlineWords } from './words.ts';

export interface OfflineLineProps {
  /** 'full': every word; 'brief': a few, the rest as a hint; 'rail': only the icon, with the words as its hint. */
  readonly as?: 'full' | 'brief' | 'rail';
}

export function OfflineLine({ as = 'full' }: OfflineLineProps) {
  const line = describe(useOffline());
  if (line === null) return null;
  const { Icon, text, brief, ready } = line;
  if (as === 'rail') {
    return (
      <Hint text={text} side="right">
        <span className="offline-line offline-line--rail" role="img" aria-label={text}>
          <Icon className={ready ? 'icon offline-line__ready' : 'icon'} aria-hidden />
        </span>
      </Hint>
    );
  }
  return (
    <Hint text={text} side="right" disabled={as === 'full' || brief === text}>
      <p className="offline-line">
        <Icon className={ready ? 'icon offline-line__ready' : 'icon'} aria-hidden />
        {as === 'full' ? text : brief}
      </p>
    </Hint>
  );
}

function describe({ readiness, done, total, reason, online }: OfflineState) {
  if (readiness === 'unsupported' || readiness === 'starting') return null;
  const { brief } = offlineWords;
  if (readiness === 'ready') {
    return online
      ? { Icon: CircleCheck, ready: true, text: offlineWords.ready, brief: offlineWords.ready }
      : { Icon: CircleCheck, ready: true, text: offlineWords.offlineReady, brief: brief.offlineReady };
  }
  if (!online) {
    return { Icon: CloudOff, ready: false, text: offlineWords.offlineNotReady, brief: brief.offlineNotReady };
  }
  if (readiness === 'keeping') {
    const text = offlineWords.keeping(done, total);
    return { Icon: CloudDownload, ready: false, text, brief: brief.keeping(done, total) };
  }
  return { Icon: CloudOff, ready: false, text: offlineWords.stalled[reason ?? 'network'], brief: brief.stalled };
}
