/** The one open index of the page, its status, and its documents; hooks subscribe, components render. */
import {
  createContext,
  startTransition,
  use,
  useCallback,
  useEffect,
  useMemo,
  useState,
  useSyncExternalStore,
} from 'react';
import type { ReactNode } from 'react';
import type { DocumentRecord, EngineStatus, ErrorCode, IndexStats, LateralIndex } from '../../index.ts';
import { LateralError } from '../../index.ts';
import { preferences, setPreferences } from './preferences.ts';

export interface StartFailure {
  readonly code: ErrorCode;
  readonly message: string;
}

interface IndexState {
  /** Resolves once open; work begun earlier waits for it. */
  readonly opening: Promise<LateralIndex>;
  readonly index: LateralIndex | null;
  readonly failure: StartFailure | null;
  /** Id of the model that it is opened with; null for the one that comes with Lateral. */
  readonly model: string | null;
  /** Closes the index, and takes another in its place. What was begun with the old one ends. */
  readonly replace: (open: () => Promise<LateralIndex>) => void;
}

interface Opened {
  readonly opening: Promise<LateralIndex>;
  readonly index: LateralIndex | null;
  readonly failure: StartFailure | null;
  readonly model: string | null;
}

const IndexContext = createContext<IndexState | null>(null);

export function IndexProvider({
  opening: first,
  children,
}: {
  readonly opening: Promise<LateralIndex>;
  readonly children: ReactNode;
}) {
  const [opening, setOpening] = useState(first);
  const [opened, setOpened] = useState<Opened | null>(null);
  useEffect(() => {
    opening.then(
      (index) => setOpened({ opening, index, failure: null, model: preferences().model }),
      (thrown: unknown) => setOpened({ opening, index: null, failure: failureOf(thrown), model: preferences().model }),
    );
  }, [opening]);
  const current = opened?.opening === opening ? opened : null;
  const index = current?.index ?? null;
  const failure = current?.failure ?? null;
  const model = current === null ? preferences().model : current.model;
  const replace = useCallback(
    (open: () => Promise<LateralIndex>) => {
      setOpening(closed(opening).then(open));
    },
    [opening],
  );
  useEffect(() => {
    if (index === null) return;
    const tell = (): void => {
      // only a hint; a worker that is gone says so by its status
      index.configure({ visible: document.visibilityState === 'visible' }).catch(() => undefined);
    };
    tell();
    document.addEventListener('visibilitychange', tell);
    return () => document.removeEventListener('visibilitychange', tell);
  }, [index]);
  const value = useMemo(() => ({ opening, index, failure, model, replace }), [opening, index, failure, model, replace]);
  return <IndexContext value={value}>{children}</IndexContext>;
}

/** Resolves once it is closed, or where it never opened. */
async function closed(opening: Promise<LateralIndex>): Promise<void> {
  try {
    await (await opening).close();
  } catch {
    // there is nothing to close, or its worker is gone
  }
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
  /** There were documents here when this browser last looked, and now there are none. */
  readonly evicted: boolean;
}

const nothingKnown: Documents = { documents: null, stats: null, version: 0, evicted: false };
const DocumentsContext = createContext<Documents>(nothingKnown);
export const useDocuments = (): Documents => use(DocumentsContext);

/** Between two looks at the list while documents arrive: longer for long lists, which take their time to cross over. */
const pauseMs = (documents: number): number => Math.min(4000, Math.max(400, documents * 2));

/** Reads the list of documents anew when it changes. */
export function DocumentsProvider({ children }: { readonly children: ReactNode }) {
  const { index } = useIndex();
  const [known, setKnown] = useState<Documents>(nothingKnown);
  useEffect(() => {
    if (index === null) return;
    let stopped = false;
    let first = true;
    let size = 0;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const read = async (): Promise<void> => {
      timer = undefined;
      try {
        const [documents, stats] = await Promise.all([index.documents(), index.stats()]);
        if (stopped) return;
        const stored = index.name === defaultName && index.status().storage === 'indexeddb';
        const evicted = first && stored && documents.length === 0 && preferences().hadDocuments;
        first = false;
        size = documents.length;
        startTransition(() =>
          setKnown((before) => ({
            documents,
            stats,
            version: before.version + 1,
            evicted: (before.evicted || evicted) && documents.length === 0,
          })),
        );
        if (stored) setPreferences({ hadDocuments: documents.length > 0 });
      } catch {
        // the status says what is wrong; the list stays as it was
      }
    };
    void read();
    const stop = index.onChange(() => {
      timer ??= setTimeout(() => void read(), pauseMs(size));
    });
    return () => {
      stopped = true;
      clearTimeout(timer);
      stop();
    };
  }, [index]);
  return <DocumentsContext value={known}>{children}</DocumentsContext>;
}

const defaultName = 'default';

export function failureOf(thrown: unknown): StartFailure {
  if (thrown instanceof LateralError) return { code: thrown.code, message: thrown.message };
  return { code: 'internal', message: thrown instanceof Error ? thrown.message : String(thrown) };
}
