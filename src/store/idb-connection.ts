/**
 * One connection to one database, which dies and comes back. Everything that makes IndexedDB hang or fail quietly is met
 * here: upgrades that wait for other tabs, connections that the browser drops, transactions that abort without an error.
 */
import { openDB, unwrap } from 'idb';
import { LateralError } from '../errors.ts';
import { ConnectionLost, isConnectionLost, toStorageError, unavailable } from './idb-errors.ts';
import {
  type Database,
  type LateralSchema,
  migrate,
  type Migration,
  type ReadTransaction,
  storeNames,
  type WriteTransaction,
} from './idb-schema.ts';

export interface ConnectionOptions {
  readonly databaseName: string;
  /** The last one's version is the database's. */
  readonly migrations: readonly Migration[];
  /** After a `blocked` event, how long other tabs have to let go. */
  readonly blockedMs: number;
  /** How long the browser has in all to open, which it may fail to do without any event. */
  readonly openMs: number;
  /** The database may have changed behind us: it was deleted, or the browser dropped the connection. */
  readonly onDropped: () => void;
  /** It cannot be opened again. Called at most once. */
  readonly onEnded: (error: LateralError) => void;
}

export interface Connection {
  /** Opens unless open. @throws 'storage-…', and whatever LateralError the body throws. */
  read<T>(during: string, body: (transaction: ReadTransaction) => Promise<T>): Promise<T>;
  /**
   * Runs `body` in one strict transaction; resolves when it is on the disk, rejects with nothing written. The body must
   * await nothing but the transaction's own requests. It runs again on a new connection if the old one proves dead:
   * `attempt` is then 1, and what attempt 0 wrote may be there, if the connection died between commit and answer.
   */
  write<T>(during: string, body: (transaction: WriteTransaction, attempt: number) => Promise<T>): Promise<T>;
  close(): void;
}

export function createConnection(options: ConnectionOptions): Connection {
  let current: Promise<Database> | null = null;
  let closed = false;
  let openedBefore = false;
  let ended = false;

  function database(): Promise<Database> {
    if (closed) {
      return Promise.reject(new LateralError('storage-closed', `The index was closed. Open it again to use it.`));
    }
    current ??= start();
    return current;
  }

  function start(): Promise<Database> {
    const opening: Promise<Database> = openDatabase(options, {
      // Another tab deletes or upgrades the database and waits for us: let go at once.
      blocking(newVersion) {
        drop(opening);
        if (newVersion === null) options.onDropped();
        else database().catch(() => undefined); // queued behind the upgrade; tells onEnded if it went through
      },
      terminated() {
        drop(opening);
        options.onDropped();
      },
    }).then(
      (opened) => {
        openedBefore = true;
        if (closed) opened.close();
        return opened;
      },
      (error: unknown) => {
        if (current === opening) current = null;
        const typed = toStorageError(error, 'opening it');
        if (openedBefore && isFinal(typed) && !ended && !closed) {
          ended = true;
          options.onEnded(typed);
        }
        throw typed;
      },
    );
    return opening;
  }

  /** Forgets a dead connection, so that the next use opens another. */
  function drop(which: Promise<Database>): void {
    if (current === which) current = null;
    which.then(
      (opened) => opened.close(),
      () => undefined,
    );
  }

  async function transact<T>(
    during: string,
    mode: 'readonly' | 'readwrite',
    body: (transaction: WriteTransaction, attempt: number) => Promise<T>,
  ): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      const opening = database();
      const opened = await opening;
      try {
        return await runTransaction(opened, mode, (transaction) => body(transaction, attempt));
      } catch (error) {
        if (!isConnectionLost(error)) throw toStorageError(error, during);
        drop(opening);
        if (attempt > 0 || closed) throw toStorageError(error, during);
      }
    }
  }

  return {
    read: (during, body) =>
      transact(during, 'readonly', (transaction) => body(transaction as unknown as ReadTransaction)),
    write: (during, body) => transact(during, 'readwrite', body),
    close() {
      closed = true;
      if (current !== null) drop(current);
    },
  };
}

