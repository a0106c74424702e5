/** Opens the index with the devices that the address asks for, and says how much of the model has loaded. */
import { useSyncExternalStore } from 'react';
import * as api from '../../index.ts';
import type { LateralIndex, OpenOptions, Progress } from '../../index.ts';
import type { ModelChoice } from './preferences.ts';
import { preferences, setPreferences } from './preferences.ts';

const encoders = ['auto', 'wasm', 'webgpu'] as const;
const scorers = ['auto', 'js', 'wasm', 'webgpu'] as const;

/** @throws what `openIndex` throws */
export async function openFromAddress(search: string): Promise<LateralIndex> {
  const clear = sessionStorage.getItem(startOverKey) !== null;
  sessionStorage.removeItem(startOverKey);
  const { switchingTo } = preferences();
  const open = (onMismatch: NonNullable<OpenOptions['onMismatch']>): Promise<LateralIndex> => {
    const { model, dim } = preferences();
    return api.openIndex({ ...ofModel(model, dim), ...settingsFrom(search), onMismatch });
  };
  if (switchingTo !== null && !clear) {
    // It may have taken over in the very moment in which the page ended: then the one before must not begin anew.
    try {
      return await open('fail');
    } catch (thrown) {
      if (!(thrown instanceof api.LateralError) || thrown.code !== 'model-mismatch') throw thrown;
      takeModel(switchingTo);
    }
  }
  return open(clear ? 'clear' : 'reencode');
}

/** The same documents with another model, which changes nothing for the one that serves them until it has taken over. */
export function openAside(
  search: string,
  { model }: ModelChoice,
  onProgress: (progress: Progress) => void,
): Promise<LateralIndex> {
  return api.openIndex({ ...ofModel(model, null), ...settingsFrom(search), onProgress, onMismatch: 'aside' });
}

/** From now on this model is opened. */
export function takeModel({ model, tokensPerSecond }: ModelChoice): void {
  loadingAnew();
  const measured = Math.round(tokensPerSecond ?? 0);
  setPreferences({
    ...{ model, dim: null, switchingTo: null },
    tokensPerSecond: measured > 0 ? measured : null, // what the other model took says nothing of this one
  });
}

const ofModel = (model: string | null, dim: number | null): OpenOptions => ({
  ...(model === null ? {} : { model }),
  ...(dim === null ? {} : { dim }),
});

function settingsFrom(search: string): api.OpenIndexOptions {
  const { keepSources, poolFactor, residentPrecision, longDocument } = preferences();
  return { ...optionsFrom(search), keepSources, poolFactor, residentPrecision, longDocument, onProgress: loading };
}

export function optionsFrom(search: string): OpenOptions {
  const parameters = new URLSearchParams(search);
  const encoder = encoders.find((kind) => kind === parameters.get('encoder'));
  const scorer = scorers.find((kind) => kind === parameters.get('scorer'));
  const name = parameters.get('name');
  return {
    ...(encoder === undefined ? {} : { encoder }),
    ...(scorer === undefined ? {} : { scorer }),
    ...(name === null || name === '' ? {} : { name }),
  };
}

const startOverKey = 'lateral-start-over';

/** Reloads, and lets go of documents that were read by another model. */
export function startOver(): void {
  setPreferences({ hadDocuments: false }); // a person removes them, not the browser
  sessionStorage.setItem(startOverKey, '');
  location.reload();
}

// ── how much of the model has loaded ──

/** A start that takes longer than this says how far it is. */
const quietMs = 1000;
let startedAt = 0;
let percent: number | null = null;
const listeners = new Set<() => void>();

function loading({ phase, done, total }: Progress): void {
  if (phase !== 'loading-model' || total === 0 || performance.now() < startedAt + quietMs) return;
  const next = Math.floor((100 * done) / total);
  if (percent !== null && next <= percent) return; // never backwards
  percent = next;
  for (const listener of listeners) listener();
}

/** Another model is opened: from the beginning. */
function loadingAnew(): void {
  startedAt = performance.now();
  percent = null;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Percent of the model's files; null while there is nothing to tell, and once all are read, since its runtime takes some time more. */
export const useLoadedPercent = (): number | null =>
  useSyncExternalStore(subscribe, () => (percent === 100 ? null : percent));
