/** "A new version is ready." Nothing reloads until the person says so. */
import { X } from 'lucide-react';
import { useEffect, useState } from 'react';
import { announce } from '../state/announce.tsx';
import { useStatus } from '../state/index-context.tsx';
import './offline.css';
import { acceptUpdate } from './service-worker.ts';
import { useOffline } from './state.ts';
import { offlineWords } from './words.ts';

export function UpdatePrompt() {
  const { updateAvailable } = useOffline();
  const status = useStatus();
  const [later, setLater] = useState(false);
  const shown = updateAvailable && !later;
  const reading = status !== null && (status.progress !== null || status.pending.files > 0);
  useEffect(() => {
    if (shown) announce(offlineWords.update);
  }, [shown]);
  if (!shown) return null;
  return (
    <section className="update-prompt" aria-label={offlineWords.update}>
      <p>{reading ? offlineWords.updateWhileReading : offlineWords.update}</p>
      <button type="button" className="button button--small" onClick={acceptUpdate}>
        {offlineWords.reload}
      </button>
      <button type="button" className="icon-button" aria-label={offlineWords.later} onClick={() => setLater(true)}>
        <X className="icon" aria-hidden />
      </button>
    </section>
  );
}
