/** Documents are here and nothing is asked yet: a word on asking, questions to try, and what was added last. */
import { useAddingPhase } from '../adding/AddingProvider.tsx';
import { day } from '../format.ts';
import { useSample, useSampleQuestions } from '../library/sample.ts';
import type { Sample } from '../library/sample.ts';
import { lastAdded, sortDocuments } from '../library/sort.ts';
import { useDelete } from '../library/use-delete.ts';
import { useDocuments } from '../state/index-context.tsx';
import { useViewer } from '../viewer/viewer-context.tsx';
import { languageOf } from '../parts/script.ts';
import { kindName, words } from '../words.ts';
import { useSearch } from './search-context.tsx';

const shown = 6;

export function ReadyState() {
  const { documents } = useDocuments();
  const phase = useAddingPhase();
  const sample = useSample();
  if (documents === null) return null;
  if (documents.length === 0) return phase === 'running' ? <p className="ready__lead">{words.readAsItComes}</p> : null;
  return (
    <div className="ready">
      {sample?.alone === true ? null : (
        <>
          <h2 className="ready__title">{words.readyTitle}</h2>
          <p className="ready__lead">{words.readyLead}</p>
        </>
      )}
      {sample === null ? null : <SampleLibrary sample={sample} />}
      {sample?.alone === true ? null : <Recent />}
    </div>
  );
}

function SampleLibrary({ sample }: { readonly sample: Sample }) {
  const { setQuery } = useSearch();
  const remove = useDelete();
  const questions = useSampleQuestions(true);
  const Title = sample.alone ? 'h2' : 'h3';
  return (
    <section className="sample">
      <Title className={sample.alone ? 'ready__title' : 'ready__heading'}>{words.sampleTitle}</Title>
      <p className="ready__lead">{words.sampleLead(sample.documentIds.length, sample.languages)}</p>
      <ul className="sample__questions" aria-label={words.sampleQuestions}>
        {questions.map(({ question, language }) => (
          <li key={question}>
            <button
              type="button"
              className="sample__question"
              dir="auto"
              lang={languageOf(language, question)}
              onClick={() => setQuery(question)}
            >
              {question}
            </button>
          </li>
        ))}
      </ul>
      <button type="button" className="text-button" onClick={() => void remove(sample.documentIds)}>
        {words.sampleRemove}
      </button>
    </section>
  );
}

function Recent() {
  const { documents } = useDocuments();
  const { open } = useViewer();
  const latest = sortDocuments(documents ?? [], lastAdded).slice(0, shown);
  return (
    <>
      <h3 className="ready__heading">{words.recent}</h3>
      <ul className="ready__list">
        {latest.map((record) => (
          <li key={record.id} className="ready__row">
            <button
              type="button"
              className="ready__name"
              dir="auto"
              lang={languageOf(record.language, record.name)}
              onClick={() => open({ documentId: record.id, chunk: null })}
            >
              {record.name}
            </button>
            <span className="ready__meta">{kindName(record.mediaType)}</span>
            <span className="ready__meta ready__day">{day(record.addedAt)}</span>
          </li>
        ))}
      </ul>
    </>
  );
}
