/** Every document in one table: open it, select some, search only in those, delete them; the collection in and out. */
import { Menu } from '@base-ui/react/menu';
import { Download, Ellipsis, Trash2, Upload, X } from 'lucide-react';
import { useState } from 'react';
import { WideAddButtons } from '../adding/AddButtons.tsx';
import { useAdding, useAddingPhase } from '../adding/AddingProvider.tsx';
import { ProgressPanel } from '../adding/ProgressPanel.tsx';
import { count } from '../format.ts';
import { Hint } from '../parts/Hint.tsx';
import { PageTitle } from '../parts/PageTitle.tsx';
import { inMain } from '../parts/portal.ts';
import { StorageMeter } from '../parts/StorageMeter.tsx';
import { useSearch } from '../search/search-context.tsx';
import { formatAddress } from '../state/address.ts';
import { useDocuments } from '../state/index-context.tsx';
import { narrow, useMedia } from '../state/use-media.ts';
import { words } from '../words.ts';
import { DeleteAllDialog } from './DeleteAllDialog.tsx';
import { DocumentTable } from './DocumentTable.tsx';
import './library.css';
import { useDelete } from './use-delete.ts';

export default function LibraryPage() {
  const { documents, stats } = useDocuments();
  const phone = useMedia(narrow);
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const remove = useDelete();
  const filled = documents !== null && documents.length > 0;
  const phase = useAddingPhase();
  const empty = documents?.length === 0 && phase !== 'running';
  const summary = filled
    ? `${count(documents.length, 'document')} · ${count(stats?.chunks ?? 0, 'passage')}`
    : undefined;

  return (
    <div className="column">
      <PageTitle title={words.sections.library} {...(summary === undefined ? {} : { lead: summary })}>
        <LibraryMenu filled={filled} />
      </PageTitle>
      {phone && !empty ? <WideAddButtons primary={false} /> : null}
      <ProgressPanel />
      {stats === null || !filled ? null : (
        <div className="library__storage">
          <StorageMeter stats={stats} />
        </div>
      )}
      {empty ? (
        <div className="library__empty">
          <p className="library__none">{words.libraryEmpty}</p>
          <WideAddButtons primary />
        </div>
      ) : null}
      {filled ? (
        <>
          <SelectionBar selected={selected} onClear={() => setSelected(new Set())} />
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

/** What can be done with the selected documents. */
function SelectionBar({ selected, onClear }: { readonly selected: ReadonlySet<string>; readonly onClear: () => void }) {
  const { documents } = useDocuments();
  const { choose, query } = useSearch();
  const remove = useDelete();
  const chosen = (documents ?? []).filter((record) => selected.has(record.id));
  if (chosen.length === 0) return null;
  return (
    <div className="library__bar">
      <span className="library__count">{words.selected(chosen.length)}</span>
      <a
        className="button button--small"
        href={formatAddress({ section: 'search', query })}
        onClick={() => choose(chosen.map(({ id, name }) => ({ id, name })))}
      >
        {words.searchInThese}
      </a>
      <button
        type="button"
        className="button button--small button--danger"
        onClick={() => {
          onClear();
          void remove(chosen.map(({ id }) => id));
        }}
      >
        {words.deleteOne}
      </button>
      <Hint text={words.clearSelection}>
        <button type="button" className="icon-button" aria-label={words.clearSelection} onClick={onClear}>
          <X className="icon" aria-hidden />
        </button>
      </Hint>
    </div>
  );
}

function LibraryMenu({ filled }: { readonly filled: boolean }) {
  const { collections, pickCollection } = useAdding();
  const [asking, setAsking] = useState(false);
  return (
    <>
      <Menu.Root>
        <Menu.Trigger className="icon-button icon-button--edged" aria-label={words.libraryActions}>
          <Ellipsis className="icon" aria-hidden />
        </Menu.Trigger>
        <Menu.Portal container={inMain()}>
          <Menu.Positioner className="positioner" sideOffset={4} align="end" collisionPadding={16}>
            <Menu.Popup className="menu">
              <Menu.Item className="menu__item" onClick={pickCollection}>
                <Upload className="icon" aria-hidden />
                {words.importCollection}
              </Menu.Item>
              <Menu.Item className="menu__item" disabled={!filled} onClick={() => void collections.export()}>
                <Download className="icon" aria-hidden />
                {words.exportCollection}
              </Menu.Item>
              <Menu.Item className="menu__item menu__item--danger" disabled={!filled} onClick={() => setAsking(true)}>
                <Trash2 className="icon" aria-hidden />
                {words.deleteAll}
              </Menu.Item>
            </Menu.Popup>
          </Menu.Positioner>
        </Menu.Portal>
      </Menu.Root>
      <DeleteAllDialog open={asking} onOpenChange={setAsking} />
    </>
  );
}
