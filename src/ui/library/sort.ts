/** The library's order. Pure. */
import type { DocumentRecord } from '../../index.ts';
import { kindName } from '../words.ts';

export type Column = 'name' | 'type' | 'passages' | 'added';

export interface Order {
  readonly by: Column;
  readonly up: boolean;
}

/** How the library opens, and what "Added last" begins with. */
export const lastAdded: Order = { by: 'added', up: false };

type Sorted = Pick<DocumentRecord, 'name' | 'mediaType' | 'chunkCount' | 'addedAt'>;

const names = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });
const comparisons: Readonly<Record<Column, (a: Sorted, b: Sorted) => number>> = {
  name: (a, b) => names.compare(a.name, b.name),
  type: (a, b) => names.compare(kindName(a.mediaType), kindName(b.mediaType)),
  passages: (a, b) => a.chunkCount - b.chunkCount,
  added: (a, b) => a.addedAt - b.addedAt,
};

/** Those that are equal go by name: of those added together, too. */
export function sortDocuments<Doc extends Sorted>(documents: readonly Doc[], { by, up }: Order): Doc[] {
  const sign = up ? 1 : -1;
  return documents.toSorted((a, b) => sign * comparisons[by](a, b) || names.compare(a.name, b.name));
}
