/** Hands the models on their way to the page, and the change from one model to another. */
import { createContext, use, useCallback, useEffect, useState, useSyncExternalStore } from 'react';
import type { ReactNode } from 'react';
import type { LateralModels, ModelInfo } from '../../index.ts';
import { openModels } from '../../index.ts';
import { permitOrigins } from '../offline/permission.ts';
import { useIndex } from '../state/index-context.tsx';
import { openFromAddress } from '../state/open.ts';
import { preferences, setPreferences } from '../state/preferences.ts';
import { askToKeep } from '../state/storage.ts';
import { builtInModel } from './describe.ts';
import { Preparer } from './preparer.ts';
import type { PreparerState } from './preparer.ts';

const ModelsContext = createContext<Preparer | null>(null);

export function ModelsProvider({ children }: { readonly children: ReactNode }) {
  const [preparer] = useState(() => new Preparer(theModels, askToKeep));
  return <ModelsContext value={preparer}>{children}</ModelsContext>;
}

export function usePreparer(): Preparer {
  const preparer = use(ModelsContext);
  if (preparer === null) throw new Error('usePreparer needs a ModelsProvider above it.');
  return preparer;
}

export function usePreparing(): PreparerState {
  const preparer = usePreparer();
  return useSyncExternalStore(preparer.subscribe, preparer.state);
}

/** The list of models, read when it is first wanted and whenever this tab is looked at again. */
export function useModelList(): PreparerState {
  const preparer = usePreparer();
  useEffect(() => {
    const look = (): void => {
      if (document.visibilityState === 'visible') void preparer.refresh();
    };
    look();
    document.addEventListener('visibilitychange', look);
    return () => document.removeEventListener('visibilitychange', look);
  }, [preparer]);
  return usePreparing();
}

/** Id of the model that is open, or that was meant to be. */
export const useModelInUse = (): string => useIndex().model ?? builtInModel;

/** Back to the model that comes with Lateral. */
export function useModelReset(): () => void {
  const change = useModelSwitch();
  return useCallback(() => change({ id: builtInModel, check: null }), [change]);
}

/** Opens the index with another model, in place. */
export function useModelSwitch(): (model: Pick<ModelInfo, 'id' | 'check'>) => void {
  const { replace } = useIndex();
  return useCallback(
    ({ id, check }) => {
      const measured = Math.round(check?.tokensPerSecond ?? 0);
      setPreferences({
        model: id === builtInModel ? null : id,
        dim: null,
        tokensPerSecond: measured > 0 ? measured : null, // estimates of the other model's say nothing of this one
      });
      replace(() => openFromAddress(location.search));
    },
    [replace],
  );
}

/** Made anew for each call, since where they come from may have been changed in Settings. */
export const theModels = (): LateralModels => openModels({ ...originOf(), permit: permitOrigins });

function originOf(): { readonly endpoint?: string; readonly path?: string } {
  const { modelEndpoint, modelPath } = preferences();
  return {
    ...(modelEndpoint === '' ? {} : { endpoint: modelEndpoint }),
    ...(modelPath === '' ? {} : { path: modelPath }),
  };
}
