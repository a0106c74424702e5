/** Which document is open beside the page, and at which passage. */
import { createContext, use, useMemo, useState } from 'react';
import type { ReactNode } from 'react';

export interface Opened {
  readonly documentId: string;
  /** The passage to open at, or null for the beginning. */
  readonly chunk: number | null;
}

interface ViewerState {
  readonly opened: Opened | null;
  readonly open: (opened: Opened) => void;
  readonly close: () => void;
}

const ViewerContext = createContext<ViewerState>({ opened: null, open: () => undefined, close: () => undefined });

export function ViewerProvider({ children }: { readonly children: ReactNode }) {
  const [opened, setOpened] = useState<Opened | null>(null);
  const value = useMemo(() => ({ opened, open: setOpened, close: () => setOpened(null) }), [opened]);
  return <ViewerContext value={value}>{children}</ViewerContext>;
}

export const useViewer = (): ViewerState => use(ViewerContext);
