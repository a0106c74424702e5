/** The open document: its text, and all matches in it. */
import { useEffect, useMemo, useState } from 'react';
import type { DocumentRecord, ExtractedText, Hit } from '../../index.ts';
import { useDocuments, useIndex } from '../state/index-context.tsx';
import { useSearch } from '../search/search-context.tsx';
import type { Opened } from './viewer-context.tsx';

export interface OpenDocument {
  readonly record: DocumentRecord | undefined;
  /** null while it is fetched. */
  readonly extracted: ExtractedText | null;
  readonly failed: boolean;
  /** In the order of the document. */
  readonly hits: readonly Hit[];
}

export function useOpenDocument({ documentId }: Opened): OpenDocument {
  const { index } = useIndex();
  const { documents } = useDocuments();
  const [loaded, setLoaded] = useState<{ id: string; extracted: ExtractedText | null } | null>(null);
  useEffect(() => {
    if (index === null) return;
    let stale = false;
    index.text(documentId).then(
      (extracted) => {
        if (!stale) setLoaded({ id: documentId, extracted });
      },
      () => {
        if (!stale) setLoaded({ id: documentId, extracted: null });
      },
    );
    return () => {
      stale = true;
    };
  }, [index, documentId]);
  const here = loaded?.id === documentId ? loaded : null;
  return {
    record: documents?.find((record) => record.id === documentId),
    extracted: here?.extracted ?? null,
    failed: here !== null && here.extracted === null,
    hits: useMatches(documentId),
  };
}

/** As many as the map shows. */
const mostMatches = 50;
/** The list's own search goes first; whoever types on asks for these only once they stop. */
const askAfterMs = 250;

/** The document's hits in the list at once, and soon after all matches that the document has for the same question. */
function useMatches(documentId: string): readonly Hit[] {
  const { index } = useIndex();
  const { hits, result } = useSearch();
  const listed = useMemo(() => hits.filter((hit) => hit.documentId === documentId), [hits, documentId]);
  const [further, setFurther] = useState<{ key: string; hits: readonly Hit[] } | null>(null);
  const query = result?.query ?? '';
  const match = result?.match;
  const key = JSON.stringify([documentId, query, match]);
  useEffect(() => {
    if (index === null || query.trim() === '') return;
    const controller = new AbortController();
    const { signal } = controller;
    const options = {
      k: mostMatches,
      filter: { documentIds: [documentId] },
      ...(match === undefined ? {} : { match }),
    };
    const timer = setTimeout(() => {
      index.query(query, { ...options, signal }).then(
        (answer) => {
          if (!signal.aborted) setFurther({ key, hits: answer.hits.filter((hit) => hit.relevant) });
        },
        () => undefined, // those of the list are there already
      );
    }, askAfterMs);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [index, documentId, query, match, key]);
  return useMemo(() => {
    const all = new Map(listed.map((hit) => [hit.chunk, hit]));
    if (further?.key === key) for (const hit of further.hits) all.set(hit.chunk, hit);
    return [...all.values()].sort((a, b) => a.start - b.start);
  }, [listed, further, key]);
}
