/** Long work in steps, so that what else the thread has to do (a query, a cancel) is not kept waiting. */

/** The thread is given to others after this long. */
const stepMs = 10;

/** @returns lets other work of the thread go first once `stepMs` have passed since it last did. A message, because timers wait 4 ms. */
export function createPause(): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last < stepMs) return;
    await new Promise<void>((resolve) => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        port1.close();
        resolve();
      };
      port2.postMessage(null);
    });
    last = performance.now();
  };
}
