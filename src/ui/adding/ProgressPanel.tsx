/** How far the reading is, how to stop it, and what came of it. Failures stay listed until dismissed. */
import { Check, TriangleAlert, X } from 'lucide-react';
import { useId, useState } from 'react';
import { failureSentence, outcome, progressLine, progressValue, stopReason, words } from '../words.ts';
import { useAdding, useAddingState } from './AddingProvider.tsx';
import type { AddingState } from './adder.ts';

export function ProgressPanel() {
  const state = useAddingState();
  if (state.phase === 'idle' && state.failed.length === 0) return null;
  return (
    <section className="progress" aria-label="Reading">
      {state.phase === 'running' ? <Running state={state} /> : null}
      {state.phase === 'finished' && state.failed.length === 0 ? <Finished state={state} /> : null}
      {state.phase === 'stopped' ? <Stopped state={state} /> : null}
      {state.failed.length > 0 ? <Failures state={state} /> : null}
    </section>
  );
}

function Running({ state }: { readonly state: AddingState }) {
  const { adder } = useAdding();
  const { done, total, etaSeconds, current } = state;
  const within = current === undefined || current.total === 0 ? 0 : Math.min(1, current.done / current.total);
  const part = Math.min(1, (done + within) / total);
  return (
    <>
      <div className="progress__head">
        <p className="progress__line tabular">{progressLine(done, total, etaSeconds)}</p>
        <button type="button" className="text-button" onClick={() => adder.cancel()}>
          {words.cancel}
        </button>
      </div>
      <div
        className="progress__track"
        role="progressbar"
        aria-label="Reading files"
        aria-valuemin={0}
        aria-valuemax={total}
        aria-valuenow={done}
        aria-valuetext={progressValue(done, total, etaSeconds)}
      >
        <div className="progress__fill" style={{ inlineSize: `${part * 100}%` }} />
      </div>
      <p className="progress__current tabular">
        {current === undefined ? null : (
          <>
            <bdi className="progress__name">{current.name}</bdi>
            {current.total > 1 ? (
              <span>
                , passage {Math.min(current.done + 1, current.total)} of {current.total}
              </span>
            ) : null}
          </>
        )}
      </p>
    </>
  );
}

function Finished({ state }: { readonly state: AddingState }) {
  return (
    <p className="progress__line progress__line--ok">
      <Check className="icon" aria-hidden />
      {outcome(state.ready, 0, false)}
    </p>
  );
}

function Stopped({ state }: { readonly state: AddingState }) {
  const { adder } = useAdding();
  return (
    <div className="progress__head">
      <p className="progress__line">
        {state.stoppedBy === undefined ? outcome(state.ready, 0, true) : stopReason(state.stoppedBy)}
      </p>
      <div className="progress__actions">
        {state.stoppedBy === 'storage-full' ? (
          <a className="text-button" href="#section=library">
            {words.manageStorage}
          </a>
        ) : null}
        {state.remaining.length > 0 ? (
          <button type="button" className="text-button" onClick={() => adder.addRest()}>
            {state.stoppedBy === undefined ? words.addRest : words.tryAgain}
          </button>
        ) : null}
        <button type="button" className="icon-button" aria-label={words.dismiss} onClick={() => adder.dismiss()}>
          <X className="icon" aria-hidden />
        </button>
      </div>
    </div>
  );
}

function Failures({ state }: { readonly state: AddingState }) {
  const { failed, phase, ready } = state;
  const { adder } = useAdding();
  const [open, setOpen] = useState(false);
  const id = useId();
  return (
    <div className="failures">
      <div className="progress__head">
        <p className="failures__line">
          <TriangleAlert className="icon" aria-hidden />
          {phase === 'finished' ? outcome(ready, failed.length, false) : words.needsAttention(failed.length)}
          <button
            type="button"
            className="text-button"
            aria-expanded={open}
            aria-controls={id}
            onClick={() => setOpen(!open)}
          >
            {open ? words.hide : words.seeWhy}
          </button>
        </p>
        <button type="button" className="icon-button" aria-label={words.dismiss} onClick={() => adder.dismiss()}>
          <X className="icon" aria-hidden />
        </button>
      </div>
      <ul id={id} className="failures__list" hidden={!open} aria-label="Files that need attention">
        {failed.map((failure, index) => {
          const { name, rest } = failureSentence(failure);
          return (
            <li key={index}>
              <bdi className="failures__name">{name}</bdi> {rest}
            </li>
          );
        })}
      </ul>
    </div>
  );
}
