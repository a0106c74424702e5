/** The models that are here, and those that one can get: cards in the order of use, then any other, then what cannot be had. */
import { useRef, useState } from 'react';
import type { ChangeEvent } from 'react';
import type { ModelInfo } from '../../index.ts';
import { fromFiles } from '../adding/collect.ts';
import { PageTitle } from '../parts/PageTitle.tsx';
import { StartFailure } from '../search/StartFailure.tsx';
import { useDocuments, useIndex } from '../state/index-context.tsx';
import { words } from '../words.ts';
import { builtInModel, freeBytes, isModelFolder, offerOf, shelves, toImport, unlisted } from './describe.ts';
import { ModelCard } from './ModelCard.tsx';
import { type Ask, ModelDialogs, type Question } from './ModelDialogs.tsx';
import { useModelInUse, useModelList, useModelSwitch, usePreparer, useSwitching } from './ModelsProvider.tsx';
import './models.css';
import { OtherModel } from './OtherModel.tsx';
import type { PreparerState } from './preparer.ts';
import { useBuiltInSpeed } from './speed.ts';
import { modelWords, withoutLine } from './words.ts';

export default function ModelsPage() {
  const state = useModelList();
  const inUse = useModelInUse();
  const switching = useSwitching();
  const { failure } = useIndex();
  const { asked, open, ask, close } = useQuestion(state);
  const folder = useFolder();
  useBuiltInSpeed();
  const { offered, without } = shelves(withUnlisted(state), inUse);
  const fresh = offered.find(({ id, state: now }) => now === 'ready' && id !== inUse && state.finished.has(id));
  return (
    <div className="column">
      <PageTitle title={words.sections.models} lead={modelWords.lead} />
      {failure === null ? null : <StartFailure failure={failure} onModelsPage />}
      {state.list === null && state.listProblem === null ? <p className="models__wait">{modelWords.opening}</p> : null}
      {state.listProblem === null ? null : <ListProblem state={state} />}
      <ul className="models" aria-label={words.sections.models}>
        {offered.map((info) => (
          <ModelCard
            key={info.id}
            info={info}
            inUse={info.id === inUse}
            preparation={state.preparations.get(info.id) ?? null}
            switching={switching.to !== null && (switching.to.model ?? builtInModel) === info.id ? switching : null}
            primary={info === fresh}
            onAsk={ask}
            onPickFolder={folder.pick}
          />
        ))}
      </ul>
      {state.list === null ? null : (
        <OtherModel
          list={state.list}
          failedFolder={failedFolder(state)}
          folderProblem={folder.problem}
          onAsk={ask}
          onPickFolder={() => folder.pick()}
        />
      )}
      <Without models={without} onAsk={ask} />
      {folder.input}
      <ModelDialogs asked={asked} open={open} onClose={close} onPickFolder={() => folder.pick()} />
    </div>
  );
}

function ListProblem({ state }: { readonly state: PreparerState }) {
  const preparer = usePreparer();
  const without = state.listProblem?.code === 'storage-unavailable';
  return (
    <p className="models__problem">
      {without ? modelWords.noStore : modelWords.listFailed}{' '}
      {without ? null : (
        <button type="button" className="text-button" onClick={() => void preparer.refresh()}>
          {modelWords.tryAgain}
        </button>
      )}
    </p>
  );
}

/** Those that no browser can run as they are published, with what would work. */
function Without({ models, onAsk }: { readonly models: readonly ModelInfo[]; readonly onAsk: Ask }) {
  if (models.length === 0) return null;
  return (
    <section className="without" aria-labelledby="models-without">
      <h2 id="models-without" className="without__title">
        {modelWords.without}
      </h2>
      <ul>
        {models.map((info) => (
          <li key={info.id} className="without__model">
            <div>
              <h3 className="without__name">
                <bdi>{info.title}</bdi>
              </h3>
              <p className="without__says">{withoutLine(info.id)}</p>
            </div>
            <button
              type="button"
              className="text-button text-button--quiet"
              aria-label={modelWords.detailsOf(info.title)}
              onClick={() => onAsk({ kind: 'details', info })}
            >
              {modelWords.details}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** The question at hand; it stays for as long as its dialog fades away. */
function useQuestion({ dropped }: PreparerState) {
  const preparer = usePreparer();
  const { documents, stats } = useDocuments();
  const change = useModelSwitch();
  const [asked, setAsked] = useState<Question | null>(null);
  const [open, setOpen] = useState(false);
  const ask: Ask = (question) => {
    if (question.kind === 'use' && (documents?.length ?? 0) === 0) {
      change(question.info); // nothing has to be read again
      return;
    }
    setAsked(question.kind === 'get' ? { kind: 'offer', offer: offerOf(question.info, freeBytes(stats)) } : question);
    setOpen(true);
  };
  const close = (): void => {
    if (dropped !== null) {
      setAsked({ kind: 'replace', request: dropped });
      preparer.forgetFolder();
    }
    setOpen(false);
  };
  const question: Question | null = dropped === null ? asked : { kind: 'replace', request: dropped };
  return { asked: question, open: open || dropped !== null, ask, close };
}

/** The picker of folders, and what came of the last one. */
function useFolder() {
  const preparer = usePreparer();
  const input = useRef<HTMLInputElement>(null);
  const goesOnWith = useRef<string | undefined>(undefined);
  const [problem, setProblem] = useState('');
  const take = (event: ChangeEvent<HTMLInputElement>): void => {
    const inputs = fromFiles(event.target.files ?? []);
    event.target.value = ''; // so that the same folder can be chosen again
    if (inputs.length === 0) return;
    if (!isModelFolder(inputs)) {
      setProblem(modelWords.notModelFolder);
      return;
    }
    setProblem('');
    const request = toImport(inputs);
    const { current: name } = goesOnWith;
    if (name === undefined) preparer.offerFolder(request);
    else void preparer.importFolder({ ...request, name });
  };
  return {
    problem,
    /** @param name of an import that is gone on with, whatever its folder is called by now */
    pick: (name?: string) => {
      goesOnWith.current = name;
      input.current?.click();
    },
    input: (
      <input
        ref={(element) => {
          input.current = element;
          element?.setAttribute('webkitdirectory', ''); // React's types do not know it
        }}
        type="file"
        hidden
        onChange={take}
      />
    ),
  };
}

/** With what is on its way and in no list yet. A folder that failed stands by its button. */
function withUnlisted({ list, preparations }: PreparerState): readonly ModelInfo[] {
  const known = new Set((list ?? []).map(({ id }) => id));
  const others = [...preparations.values()].filter(
    ({ model, kind, problem }) => !known.has(model) && (kind === 'download' || problem === null),
  );
  return [...(list ?? []), ...others.map(unlisted)];
}

function failedFolder({ list, preparations }: PreparerState) {
  const here = new Set((list ?? []).map(({ id }) => id));
  const failed = [...preparations.values()].filter(
    ({ model, kind, problem }) => kind === 'folder' && problem !== null && !here.has(model),
  );
  return failed.at(-1) ?? null;
}
