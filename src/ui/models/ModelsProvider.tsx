/** Hands the models on their way to the page, and the change from one model to another. */
import { createContext, use, useCallback, useEffect, useRef, useState, useSyncExternalStore } from 'react';
import type { ReactNode } from 'react';
import type { LateralIndex, LateralModels, ModelInfo } from '../../index.ts';
import { openModels } from '../../index.ts';
import { permitOrigins } from '../offline/permission.ts';
import { useDocuments, useIndex } from '../state/index-context.tsx';
import { openAside, openFromAddress, takeModel } from '../state/open.ts';
import { preferences, setPreferences } from '../state/preferences.ts';
import { noteAsked } from '../state/requests.ts';
import { askToKeep } from '../state/storage.ts';
import { builtInModel } from './describe.ts';
import { Preparer } from './preparer.ts';
import type { PreparerState } from './preparer.ts';
import { Switcher } from './switcher.ts';
import type { SwitchState } from './switcher.ts';

interface Models {
  readonly preparer: Preparer;
  readonly switcher: Switcher<LateralIndex>;
  /** Tells it which index serves now, and how another takes its place. */
  readonly attach: (serving: Serving) => void;
}

type Serving = Pick<ReturnType<typeof useIndex>, 'index' | 'replace'>;

const ModelsContext = createContext<Models | null>(null);

export function ModelsProvider({ children }: { readonly children: ReactNode }) {
  const { index, replace } = useIndex();
  const [models] = useState(createModels);
  useEffect(() => {
    models.attach({ index, replace });
  }, [models, index, replace]);
  useSwitchingOn(models.switcher, index);
  return <ModelsContext value={models}>{children}</ModelsContext>;
}

function createModels(): Models {
  let serving: Serving | null = null;
  return {
    preparer: new Preparer(theModels, askToKeep),
    switcher: new Switcher({
      open: (to, onProgress) => openAside(location.search, to, onProgress),
      adopt: (next, to) => {
        takeModel(to);
        serving?.replace(() => Promise.resolve(next));
      },
      discard: async () => serving?.index?.discardAside(),
      remember: (switchingTo) => setPreferences({ switchingTo }),
    }),
    attach: (now) => (serving = now),
  };
}

/** A switch that a reload interrupted goes on, once the model in use serves. */
function useSwitchingOn(switcher: Switcher<LateralIndex>, index: LateralIndex | null): void {
  const done = useRef(false);
  useEffect(() => {
    if (index === null || done.current) return;
    done.current = true;
    const { switchingTo } = preferences();
    if (switchingTo !== null) void switcher.begin(switchingTo);
  }, [index, switcher]);
}

function useModels(): Models {
  const models = use(ModelsContext);
  if (models === null) throw new Error('useModels needs a ModelsProvider above it.');
  return models;
}

export const usePreparer = (): Preparer => useModels().preparer;
export const useSwitcher = (): Switcher<LateralIndex> => useModels().switcher;

export function useSwitching(): SwitchState {
  const { switcher } = useModels();
  return useSyncExternalStore(switcher.subscribe, switcher.state);
}

export function usePreparing(): PreparerState {
  const preparer = usePreparer();
  return useSyncExternalStore(preparer.subscribe, preparer.state);
}

/**
 * The list of models, read when it is first wanted and whenever this tab is looked at again.
 * @param wanted false where what is known already will do
 */
export function useModelList(wanted = true): PreparerState {
  const preparer = usePreparer();
  useEffect(() => {
    if (!wanted) return;
    const look = (): void => {
      if (document.visibilityState === 'visible') void preparer.refresh();
    };
    look();
    document.addEventListener('visibilitychange', look);
    return () => document.removeEventListener('visibilitychange', look);
  }, [preparer, wanted]);
  return usePreparing();
}

/** Id of the model that is open, or that was meant to be. */
export const useModelInUse = (): string => useIndex().model ?? builtInModel;

/** Back to the model that comes with Lateral, at once: for when the one in use cannot be opened. */
export function useModelReset(): () => void {
  const { replace } = useIndex();
  return useCallback(() => {
    takeModel({ model: null, title: '', tokensPerSecond: null });
    replace(() => openFromAddress(location.search));
  }, [replace]);
}

/** Changes to another model: at once where nothing has to be read again, or nothing serves meanwhile. */
export function useModelSwitch(): (model: Pick<ModelInfo, 'id' | 'title' | 'check'>) => void {
  const { index, replace } = useIndex();
  const { documents } = useDocuments();
  const { switcher } = useModels();
  const empty = documents?.length === 0;
  return useCallback(
    ({ id, title, check }) => {
      const to = { model: id === builtInModel ? null : id, title, tokensPerSecond: check?.tokensPerSecond ?? null };
      if (index !== null && !empty) {
        void switcher.begin(to);
        return;
      }
      takeModel(to);
      replace(() => openFromAddress(location.search));
    },
    [index, empty, replace, switcher],
  );
}

/** Made anew for each call, since where they come from may have been changed in Settings. */
export const theModels = (): LateralModels => openModels({ ...originOf(), permit });

async function permit(origins: readonly string[]): Promise<void> {
  await permitOrigins(origins);
  noteAsked(origins);
}

function originOf(): { readonly endpoint?: string; readonly path?: string } {
  const { modelEndpoint, modelPath } = preferences();
  return {
    ...(modelEndpoint === '' ? {} : { endpoint: modelEndpoint }),
    ...(modelPath === '' ? {} : { path: modelPath }),
  };
}