/** Resolves once committed. Rejects on error and on abort, with the reason that the browser gave for either. */
async function runTransaction<T>(
  database: Database,
  mode: 'readonly' | 'readwrite',
  body: (transaction: WriteTransaction) => Promise<T>,
): Promise<T> {
  const transaction = begin(database, mode);
  // idb rejects `done` at the first `error` event, before the reason for the abort is known: listen to the events instead.
  transaction.done.catch(() => undefined);
  const raw = unwrap(transaction);
  let ours = false;
  const settled = new Promise<'complete' | 'abort'>((resolve) => {
    raw.addEventListener('complete', () => resolve('complete'));
    raw.addEventListener('abort', () => resolve('abort'));
  });
  const aborted = (): Error =>
    raw.error ??
    new ConnectionLost('The browser ended the transaction without a reason, as it does when it closes a connection.');
  let result: T;
  try {
    result = await body(transaction);
  } catch (error) {
    try {
      raw.abort();
      ours = true;
    } catch {
      // It has aborted already, and its requests failed for that reason; or it has committed, which the next line tells.
    }
    const outcome = await settled;
    if (error instanceof LateralError || ours || outcome === 'complete') throw error;
    throw aborted();
  }
  if ((await settled) === 'abort') throw aborted();
  return result;
}

function begin(database: Database, mode: 'readonly' | 'readwrite'): WriteTransaction {
  try {
    return database.transaction(storeNames, mode as 'readwrite', { durability: 'strict' });
  } catch (error) {
    // Browsers word it differently; from this call it always means a connection that is closed or closing.
    if (error instanceof DOMException && error.name === 'InvalidStateError') {
      throw new ConnectionLost(error.message, { cause: error });
    }
    throw error;
  }
}

/** Whether reopening would only fail again. */
function isFinal({ code }: LateralError): boolean {
  return code === 'storage-newer' || code === 'storage-unavailable' || code === 'storage-corrupt';
}

function requireIndexedDb(): void {
  let found: unknown;
  try {
    found = globalThis.indexedDB;
  } catch (error) {
    throw unavailable(error instanceof Error ? error.message : String(error), error);
  }
  if (found === undefined || found === null) throw unavailable('indexedDB is missing');
}

interface LifecycleCallbacks {
  /** @param newVersion null when the database is to be deleted */
  blocking(newVersion: number | null): void;
  terminated(): void;
}

/** Opens, and once more after a moment if the browser failed inside: a profile that is still locked is free soon. */
async function openDatabase(options: ConnectionOptions, callbacks: LifecycleCallbacks): Promise<Database> {
  requireIndexedDb();
  try {
    return await openOnce(options, callbacks);
  } catch (error) {
    if (!(error instanceof DOMException) || error.name !== 'UnknownError') throw error;
    await new Promise((resolve) => setTimeout(resolve, 200));
    return openOnce(options, callbacks);
  }
}

/** Settles within `openMs`, whatever other tabs do. A connection that arrives later is closed again. */
async function openOnce(options: ConnectionOptions, callbacks: LifecycleCallbacks): Promise<Database> {
  const { databaseName, migrations, blockedMs, openMs } = options;
  const targetVersion = Math.max(...migrations.map((step) => step.version));
  let reject: (error: LateralError) => void;
  const gaveUp = new Promise<never>((_, rejectIt) => (reject = rejectIt));
  const timers: ReturnType<typeof setTimeout>[] = [];
  let late = false;
  let migrationError: unknown;
  const giveUpAfter = (waitedMs: number, message: string): void => {
    const giveUp = (): void => {
      late = true;
      reject(new LateralError('storage-blocked', message, { details: { waitedMs } }));
    };
    timers.push(setTimeout(giveUp, waitedMs));
  };
  giveUpAfter(
    openMs,
    'The browser did not open the database. Close the other tabs of this page and reload; else restart the browser.',
  );
  try {
    const opening = openDB<LateralSchema>(databaseName, targetVersion, {
      upgrade(database, oldVersion, _newVersion, transaction) {
        transaction.done.catch(() => undefined); // `opening` rejects as well
        migrate(migrations, oldVersion, targetVersion, database, transaction).catch((error: unknown) => {
          migrationError = error;
          transaction.abort();
        });
      },
      blocked: () =>
        giveUpAfter(
          blockedMs,
          'Another tab holds an older version of this index open. Close the other tabs of this page, then reload.',
        ),
      blocking: (_currentVersion, newVersion) => callbacks.blocking(newVersion),
      terminated: () => callbacks.terminated(),
    });
    opening.then(
      (database) => {
        if (late) database.close();
      },
      () => undefined,
    );
    return await Promise.race([opening, gaveUp]);
  } catch (error) {
    throw migrationError ?? error;
  } finally {
    for (const timer of timers) clearTimeout(timer);
  }
}
