/** Words as a person sees them: folded for comparison, and which of them carry no meaning of their own. */
import { eng } from 'stopword';

/** Lower case without accents, with a plain apostrophe: "Café" and "cafe", "don’t" and "don't" are the same word. */
export function foldWord(word: string): string {
  return word.normalize('NFKD').replaceAll(/\p{M}/gu, '').replaceAll(/[’ʼ‘]/g, "'").toLowerCase();
}

const functionWords = new Set([
  ...eng,
  'why',
  'what',
  'which',
  'who',
  'whom',
  'how',
  'where',
  'when',
  'did',
  'does',
  'do',
]);

/**
 * Words like "the" and "why" match everywhere and are never lit; ranking does not look here. English for now, as the
 * embedded model is.
 */
export function isFunctionWord(word: string): boolean {
  return functionWords.has(foldWord(word));
}
