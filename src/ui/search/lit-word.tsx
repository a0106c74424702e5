/** Which of the query's words is pointed at: its matches stay lit everywhere, the others go quiet. */
import { createContext, use, useMemo, useState } from 'react';
import type { ReactNode } from 'react';
import type { Strength } from '../../index.ts';

interface LitWord {
  readonly word: number | null;
  readonly setWord: (word: number | null) => void;
}
const LitWordContext = createContext<LitWord>({ word: null, setWord: () => undefined });

export function LitWordProvider({ children }: { readonly children: ReactNode }) {
  const [word, setWord] = useState<number | null>(null);
  const value = useMemo(() => ({ word, setWord }), [word]);
  return <LitWordContext value={value}>{children}</LitWordContext>;
}

export const useLitWord = (): LitWord => use(LitWordContext);

export interface LitProps {
  readonly text: string;
  readonly strength: Strength;
  readonly words: readonly number[];
}

/** A piece of a document: plain, or marked. */
export function Lit({ text, strength, words }: LitProps) {
  const { word } = useLitWord();
  if (strength === 0) return text;
  const quiet = word !== null && !words.includes(word);
  return (
    <mark data-strength={strength === 2 ? 'strong' : 'weak'} data-quiet={quiet ? '' : undefined}>
      {text}
    </mark>
  );
}
