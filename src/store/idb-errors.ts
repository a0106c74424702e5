/**
 * What browsers say when IndexedDB fails, as our codes. Ordered after field data (shared/reliability.md): backing store,
 * quota, lost connection, full disk, closing connection.
 */
import { LateralError, toLateralError } from '../errors.ts';

/** The connection is dead; the same call may succeed on a new one. Nothing of the failed transaction was written. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
}

/** Whether a thrown value means that the handle, not the request, is at fault. */
export function isConnectionLost(thrown: unknown): boolean {
  if (thrown instanceof ConnectionLost) return true;
  if (!(thrown instanceof DOMException)) return false;
  if (/connection (is|was|to indexed database server) (lost|closing|closed)/i.test(thrown.message)) return true;
  return thrown.name === 'InvalidStateError' && /clos(ed|ing)/i.test(thrown.message);
}

/** @param during what was being done, as the end of "… while": 'opening the index "notes"' */
export function toStorageError(thrown: unknown, during: string): LateralError {
  if (thrown instanceof LateralError) return thrown;
  const cause = { cause: thrown };
  if (isConnectionLost(thrown)) {
    return new LateralError(
      'storage-closed',
      `The browser closed the database while ${during}, and again after it was reopened. Reload the page.`,
      cause,
    );
  }
  if (!(thrown instanceof DOMException)) return toLateralError(thrown);
  const { name, message } = thrown;
  const said = `${name}: ${message}`;
  if (name === 'QuotaExceededError' || /full disk|disk is full/i.test(message)) {
    return new LateralError(
      'storage-full',
      `This browser is out of space, seen while ${during}. Nothing was changed. Delete something, then try again.`,
      cause,
    );
  }
  if (/too large/i.test(message)) {
    return new LateralError(
      'file-too-large',
      `The browser cannot keep a value this large, ${during} (${said}).`,
      cause,
    );
  }
  if (name === 'VersionError') {
    return new LateralError(
      'storage-newer',
      'This index was written by a later version of Lateral. Reload the page to get that version.',
      cause,
    );
  }
  if (name === 'SecurityError' || name === 'InvalidStateError' || name === 'InvalidAccessError') {
    return unavailable(said, thrown);
  }
  if (name === 'UnknownError' || name === 'NotFoundError' || name === 'NotReadableError' || name === 'DataError') {
    return new LateralError(
      'storage-corrupt',
      `The browser could not read its database while ${during} (${said}). Restart the browser. If that does not help, ` +
        "delete this site's data and import an export, or add the documents again.",
      cause,
    );
  }
  return new LateralError('internal', `${said}, while ${during}`, cause);
}

export function unavailable(said: string, cause?: unknown): LateralError {
  return new LateralError(
    'storage-unavailable',
    `This browser gives the page no database (${said}). In a private window, or with site data blocked, documents last ` +
      'only as long as the tab.',
    cause === undefined ? {} : { cause },
  );
}

export function corrupt(message: string, details: Readonly<Record<string, string>>): LateralError {
  return new LateralError('storage-corrupt', message, { details });
}
