/** Appearance, device, storage, the proof that nothing leaves the page, offline, keys, and a report for when it fails. */
import { Switch } from '@base-ui/react/switch';
import { useId } from 'react';
import type { ReactNode } from 'react';
import { OfflineLine } from '../offline/OfflineLine.tsx';
import { KeysTable } from '../shell/KeysDialog.tsx';
import { bytes, count, number } from '../format.ts';
import { CopyButton } from '../parts/CopyButton.tsx';
import { PageTitle } from '../parts/PageTitle.tsx';
import { Segmented } from '../parts/Segmented.tsx';
import { StorageMeter } from '../parts/StorageMeter.tsx';
import { toasts } from '../parts/toasts.ts';
import { announceStop } from '../state/announce.tsx';
import { useDocuments, useIndex, useStatus } from '../state/index-context.tsx';
import { setPreferences, usePreferences } from '../state/preferences.ts';
import type { Theme } from '../state/preferences.ts';
import { useAskedHosts, useForeignRequests } from '../state/requests.ts';
import { deviceSentence, words } from '../words.ts';
import { DeviceSettings } from './DeviceSettings.tsx';
import { modelWords } from '../models/words.ts';
import { selfTestReport } from './report.ts';
import './settings.css';
import { usePolicy } from './use-policy.ts';
import { SourceSettings } from './SourceSettings.tsx';
import { VectorSettings } from './VectorSettings.tsx';

const themes: readonly { readonly value: Theme; readonly label: string }[] = [
  { value: 'system', label: 'System' },
  { value: 'light', label: 'Light' },
  { value: 'dark', label: 'Dark' },
];

export default function SettingsPage() {
  const { theme, letterKeys } = usePreferences();
  const status = useStatus();
  return (
    <div className="column">
      <PageTitle title={words.sections.settings} />

      <Setting title={words.appearance}>
        <Segmented
          label={words.appearance}
          options={themes}
          value={theme}
          onChange={(next) => setPreferences({ theme: next })}
        />
      </Setting>

      <Setting title={words.deviceTitle}>
        {status === null ? null : <p className="setting__text">{deviceSentence(status)}</p>}
        <DeviceSettings />
      </Setting>

      <Storage />
      <Privacy />

      <Setting title={modelWords.sourceTitle}>
        <SourceSettings />
      </Setting>

      <Setting title={words.offline}>
        <OfflineLine />
      </Setting>

      <Setting title={words.keysTitle}>
        <SwitchRow
          label={words.letterKeys}
          checked={letterKeys}
          onChange={(next) => setPreferences({ letterKeys: next })}
        />
        <details>
          <summary>{words.allKeys}</summary>
          <KeysTable />
        </details>
      </Setting>

      <Report />
    </div>
  );
}

function Setting({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  const id = useId();
  return (
    <section className="setting" aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {children}
    </section>
  );
}

interface SwitchRowProps {
  readonly label: string;
  readonly says?: string;
  readonly checked: boolean;
  readonly onChange: (checked: boolean) => void;
}

function SwitchRow({ label, says, checked, onChange }: SwitchRowProps) {
  const id = useId();
  return (
    <div className="setting__row">
      <span>
        <label id={id} htmlFor={`${id}-switch`}>
          {label}
        </label>
        {says === undefined ? null : (
          <span id={`${id}-says`} className="setting__says">
            {says}
          </span>
        )}
      </span>
      <Switch.Root
        id={`${id}-switch`}
        className="switch"
        checked={checked}
        aria-labelledby={id}
        aria-describedby={says === undefined ? undefined : `${id}-says`}
        onCheckedChange={onChange}
      >
        <Switch.Thumb className="switch__thumb" />
      </Switch.Root>
    </div>
  );
}

function Storage() {
  const { documents, stats } = useDocuments();
  if (stats === null || documents === null) return null;
  return (
    <Setting title={words.storage}>
      <p className="setting__text">
        {count(documents.length, 'document')}, {count(stats.chunks, 'passage')}, {bytes(stats.vectorBytes)} kept for
        search.
      </p>
      <StorageMeter stats={stats} />
      <VectorSettings stats={stats} />
      <Originals sourceBytes={stats.sourceBytes} />
    </Setting>
  );
}

/** Whether original files are kept beside their text, and the way to let go of those that are. */
function Originals({ sourceBytes }: { readonly sourceBytes: number }) {
  const { index } = useIndex();
  const { keepSources } = usePreferences();
  const change = (next: boolean): void => {
    setPreferences({ keepSources: next });
    index?.configure({ keepSources: next }).catch(() => undefined); // asked for again at the next start
  };
  const drop = async (): Promise<void> => {
    if (index === null) return;
    try {
      toasts.add({ description: words.originalsRemoved(bytes(await index.dropSources())), timeout: 6000 });
    } catch {
      announceStop(words.originalsFailed);
    }
  };
  return (
    <>
      <SwitchRow label={words.originals} says={words.originalsLead} checked={keepSources} onChange={change} />
      {!keepSources && sourceBytes > 0 ? (
        <div className="setting__apply">
          <button type="button" className="button button--small" onClick={() => void drop()}>
            {words.originalsRemove(bytes(sourceBytes))}
          </button>
        </div>
      ) : null}
    </>
  );
}

function Privacy() {
  const requests = useForeignRequests();
  const asked = useAskedHosts();
  const policy = usePolicy();
  return (
    <Setting title={words.privateTitle}>
      <p className="setting__text">{words.privateLead}</p>
      <p className="setting__text">
        <strong className="setting__count tabular">{number(requests)}</strong> {requests === 1 ? 'request' : 'requests'}{' '}
        to other sites since you opened it.
      </p>
      {asked.length === 0 ? null : <p className="setting__text">{modelWords.askedHosts(asked)}</p>}
      {policy === undefined ? null : (
        <details>
          <summary>{words.policyTitle}</summary>
          {policy === null ? (
            <p className="setting__text">{words.policyNone}</p>
          ) : (
            <ul className="policy">
              {policy.split(';').map((rule) => (
                <li key={rule}>{rule.trim()}</li>
              ))}
            </ul>
          )}
        </details>
      )}
    </Setting>
  );
}

function Report() {
  const status = useStatus();
  const { stats } = useDocuments();
  const policy = usePolicy();
  return (
    <Setting title={words.report}>
      <p className="setting__text">{words.reportLead}</p>
      <div>
        <CopyButton text={() => selfTestReport(status, stats, policy ?? null)} label={words.copyReport} />
      </div>
    </Setting>
  );
}
