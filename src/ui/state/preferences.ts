/** What a person prefers, remembered in this browser: theme, single-letter keys, devices, view. */
import { useSyncExternalStore } from 'react';

export type Theme = 'system' | 'light' | 'dark';
export type View = 'passage' | 'document';

export interface Preferences {
  readonly theme: Theme;
  readonly letterKeys: boolean;
  readonly view: View;
  /** Whether this browser held documents when last seen, so that the start shows the right page at once. */
  readonly hadDocuments: boolean;
}

const key = 'lateral.preferences';
const defaults: Preferences = { theme: 'system', letterKeys: true, view: 'passage', hadDocuments: false };
const listeners = new Set<() => void>();
let current = load();

function load(): Preferences {
  try {
    const stored = JSON.parse(localStorage.getItem(key) ?? '{}') as Partial<Record<keyof Preferences, unknown>>;
    return {
      theme: stored.theme === 'light' || stored.theme === 'dark' ? stored.theme : 'system',
      letterKeys: stored.letterKeys !== false,
      view: stored.view === 'document' ? 'document' : 'passage',
      hadDocuments: stored.hadDocuments === true,
    };
  } catch {
    return defaults; // storage is closed to us, or holds something else
  }
}

export const preferences = (): Preferences => current;

export function setPreferences(change: Partial<Preferences>): void {
  current = { ...current, ...change };
  try {
    localStorage.setItem(key, JSON.stringify(current));
  } catch {
    // a private window: the choice lasts as long as the page
  }
  applyTheme();
  for (const listener of listeners) listener();
}

export function applyTheme(): void {
  const root = document.documentElement;
  if (current.theme === 'system') root.removeAttribute('data-theme');
  else root.setAttribute('data-theme', current.theme);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const usePreferences = (): Preferences => useSyncExternalStore(subscribe, preferences);
