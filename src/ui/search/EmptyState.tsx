/** The first page a person sees: what this is, an example that speaks for itself, and the ways to begin. */
import { BookOpen, TriangleAlert } from 'lucide-react';
import { WideAddButtons } from '../adding/AddButtons.tsx';
import { useAdding, useTransfer } from '../adding/AddingProvider.tsx';
import { useDocuments } from '../state/index-context.tsx';
import { words } from '../words.ts';
import { useSearch } from './search-context.tsx';
import { Specimen } from './Specimen.tsx';

export function EmptyState() {
  const { collections } = useAdding();
  const { running } = useTransfer();
  const { query } = useSearch();
  return (
    <div className="empty">
      <Evicted />
      <h1 className="empty__title" tabIndex={-1}>
        {words.hero}
      </h1>
      <p className="empty__lead">{query.trim() === '' ? words.heroLead : words.nothingYet}</p>
      <Specimen />
      <WideAddButtons primary />
      <p className="empty__formats">{words.formats}</p>
      <div className="empty__sample">
        <p>{words.justLooking}</p>
        <button
          type="button"
          className="button"
          disabled={running !== null}
          onClick={() => void collections.openSample()}
        >
          <BookOpen className="icon" aria-hidden />
          {words.trySample}
        </button>
      </div>
    </div>
  );
}

/** What was here is gone, and not by the person's hand. */
function Evicted() {
  const { evicted } = useDocuments();
  const { pickCollection } = useAdding();
  if (!evicted) return null;
  return (
    <div className="evicted" role="status">
      <TriangleAlert className="icon" aria-hidden />
      <p>{words.evicted}</p>
      <button type="button" className="button button--small" onClick={pickCollection}>
        {words.import}
      </button>
    </div>
  );
}
