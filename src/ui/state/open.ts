/** Opens the index with the devices that the address asks for. */
import * as api from '../../index.ts';
import type { LateralIndex, OpenOptions } from '../../index.ts';

const encoders = ['auto', 'wasm', 'webgpu'] as const;
const scorers = ['auto', 'js', 'wasm', 'webgpu'] as const;

export function openFromAddress(search: string): Promise<LateralIndex> {
  const options = optionsFrom(search);
  const clear = sessionStorage.getItem(startOverKey) !== null;
  sessionStorage.removeItem(startOverKey);
  return api.openIndex({ ...options, ...(clear ? { onMismatch: 'clear' } : {}) });
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
  sessionStorage.setItem(startOverKey, '');
  location.reload();
}
