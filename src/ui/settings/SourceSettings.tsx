/** Where models come from: the usual hub, a mirror of it, or a place of one's own. Nothing is asked before a person wants a model. */
import { TriangleAlert } from 'lucide-react';
import { useId, useState } from 'react';
import type { ModelOrigin } from '../../index.ts';
import { checkModelOrigin, LateralError } from '../../index.ts';
import { defaultHub, hostOf } from '../models/describe.ts';
import { addressProblem, modelWords } from '../models/words.ts';
import { setPreferences, usePreferences } from '../state/preferences.ts';

export function SourceSettings() {
  const { modelEndpoint, modelPath } = usePreferences();
  const host = hostOf({ endpoint: modelEndpoint, path: modelPath }, new URL(location.href));
  return (
    <>
      <p className="setting__text">{modelWords.sourceLead(host)}</p>
      <AddressField
        label={modelWords.endpoint}
        says={modelWords.endpointSays}
        placeholder={defaultHub}
        saved={modelEndpoint}
        asOrigin={(endpoint) => ({ endpoint })}
        onSave={(value) => setPreferences({ modelEndpoint: value })}
      />
      <AddressField
        label={modelWords.path}
        says={modelWords.pathSays}
        placeholder={modelWords.pathHint}
        saved={modelPath}
        asOrigin={(path) => ({ path })}
        onSave={(value) => setPreferences({ modelPath: value })}
      />
    </>
  );
}

interface AddressFieldProps {
  readonly label: string;
  readonly says: string;
  readonly placeholder: string;
  readonly saved: string;
  readonly asOrigin: (text: string) => ModelOrigin;
  readonly onSave: (text: string) => void;
}

/** Kept when it is left or Enter is pressed; what cannot be an address stays in the field, with the reason below. */
function AddressField({ label, says, placeholder, saved, asOrigin, onSave }: AddressFieldProps) {
  const id = useId();
  const [text, setText] = useState(saved);
  const [problem, setProblem] = useState('');
  const keep = (): void => {
    const trimmed = text.trim();
    const found = trimmed === '' ? '' : problemWith(asOrigin(trimmed), trimmed);
    setProblem(found);
    if (found === '') onSave(trimmed);
  };
  return (
    <div className="setting__address">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        className="field"
        type="text"
        inputMode="url"
        dir="ltr"
        autoComplete="off"
        autoCapitalize="off"
        spellCheck={false}
        placeholder={placeholder}
        value={text}
        aria-invalid={problem !== ''}
        aria-describedby={`${id}-says`}
        onChange={(event) => {
          setText(event.target.value);
          if (problem !== '') setProblem('');
        }}
        onBlur={keep}
        onKeyDown={(event) => {
          if (event.key === 'Enter') keep();
        }}
      />
      <p
        id={`${id}-says`}
        className={problem === '' ? 'setting__says' : 'setting__problem'}
        role={problem === '' ? undefined : 'alert'}
      >
        {problem === '' ? null : <TriangleAlert className="icon" aria-hidden />}
        {problem === '' ? says : problem}
      </p>
    </div>
  );
}

function problemWith(origin: ModelOrigin, text: string): string {
  try {
    checkModelOrigin(origin);
    return '';
  } catch (thrown) {
    if (!(thrown instanceof LateralError)) throw thrown;
    return addressProblem(text);
  }
}
