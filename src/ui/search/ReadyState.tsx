/** Documents are here and nothing is asked yet: a word on asking, and what was added last. */
import { useAddingState } from '../adding/AddingProvider.tsx';
import { day } from '../format.ts';
import { useDocuments } from '../state/index-context.tsx';
import { useViewer } from '../viewer/viewer-context.tsx';
import { languageOf } from '../parts/script.ts';
import { kindName, words } from '../words.ts';

const shown = 6;

export function ReadyState() {
  const { documents } = useDocuments();
  const { open } = useViewer();
  const { phase } = useAddingState();
  if (documents === null) return null;
  if (documents.length === 0) return phase === 'running' ? <p className="ready__lead">{words.readAsItComes}</p> : null;
  const latest = documents.toSorted((a, b) => b.addedAt - a.addedAt).slice(0, shown);
  return (
    <div className="ready">
      <h2 className="ready__title">{words.readyTitle}</h2>
      <p className="ready__lead">{words.readyLead}</p>
      <h3 className="ready__heading">{words.recent}</h3>
      <ul className="ready__list">
        {latest.map((record) => (
          <li key={record.id} className="ready__row">
            <button
              type="button"
              className="ready__name"
              dir="auto"
              lang={languageOf(record.language, record.name)}
              onClick={() => open({ documentId: record.id, chunk: null })}
            >
              {record.name}
            </button>
            <span className="ready__meta">{kindName(record.mediaType)}</span>
            <span className="ready__meta ready__day">{day(record.addedAt)}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}
