/** Every document in one table: open it, select some, delete them. */
import { useState } from 'react';
import { WideAddButtons } from '../adding/AddButtons.tsx';
import { ProgressPanel } from '../adding/ProgressPanel.tsx';
import { count } from '../format.ts';
import { PageTitle } from '../parts/PageTitle.tsx';
import { useDocuments } from '../state/index-context.tsx';
import { narrow, useMedia } from '../state/use-media.ts';
import { storageLine, words } from '../words.ts';
import { DocumentTable } from './DocumentTable.tsx';
import './library.css';
import { useDelete } from './use-delete.ts';

export function LibraryPage() {
  const { documents, stats } = useDocuments();
  const phone = useMedia(narrow);
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const remove = useDelete();
  const chosen = (documents ?? []).filter((record) => selected.has(record.id)).map((record) => record.id);
  const storage = storageLine(stats?.usageBytes ?? null, stats?.quotaBytes ?? null);
  const summary =
    documents === null || documents.length === 0
      ? undefined
      : [count(documents.length, 'document'), count(stats?.chunks ?? 0, 'passage'), storage]
          .filter(Boolean)
          .join(' · ');

  return (
    <div className="column">
      <PageTitle title={words.sections.library} {...(summary === undefined ? {} : { lead: summary })} />
      {phone ? <WideAddButtons primary={documents?.length === 0} /> : null}
      <ProgressPanel />
      {documents?.length === 0 ? <p className="library__empty">{words.libraryEmpty}</p> : null}
      {documents !== null && documents.length > 0 ? (
        <>
          {chosen.length > 0 ? (
            <div className="library__bar">
              <span>{words.selected(chosen.length)}</span>
              <button
                type="button"
                className="button button--small button--danger"
                onClick={() => {
                  setSelected(new Set());
                  void remove(chosen);
                }}
              >
                {words.deleteOne}
              </button>
              <button type="button" className="text-button" onClick={() => setSelected(new Set())}>
                {words.clearSelection}
              </button>
            </div>
          ) : null}
          <DocumentTable
            documents={documents}
            selected={selected}
            onSelect={setSelected}
            onDelete={(id) => void remove([id])}
          />
        </>
      ) : null}
    </div>
  );
}
