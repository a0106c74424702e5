/** Name, type, passages, added. Sorted by what was added last. */
import { Trash2 } from 'lucide-react';
import { useMemo, useState } from 'react';
import type { DocumentRecord } from '../../index.ts';
import { day, number } from '../format.ts';
import { languageOf } from '../parts/script.ts';
import { useViewer } from '../viewer/viewer-context.tsx';
import { kindName, words } from '../words.ts';

/** Rows shown at first; more on request, so that ten thousand documents open at once. */
const pageRows = 200;

export interface DocumentTableProps {
  readonly documents: readonly DocumentRecord[];
  readonly selected: ReadonlySet<string>;
  readonly onSelect: (selected: ReadonlySet<string>) => void;
  readonly onDelete: (documentId: string) => void;
}

export function DocumentTable({ documents, selected, onSelect, onDelete }: DocumentTableProps) {
  const { open, opened } = useViewer();
  const [rows, setRows] = useState(pageRows);
  const sorted = useMemo(() => documents.toSorted((a, b) => b.addedAt - a.addedAt), [documents]);
  const shown = sorted.slice(0, rows);
  const all = shown.every((record) => selected.has(record.id));
  const toggle = (id: string): void => {
    const next = new Set(selected);
    if (!next.delete(id)) next.add(id);
    onSelect(next);
  };
  return (
    <>
      <table className="library">
        <thead>
          <tr>
            <th scope="col" className="library__check">
              <label className="check">
                <input
                  type="checkbox"
                  aria-label={words.selectAll}
                  checked={all}
                  onChange={() => onSelect(all ? new Set() : new Set(shown.map((record) => record.id)))}
                />
              </label>
            </th>
            <th scope="col">{words.columns.name}</th>
            <th scope="col" className="library__type">
              {words.columns.type}
            </th>
            <th scope="col" className="library__passages">
              {words.columns.passages}
            </th>
            <th scope="col" className="library__added">
              {words.columns.added}
            </th>
            <th scope="col" className="library__delete">
              <span className="sr-only">{words.columns.actions}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {shown.map((record) => (
            <tr
              key={record.id}
              data-selected={selected.has(record.id) ? '' : undefined}
              data-open={opened?.documentId === record.id ? '' : undefined}
            >
              <td className="library__check">
                <label className="check">
                  <input
                    type="checkbox"
                    aria-label={words.selectDocument(record.name)}
                    checked={selected.has(record.id)}
                    onChange={() => toggle(record.id)}
                  />
                </label>
              </td>
              <th scope="row" className="library__name">
                <button
                  type="button"
                  className="library__open"
                  dir="auto"
                  lang={languageOf(record.language, record.name)}
                  title={record.path === '' ? record.name : `${record.path}/${record.name}`}
                  onClick={() => open({ documentId: record.id, chunk: null })}
                >
                  {record.name}
                </button>
                {record.path === '' ? null : (
                  <span className="library__path">
                    <bdi>{record.path}</bdi>
                  </span>
                )}
                {record.notes.map((note) => (
                  <span key={note} className="library__path">
                    {note}
                  </span>
                ))}
              </th>
              <td className="library__type">{kindName(record.mediaType)}</td>
              <td className="library__passages">{number(record.chunkCount)}</td>
              <td className="library__added">{day(record.addedAt)}</td>
              <td className="library__delete">
                <button
                  type="button"
                  className="icon-button"
                  aria-label={words.deleteNamed(record.name)}
                  onClick={() => onDelete(record.id)}
                >
                  <Trash2 className="icon" aria-hidden />
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {sorted.length > rows ? (
        <button type="button" className="button button--small library__more" onClick={() => setRows(rows + pageRows)}>
          {words.showMore}
        </button>
      ) : null}
    </>
  );
}
