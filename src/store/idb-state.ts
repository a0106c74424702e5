/**
 * The one record of `meta` inside a transaction: the version counters by which tabs agree, raised in the very transaction
 * of the change that they tell of.
 */
import { LateralError } from '../errors.ts';
import { send } from './idb-blocks.ts';
import { corrupt } from './idb-errors.ts';
import type { AnyTransaction, WriteTransaction } from './idb-schema.ts';
import { formatVersion, type StoreState } from './schema.ts';

/** @throws 'storage-newer' for a layout of the future; 'storage-corrupt' where the record is missing. */
export async function readState(transaction: AnyTransaction): Promise<StoreState> {
  const state = await transaction.objectStore('meta').get('state');
  if (state === undefined) throw corrupt('The index lost its own description. Clear it and import an export.', {});
  if (state.format > formatVersion) {
    throw new LateralError('storage-newer', 'This index was written by a later version of Lateral. Reload the page.', {
      details: { format: state.format },
    });
  }
  return state;
}

/** Raises the version, in the transaction of the change itself. @returns the new revision. */
export function writeState(
  transaction: WriteTransaction,
  state: StoreState,
  changes: Partial<StoreState> = {},
): number {
  const next = { ...state, ...changes, version: state.version + 1 };
  send(transaction.objectStore('meta').put(next, 'state'));
  return revisionOf(next);
}

/** As `writeState`, for a change of pending files alone. */
export function writePendingVersion(transaction: WriteTransaction, state: StoreState): number {
  const next = { ...state, pendingVersion: state.pendingVersion + 1 };
  send(transaction.objectStore('meta').put(next, 'state'));
  return revisionOf(next);
}

/** What the tabs compare: rises with each of the two versions. */
export function revisionOf({ version, pendingVersion }: StoreState): number {
  return version + pendingVersion;
}
