/** A store of its own for each test, and the words that the suites use. */
import { afterEach, beforeEach, expect } from 'vitest';
import type { IndexStore, NewDocument } from '../index-store.ts';
import { int8Fingerprint } from './sample-documents.ts';

export interface StoreHarness {
  /** Opens with sealed blocks of 80 bytes: 20 tokens of the sample documents, which have 5 unless told otherwise. */
  open(name: string): Promise<IndexStore>;
  /** Whether two handles of one name are two tabs of one index. */
  readonly shared: boolean;
  /** Whether it outlives its handle. */
  readonly persistent: boolean;
  /** Looks for what should not be there: bytes that belong to nothing. */
  readonly check?: (store: IndexStore) => Promise<void>;
}

export interface StoreFixture {
  /** Open, and new in each test. */
  store: IndexStore;
  /** Another handle of the same name. */
  open(): Promise<IndexStore>;
  add(...documents: NewDocument[]): Promise<void>;
}

let count = 0;

/** To be called inside `describe`. */
export function useStore(harness: StoreHarness): StoreFixture {
  const opened: IndexStore[] = [];
  let name: string;
  const fixture = {
    async open() {
      const handle = await harness.open(name);
      opened.push(handle);
      return handle;
    },
    add: (...documents: NewDocument[]) => fixture.store.add(documents, int8Fingerprint),
  } as StoreFixture;
  beforeEach(async () => {
    name = `suite-${String(Date.now())}-${String(count++)}`;
    fixture.store = await fixture.open();
  });
  afterEach(async () => {
    for (const handle of opened.splice(0)) await handle.close();
  });
  return fixture;
}

/** Matches a LateralError by its code. */
export function code(expected: string): Error {
  return expect.objectContaining({ name: 'LateralError', code: expected }) as Error;
}
