/** One model: what it is good for, what it takes, how far it is here, and what can be done with it. */
import { Check, TriangleAlert, X } from 'lucide-react';
import { useId, useRef } from 'react';
import type { ModelInfo } from '../../index.ts';
import { Bar } from '../parts/Bar.tsx';
import { useIndex, useStatus } from '../state/index-context.tsx';
import { type WayOn, shareOfPreparing, waysOn, wordsPerSecond } from './describe.ts';
import type { Ask } from './ModelDialogs.tsx';
import { usePreparer } from './ModelsProvider.tsx';
import type { Preparation } from './preparer.ts';
import {
  aboutModel,
  checkedLine,
  licenceLine,
  modelFailure,
  modelWords,
  preparingLine,
  preparingValue,
  sizeLine,
} from './words.ts';

export interface ModelCardProps {
  readonly info: ModelInfo;
  readonly inUse: boolean;
  readonly preparation: Preparation | null;
  /** Whether its way on is the page's one primary button. */
  readonly primary: boolean;
  readonly onAsk: Ask;
  readonly onPickFolder: () => void;
}

/** Where the focus goes once a dialog about a model is done. */
export const titleId = (model: string): string => `model-${model}`;

export function ModelCard({ info, inUse, preparation, primary, onAsk, onPickFolder }: ModelCardProps) {
  const title = useRef<HTMLHeadingElement>(null);
  const toTitle = (): void => title.current?.focus({ preventScroll: true });
  const running = preparation !== null && preparation.problem === null;
  const size = sizeLine(info);
  return (
    <li className="models__item">
      <article className="model" aria-labelledby={titleId(info.id)}>
        <header className="model__head">
          <h2 ref={title} id={titleId(info.id)} className="model__title" tabIndex={-1} title={info.title}>
            <bdi>{info.title}</bdi>
          </h2>
          <StateWord info={info} inUse={inUse} running={running} />
        </header>
        <p className="model__words">{aboutModel(info)}</p>
        <div className="model__facts">
          {size === '' ? null : <p>{size}</p>}
          {preparation?.kind === 'folder' && info.licence === null ? null : <p>{licenceLine(info.licence)}</p>}
        </div>
        <Checked info={info} inUse={inUse} />
        {running ? <Running preparation={preparation} onCancelled={toTitle} /> : null}
        {(preparation?.problem ?? null) === null || preparation === null ? null : (
          <Failed info={info} preparation={preparation} onAsk={onAsk} onPickFolder={onPickFolder} onGone={toTitle} />
        )}
        <div className="model__actions">
          {preparation === null ? (
            <Action info={info} inUse={inUse} primary={primary} onAsk={onAsk} onGone={toTitle} />
          ) : null}
          <span className="model__space" />
          {info.origin === 'built-in' || running || info.state === 'absent' ? null : (
            <button
              type="button"
              className="text-button text-button--quiet"
              aria-label={modelWords.named(modelWords.delete, info.title)}
              onClick={() => onAsk({ kind: inUse ? 'delete-in-use' : 'delete', info })}
            >
              {modelWords.delete}
            </button>
          )}
          <button
            type="button"
            className="text-button"
            aria-label={modelWords.detailsOf(info.title)}
            onClick={() => onAsk({ kind: 'details', info })}
          >
            {modelWords.details}
          </button>
        </div>
      </article>
    </li>
  );
}

function StateWord({
  info,
  inUse,
  running,
}: {
  readonly info: ModelInfo;
  readonly inUse: boolean;
  readonly running: boolean;
}) {
  const { failure } = useIndex();
  const status = useStatus();
  if (inUse && failure === null) {
    const ready = status?.state === 'ready';
    return <span className="model__state model__state--in-use">{ready ? modelWords.inUse : modelWords.opening}</span>;
  }
  if (running || info.state === 'absent') return null;
  return <span className="model__state">{modelWords[info.state]}</span>;
}

/** Whether it gives right numbers here, and how quickly. */
function Checked({ info, inUse }: { readonly info: ModelInfo; readonly inUse: boolean }) {
  const status = useStatus();
  const test = inUse ? status?.selfTests.find(({ device }) => device === status.encoder?.kind) : undefined;
  if (test !== undefined && !test.passed) {
    return (
      <p className="model__check">
        <TriangleAlert className="icon" aria-hidden />
        {modelWords.checkFailed}
      </p>
    );
  }
  const check = info.check?.passed === true ? info.check : test;
  if (check === undefined || (info.state !== 'ready' && test === undefined)) return null;
  return (
    <p className="model__check model__check--ok">
      <Check className="icon" aria-hidden />
      {checkedLine(check, 'tokensPerSecond' in check ? wordsPerSecond(check) : null)}
    </p>
  );
}

