/** When Lateral could not start: what that means for the documents, and what to do. */
import { TriangleAlert } from 'lucide-react';
import { useState } from 'react';
import type { StartFailure as Failure } from '../state/index-context.tsx';
import { startOver } from '../state/open.ts';
import { startFailure, words } from '../words.ts';

export function StartFailure({ failure }: { readonly failure: Failure }) {
  return (
    <section className="start-failure" role="alert">
      <TriangleAlert className="icon start-failure__icon" aria-hidden />
      <div>
        <h2 className="start-failure__title">{startFailure(failure.code)}</h2>
        <button type="button" className="button button--small" onClick={() => location.reload()}>
          {words.reload}
        </button>
        {failure.code === 'model-mismatch' ? <StartOver /> : null}
        <details className="start-failure__details">
          <summary>{words.details}</summary>
          <p>
            {failure.code}
            {failure.message === '' ? '' : `: ${failure.message}`}
          </p>
        </details>
      </div>
    </section>
  );
}

/** The way on for documents of another model: remove them, so that they can be read anew. Asks once more. */
function StartOver() {
  const [asked, setAsked] = useState(false);
  if (!asked) {
    return (
      <button type="button" className="text-button" onClick={() => setAsked(true)}>
        {words.startOver}
      </button>
    );
  }
  return (
    <p>
      {words.startOverAsk}{' '}
      <button type="button" className="text-button" onClick={startOver}>
        {words.startOver}
      </button>
    </p>
  );
}
