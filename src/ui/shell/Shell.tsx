/** Sections, the section in use, and the open document. A section once visited stays as it was left. */
import { lazy, Suspense, useState } from 'react';
import type { ReactNode } from 'react';
import { LoadBoundary } from '../offline/LoadBoundary.tsx';
import { SearchPage } from '../search/SearchPage.tsx';
import '../search/search.css';
import '../search/results.css';
import type { Section } from '../state/address.ts';
import { useAddress } from '../state/use-address.ts';
import { Viewer } from '../viewer/Viewer.tsx';
import '../viewer/viewer.css';
import { useViewer } from '../viewer/viewer-context.tsx';
import { words } from '../words.ts';
import { KeysDialog } from './KeysDialog.tsx';
import { Pane } from './Pane.tsx';
import { Sections } from './Sections.tsx';
import './shell.css';
import { useKeys } from './use-keys.ts';

const LibraryPage = lazy(() => import('../library/LibraryPage.tsx'));
const ModelsPage = lazy(() => import('../models/ModelsPage.tsx'));
const EvaluatePage = lazy(() => import('../evaluate/EvaluatePage.tsx'));
const BenchmarkPage = lazy(() => import('../benchmark/BenchmarkPage.tsx'));
const SettingsPage = lazy(() => import('../settings/SettingsPage.tsx'));

const pages: readonly (readonly [Section, ReactNode])[] = [
  ['search', <SearchPage key="search" />],
  ['library', <LibraryPage key="library" />],
  ['models', <ModelsPage key="models" />],
  ['evaluate', <EvaluatePage key="evaluate" />],
  ['benchmark', <BenchmarkPage key="benchmark" />],
  ['settings', <SettingsPage key="settings" />],
];

export function Shell() {
  const { address } = useAddress();
  const { opened } = useViewer();
  const [keysShown, setKeysShown] = useState(false);
  const visited = useVisited(address.section);
  useKeys(() => setKeysShown(true));
  return (
    <div className="app" data-viewing={opened === null ? undefined : ''}>
      <a
        className="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault(); // the fragment is the search's
          (document.getElementById('results') ?? document.getElementById('main'))?.focus();
        }}
      >
        {words.skip}
      </a>
      <Sections />
      <main id="main" className="main" tabIndex={-1}>
        {pages.map(([section, page]) =>
          visited.has(section) ? (
            <Pane key={section} section={section} active={section === address.section}>
              <LoadBoundary>
                <Suspense>{page}</Suspense>
              </LoadBoundary>
            </Pane>
          ) : null,
        )}
      </main>
      <Viewer />
      <KeysDialog open={keysShown} onOpenChange={setKeysShown} />
    </div>
  );
}

function useVisited(section: Section): ReadonlySet<Section> {
  const [visited, setVisited] = useState<ReadonlySet<Section>>(new Set<Section>(['search', section]));
  if (visited.has(section)) return visited;
  const next = new Set([...visited, section]);
  setVisited(next);
  return next;
}
