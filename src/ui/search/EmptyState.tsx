/** The first page a person sees: what this is, an example that speaks for itself, and the ways to begin. */
import { WideAddButtons } from '../adding/AddButtons.tsx';
import { words } from '../words.ts';
import { Specimen } from './Specimen.tsx';

export function EmptyState() {
  return (
    <div className="empty">
      <h1 className="empty__title" tabIndex={-1}>
        {words.hero}
      </h1>
      <p className="empty__lead">{words.heroLead}</p>
      <Specimen />
      <WideAddButtons primary />
      <p className="empty__formats">{words.formats}</p>
    </div>
  );
}
