/** Parts of Lateral that are loaded only when a file needs them. */
import { LateralError } from '../errors.ts';

/** @throws 'worker-failed' where the part does not load: without a network, or after an update of the page */
export async function loadPart<T>(part: Promise<T>): Promise<T> {
  try {
    return await part;
  } catch (cause) {
    throw new LateralError('worker-failed', 'Part of Lateral did not load. Reload the page.', { cause });
  }
}
