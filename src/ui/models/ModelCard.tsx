/** One model: what it is good for, what it takes, how far it is here, and what can be done with it. */
import { Check, TriangleAlert, X } from 'lucide-react';
import { useId, useRef } from 'react';
import type { EngineStatus, ModelInfo } from '../../index.ts';
import { unbroken } from '../format.ts';
import { Bar } from '../parts/Bar.tsx';
import { toasts } from '../parts/toasts.ts';
import { useIndex, useStatus } from '../state/index-context.tsx';
import { usePreferences } from '../state/preferences.ts';
import {
  isChangingOver,
  isInterrupted,
  needsFolder,
  problemOfCard,
  shareOfPreparing,
  shareOfSwitch,
  speedOf,
  type WayOn,
  waysOn,
  wordsPerSecond,
} from './describe.ts';
import type { Ask } from './ModelDialogs.tsx';
import { usePreparer, useSwitcher } from './ModelsProvider.tsx';
import { keptOf, type Preparation } from './preparer.ts';
import type { SwitchState } from './switcher.ts';
import {
  aboutModel,
  checkedLine,
  licenceLine,
  modelFailure,
  modelWords,
  preparingLine,
  preparingValue,
  replacementLine,
  sizeLine,
  spokenLine,
  switchingLine,
} from './words.ts';

export interface ModelCardProps {
  readonly info: ModelInfo;
  readonly inUse: boolean;
  readonly preparation: Preparation | null;
  /** Null where no switch is to this model. */
  readonly switching: SwitchState | null;
  /** Whether its way on is the page's one primary button. */
  readonly primary: boolean;
  readonly onAsk: Ask;
  /** @param name of an import that is gone on with */
  readonly onPickFolder: (name?: string) => void;
}

/** Where the focus goes once a dialog about a model is done. */
export const titleId = (model: string): string => `model-${model}`;

