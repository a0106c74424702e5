/** The open document: its text, and the hits in it. */
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
    hits: useHits(documentId),
  };
}

/** The document's hits among the results; where results are by document, its further passages are asked for. */
function useHits(documentId: string): readonly Hit[] {
  const { index } = useIndex();
  const { hits, query, view } = useSearch();
  const listed = useMemo(() => hits.filter((hit) => hit.documentId === documentId), [hits, documentId]);
  const more = view === 'document' ? (listed[0]?.moreInDocument ?? 0) : 0;
  const [further, setFurther] = useState<{ key: string; hits: readonly Hit[] } | null>(null);
  const key = `${documentId} ${more} ${query}`;
  useEffect(() => {
    if (index === null || more === 0) return;
    const controller = new AbortController();
    const options = { k: more + 1, filter: { documentIds: [documentId] }, signal: controller.signal };
    index.query(query, options).then(
      (result) => setFurther({ key, hits: result.hits }),
      () => undefined, // the best passage is there already
    );
    return () => controller.abort();
  }, [index, documentId, more, query, key]);
  return useMemo(() => {
    const all = more > 0 && further?.key === key ? further.hits : listed;
    return all.toSorted((a, b) => a.start - b.start);
  }, [listed, more, further, key]);
}
