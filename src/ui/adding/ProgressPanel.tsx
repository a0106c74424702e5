/** How far the reading is, how to stop it, what came of it, and what is still to be read. Failures stay until dismissed. */
import { Check, TriangleAlert, X } from 'lucide-react';
import { useId, useState } from 'react';
import type { Progress } from '../../index.ts';
import { number } from '../format.ts';
import { Bar } from '../parts/Bar.tsx';
import { toasts } from '../parts/toasts.ts';
import { useIndex, useStatus } from '../state/index-context.tsx';
import { failureSentence, outcome, progressLine, progressValue, rereadingLine, stopReason, words } from '../words.ts';
import { useAdding, useAddingState, useRereading, useTransfer } from './AddingProvider.tsx';
import type { AddingState } from './adder.ts';
import { runningLine } from './collections.ts';

export function ProgressPanel() {
  const state = useAddingState();
  const transfer = useTransfer();
  const rereading = useRereading();
  const status = useStatus();
  const pending = status?.pending.files ?? 0;
  const unread = pending > 0 && (state.phase === 'idle' || state.phase === 'finished');
  const moving = transfer.running !== null || transfer.problem !== '';
  const again = rereading.phase !== 'idle' && (rereading.phase !== 'stopped' || (status?.unencoded ?? 0) > 0);
  if (state.phase === 'idle' && state.failed.length === 0 && !unread && !moving && !again) return null;
  return (
    <section className="progress" aria-label="Reading">
      {again ? <Rereading documents={status?.unencoded ?? 0} /> : null}
      {moving ? <Moving /> : null}
      {state.phase === 'running' ? <Running state={state} /> : null}
      {state.phase === 'finished' && state.failed.length === 0 ? <Finished state={state} /> : null}
      {state.phase === 'stopped' ? <Stopped state={state} pending={pending} /> : null}
      {unread ? <Unread files={pending} /> : null}
      {state.failed.length > 0 ? <Failures state={state} /> : null}
    </section>
  );
}

/** How much of the whole is done, 0 to 1, with the file at hand. */
export function shareOf({ done, total, current }: Pick<AddingState, 'done' | 'total' | 'current'>): number {
  const within = current === undefined || current.total === 0 ? 0 : Math.min(1, current.done / current.total);
  return total === 0 ? 0 : Math.min(1, (done + within) / total);
}

function Running({ state }: { readonly state: AddingState }) {
  const { adder } = useAdding();
  const { done, total, current } = state;
  return (
    <>
      <div className="progress__head">
        <p className="progress__line tabular">{progressLine(state)}</p>
        <button type="button" className="text-button" onClick={() => adder.cancel()}>
          {words.cancel}
        </button>
      </div>
      <Bar label="Reading files" total={total} done={done} text={progressValue(state)} share={shareOf(state)} />
      <p className="progress__current tabular">
        {current === undefined ? null : (
          <>
            <bdi className="progress__name">{current.name}</bdi>
            {current.total > 1 ? (
              <span>
                , passage {number(Math.min(current.done + 1, current.total))} of {number(current.total)}
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

function Stopped({ state, pending }: { readonly state: AddingState; readonly pending: number }) {
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
        {state.remaining.length > 0 || pending > 0 ? (
          <button type="button" className="text-button" onClick={() => void adder.addRest()}>
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

/** Files that a reload, a crash or a cancel left: the index still has them. */
function Unread({ files }: { readonly files: number }) {
  const { adder } = useAdding();
  const { index } = useIndex();
  const discard = async (): Promise<void> => {
    if (index === null) return;
    const gone = await index.discardPending().catch(() => 0);
    if (gone > 0) toasts.add({ description: words.discarded(gone), timeout: 6000 });
  };
  return (
    <div className="progress__head">
      <p className="progress__line">{words.stillToRead(files)}</p>
      <div className="progress__actions">
        <button type="button" className="text-button" onClick={() => adder.resume(files)}>
          {words.continue}
        </button>
        <button type="button" className="text-button text-button--quiet" onClick={() => void discard()}>
          {words.discard}
        </button>
      </div>
    </div>
  );
}

/** Documents of another model, on their way to this one. */
function Rereading({ documents }: { readonly documents: number }) {
  const { phase, progress, problem } = useRereading();
  const { rereader } = useAdding();
  const { index } = useIndex();
  if (phase === 'finished') {
    return (
      <p className="progress__line progress__line--ok">
        <Check className="icon" aria-hidden />
        {words.readAgain}
      </p>
    );
  }
  if (phase === 'stopped') {
    return (
      <div className="progress__head">
        <p className="progress__line">{problem === '' ? words.stillToReadAgain(documents) : problem}</p>
        <button
          type="button"
          className="text-button"
          aria-label={`${problem === '' ? words.continue : words.tryAgain}: ${words.readingAgain}`}
          onClick={() => {
            if (index !== null) void rereader.run(index);
          }}
        >
          {problem === '' ? words.continue : words.tryAgain}
        </button>
      </div>
    );
  }
  const shown: Progress = progress ?? { phase: 'reencoding', done: 0, total: documents, unit: 'files' };
  const line = rereadingLine(shown);
  return (
    <>
      <div className="progress__head">
        <p className="progress__line tabular">{line}</p>
        <button
          type="button"
          className="text-button"
          aria-label={`${words.cancel}: ${words.readingAgain}`}
          onClick={rereader.cancel}
        >
          {words.cancel}
        </button>
      </div>
      <Bar label={words.readingAgain} total={shown.total} done={shown.done} text={line} share={shareOf(shown)} />
      <p className="progress__current">{words.rereadingWhy}</p>
    </>
  );
}

/** A collection on its way in or out. */
function Moving() {
  const { running, share, problem } = useTransfer();
  const { collections } = useAdding();
  if (running === null) {
    return (
      <div className="progress__head">
        <p className="failures__line">
          <TriangleAlert className="icon" aria-hidden />
          {problem}
        </p>
        <button type="button" className="icon-button" aria-label={words.dismiss} onClick={collections.dismiss}>
          <X className="icon" aria-hidden />
        </button>
      </div>
    );
  }
  return (
    <>
      <div className="progress__head">
        <p className="progress__line">{runningLine(running)}</p>
        <button type="button" className="text-button" onClick={collections.cancel}>
          {words.cancel}
        </button>
      </div>
      <Bar label={runningLine(running)} total={100} done={Math.round(share * 100)} share={share} />
    </>
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
