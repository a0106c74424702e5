/** The embedded model's tokenizer, for tests in Node. */
import { readFileSync } from 'node:fs';
import { readArtifactMetadata } from '../settings.ts';
import { loadTokenizer } from '../tokenizer.ts';

export const modelFolder = new URL('../../../public/models/lateral-mini/', import.meta.url);

export function embeddedTokenizer() {
  const json = (name: string): unknown => JSON.parse(readFileSync(new URL(name, modelFolder), 'utf8'));
  return loadTokenizer(
    { tokenizerJson: json('tokenizer.json'), tokenizerConfig: json('tokenizer_config.json') },
    readArtifactMetadata(json('artifact.metadata')),
  );
}
