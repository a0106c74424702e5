/** The one open index of the page, its status, and its documents; hooks subscribe, components render. */
import { createContext, use, useCallback, useEffect, useMemo, useState, useSyncExternalStore } from 'react';
import type { ReactNode } from 'react';
import type { DocumentRecord, EngineStatus, ErrorCode, IndexStats, LateralIndex } from '../../index.ts';
import { LateralError } from '../../index.ts';
import { setPreferences } from './preferences.ts';

export interface StartFailure {
  readonly code: ErrorCode;
  readonly message: string;
}

interface IndexState {
  /** Resolves once open; work begun earlier waits for it. */
  readonly opening: Promise<LateralIndex>;
  readonly index: LateralIndex | null;
  readonly failure: StartFailure | null;
}

const IndexContext = createContext<IndexState | null>(null);

export function IndexProvider({
  opening,
  children,
}: {
  readonly opening: Promise<LateralIndex>;
  readonly children: ReactNode;
}) {
  const [index, setIndex] = useState<LateralIndex | null>(null);
  const [failure, setFailure] = useState<StartFailure | null>(null);
  useEffect(() => {
    opening.then(setIndex, (thrown: unknown) => setFailure(failureOf(thrown)));
  }, [opening]);
  const value = useMemo(() => ({ opening, index, failure }), [opening, index, failure]);
  return <IndexContext value={value}>{children}</IndexContext>;
}

export function useIndex(): IndexState {
  const state = use(IndexContext);
  if (state === null) throw new Error('useIndex needs an IndexProvider above it.');
  return state;
}

const noSubscription = (): (() => void) => () => undefined;

export function useStatus(): EngineStatus | null {
  const { index } = useIndex();
  return useSyncExternalStore(
    useCallback((listener) => (index === null ? noSubscription() : index.subscribe(listener)), [index]),
    () => index?.status() ?? null,
  );
}

export interface Documents {
  /** null until first known. */
  readonly documents: readonly DocumentRecord[] | null;
  readonly stats: IndexStats | null;
  /** Rises at every change, so that searches know when to run again. */
  readonly version: number;
}

const DocumentsContext = createContext<Documents>({ documents: null, stats: null, version: 0 });
export const useDocuments = (): Documents => use(DocumentsContext);

/** Reads the list of documents anew at each change, at most every 400 ms. */
export function DocumentsProvider({ children }: { readonly children: ReactNode }) {
  const { index } = useIndex();
  const [known, setKnown] = useState<Documents>({ documents: null, stats: null, version: 0 });
  useEffect(() => {
    if (index === null) return;
    let stopped = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const read = async (): Promise<void> => {
      timer = undefined;
      try {
        const [documents, stats] = await Promise.all([index.documents(), index.stats()]);
        if (stopped) return;
        setKnown((before) => ({ documents, stats, version: before.version + 1 }));
        setPreferences({ hadDocuments: documents.length > 0 });
      } catch {
        // the status says what is wrong; the list stays as it was
      }
    };
    void read();
    const stop = index.onChange(() => {
      timer ??= setTimeout(() => void read(), 400);
    });
    return () => {
      stopped = true;
      clearTimeout(timer);
      stop();
    };
  }, [index]);
  return <DocumentsContext value={known}>{children}</DocumentsContext>;
}

export function failureOf(thrown: unknown): StartFailure {
  if (thrown instanceof LateralError) return { code: thrown.code, message: thrown.message };
  return { code: 'internal', message: thrown instanceof Error ? thrown.message : String(thrown) };
}
