/** What is asked of `navigator`: pages, workers and Node have different parts of it, and no two type libraries agree. */
export interface Platform {
  readonly onLine?: boolean;
  /** Megabits per second as Chromium estimates them, never above 10. */
  readonly connection?: { readonly downlink?: number };
  readonly storage?: {
    estimate?(): Promise<StorageEstimate>;
    /** Not in workers. */
    persist?(): Promise<boolean>;
    persisted?(): Promise<boolean>;
    getDirectory?(): Promise<FileSystemDirectoryHandle>;
  };
}

export function platform(): Platform {
  return (globalThis as { navigator?: Platform }).navigator ?? {};
}
