/** Any other model: a repository of the hub by its name, or a folder of one's own disk. */
import { FolderOpen, TriangleAlert, X } from 'lucide-react';
import { useId, useState } from 'react';
import type { ModelInfo } from '../../index.ts';
import { repositoryOf } from '../../index.ts';
import { announce } from '../state/announce.tsx';
import { usePreferences } from '../state/preferences.ts';
import { hostOf, offerOfPlan, waysOn } from './describe.ts';
import type { Ask } from './ModelDialogs.tsx';
import { theModels, usePreparer } from './ModelsProvider.tsx';
import { type Preparation, problemOf } from './preparer.ts';
import { modelFailure, type ModelProblem, modelWords } from './words.ts';

export interface OtherModelProps {
  readonly list: readonly ModelInfo[];
  /** A folder that could not be taken in, and of which nothing is here. */
  readonly failedFolder: Preparation | null;
  /** Of a folder that is no model's; '' else. */
  readonly folderProblem: string;
  readonly onAsk: Ask;
  readonly onPickFolder: () => void;
}

export function OtherModel({ list, failedFolder, folderProblem, onAsk, onPickFolder }: OtherModelProps) {
  const preparer = usePreparer();
  const { modelEndpoint, modelPath } = usePreferences();
  const id = useId();
  const [text, setText] = useState('');
  const [looking, setLooking] = useState(false);
  const [problem, setProblem] = useState<ModelProblem | null>(null);
  const host = hostOf({ endpoint: modelEndpoint, path: modelPath }, new URL(location.href));
  const lookUp = async (): Promise<void> => {
    if (text.trim() === '' || looking) return;
    setProblem(null);
    setLooking(true);
    announce(modelWords.lookingUp);
    try {
      const named = list.find(({ id: known }) => known === text.trim())?.id ?? repositoryOf(text);
      const plan = await theModels().plan(named);
      const here = list.find((model) => model.id === plan.id);
      onAsk(
        here !== undefined && here.state !== 'absent'
          ? { kind: 'details', info: here }
          : { kind: 'offer', offer: offerOfPlan(plan, here) },
      );
    } catch (thrown) {
      setProblem(problemOf(thrown));
    } finally {
      setLooking(false);
    }
  };
  const failure = failedFolder?.problem ?? null;
  const trouble = failure === null ? folderProblem : modelFailure(failure, 0);
  return (
    <section className="other" aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`} className="other__title">
        {modelWords.another}
      </h2>
      <form
        className="other__row"
        onSubmit={(event) => {
          event.preventDefault();
          void lookUp();
        }}
      >
        <label className="other__label" htmlFor={`${id}-field`}>
          {modelWords.repository}
        </label>
        <div className="other__field">
          <input
            id={`${id}-field`}
            className="field"
            dir="ltr"
            autoComplete="off"
            autoCapitalize="off"
            spellCheck={false}
            placeholder={modelWords.repositoryHint}
            value={text}
            aria-invalid={problem !== null}
            aria-describedby={`${id}-says`}
            onChange={(event) => setText(event.target.value)}
          />
          <button type="submit" className="button" disabled={looking || text.trim() === ''}>
            {modelWords.lookUp}
          </button>
        </div>
        <p
          id={`${id}-says`}
          className={problem === null ? 'other__says' : 'other__problem'}
          role={problem === null ? undefined : 'alert'}
        >
          {problem === null ? null : <TriangleAlert className="icon" aria-hidden />}
          <span>
            {problem !== null
              ? modelFailure(problem, 0)
              : looking
                ? modelWords.lookingUp
                : modelWords.anotherLead(host)}
          </span>
          {problem !== null && waysOn(problem.code, false).includes('reload') ? (
            <button type="button" className="text-button" onClick={() => location.reload()}>
              {modelWords.reload}
            </button>
          ) : null}
        </p>
      </form>
      <div className="other__row">
        <div className="other__folder">
          <button type="button" className="button" aria-describedby={`${id}-folder`} onClick={onPickFolder}>
            <FolderOpen className="icon" aria-hidden />
            {modelWords.opensFolder}
          </button>
        </div>
        <div id={`${id}-folder`} className={trouble === '' ? 'other__says' : 'other__problem'}>
          {trouble !== '' ? <TriangleAlert className="icon" aria-hidden /> : null}
          <span>{trouble === '' ? modelWords.folderLead : trouble}</span>
          {failedFolder === null ? null : (
            <button
              type="button"
              className="icon-button"
              aria-label={modelWords.named(modelWords.dismiss, failedFolder.title)}
              onClick={() => preparer.dismiss(failedFolder.model)}
            >
              <X className="icon" aria-hidden />
            </button>
          )}
        </div>
      </div>
    </section>
  );
}
