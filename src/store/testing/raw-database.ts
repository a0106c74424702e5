/** IndexedDB as another tab, or a broken browser, would use it: by hand, past the store. For the browser tests. */

/** Opens as another connection that never lets go, unless the caller closes it. */
export function openRaw(databaseName: string, version?: number, upgrade?: (database: IDBDatabase) => void) {
  return new Promise<IDBDatabase>((resolve, reject) => {
    const request = indexedDB.open(databaseName, version);
    request.onupgradeneeded = () => upgrade?.(request.result);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error!);
  });
}

export function deleteRaw(databaseName: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(databaseName);
    request.onsuccess = () => resolve();
    request.onerror = () => reject(request.error!);
  });
}

export function countRaw(database: IDBDatabase, storeName: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = database.transaction(storeName).objectStore(storeName).count();
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error!);
  });
}

export function keysOfRaw(database: IDBDatabase, storeName: string): Promise<IDBValidKey[]> {
  return new Promise((resolve, reject) => {
    const request = database.transaction(storeName).objectStore(storeName).getAllKeys();
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error!);
  });
}

export function valuesOfRaw<T>(database: IDBDatabase, storeName: string): Promise<T[]> {
  return new Promise((resolve, reject) => {
    const request = database.transaction(storeName).objectStore(storeName).getAll() as IDBRequest<T[]>;
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error!);
  });
}

/** Keys in `sourceData` that belong to no source and no pending file, and in `asideData` that belong to nothing in `aside`. */
export async function orphanedPieces(databaseName: string): Promise<IDBValidKey[]> {
  const database = await openRaw(databaseName);
  try {
    const documents = await keysOfRaw(database, 'sources');
    const sources = await valuesOfRaw<{ dataKey?: string }>(database, 'sources');
    const owners = new Set([
      ...sources.map(({ dataKey }, i) => dataKey ?? documents[i]),
      ...(await keysOfRaw(database, 'pending')),
    ]);
    const pieces = (await keysOfRaw(database, 'sourceData')) as [string, number][];
    const aside = new Set(await keysOfRaw(database, 'aside'));
    const asidePieces = (await keysOfRaw(database, 'asideData')) as [string, number][];
    return [...pieces.filter(([key]) => !owners.has(key)), ...asidePieces.filter(([key]) => !aside.has(key))];
  } finally {
    database.close();
  }
}

/** Changes one record in place, or deletes it where `change` gives undefined. @returns once committed. */
export async function tamper<T>(
  databaseName: string,
  storeName: string,
  key: IDBValidKey,
  change: (value: T) => T | undefined,
): Promise<void> {
  const database = await openRaw(databaseName);
  try {
    await new Promise<void>((resolve, reject) => {
      const transaction = database.transaction(storeName, 'readwrite');
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error ?? new Error('aborted'));
      const store = transaction.objectStore(storeName);
      const reading = store.get(key) as IDBRequest<T | undefined>;
      reading.onsuccess = () => {
        if (reading.result === undefined) throw new Error(`Nothing at ${JSON.stringify(key)} in ${storeName}.`);
        const value = change(reading.result);
        if (value === undefined) store.delete(key);
        else store.put(value, ...(store.keyPath === null ? [key] : []));
      };
    });
  } finally {
    database.close();
  }
}

type Fault = (store: IDBObjectStore) => void;

export const faults = {
  /** As when the quota is reached while a value is being taken in. */
  quota: () => {
    throw new DOMException('The quota has been exceeded.', 'QuotaExceededError');
  },
  /** As when the browser drops the connection: the transaction ends without a reason. */
  dropped: (store: IDBObjectStore) => store.transaction.abort(),
} satisfies Record<string, Fault>;

/**
 * Lets the `nth` put or delete (from 0) of this page fail; all others pass. Only once, as after the fault the browser is well.
 * @returns the way to stop, which says whether the fault happened.
 */
export function failWrite(nth: number, fault: Fault): () => boolean {
  const prototype = IDBObjectStore.prototype;
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its store below
  const original = { put: prototype.put, delete: prototype.delete };
  let count = 0;
  const check = (store: IDBObjectStore): void => {
    if (count++ === nth) fault(store);
  };
  prototype.put = function (...parameters) {
    check(this);
    return original.put.apply(this, parameters);
  };
  prototype.delete = function (...parameters) {
    check(this);
    return original.delete.apply(this, parameters);
  };
  return () => {
    Object.assign(prototype, original);
    return count > nth;
  };
}
