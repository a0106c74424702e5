/** Opens the index with the devices that the address asks for, and says how much of the model has loaded. */
import { useSyncExternalStore } from 'react';
import * as api from '../../index.ts';
import type { LateralIndex, OpenOptions, Progress } from '../../index.ts';
import { preferences, setPreferences } from './preferences.ts';

const encoders = ['auto', 'wasm', 'webgpu'] as const;
const scorers = ['auto', 'js', 'wasm', 'webgpu'] as const;

export function openFromAddress(search: string): Promise<LateralIndex> {
  const clear = sessionStorage.getItem(startOverKey) !== null;
  sessionStorage.removeItem(startOverKey);
  const { keepSources, model, dim, poolFactor, residentPrecision } = preferences();
  return api.openIndex({
    ...optionsFrom(search),
    ...(model === null ? {} : { model }),
    keepSources,
    ...(dim === null ? {} : { dim }),
    poolFactor,
    residentPrecision,
    onProgress: loading,
    onMismatch: clear ? 'clear' : 'reencode',
  });
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
let percent: number | null = null;
const listeners = new Set<() => void>();

function loading({ phase, done, total }: Progress): void {
  if (phase !== 'loading-model' || total === 0 || performance.now() < quietMs) return;
  const next = Math.floor((100 * done) / total);
  if (percent !== null && next <= percent) return; // never backwards
  percent = next;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Percent of the model's files, or null while there is nothing to tell. */
export const useLoadedPercent = (): number | null => useSyncExternalStore(subscribe, () => percent);
