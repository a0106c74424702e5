/** How many threads of the processor a page may use. */

/** More than one thread needs shared memory, which needs cross-origin isolation. */
export function threadCount(): number {
  return self.crossOriginIsolated ? Math.max(1, Math.min(8, navigator.hardwareConcurrency)) : 1;
}
