/** All that is known of a model, technical words included. */
import { Dialog } from '@base-ui/react/dialog';
import type { EngineStatus, IndexStats, ModelInfo } from '../../index.ts';
import { useDocuments, useStatus } from '../state/index-context.tsx';
import { useModelInUse, usePreparer } from './ModelsProvider.tsx';
import { detailRows, modelWords, startUpCheck, vectorsLine } from './words.ts';

export function ModelDetails({ info }: { readonly info: ModelInfo }) {
  const status = useStatus();
  const preparer = usePreparer();
  const { stats } = useDocuments();
  const inUse = useModelInUse() === info.id;
  const rows = detailRows(info, inUse ? openedBy(status, stats) : null);
  return (
    <>
      <Dialog.Title className="dialog__title">{info.title}</Dialog.Title>
      <dl className="model-details">
        {rows.map(([name, value], at) => (
          <div key={at} className="model-details__row">
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {info.licence === null || info.licence.url === '' ? null : (
        <p className="model-details__link">
          <a href={info.licence.url} target="_blank" rel="noreferrer">
            {modelWords.readLicence}
          </a>
        </p>
      )}
      <div className="dialog__actions">
        {info.state === 'ready' && info.origin !== 'built-in' ? (
          <Dialog.Close className="button" onClick={() => void preparer.prepare(info, { recheck: true })}>
            {modelWords.checkAgain}
          </Dialog.Close>
        ) : null}
        <Dialog.Close className="button">{modelWords.close}</Dialog.Close>
      </div>
    </>
  );
}

function openedBy(status: EngineStatus | null, stats: IndexStats | null) {
  if (status === null || status.model === '') return null;
  return {
    model: status.model,
    vectors: stats === null ? '' : vectorsLine(stats),
    threads: status.threads,
    tests: status.selfTests.map(startUpCheck),
  };
}
