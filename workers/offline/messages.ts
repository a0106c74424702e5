/** What the page and the service worker say to each other. Types only: both sides import them. */

/** From the page to its service worker; a question comes with the port for its answer. */
export type OfflineMessage =
  /** How far is it? Asking also keeps the work going: a browser stops a service worker that nobody talks to. */
  | { readonly type: 'readiness'; readonly runtimeFiles: readonly string[]; readonly retry: boolean }
  /** A person agreed to the new version: the one that waits takes over. */
  | { readonly type: 'take-over' };

export interface OfflineReadiness {
  /** 'stalled': the last attempt failed; a question with `retry` starts another. */
  readonly state: 'keeping' | 'ready' | 'stalled';
  /** Bytes that are kept, of those that are needed. */
  readonly done: number;
  readonly total: number;
  /** Why it stalled. */
  readonly reason: StallReason | null;
}

/** 'damaged': what the server sent is not the file of this version. */
export type StallReason = 'network' | 'space' | 'damaged';

/** A page holds a shared Web Lock of this name, with the address of its script, for as long as it lives. */
export const versionLockPrefix = 'lateral-version:';
