/** Telling listeners without being at their mercy: a change that is committed must not look failed because one of them threw. */

export function tellAll<Arguments extends readonly unknown[]>(
  listeners: ReadonlySet<(...values: Arguments) => void>,
  ...values: Arguments
): void {
  for (const listener of [...listeners]) {
    try {
      listener(...values);
    } catch (error) {
      // Surfaces as an uncaught error of the listener's, as if an event had called it.
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}
