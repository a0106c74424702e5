/** Whether the browser promises to keep what is stored here, and when it is asked to. */
import { useSyncExternalStore } from 'react';

let kept: boolean | null = null;
const listeners = new Set<() => void>();

function learn(value: boolean): void {
  kept = value;
  for (const listener of listeners) listener();
}

/** Firefox asks the person, so it is asked only when they want it; other browsers decide by themselves. */
const asksThePerson = navigator.userAgent.includes('Firefox/');

/** Called once documents are stored: from then on there is something to keep. */
export async function askToKeep(): Promise<void> {
  if (!('storage' in navigator) || kept === true) return;
  try {
    const already = await navigator.storage.persisted();
    learn(already || (!asksThePerson && (await navigator.storage.persist())));
  } catch {
    // no answer: what was known stays
  }
}

/** Called when the person asks for it. @returns whether the browser agreed */
export async function keep(): Promise<boolean> {
  const agreed = await navigator.storage.persist().catch(() => false);
  learn(agreed);
  return agreed;
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** null until the browser was asked. */
export const useKept = (): boolean | null => useSyncExternalStore(subscribe, () => kept);
