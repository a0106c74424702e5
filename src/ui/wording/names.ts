/** What a person calls devices, verdicts and kinds of files. */
import type { EngineStatus, WordMatch } from '../../index.ts';

const verdicts: Record<WordMatch['verdict'], string> = {
  'same-word': 'same word',
  strong: 'strong',
  close: 'close',
  'nothing-close': 'nothing close',
};
export const verdictWord = (verdict: WordMatch['verdict']): string => verdicts[verdict];

export function deviceName(status: EngineStatus | null): string {
  if (!status?.encoder) return '';
  return status.encoder.kind === 'webgpu' ? 'Graphics card' : 'Processor';
}

export const scorerName = (kind: 'js' | 'wasm' | 'webgpu'): string =>
  kind === 'webgpu' ? 'Graphics card' : 'Processor';

/** One plain sentence on the device in use; the engine's own reason stands under "Details". */
export function deviceSentence(status: EngineStatus): string {
  if (status.encoder === null) return 'Still choosing where to work.';
  if (status.encoder.kind === 'webgpu') return 'Your graphics card reads documents, which is the quick way.';
  if (status.encoder.forced) return 'The processor was chosen by you. Results are the same; reading is slower.';
  if (status.selfTests.some((test) => test.device === 'webgpu' && !test.passed)) {
    return 'Your graphics card failed a start-up check, so Lateral uses the processor. Results are right; reading is slower.';
  }
  if (status.selfTests.some((test) => test.device === 'webgpu')) {
    return 'The processor reads: it was quicker than your graphics card when both were tried.';
  }
  return 'The processor reads, since no graphics card can be used here. Results are right; reading is slower.';
}

const kinds: readonly (readonly [RegExp, string])[] = [
  [/pdf/, 'PDF'],
  [/html/, 'Web page'],
  [/markdown/, 'Markdown'],
  [/csv|tab-separated/, 'Table'],
  [/jsonl|ndjson|json/, 'JSON'],
  [/epub/, 'EPUB'],
  [/wordprocessing|msword/, 'Word'],
  [/^text\/plain/, 'Text'],
  [/javascript|typescript|python|x-|css|xml/, 'Source code'],
];
/** What a person calls this kind of file. */
export const kindName = (mediaType: string): string =>
  kinds.find(([pattern]) => pattern.test(mediaType))?.[1] ?? 'Text';
