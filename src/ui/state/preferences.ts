/** What a person prefers, and what this browser has shown of itself, remembered here: theme, keys, view, speed. */
import { useSyncExternalStore } from 'react';
import type { EncoderDevice, LongDocument, MatchBy, PoolFactor, ResidentPrecision } from '../../index.ts';
import { setThemeColor } from '../offline/theme-color.ts';

export type Theme = 'system' | 'light' | 'dark';
export type View = 'passage' | 'document';

/** What an index is opened with. */
export interface ModelChoice {
  /** Null for the model that comes with Lateral. */
  readonly model: string | null;
  readonly title: string;
  /** Tokens it reads in a second, or null where that was not measured. */
  readonly tokensPerSecond: number | null;
}

export interface ReadingSpeed {
  /** With its version. */
  readonly model: string;
  readonly device: EncoderDevice;
  readonly tokensPerSecond: number;
}

export interface Preferences {
  readonly theme: Theme;
  readonly letterKeys: boolean;
  readonly view: View;
  readonly match: MatchBy;
  readonly keepSources: boolean;
  /** Id of the model in use, as `openIndex` takes it; null for the one that comes with Lateral. */
  readonly model: string | null;
  /** The model that documents are being read by for it to take over; null where none is. */
  readonly switchingTo: ModelChoice | null;
  /** Dimensions of stored vectors; null for as many as the model has. */
  readonly dim: number | null;
  /** Where models come from; '' for the usual hub. */
  readonly modelEndpoint: string;
  /** In its place, a folder of one's own server; '' for none. */
  readonly modelPath: string;
  readonly poolFactor: PoolFactor;
  readonly residentPrecision: ResidentPrecision;
  readonly longDocument: LongDocument;
  /** Tokens per second that this device has read so far, or null before the first long reading. */
  readonly tokensPerSecond: number | null;
  /** What the model that comes with Lateral was measured to read here, and by what; null before it was. */
  readonly builtInSpeed: ReadingSpeed | null;
  /**
   * Whether this browser held documents when last seen: so that the start shows the right page at once, and so that it is
   * noticed when the browser has cleared them.
   */
  readonly hadDocuments: boolean;
}

const key = 'lateral.preferences';
const defaults: Preferences = {
  theme: 'system',
  letterKeys: true,
  view: 'passage',
  match: 'both',
  keepSources: true,
  model: null,
  switchingTo: null,
  dim: null,
  modelEndpoint: '',
  modelPath: '',
  poolFactor: 1,
  residentPrecision: 'stored',
  longDocument: 'passage',
  tokensPerSecond: null,
  builtInSpeed: null,
  hadDocuments: false,
};
const listeners = new Set<() => void>();
let current = load();

function load(): Preferences {
  try {
    const stored = JSON.parse(localStorage.getItem(key) ?? '{}') as Partial<Record<keyof Preferences, unknown>>;
    const { theme, match, tokensPerSecond } = stored;
    return {
      theme: theme === 'light' || theme === 'dark' ? theme : 'system',
      letterKeys: stored.letterKeys !== false,
      view: stored.view === 'document' ? 'document' : 'passage',
      match: match === 'meaning' || match === 'words' ? match : 'both',
      keepSources: stored.keepSources !== false,
      model: isModelId(stored.model) ? stored.model : null,
      switchingTo: toChoice(stored.switchingTo),
      dim: isDim(stored.dim) ? stored.dim : null,
      modelEndpoint: isAddress(stored.modelEndpoint) ? stored.modelEndpoint : '',
      modelPath: isAddress(stored.modelPath) ? stored.modelPath : '',
      poolFactor: ([2, 3, 4] as const).find((factor) => factor === stored.poolFactor) ?? 1,
      longDocument: (['window', 'whole'] as const).find((method) => method === stored.longDocument) ?? 'passage',
      residentPrecision: stored.residentPrecision === 'int4' ? 'int4' : 'stored',
      tokensPerSecond: typeof tokensPerSecond === 'number' && tokensPerSecond > 0 ? tokensPerSecond : null,
      builtInSpeed: toSpeed(stored.builtInSpeed),
      hadDocuments: stored.hadDocuments === true,
    };
  } catch {
    return defaults; // storage is closed to us, or holds something else
  }
}

/** An id of a list, owner/name, or 'folder:NAME': what it means is found out when it is opened. */
function isModelId(value: unknown): value is string {
  return typeof value === 'string' && value.length <= 200 && /^(folder:.+|[\w.-]+(\/[\w.-]+)?)$/.test(value);
}

function toChoice(value: unknown): ModelChoice | null {
  const { model, title, tokensPerSecond } = (value ?? {}) as Partial<Record<keyof ModelChoice, unknown>>;
  if ((model !== null && !isModelId(model)) || typeof title !== 'string') return null;
  return { model, title, tokensPerSecond: typeof tokensPerSecond === 'number' ? tokensPerSecond : null };
}

function toSpeed(value: unknown): ReadingSpeed | null {
  const { model, device, tokensPerSecond } = (value ?? {}) as Partial<Record<keyof ReadingSpeed, unknown>>;
  if (typeof model !== 'string' || (device !== 'wasm' && device !== 'webgpu')) return null;
  return typeof tokensPerSecond === 'number' && tokensPerSecond > 0 ? { model, device, tokensPerSecond } : null;
}

function isDim(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= 1024;
}

function isAddress(value: unknown): value is string {
  return typeof value === 'string' && value.length <= 2000;
}

export const preferences = (): Preferences => current;

export function setPreferences(change: Partial<Preferences>): void {
  const names = Object.keys(change) as (keyof Preferences)[];
  if (names.every((name) => change[name] === current[name])) return;
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
  setThemeColor(current.theme);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const usePreferences = (): Preferences => useSyncExternalStore(subscribe, preferences);
