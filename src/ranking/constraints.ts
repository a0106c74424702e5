/** What "quoted words" and -words ask of a passage: ruled out by the keyword index where it can tell, else by the text. */
import { findPhrase, phraseTerms, type ParsedQuery, type Phrase } from '../text/query-syntax.ts';
import type { KeywordIndex } from './keyword-index.ts';

export interface Constraints {
  /** False where the keyword index alone rules the passage out. */
  mayHold(documentId: string, chunk: number): boolean;
  /** Whether the index cannot tell, and `holds` must be asked. */
  isUncertain(documentId: string, chunk: number): boolean;
  holds(passage: string): boolean;
}

/** @returns null for a query that asks nothing of the kind */
export function createConstraints({ required, excluded }: ParsedQuery, index: KeywordIndex): Constraints | null {
  if (required.length === 0 && excluded.length === 0) return null;
  const must = distinct(required).map((text) => candidatesOf(text, index));
  const mustNot = distinct(excluded).map((text) => candidatesOf(text, index));
  return {
    mayHold: (documentId, chunk) =>
      must.every(({ has }) => has(documentId, chunk)) &&
      !mustNot.some(({ exact, has }) => exact && has(documentId, chunk)),
    isUncertain: (documentId, chunk) =>
      must.some(({ exact }) => !exact) || mustNot.some(({ exact, has }) => !exact && has(documentId, chunk)),
    holds: (passage) =>
      must.every(({ exact, phrase }) => exact || findPhrase(phrase, passage).length > 0) &&
      mustNot.every(({ exact, phrase }) => exact || findPhrase(phrase, passage).length === 0),
  };
}

interface Candidates {
  readonly phrase: string;
  /** Whether every candidate has the phrase. */
  readonly exact: boolean;
  readonly has: (documentId: string, chunk: number) => boolean;
}

function distinct(phrases: readonly Phrase[]): string[] {
  return [...new Set(phrases.map(({ text }) => text))];
}

function candidatesOf(text: string, index: KeywordIndex): Candidates {
  const { terms, exact } = phraseTerms(text);
  if (terms.length === 0) return { phrase: text, exact: false, has: () => true };
  const holders = index.holders(terms);
  return { phrase: text, exact, has: (documentId, chunk) => holders.get(documentId)?.has(chunk) === true };
}
