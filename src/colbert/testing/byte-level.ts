/** A tokenizer of ModernBERT's kind, for tests in Node: pairs of bytes, with case, as the tokenizers library has trained it. */
import { readFileSync } from 'node:fs';
import { readPyLateConfig } from '../settings.ts';
import { loadTokenizer, type TextTokenizer } from '../tokenizer.ts';

export function byteLevelTokenizer(): TextTokenizer {
  const json = (name: string): unknown =>
    JSON.parse(readFileSync(new URL(`../../../fixtures/exports/pylate-modernbert/${name}`, import.meta.url), 'utf8'));
  const files = { tokenizerJson: json('tokenizer.json'), tokenizerConfig: json('tokenizer_config.json') };
  const settings = readPyLateConfig(json('config_sentence_transformers.json'), json('2_Dense/config.json'), {});
  return loadTokenizer(files, settings).tokenizer;
}
