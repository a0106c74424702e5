/** The contract of index-store.ts for documents: adding, refusing, removing. */
import { describe, expect, it } from 'vitest';
import type { NewDocument } from '../index-store.ts';
import { f32Fingerprint, int8Fingerprint, sampleDocument } from './sample-documents.ts';
import { code, type StoreHarness, useStore } from './store-fixture.ts';
import { expectHolds, plain } from './store-oracle.ts';

/** As ids, keys and names these must be like any other. */
const awkwardNames = ['__proto__', 'constructor', 'toString', 'a/b\\c', 'ünï 文 🙂', ' ', '0'];

export function describeDocuments(harness: StoreHarness): void {
  const at = useStore(harness);

  describe('adding', () => {
    it('is empty at first', async () => {
      expect(await at.store.fingerprint()).toBeNull();
      expect(await at.store.blocks()).toEqual([]);
      expect(await at.store.document('a')).toBeUndefined();
      expect(await at.store.parts('a')).toBeUndefined();
      expect(await at.store.text('a')).toBeUndefined();
      expect(await at.store.chunks('a')).toBeUndefined();
      expect(await at.store.source('a')).toBeUndefined();
      expect(await at.store.remove(['a'])).toBe(0);
      expect(await at.store.compact()).toBe(false);
      await expectHolds(at.store, []);
    });

    it('gives back every part as it was added', async () => {
      const source = new Blob([Uint8Array.of(0, 255, 13, 10)], { type: 'application/pdf' });
      const document = sampleDocument('a', { source });
      await at.add(document);
      expect(await at.store.fingerprint()).toEqual(int8Fingerprint);
      expect(await at.store.document('a')).toEqual(document.record);
      expect(await at.store.text('a')).toEqual(document.text);
      expect(await at.store.chunks('a')).toEqual(document.chunks);
      const kept = (await at.store.source('a'))!;
      expect(kept.type).toBe('application/pdf');
      expect([...new Uint8Array(await kept.arrayBuffer())]).toEqual([0, 255, 13, 10]);
      await expectHolds(at.store, [document]);
    });

    it('keeps no source where none was given, and an empty one where that was', async () => {
      await at.add(sampleDocument('without'), sampleDocument('empty', { source: new Blob([]) }));
      expect(await at.store.source('without')).toBeUndefined();
      expect((await at.store.source('empty'))?.size).toBe(0);
      expect((await at.store.parts('without'))?.source).toBeNull();
    });

    it('takes documents without chunks, and chunks without tokens', async () => {
      const documents = [sampleDocument('none', { tokens: [] }), sampleDocument('blank', { tokens: [0, 0] })];
      await at.add(...documents);
      await expectHolds(at.store, documents);
      expect((await at.store.block((await at.store.blocks())[0]!.id)).offsets).toEqual(Uint32Array.of(0, 0, 0));
      await at.store.compact();
      await expectHolds(at.store, documents);
    });

    it('keeps f32 rows bit by bit', async () => {
      const document = sampleDocument('a', { fingerprint: f32Fingerprint });
      document.vectors.set([-0, 1e-45, 0.1, Number.MIN_VALUE]);
      await at.store.add([document], f32Fingerprint);
      await at.store.compact();
      const { vectors } = (await at.store.parts('a'))!;
      expect(new Uint8Array(vectors.buffer)).toEqual(new Uint8Array(document.vectors.buffer));
    });

    it('copies vectors that are a view into something larger', async () => {
      const whole = sampleDocument('a');
      const buffer = new Int8Array(1_000);
      buffer.set(whole.vectors, 500);
      const view = { ...whole, vectors: buffer.subarray(500, 500 + whole.vectors.length) };
      await at.add(view);
      buffer.fill(0);
      await expectHolds(at.store, [whole]);
    });

    it('lists documents by time added, then id', async () => {
      await at.add(sampleDocument('c', { addedAt: 2 }), sampleDocument('b', { addedAt: 1 }));
      await at.add(sampleDocument('a', { addedAt: 2 }), sampleDocument('d', { addedAt: 0 }));
      expect((await at.store.documents()).map(({ id }) => id)).toEqual(['d', 'b', 'a', 'c']);
    });

    it('finds a document by the hash of its bytes', async () => {
      await at.add(sampleDocument('a'), sampleDocument('b'));
      expect((await at.store.findByHash('hash of b'))?.id).toBe('b');
      expect(await at.store.findByHash('hash of c')).toBeUndefined();
      await at.store.remove(['b']);
      expect(await at.store.findByHash('hash of b')).toBeUndefined();
    });

    it('takes any name', async () => {
      const documents = awkwardNames.map((id) => sampleDocument(id));
      await at.add(...documents);
      for (const key of awkwardNames) await at.store.putKeywordSegment(key, new TextEncoder().encode(key));
      await expectHolds(at.store, documents);
      for (const key of awkwardNames) {
        expect(new TextDecoder().decode(await at.store.keywordSegment(key))).toBe(key);
      }
      expect(await at.store.remove(['__proto__'])).toBe(1);
      await expectHolds(at.store, documents.slice(1));
    });
  });

  describe('refusing', () => {
    it('writes nothing of a batch with one bad document', async () => {
      await at.add(sampleDocument('old'));
      const before = await at.store.version();
      const bad = { ...sampleDocument('bad'), vectors: new Int8Array(3) };
      await expect(at.add(sampleDocument('good'), bad)).rejects.toThrow(code('invalid-argument'));
      await expect(at.add(sampleDocument('good'), sampleDocument('old'))).rejects.toThrow(code('file-duplicate'));
      await expect(at.add(sampleDocument('good'), sampleDocument('good'))).rejects.toThrow(code('file-duplicate'));
      await expectHolds(at.store, [sampleDocument('old')]);
      expect(await at.store.version()).toBe(before);
    });

    const good = sampleDocument('a');
    const misfits: [string, Partial<NewDocument>][] = [
      ['an empty id', { record: { ...good.record, id: '' } }],
      ['a time that is not a number', { record: { ...good.record, addedAt: NaN } }],
      ['another length of text', { record: { ...good.record, textLength: 7 } }],
      ['fewer chunks than recorded', { chunks: good.chunks.slice(1) }],
      ['chunks out of order', { chunks: good.chunks.toReversed() }],
      ['a chunk beyond the text', { chunks: [good.chunks[0]!, { ...good.chunks[1]!, end: 9 }] }],
      ['a section that is not there', { chunks: [good.chunks[0]!, { ...good.chunks[1]!, section: 1 }] }],
      ['offsets that do not start at 0', { offsets: Uint32Array.of(1, 2, 5) }],
      ['offsets that fall', { offsets: Uint32Array.of(0, 6, 5) }],
      ['offsets that end elsewhere', { offsets: Uint32Array.of(0, 2, 4) }],
      ['too few vectors', { vectors: good.vectors.slice(4) }],
      ['vectors of another precision', { vectors: new Float32Array(20) }],
    ];
    it.each(misfits)('refuses %s', async (_, parts) => {
      await expect(at.add({ ...good, ...parts })).rejects.toThrow(code('invalid-argument'));
      await expectHolds(at.store, []);
      expect(await at.store.fingerprint()).toBeNull();
    });

    it.each([{ dim: 8 }, { model: 'test-model@2' }, { scale: 0.5 }, { chunker: 2 }, { poolFactor: 2 }])(
      'refuses another fingerprint: %o',
      async (other) => {
        await at.add(sampleDocument('a'));
        const fingerprint = { ...int8Fingerprint, ...other };
        const document = sampleDocument('b', { fingerprint });
        await expect(at.store.add([document], fingerprint)).rejects.toThrow(code('model-mismatch'));
        await expectHolds(at.store, [sampleDocument('a')]);
      },
    );

    it('refuses everything after close', async () => {
      await at.store.close();
      await expect(at.store.documents()).rejects.toThrow(code('storage-closed'));
      await expect(at.add(sampleDocument('a'))).rejects.toThrow(code('storage-closed'));
    });
  });

  describe('removing', () => {
    it('removes a document with all of its parts, and lists it as removed in its block', async () => {
      await at.add(sampleDocument('a', { source: new Blob(['x']) }), sampleDocument('b'));
      expect(await at.store.remove(['a', 'a', 'unknown'])).toBe(1);
      expect(await at.store.text('a')).toBeUndefined();
      expect(await at.store.chunks('a')).toBeUndefined();
      expect(await at.store.source('a')).toBeUndefined();
      expect((await at.store.blocks())[0]!.documents).toEqual([
        { id: 'a', chunkCount: 2, tokenCount: 5, removed: true },
        { id: 'b', chunkCount: 2, tokenCount: 5, removed: false },
      ]);
      await expectHolds(at.store, [sampleDocument('b')]);
    });

    it('drops a block at once when all of its documents are removed', async () => {
      await at.add(sampleDocument('a'), sampleDocument('b'));
      await at.add(sampleDocument('c'));
      const first = (await at.store.blocks())[0]!.id;
      await at.store.remove(['a']);
      await at.store.remove(['b']);
      expect((await at.store.blocks()).map(({ documents }) => documents[0]!.id)).toEqual(['c']);
      await expect(at.store.block(first)).rejects.toThrow(code('not-found'));
      await expectHolds(at.store, [sampleDocument('c')]);
    });

    it('takes a removed document back bit by bit', async () => {
      const documents = ['a', 'b', 'c'].map((id) =>
        sampleDocument(id, { source: new Blob([id], { type: 'text/plain' }) }),
      );
      await at.add(...documents);
      const kept = (await at.store.parts('b'))!;
      await at.store.remove(['b']);
      await at.add(kept);
      await expectHolds(at.store, documents);
      await at.store.compact();
      await expectHolds(at.store, documents);
      expect(await plain(await at.store.parts('b'))).toEqual(await plain(documents[1]));
    });

    it('clears everything, the fingerprint too, and never uses a block id again', async () => {
      await at.add(sampleDocument('a'));
      await at.store.putKeywordSegment('k', Uint8Array.of(1));
      const [before, version] = [(await at.store.blocks())[0]!.id, await at.store.version()];
      await at.store.clear();
      expect(await at.store.fingerprint()).toBeNull();
      expect(await at.store.keywordSegment('k')).toBeUndefined();
      expect(await at.store.version()).toBeGreaterThan(version);
      await expectHolds(at.store, []);
      const document = sampleDocument('a', { fingerprint: f32Fingerprint });
      await at.store.add([document], f32Fingerprint);
      expect((await at.store.blocks())[0]!.id).not.toBe(before);
      await expectHolds(at.store, [document]);
    });
  });
}
