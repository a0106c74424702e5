/** Appearance, keys, device, storage, and the proof that nothing leaves the page. */
import { Switch } from '@base-ui/react/switch';
import { useId, useState } from 'react';
import { KeysTable } from '../shell/KeysDialog.tsx';
import { bytes, count, number } from '../format.ts';
import { PageTitle } from '../parts/PageTitle.tsx';
import { Segmented } from '../parts/Segmented.tsx';
import { useDocuments, useStatus } from '../state/index-context.tsx';
import { setPreferences, usePreferences } from '../state/preferences.ts';
import type { Theme } from '../state/preferences.ts';
import { useForeignRequests } from '../state/requests.ts';
import { deviceSentence, storageLine, words } from '../words.ts';
import { DeviceSettings } from './DeviceSettings.tsx';
import './settings.css';

const themes: readonly { readonly value: Theme; readonly label: string }[] = [
  { value: 'system', label: 'System' },
  { value: 'light', label: 'Light' },
  { value: 'dark', label: 'Dark' },
];

export default function SettingsPage() {
  const { theme, letterKeys } = usePreferences();
  const status = useStatus();
  const requests = useForeignRequests();
  const keysId = useId();
  return (
    <div className="column">
      <PageTitle title={words.sections.settings} />

      <section className="setting">
        <h2>{words.appearance}</h2>
        <Segmented
          label={words.appearance}
          options={themes}
          value={theme}
          onChange={(next) => setPreferences({ theme: next })}
        />
      </section>

      <section className="setting">
        <h2>{words.deviceTitle}</h2>
        {status === null ? null : <p className="setting__text">{deviceSentence(status)}</p>}
        <DeviceSettings />
      </section>

      <Storage />

      <section className="setting">
        <h2>{words.privateTitle}</h2>
        <p className="setting__text">
          <strong className="setting__count">{number(requests)}</strong> {requests === 1 ? 'request' : 'requests'} to
          other sites since you opened it.
        </p>
      </section>

      <section className="setting">
        <h2>{words.keysTitle}</h2>
        <div className="setting__row">
          <label id={keysId} htmlFor={`${keysId}-switch`}>
            {words.letterKeys}
          </label>
          <Switch.Root
            id={`${keysId}-switch`}
            className="switch"
            checked={letterKeys}
            aria-labelledby={keysId}
            onCheckedChange={(next) => setPreferences({ letterKeys: next })}
          >
            <Switch.Thumb className="switch__thumb" />
          </Switch.Root>
        </div>
        <details>
          <summary>{words.allKeys}</summary>
          <KeysTable />
        </details>
      </section>
    </div>
  );
}

function Storage() {
  const { documents, stats } = useDocuments();
  const [kept, setKept] = useState<boolean | null>(null);
  if (stats === null || documents === null) return null;
  const persisted = kept ?? stats.persisted;
  const { usageBytes, quotaBytes } = stats;
  const full = usageBytes !== null && quotaBytes !== null && usageBytes / quotaBytes >= 0.8;
  const keep = async (): Promise<void> => setKept(await navigator.storage.persist());
  return (
    <section className="setting">
      <h2>{words.storage}</h2>
      <p className="setting__text">
        {count(documents.length, 'document')}, {count(stats.chunks, 'passage')}, {bytes(stats.vectorBytes)} kept for
        search.
      </p>
      {usageBytes === null ? null : (
        <>
          <p className="setting__text">
            {storageLine(usageBytes, quotaBytes)}
            {full ? `. ${words.nearlyFull}` : ''}
          </p>
          {quotaBytes === null ? null : (
            <div className="meter" aria-hidden>
              <span style={{ inlineSize: `${Math.max(0.5, (100 * usageBytes) / quotaBytes)}%` }} />
            </div>
          )}
        </>
      )}
      {persisted === false ? (
        <p className="setting__row">
          {kept === false ? words.notKept : words.mayClear}
          {kept === false ? null : (
            <button type="button" className="button button--small" onClick={() => void keep()}>
              {words.keepIt}
            </button>
          )}
        </p>
      ) : null}
    </section>
  );
}
