/**
 * What was measured on this device, in a database of its own: it belongs to no collection, and losing it costs a measurement.
 * Where the browser keeps nothing, nothing is remembered and nothing fails.
 */
import { openDB, type DBSchema, type IDBPDatabase } from 'idb';

interface DeviceSchema extends DBSchema {
  readonly measured: { readonly key: string; readonly value: unknown };
}

const databaseName = 'lateral-device';

export async function recallMeasured(key: string): Promise<unknown> {
  return use((database) => database.get('measured', key));
}

export async function rememberMeasured(key: string, value: unknown): Promise<void> {
  await use((database) => database.put('measured', value, key));
}

async function use<T>(body: (database: IDBPDatabase<DeviceSchema>) => Promise<T>): Promise<T | undefined> {
  let database: IDBPDatabase<DeviceSchema> | undefined;
  try {
    database = await openDB<DeviceSchema>(databaseName, 1, {
      upgrade: (fresh) => void fresh.createObjectStore('measured'),
    });
    return await body(database);
  } catch {
    return undefined;
  } finally {
    database?.close();
  }
}