export function ModelCard(props: ModelCardProps) {
  const { info, inUse, preparation, switching, onAsk } = props;
  const title = useRef<HTMLHeadingElement>(null);
  const preparer = usePreparer();
  const id = useId();
  /** For when the button that was pressed goes away. */
  const toTitle = (): void => title.current?.focus({ preventScroll: true });
  const onTheWay = wayOf(preparation, switching);
  const running = onTheWay !== null;
  const problem = switching?.phase === 'stopped' ? switching.problem : problemText(info, preparation);
  return (
    <li className="models__item">
      <article className="model" aria-labelledby={titleId(info.id)}>
        <header className="model__head">
          <h2 ref={title} id={titleId(info.id)} className="model__title" tabIndex={-1} title={info.title}>
            <bdi>{info.title}</bdi>
          </h2>
          <StateWord info={info} inUse={inUse} running={running} switching={switching !== null} />
        </header>
        <p className="model__words">{aboutModel(info)}</p>
        {onTheWay !== null ? (
          <Running {...onTheWay} />
        ) : problem === '' ? (
          <Facts info={info} />
        ) : (
          <Problem
            id={id}
            text={problem}
            title={info.title}
            onDismiss={
              preparation === null
                ? null
                : () => {
                    toTitle();
                    preparer.dismiss(info.id);
                  }
            }
          />
        )}
        {running || problem !== '' ? null : <Checked info={info} inUse={inUse} />}
        {running || problem !== '' ? null : <Replacement {...props} onGone={toTitle} />}
        <div className="model__actions">
          <Actions {...props} describedBy={problem === '' ? undefined : id} onGone={toTitle} />
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

interface StateWordProps {
  readonly info: ModelInfo;
  readonly inUse: boolean;
  readonly running: boolean;
  readonly switching: boolean;
}

function StateWord({ info, inUse, running, switching }: StateWordProps) {
  const { failure } = useIndex();
  const status = useStatus();
  if (inUse && failure === null) {
    const ready = status?.state === 'ready';
    return <span className="model__state model__state--in-use">{ready ? modelWords.inUse : modelWords.opening}</span>;
  }
  if (switching) return <span className="model__state">{modelWords.switchingState}</span>;
  if (running || info.state === 'absent') return null;
  return <span className="model__state">{modelWords[isInterrupted(info) ? 'interrupted' : info.state]}</span>;
}

/** What it takes, and under which terms. */
function Facts({ info }: { readonly info: ModelInfo }) {
  const size = sizeLine(info);
  return (
    <div className="model__facts">
      {size === '' ? null : <p>{size}</p>}
      <p>{licenceLine(info.licence)}</p>
    </div>
  );
}

interface ProblemProps {
  readonly id: string;
  readonly text: string;
  readonly title: string;
  /** Null where it stays for as long as it is so. */
  readonly onDismiss: (() => void) | null;
}

function Problem({ id, text, title, onDismiss }: ProblemProps) {
  return (
    <div className="model__problem">
      <TriangleAlert className="icon" aria-hidden />
      <p id={id}>{unbroken(text)}</p>
      {onDismiss === null ? null : (
        <button
          type="button"
          className="icon-button"
          aria-label={modelWords.named(modelWords.dismiss, title)}
          onClick={onDismiss}
        >
          <X className="icon" aria-hidden />
        </button>
      )}
    </div>
  );
}

/** Whether it is the test of the way that is used: a graphics card may have been tried at two precisions. */
const isOf = (test: EngineStatus['selfTests'][number], encoder: EngineStatus['encoder']): boolean =>
  test.device === encoder?.kind && (test.half ?? false) === (encoder.half ?? false);

/** Whether it gives right numbers here, and how quickly. */
function Checked({ info, inUse }: { readonly info: ModelInfo; readonly inUse: boolean }) {
  const status = useStatus();
  const { builtInSpeed } = usePreferences();
  const test = inUse ? status?.selfTests.find((one) => isOf(one, status.encoder)) : undefined;
  if (test?.passed === false) {
    return (
      <p className="model__check">
        <TriangleAlert className="icon" aria-hidden />
        {modelWords.checkFailed}
      </p>
    );
  }
  const speed = info.state === 'ready' ? speedOf(info, builtInSpeed) : null;
  const checked = test ?? speed;
  if (checked === null) return null;
  return (
    <p className="model__check model__check--ok">
      <Check className="icon" aria-hidden />
      {checkedLine(checked, speed?.device === checked.device ? wordsPerSecond(speed) : null)}
    </p>
  );
}

type GoOn = Pick<ActionsProps, 'info' | 'preparation' | 'onPickFolder' | 'onGone'>;

/** Goes on with what was stopped, by its folder where that is needed. */
function useGoOn({ info, preparation, onPickFolder, onGone }: GoOn): () => void {
  const preparer = usePreparer();
  return () => {
    if (needsFolder(info, preparation)) {
      onPickFolder(info.title);
      return;
    }
    onGone();
    void preparer.goOn(info);
  };
}

/** Another import of its name, which was interrupted. */
function Replacement(props: GoOn) {
  const { info, onGone } = props;
  const { id, title, state, interrupted } = info;
  const preparer = usePreparer();
  const goOn = useGoOn(props);
  if (state !== 'ready' || interrupted === null) return null;
  const discard = async (): Promise<void> => {
    onGone();
    const freed = await preparer.discardImport(id).catch(() => 0); // another tab is at work on it
    if (freed > 0) toasts.add({ description: modelWords.discarded(title, freed), timeout: 6000 });
  };
  return (
    <div className="model__check">
      <TriangleAlert className="icon" aria-hidden />
      <div>
        <p>{unbroken(replacementLine(interrupted))}</p>
        <p className="model__ways">
          <button
            type="button"
            className="text-button"
            aria-label={modelWords.named(modelWords.continue, title)}
            onClick={goOn}
          >
            {modelWords.continue}
          </button>
          <button
            type="button"
            className="text-button text-button--quiet"
            aria-label={modelWords.named(modelWords.discard, title)}
            onClick={() => void discard()}
          >
            {modelWords.discard}
          </button>
        </p>
      </div>
    </div>
  );
}

interface Way {
  readonly label: string;
  readonly line: string;
  readonly value: string;
  /** 0 to 1 */
  readonly share: number;
}

/** How far it is, whether on its way here or into use; null where it is neither. */
function wayOf(preparation: Preparation | null, switching: SwitchState | null): Way | null {
  if (switching?.phase === 'running') {
    const { progress, to } = switching;
    const line = switchingLine(progress);
    return {
      label: modelWords.switching(to?.title ?? ''),
      line,
      value: spokenLine(line),
      share: shareOfSwitch(progress),
    };
  }
  if (preparation?.problem !== null) return null;
  const { kind, progress, title, stopping } = preparation;
  return {
    label: modelWords.preparing(title),
    line: stopping ? modelWords.stopping : preparingLine(progress),
    value: stopping ? modelWords.stopping : preparingValue(progress),
    share: shareOfPreparing(kind, progress),
  };
}

function problemText(info: ModelInfo, preparation: Preparation | null): string {
  const problem = problemOfCard(info, preparation);
  return problem === null ? '' : modelFailure(problem, keptOf(info), info.state === 'ready');
}

/** In the place of what it takes, so that nothing moves. */
function Running({ label, line, value, share }: Way) {
  return (
    <div className="model__progress">
      <p className="model__line tabular">{line}</p>
      <Bar label={label} total={100} done={Math.round(100 * share)} text={value} share={share} />
    </div>
  );
}

interface ActionsProps extends ModelCardProps {
  readonly describedBy: string | undefined;
  readonly onGone: () => void;
}

/** What to do with it next. */
function Actions(props: ActionsProps) {
  const { info, inUse, preparation, switching, primary, describedBy, onAsk, onPickFolder, onGone } = props;
  const switcher = useSwitcher();
  const preparer = usePreparer();
  const { failure } = useIndex();
  const goOn = useGoOn(props);
  const button = (label: string, act: () => void, strong = false) => (
    <button
      key={label}
      type="button"
      className={strong ? 'button button--small button--primary' : 'button button--small'}
      aria-label={modelWords.named(label, info.title)}
      aria-describedby={describedBy}
      onClick={act}
    >
      {label}
    </button>
  );
  if (switching !== null) {
    const away = (act: () => void) => (): void => {
      onGone();
      act();
    };
    const cancel = button(
      modelWords.cancel,
      away(() => void switcher.cancel()),
    );
    if (switching.phase === 'running') return isChangingOver(switching.progress) ? null : cancel;
    return (
      <>
        {button(modelWords.continue, away(switcher.retry))}
        {cancel}
      </>
    );
  }
  if (preparation?.problem === null) {
    if (preparation.stopping) return null;
    return button(modelWords.cancel, () => {
      onGone();
      preparer.cancel(info.id);
    });
  }
  if (preparation !== null) {
    const ways: Record<WayOn, () => ReturnType<typeof button>> = {
      continue: () => button(modelWords.continue, goOn),
      again: () => button(modelWords.tryAgain, goOn),
      check: () => button(modelWords.checkAgain, goOn),
      storage: () => button(modelWords.manageStorage, () => location.assign('#section=library')),
      folder: () => button(modelWords.opensFolder, () => onPickFolder()),
      consent: () => button(modelWords.download, () => onAsk({ kind: 'get', info })),
      reload: () => button(modelWords.reload, () => location.reload()),
    };
    return waysOn(preparation.problem.code, keptOf(info) > 0, info.state === 'ready').map((way) => ways[way]());
  }
  switch (info.state) {
    case 'ready':
      return inUse && failure === null ? null : button(modelWords.use, () => onAsk({ kind: 'use', info }), primary);
    case 'absent':
      return info.origin === 'folder' ? null : button(modelWords.download, () => onAsk({ kind: 'get', info }));
    case 'failed':
      return button(modelWords.checkAgain, goOn);
    case 'partial':
    case 'unfinished':
      return button(modelWords.continue, goOn);
  }
}
