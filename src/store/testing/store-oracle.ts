/** What a store must hold, compared in full: the oracle that the contract suite and the IndexedDB tests share. */
import { expect } from 'vitest';
import type { IndexStore, NewDocument } from '../index-store.ts';

/** A document with its source as bytes, so that equality looks into it. */
export async function plain(document: NewDocument | undefined) {
  if (document === undefined) return undefined;
  const { source, ...rest } = document;
  return { ...rest, source: source && { type: source.type, bytes: [...new Uint8Array(await source.arrayBuffer())] } };
}

/**
 * Fails unless the store holds exactly these documents, whole: each by its parts, each once in the blocks with its own
 * vectors and offsets, with figures that add up and nothing damaged.
 */
export async function expectHolds(store: IndexStore, expected: readonly NewDocument[]): Promise<void> {
  const ids = expected.map(({ record }) => record.id).sort();
  expect((await store.documents()).map(({ id }) => id).sort()).toEqual(ids);
  for (const document of expected) {
    expect(await plain(await store.parts(document.record.id))).toEqual(await plain(document));
    expect(await store.tokenRows(document.record.id)).toEqual(document.tokenRows);
  }
  expect((await documentsInBlocks(store)).map(({ id }) => id).sort()).toEqual(ids);
  for (const { id, vectors, offsets } of await documentsInBlocks(store)) {
    const document = expected.find(({ record }) => record.id === id)!;
    expect(vectors, id).toEqual(document.vectors);
    expect(offsets, id).toEqual([...document.offsets]);
  }
  expect(await store.usage()).toMatchObject({
    documents: expected.length,
    chunks: expected.reduce((sum, { record }) => sum + record.chunkCount, 0),
    tokens: expected.reduce((sum, { record }) => sum + record.tokenCount, 0),
  });
  expect(await store.verify()).toEqual({ damagedBlocks: [], lostDocuments: [], lostFiles: [] });
}

/** Fails unless exactly these files are pending, whole, in this order; `owner` of all of them where it is given. */
export async function expectPending(
  store: IndexStore,
  expected: readonly { readonly name: string; readonly content: string }[],
  owner?: string,
): Promise<void> {
  const files = await store.pending();
  expect(files.map(({ name, complete }) => ({ name, complete }))).toEqual(
    expected.map(({ name }) => ({ name, complete: true })),
  );
  for (const [i, file] of files.entries()) {
    expect(await (await store.pendingContent(file.key))!.text()).toBe(expected[i]!.content);
    expect(file.byteLength).toBe(new TextEncoder().encode(expected[i]!.content).length);
    if (owner !== undefined) expect(file.owner).toBe(owner);
  }
}

/** The live documents as a scorer would find them: block by block, chunk by chunk. */
export async function documentsInBlocks(store: IndexStore) {
  const found: { id: string; vectors: Int8Array | Float32Array; offsets: number[] }[] = [];
  for (const info of await store.blocks()) {
    const { vectors, offsets, dim } = await store.block(info.id);
    expect(offsets).toHaveLength(info.numChunks + 1);
    expect(offsets.at(-1)).toBe(info.numTokens);
    expect(vectors.byteLength).toBe(info.byteLength);
    expect(vectors).toHaveLength(info.numTokens * dim);
    let chunk = 0;
    for (const { id, chunkCount, removed } of info.documents) {
      const own = offsets.subarray(chunk, chunk + chunkCount + 1);
      chunk += chunkCount;
      if (removed) continue;
      found.push({
        id,
        vectors: vectors.slice(own[0]! * dim, own.at(-1)! * dim),
        offsets: Array.from(own, (offset) => offset - own[0]!),
      });
    }
    expect(chunk).toBe(info.numChunks);
  }
  return found;
}
