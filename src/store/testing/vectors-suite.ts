/** The contract of index-store.ts for vectors of another model. */
import { describe, expect, it } from 'vitest';
import type { NewDocument, NewVectors } from '../index-store.ts';
import { narrowRows } from '../../vectors/narrow.ts';
import { f32Fingerprint, int8Fingerprint, pooledFingerprint, sampleDocument } from './sample-documents.ts';
import { code, type StoreHarness, useStore } from './store-fixture.ts';
import { expectHolds } from './store-oracle.ts';

const next = { ...int8Fingerprint, model: 'test-model@2', dim: 2 };

export function describeVectors(harness: StoreHarness): void {
  const at = useStore(harness);

  /** The same document read by the next model, which makes one token more of each of its chunks. */
  function readAgain(id: string): NewDocument {
    const before = sampleDocument(id);
    const after = sampleDocument(id, { tokens: [3, 4], fingerprint: next });
    return { ...before, ...vectorsOf(after) };
  }

  function blank(document: NewDocument, fingerprint = next): NewDocument {
    const vectors = fingerprint.precision === 'int8' ? new Int8Array(0) : new Float32Array(0);
    const record = { ...document.record, tokenCount: 0 };
    return { ...document, record, vectors, offsets: new Uint32Array(document.offsets.length), tokenRows: null };
  }

  function vectorsOf({ record, vectors, offsets, tokenRows }: NewDocument): NewVectors {
    return { record, vectors, offsets, tokenRows };
  }

  describe('fewer dimensions of the same model', () => {
    const narrow = { ...int8Fingerprint, dim: int8Fingerprint.dim - 1 };

    function narrowed(document: NewDocument, from = int8Fingerprint, to = narrow): NewDocument {
      return { ...document, vectors: narrowRows(document.vectors, from, to) };
    }

    it('are read at once, written by compaction, and taken from then on', async () => {
      const source = new Blob(['bytes']);
      await at.add(sampleDocument('a', { source }), sampleDocument('b'));
      const [before, version] = [await at.store.blocks(), await at.store.version()];
      await at.store.narrow(int8Fingerprint); // its own: nothing to do
      expect(await at.store.version()).toBe(version);
      await at.store.narrow(narrow);
      expect(await at.store.version()).toBeGreaterThan(version);
      expect(await at.store.fingerprint()).toEqual(narrow);
      expect((await at.store.blocks()).map(({ id }) => id)).toEqual(before.map(({ id }) => id));
      const both = [narrowed(sampleDocument('a', { source })), narrowed(sampleDocument('b'))];
      await expectHolds(at.store, both);
      const { dim, precision, scale } = narrow;
      expect(await at.store.rows(before[0]!.id, [{ first: 1, end: 4 }])).toEqual({
        ...{ dim, precision, scale },
        vectors: both[0]!.vectors.subarray(1 * dim, 4 * dim),
      });

      const third = sampleDocument('c', { fingerprint: narrow });
      await at.store.add([third], narrow);
      await expect(at.add(sampleDocument('d'))).rejects.toThrow(code('model-mismatch'));
      await expectHolds(at.store, [...both, third]);
      expect(await at.store.compact()).toBe(true);
      await expectHolds(at.store, [...both, third]);
      expect((await at.store.usage()).vectorBytes).toBe(15 * narrow.dim);
      const blocks = await at.store.blocks();
      expect(blocks.map(({ numTokens, byteLength }) => byteLength / numTokens)).toEqual([narrow.dim]);
      expect(await at.store.compact()).toBe(false);
    });

    it('can be undone into, narrowed again, and never widened', async () => {
      await at.add(sampleDocument('a'), sampleDocument('b'));
      await at.store.narrow(narrow);
      const parts = (await at.store.parts('a'))!;
      await at.store.remove(['a']);
      await at.store.add([parts], narrow);
      await expectHolds(at.store, [narrowed(sampleDocument('a')), narrowed(sampleDocument('b'))]);
      await expect(at.store.narrow(int8Fingerprint)).rejects.toThrow(code('model-mismatch'));
      await expect(at.store.narrow({ ...narrow, model: 'test-model@2' })).rejects.toThrow(code('model-mismatch'));
      await expectHolds(at.store, [narrowed(sampleDocument('a')), narrowed(sampleDocument('b'))]);
    });

    it('take f32 to bytes', async () => {
      const document = sampleDocument('a', { fingerprint: f32Fingerprint });
      await at.store.add([document], f32Fingerprint);
      await at.store.narrow(int8Fingerprint);
      await expectHolds(at.store, [narrowed(document, f32Fingerprint, int8Fingerprint)]);
      await at.store.compact();
      await expectHolds(at.store, [narrowed(document, f32Fingerprint, int8Fingerprint)]);
    });

    it('are no more than a fingerprint where nothing is stored', async () => {
      await at.store.narrow(narrow);
      expect(await at.store.fingerprint()).toEqual(narrow);
    });
  });

  describe('vectors of another model', () => {
    it('drops all vectors and keeps everything else', async () => {
      const source = new Blob(['bytes']);
      await at.add(sampleDocument('a', { source }), sampleDocument('b'));
      await at.add(sampleDocument('c'));
      const [before, version] = [await at.store.blocks(), await at.store.version()];
      await at.store.dropVectors(int8Fingerprint); // its own: nothing to do
      expect(await at.store.version()).toBe(version);
      await at.store.dropVectors(next);
      expect(await at.store.version()).toBeGreaterThan(version);
      expect(await at.store.fingerprint()).toEqual(next);
      const blocks = await at.store.blocks();
      expect(blocks.map(({ numChunks, numTokens, byteLength }) => [numChunks, numTokens, byteLength])).toEqual([
        [6, 0, 0],
      ]);
      expect(before.map(({ id }) => id)).not.toContain(blocks[0]!.id); // whoever has loaded the old ones sees them go
      await expectHolds(at.store, [
        blank(sampleDocument('a', { source })),
        blank(sampleDocument('b')),
        blank(sampleDocument('c')),
      ]);
    });

    it('gives documents new ones, some at a time', async () => {
      await at.add(sampleDocument('a'), sampleDocument('b'), sampleDocument('c'));
      await at.store.dropVectors(next);
      expect(await at.store.replaceVectors([vectorsOf(readAgain('b'))], next)).toBe(1);
      await expectHolds(at.store, [blank(sampleDocument('a')), readAgain('b'), blank(sampleDocument('c'))]);
      await at.store.compact();
      await expectHolds(at.store, [blank(sampleDocument('a')), readAgain('b'), blank(sampleDocument('c'))]);
      expect(
        await at.store.replaceVectors(
          ['a', 'c'].map((id) => vectorsOf(readAgain(id))),
          next,
        ),
      ).toBe(2);
      await at.store.compact();
      await expectHolds(at.store, ['a', 'b', 'c'].map(readAgain));
      expect((await at.store.usage()).tokens).toBe(21);
    });

    it('keeps what is given when a second tab drops them too', async () => {
      await at.add(sampleDocument('a'), sampleDocument('b'));
      await at.store.dropVectors(next);
      await at.store.replaceVectors([vectorsOf(readAgain('a'))], next);
      await at.store.dropVectors(next);
      await expectHolds(at.store, [readAgain('a'), blank(sampleDocument('b'))]);
    });

    it('leaves waiting documents alone when it compacts, and writes their blocks no larger than they need', async () => {
      const documents = Array.from({ length: 450 }, (_, i) => sampleDocument(`d${String(i).padStart(3, '0')}`));
      await at.add(...documents);
      await at.store.dropVectors(next);
      expect((await at.store.blocks()).map((block) => block.documents.length)).toEqual([200, 200, 50]);
      expect(await at.store.compact()).toBe(false);
      for (const { record } of documents.slice(0, 30)) {
        await at.store.replaceVectors([vectorsOf(readAgain(record.id))], next);
      }
      await at.store.compact();
      const waiting = (await at.store.blocks()).filter(({ numTokens }) => numTokens === 0);
      expect(waiting.map(({ documents: held }) => held.filter(({ removed }) => !removed).length)).toEqual([
        170, 200, 50,
      ]);
    });

    it('leaves out what was removed, or came again, meanwhile', async () => {
      await at.add(sampleDocument('a'), sampleDocument('b'), sampleDocument('c'));
      await at.store.dropVectors(next);
      await at.store.remove(['a', 'b']);
      const again = sampleDocument('b', { addedAt: 2_000, fingerprint: next });
      await at.store.add([again], next);
      const given = ['a', 'b', 'c'].map((id) => vectorsOf(readAgain(id)));
      expect(await at.store.replaceVectors(given, next)).toBe(1);
      await expectHolds(at.store, [again, readAgain('c')]);
      await at.store.compact();
      await expectHolds(at.store, [again, readAgain('c')]);
    });

    it('can be undone like any removal while documents wait', async () => {
      await at.add(sampleDocument('a'));
      await at.store.dropVectors(next);
      const parts = (await at.store.parts('a'))!;
      await at.store.remove(['a']);
      await at.store.add([parts], next);
      await at.store.replaceVectors([vectorsOf(readAgain('a'))], next);
      await expectHolds(at.store, [readAgain('a')]);
    });

    it('changes the precision too', async () => {
      await at.add(sampleDocument('a'));
      await at.store.dropVectors(f32Fingerprint);
      await expectHolds(at.store, [blank(sampleDocument('a'), f32Fingerprint)]);
      await at.store.replaceVectors([vectorsOf(sampleDocument('a', { fingerprint: f32Fingerprint }))], f32Fingerprint);
      await expectHolds(at.store, [sampleDocument('a', { fingerprint: f32Fingerprint })]);
    });

    it('refuses other settings, and vectors that do not fit', async () => {
      await at.add(sampleDocument('a'));
      await expect(at.store.dropVectors({ ...next, chunker: 2 })).rejects.toThrow(code('model-mismatch'));
      await expect(at.store.replaceVectors([vectorsOf(readAgain('a'))], next)).rejects.toThrow(code('model-mismatch'));
      await at.store.dropVectors(next);
      const short = { ...vectorsOf(readAgain('a')), vectors: new Int8Array(2) };
      await expect(at.store.replaceVectors([short], next)).rejects.toThrow(code('invalid-argument'));
      await expect(at.add(sampleDocument('b'))).rejects.toThrow(code('model-mismatch'));
      await expectHolds(at.store, [blank(sampleDocument('a'))]);
    });

    it('tells other tabs', async () => {
      await at.add(sampleDocument('a'));
      const changes: string[] = [];
      at.store.onChange(() => changes.push('change'));
      await at.store.dropVectors(next);
      await at.store.replaceVectors([vectorsOf(readAgain('a'))], next);
      expect(changes.length).toBeGreaterThanOrEqual(2);
    });
  });

  describe('pooled vectors', () => {
    const pooled = (id: string): NewDocument => sampleDocument(id, { fingerprint: pooledFingerprint });

    it('come with the rows that stand for their tokens, and keep them', async () => {
      const [first, second] = [
        pooled('a'),
        sampleDocument('__proto__', { fingerprint: pooledFingerprint, tokens: [0, 4] }),
      ];
      const empty = sampleDocument('empty', { fingerprint: pooledFingerprint, tokens: [] });
      await at.store.add([first, second, empty], pooledFingerprint);
      await at.store.add([pooled('b')], pooledFingerprint);
      await expectHolds(at.store, [first, second, empty, pooled('b')]);
      expect(await at.store.tokenRows('nowhere')).toBeUndefined();
      await at.store.remove(['a']);
      await at.store.compact();
      await expectHolds(at.store, [second, empty, pooled('b')]);
      await at.store.add([first], pooledFingerprint); // as an undo does
      await expectHolds(at.store, [first, second, empty, pooled('b')]);
    });

    it('keep them with fewer dimensions', async () => {
      const narrow = { ...pooledFingerprint, dim: pooledFingerprint.dim - 1 };
      await at.store.add([pooled('a')], pooledFingerprint);
      await at.store.narrow(narrow);
      const expected = { ...pooled('a'), vectors: narrowRows(pooled('a').vectors, pooledFingerprint, narrow) };
      await expectHolds(at.store, [expected]);
      await at.store.compact();
      await expectHolds(at.store, [expected]);
    });

    it('take the place of others, and others theirs; neither follows from the other', async () => {
      await at.add(sampleDocument('a'), sampleDocument('b'));
      await expect(at.store.narrow(pooledFingerprint)).rejects.toThrow(code('model-mismatch'));
      await at.store.dropVectors(pooledFingerprint);
      await expectHolds(at.store, [blank(sampleDocument('a')), blank(sampleDocument('b'))]);
      await at.store.replaceVectors([vectorsOf(pooled('b'))], pooledFingerprint);
      await expectHolds(at.store, [blank(sampleDocument('a')), pooled('b')]);
      await at.store.replaceVectors([vectorsOf(pooled('a'))], pooledFingerprint);
      await expectHolds(at.store, [pooled('a'), pooled('b')]);

      await expect(at.store.narrow(int8Fingerprint)).rejects.toThrow(code('model-mismatch'));
      await at.store.dropVectors(int8Fingerprint);
      await expectHolds(at.store, [blank(sampleDocument('a')), blank(sampleDocument('b'))]);
      await at.store.replaceVectors([vectorsOf(sampleDocument('a'))], int8Fingerprint);
      await expectHolds(at.store, [sampleDocument('a'), blank(sampleDocument('b'))]);
    });

    it('are refused without these rows, with rows that are not there, and in an index without pooling', async () => {
      const { tokenRows, ...rest } = pooled('a');
      const { offsets, rows } = tokenRows!;
      const refused = async (given: NewDocument['tokenRows'], fingerprint = pooledFingerprint): Promise<void> => {
        const adding = at.store.add([{ ...rest, tokenRows: given }], fingerprint);
        await expect(adding).rejects.toThrow(code('invalid-argument'));
      };
      await refused(null);
      await refused(tokenRows, int8Fingerprint);
      await refused({ offsets, rows: rows.slice(1) });
      await refused({ offsets, rows: rows.with(0, 2) }); // the first chunk has two
      await refused({ offsets, rows: rows.map(() => 0) }); // and both stand for something
      await refused({ offsets: offsets.slice(1), rows });
      await refused({ offsets: Uint32Array.of(0, 11, 10), rows });
      expect(await at.store.documents()).toEqual([]);
    });
  });
}
