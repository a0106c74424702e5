/** The sample library, as the page knows it: which documents are of it, and the questions that show what it can do. */
import { useEffect, useMemo, useState } from 'react';
import type { DocumentRecord } from '../../index.ts';
import { useDocuments } from '../state/index-context.tsx';

export interface SampleQuestion {
  readonly question: string;
  readonly language: string;
}

const sampleTag = 'sample';
export const isSample = (record: Pick<DocumentRecord, 'tags'>): boolean => record.tags.includes(sampleTag);

export interface Sample {
  readonly documentIds: readonly string[];
  readonly languages: number;
  /** Whether nothing else is here. */
  readonly alone: boolean;
}

/** null where no document of the sample library is here. */
export function useSample(): Sample | null {
  const { documents } = useDocuments();
  return useMemo(() => {
    const sample = (documents ?? []).filter(isSample);
    if (sample.length === 0) return null;
    return {
      documentIds: sample.map(({ id }) => id),
      languages: new Set(sample.map(({ language }) => language).filter(Boolean)).size,
      alone: sample.length === documents?.length,
    };
  }, [documents]);
}

const noQuestions: readonly SampleQuestion[] = [];
let loading: Promise<readonly SampleQuestion[]> | null = null;

/** The example questions, once asked for; none where they do not load: they are an offer, not a need. */
export function useSampleQuestions(wanted: boolean): readonly SampleQuestion[] {
  const [questions, setQuestions] = useState(noQuestions);
  useEffect(() => {
    if (!wanted) return;
    let gone = false;
    loading ??= load().catch(() => {
      loading = null;
      return noQuestions;
    });
    void loading.then((loaded) => {
      if (!gone) setQuestions(loaded);
    });
    return () => {
      gone = true;
    };
  }, [wanted]);
  return questions;
}

async function load(): Promise<readonly SampleQuestion[]> {
  const response = await fetch(new URL('sample/questions.json', document.baseURI));
  if (!response.ok) return noQuestions;
  const list: unknown = await response.json();
  if (!Array.isArray(list)) return noQuestions;
  return list.flatMap((entry: unknown) => {
    const { question, language } = entry as { readonly question?: unknown; readonly language?: unknown };
    if (typeof question !== 'string') return [];
    return [{ question, language: typeof language === 'string' ? language : '' }];
  });
}
