/** When Lateral could not start: what that means for the documents, and what to do. */
import { TriangleAlert } from 'lucide-react';
import { useState } from 'react';
import { useModelReset } from '../models/ModelsProvider.tsx';
import { modelWords } from '../models/words.ts';
import { formatAddress } from '../state/address.ts';
import { useIndex } from '../state/index-context.tsx';
import type { StartFailure as Failure } from '../state/index-context.tsx';
import { startOver } from '../state/open.ts';
import { modelStartFailure, startFailure, words } from '../words.ts';

export interface StartFailureProps {
  readonly failure: Failure;
  /** Then there is no way to lead there. */
  readonly onModelsPage?: boolean;
}

export function StartFailure({ failure, onModelsPage = false }: StartFailureProps) {
  const { model } = useIndex();
  const ofModel = model === null ? null : modelStartFailure(failure.code, model);
  return (
    <section className="start-failure" role="alert">
      <TriangleAlert className="icon start-failure__icon" aria-hidden />
      <div>
        <h2 className="start-failure__title">{ofModel ?? startFailure(failure.code)}</h2>
        {ofModel === null ? (
          <button type="button" className="button button--small" onClick={() => location.reload()}>
            {words.reload}
          </button>
        ) : (
          <OtherModels onModelsPage={onModelsPage} />
        )}
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

/** The ways on where a downloaded model cannot be opened: the one that comes with Lateral, or downloading it again. */
function OtherModels({ onModelsPage }: { readonly onModelsPage: boolean }) {
  const reset = useModelReset();
  return (
    <div className="start-failure__ways">
      <button type="button" className="button button--small" onClick={reset}>
        {modelWords.useMini}
      </button>
      {onModelsPage ? null : (
        <a className="button button--small" href={formatAddress({ section: 'models', query: '' })}>
          {modelWords.goToModels}
        </a>
      )}
    </div>
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
