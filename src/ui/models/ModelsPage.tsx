/** The model in use, and whether it answers on this device as it should. */
import { Check, TriangleAlert } from 'lucide-react';
import type { EngineStatus, IndexStats } from '../../index.ts';
import { PageTitle } from '../parts/PageTitle.tsx';
import { useDocuments, useStatus } from '../state/index-context.tsx';
import { words } from '../words.ts';
import './models.css';

export default function ModelsPage() {
  const status = useStatus();
  return (
    <div className="column">
      <PageTitle title={words.sections.models} lead={words.modelsLead} />
      {status === null || status.model === '' ? (
        <p className="models__wait">{words.gettingReady}</p>
      ) : (
        <ModelCard status={status} />
      )}
    </div>
  );
}

function ModelCard({ status }: { readonly status: EngineStatus }) {
  const { stats } = useDocuments();
  const used = status.selfTests.filter((test) => test.device === status.encoder?.kind);
  const passed = used.length > 0 && used.every((test) => test.passed);
  return (
    <article className="model">
      <header className="model__head">
        <h2>{modelName(status.model)}</h2>
        <span className="model__state">{status.state === 'ready' ? words.inUse : words.gettingReady}</span>
      </header>
      <p className="model__words">{words.modelWords}</p>
      <p className="model__words">{words.modelLicence}</p>
      {used.length === 0 ? null : (
        <p className={passed ? 'model__check model__check--ok' : 'model__check'}>
          {passed ? <Check className="icon" aria-hidden /> : <TriangleAlert className="icon" aria-hidden />}
          {passed ? words.checked : words.checkFailed}
        </p>
      )}
      <details className="model__details">
        <summary>{words.details}</summary>
        <table>
          <tbody>
            <Row name="Version" value={status.model} />
            {stats === null ? null : (
              <>
                <Row name="Vectors" value={vectorsOf(stats)} />
                <Row name="Threads" value={String(status.threads)} />
              </>
            )}
            {status.selfTests.map((test) => (
              <Row
                key={test.device}
                name={`Self-test, ${test.device}`}
                value={`${test.passed ? 'passed' : 'failed'}: lowest cosine ${test.minCosine.toFixed(4)}, at least ${test.required} asked, ${Math.round(test.elapsedMs)} ms. ${test.message}`}
              />
            ))}
          </tbody>
        </table>
      </details>
    </article>
  );
}

function Row({ name, value }: { readonly name: string; readonly value: string }) {
  return (
    <tr>
      <th scope="row">{name}</th>
      <td>{value}</td>
    </tr>
  );
}

function vectorsOf({ fingerprint: { dim, precision, poolFactor }, residentPrecision }: IndexStats): string {
  const shape = `${dim} dimensions, ${precision}${residentPrecision === 'int4' ? ', held in int4' : ''}`;
  return poolFactor === 1 ? shape : `${shape}, one for ${poolFactor} tokens`;
}

/** `Lateral mini` for `lateral-mini@0`. */
function modelName(model: string): string {
  const name = model.replace(/@.*$/, '').replaceAll('-', ' ');
  return name.charAt(0).toUpperCase() + name.slice(1);
}