function Running({
  preparation,
  onCancelled,
}: {
  readonly preparation: Preparation;
  readonly onCancelled: () => void;
}) {
  const preparer = usePreparer();
  const { model, title, kind, progress } = preparation;
  const share = shareOfPreparing(kind, progress);
  return (
    <div className="model__progress">
      <p className="model__line tabular">{preparingLine(progress)}</p>
      <div className="model__bar">
        <Bar
          label={modelWords.preparing(title)}
          total={100}
          done={Math.round(100 * share)}
          text={preparingValue(progress)}
          share={share}
        />
        <button
          type="button"
          className="text-button"
          aria-label={modelWords.cancelOf(title)}
          onClick={() => {
            onCancelled();
            preparer.cancel(model);
          }}
        >
          {modelWords.cancel}
        </button>
      </div>
    </div>
  );
}

interface FailedProps {
  readonly info: ModelInfo;
  readonly preparation: Preparation;
  readonly onAsk: Ask;
  readonly onPickFolder: () => void;
  /** The button that was pressed goes away. */
  readonly onGone: () => void;
}

function Failed({ info, preparation, onAsk, onPickFolder, onGone }: FailedProps) {
  const preparer = usePreparer();
  const id = useId();
  const { problem, model } = preparation;
  if (problem === null) return null;
  const goOn = (): void => {
    onGone();
    void preparer.prepare(info);
  };
  const ways: Record<WayOn, { readonly label: string; readonly act: () => void }> = {
    continue: { label: modelWords.continue, act: goOn },
    again: { label: modelWords.tryAgain, act: goOn },
    check: { label: modelWords.checkAgain, act: goOn },
    storage: { label: modelWords.manageStorage, act: () => location.assign('#section=library') },
    folder: { label: modelWords.opensFolder, act: onPickFolder },
    consent: { label: modelWords.download, act: () => onAsk({ kind: 'get', info }) },
    reload: { label: modelWords.reload, act: () => location.reload() },
  };
  return (
    <div className="model__failed">
      <p id={id} className="model__problem">
        <TriangleAlert className="icon" aria-hidden />
        <span>{modelFailure(problem, info.presentBytes)}</span>
      </p>
      <div className="model__ways">
        {waysOn(problem.code, info.presentBytes > 0).map((way) => (
          <button
            key={way}
            type="button"
            className="button button--small"
            aria-describedby={id}
            onClick={ways[way].act}
          >
            {ways[way].label}
          </button>
        ))}
        <button
          type="button"
          className="icon-button"
          aria-label={modelWords.named(modelWords.dismiss, info.title)}
          onClick={() => {
            onGone();
            preparer.dismiss(model);
          }}
        >
          <X className="icon" aria-hidden />
        </button>
      </div>
    </div>
  );
}

interface ActionProps {
  readonly info: ModelInfo;
  readonly inUse: boolean;
  readonly primary: boolean;
  readonly onAsk: Ask;
  readonly onGone: () => void;
}

/** The one thing to do with it next. */
function Action({ info, inUse, primary, onAsk, onGone }: ActionProps) {
  const preparer = usePreparer();
  const { failure } = useIndex();
  const button = (label: string, act: () => void) => (
    <button
      type="button"
      className={primary ? 'button button--small button--primary' : 'button button--small'}
      aria-label={modelWords.named(label, info.title)}
      onClick={act}
    >
      {label}
    </button>
  );
  const goOn = (): void => {
    onGone();
    void preparer.prepare(info);
  };
  switch (info.state) {
    case 'ready':
      return inUse && failure === null ? null : button(modelWords.use, () => onAsk({ kind: 'use', info }));
    case 'absent':
      return info.instead !== '' || info.origin === 'folder'
        ? null
        : button(modelWords.download, () => onAsk({ kind: 'get', info }));
    case 'failed':
      return button(modelWords.checkAgain, goOn);
    case 'partial':
    case 'unfinished':
      return button(modelWords.continue, goOn);
  }
}
