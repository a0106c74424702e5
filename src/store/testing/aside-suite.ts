/** The contract of index-store.ts for vectors that are kept aside until the index changes over to them. */
import { describe, expect, it } from 'vitest';
import type { Fingerprint } from '../../types.ts';
import type { NewDocument, NewVectors } from '../index-store.ts';
import { f32Fingerprint, int8Fingerprint, pooledFingerprint, sampleDocument } from './sample-documents.ts';
import { code, type StoreHarness, useStore } from './store-fixture.ts';
import { expectHolds } from './store-oracle.ts';

const next: Fingerprint = { ...int8Fingerprint, model: 'test-model@2', dim: 2 };
const none: ReadonlySet<string> = new Set();

/** The same document read by another model: other numbers of tokens, and a note of what that model could not read. */
export function readBy(fingerprint: Fingerprint, id: string, addedAt = 1_000): NewDocument {
  const { record, vectors, offsets, tokenRows } = sampleDocument(id, { tokens: [3, 4], fingerprint });
  const before = sampleDocument(id, { addedAt });
  const { tokenCount } = record;
  return {
    ...before,
    record: { ...before.record, tokenCount, truncatedChunks: 1, notes: ['cut'] },
    ...{ vectors, offsets, tokenRows },
  };
}

export function vectorsOf({ record, vectors, offsets, tokenRows }: NewDocument): NewVectors {
  return { record, vectors, offsets, tokenRows };
}

export function describeAside(harness: StoreHarness): void {
  const at = useStore(harness);

  const put = (fingerprint: Fingerprint, ...ids: string[]): Promise<number> =>
    at.store.putAside(
      ids.map((id) => vectorsOf(readBy(fingerprint, id))),
      fingerprint,
    );
  const lacking = async (fingerprint = next): Promise<string[]> =>
    (await at.store.withoutAside(fingerprint)).map(({ id }) => id);
  const samples = (...ids: string[]) => ids.map((id) => sampleDocument(id));
  const read = (fingerprint: Fingerprint, ...ids: string[]) => ids.map((id) => readBy(fingerprint, id));

  /** Until none is aside. @returns the steps that took some */
  async function takeAll(fingerprint: Fingerprint) {
    const steps: { readonly taken: number; readonly left: number }[] = [];
    for (let step; (step = await at.store.takeAside(fingerprint)).taken > 0;) steps.push(step);
    return steps;
  }

  describe('vectors aside', () => {
    it('are no part of the index: nothing is told, and nothing of it changes', async () => {
      await at.add(...samples('a', 'b'));
      const [version, usage] = [await at.store.version(), await at.store.usage()];
      let told = 0;
      at.store.onChange(() => told++);
      expect(await lacking()).toEqual(['a', 'b']);
      expect(await put(next, 'a')).toBe(1);
      expect(await lacking()).toEqual(['b']);
      expect(await put(next, 'b', 'a')).toBe(2); // again: one of each
      expect(await lacking()).toEqual([]);
      expect(await lacking(int8Fingerprint)).toEqual(['a', 'b']);
      // Of each document three offsets of four bytes and seven rows of two.
      expect(await at.store.usage()).toEqual({ ...usage, asideBytes: 2 * (3 * 4 + 7 * 2) });
      expect([await at.store.version(), told]).toEqual([version, 0]);
      expect(await at.store.fingerprint()).toEqual(int8Fingerprint);
      await expectHolds(at.store, samples('a', 'b'));
    });

    it.each([
      ['another model', next],
      ['f32', f32Fingerprint],
      ['pooling', pooledFingerprint],
    ])('become the index’s own, bit by bit, in steps: %s', async (_, fingerprint) => {
      const ids = ['a', 'b', 'c', 'd', 'e', '__proto__', 'g', 'h'];
      const source = new Blob(['bytes']);
      await at.add(sampleDocument('s', { source }), ...samples(...ids));
      await put(fingerprint, 's', ...ids);
      const version = await at.store.version();
      expect(await at.store.switchTo(fingerprint, none)).toBe(true);
      expect(await at.store.version()).toBeGreaterThan(version);
      expect(await at.store.fingerprint()).toEqual(fingerprint);
      expect((await at.store.usage()).tokens).toBe(0); // found by their words until they are taken
      const steps = await takeAll(fingerprint);
      expect(steps.reduce((sum, { taken }) => sum + taken, 0)).toBe(9);
      expect(steps.length).toBeGreaterThan(1); // blocks of 80 bytes
      expect(steps.at(-1)!.left).toBe(0);
      expect((await at.store.usage()).asideBytes).toBe(0);
      const expected = [{ ...readBy(fingerprint, 's'), source }, ...read(fingerprint, ...ids)];
      const { record } = expected[0]!;
      expected[0] = { ...expected[0]!, record: { ...record, byteLength: source.size } };
      await expectHolds(at.store, expected);
      await at.store.compact();
      await expectHolds(at.store, expected);
    });

    it('are waited for, but not for those that are let off', async () => {
      await at.add(...samples('a', 'b', 'c'), sampleDocument('empty', { tokens: [] }));
      await put(next, 'a');
      const version = await at.store.version();
      expect(await at.store.switchTo(next, none)).toBe(false);
      expect(await at.store.switchTo(next, new Set(['b']))).toBe(false);
      expect([await at.store.version(), await at.store.fingerprint()]).toEqual([version, int8Fingerprint]);
      expect(await at.store.switchTo(next, new Set(['b', 'c', 'unknown']))).toBe(true);
      expect(await at.store.switchTo(next, none)).toBe(true); // so it is
      await takeAll(next);
      expect((await at.store.documents()).map(({ id, tokenCount }) => [id, tokenCount])).toEqual([
        ...[['a', 7], ['b', 0], ['c', 0], ['empty', 0]], // prettier-ignore
      ]);
      expect(await at.store.replaceVectors(read(next, 'b', 'c').map(vectorsOf), next)).toBe(2);
      await at.store.remove(['empty']);
      await expectHolds(at.store, read(next, 'a', 'b', 'c'));
    });

    it('go with their document, and are not those of another that comes under its id', async () => {
      await at.add(...samples('a', 'b', 'c'));
      await put(next, 'a', 'b', 'c');
      const parts = (await at.store.parts('a'))!;
      const late = [vectorsOf(readBy(next, 'b'))];
      await at.store.remove(['a', 'b']);
      expect((await at.store.usage()).asideBytes).toBe(26);
      expect(await at.store.putAside(late, next)).toBe(0);
      await at.add(parts, sampleDocument('b', { addedAt: 2_000 }));
      expect(await at.store.putAside(late, next)).toBe(0);
      expect(await lacking()).toEqual(['a', 'b']);
      await at.store.putAside([readBy(next, 'a'), readBy(next, 'b', 2_000)].map(vectorsOf), next);
      expect(await at.store.switchTo(next, none)).toBe(true);
      await at.store.remove(['c']); // between two steps
      await takeAll(next);
      await expectHolds(at.store, [readBy(next, 'a'), readBy(next, 'b', 2_000)]);
      expect((await at.store.usage()).asideBytes).toBe(0);
    });

    it('wait through whatever comes between the steps', async () => {
      await at.add(...samples('a', 'b', 'c', 'd', 'e', 'f'));
      await put(next, 'a', 'b', 'c', 'd', 'e', 'f');
      await at.store.switchTo(next, none);
      expect(await at.store.takeAside(next)).toEqual({ taken: 3, left: 3 }); // 26 bytes each, of 80
      await at.store.add([readBy(next, 'new')], next);
      await at.store.compact();
      await takeAll(next);
      await at.store.compact();
      await expectHolds(at.store, read(next, 'a', 'b', 'c', 'd', 'e', 'f', 'new'));
    });

    it('of another fingerprint can be dropped, not those on their way', async () => {
      const third = { ...next, model: 'test-model@3' };
      await at.add(...samples('a', 'b'));
      await put(next, 'a');
      await put(third, 'b');
      expect(await lacking()).toEqual(['b']);
      expect(await at.store.dropAside(third)).toBe(26);
      expect([await lacking(), await lacking(third)]).toEqual([['a', 'b'], ['a']]);
      await put(third, 'a');
      await at.store.switchTo(third, none);
      expect(await at.store.dropAside(next)).toBe(0);
      await takeAll(third);
      await put(next, 'a', 'b');
      expect(await at.store.dropAside()).toBe(52);
      expect((await at.store.usage()).asideBytes).toBe(0);
      await expectHolds(at.store, read(third, 'a', 'b'));
    });

    it('are refused where they do not fit, and taken by none but their index', async () => {
      await at.add(...samples('a'));
      const other = { ...next, chunker: 2 };
      await expect(put(other, 'a')).rejects.toThrow(code('model-mismatch'));
      await expect(at.store.switchTo(other, none)).rejects.toThrow(code('model-mismatch'));
      await expect(at.store.takeAside(next)).rejects.toThrow(code('model-mismatch'));
      const short = { ...vectorsOf(readBy(next, 'a')), vectors: new Int8Array(2) };
      await expect(at.store.putAside([short], next)).rejects.toThrow(code('invalid-argument'));
      await put(next, 'a');
      await at.store.clear();
      expect(await at.store.usage()).toMatchObject({ asideBytes: 0, documents: 0 });
      expect(await at.store.switchTo(next, none)).toBe(true); // of nothing
      expect(await at.store.fingerprint()).toEqual(next);
    });
  });

  describe.skipIf(!harness.shared)('vectors aside, in two tabs', () => {
    it('are seen by both, and taken once by both at the same time', async () => {
      const other = await at.open();
      const ids = Array.from({ length: 12 }, (_, i) => `d${String(i)}`);
      await at.add(...samples(...ids));
      await put(next, ...ids);
      expect(await other.withoutAside(next)).toEqual([]);
      const heard = new Promise<void>((resolve) => void other.onChange(resolve));
      expect(await Promise.all([at.store, other].map((tab) => tab.switchTo(next, none)))).toEqual([true, true]);
      await heard;
      await Promise.all(
        [at.store, other].map(async (tab) => {
          while ((await tab.takeAside(next)).taken > 0);
        }),
      );
      await expectHolds(at.store, read(next, ...ids));
      await other.compact();
      await expectHolds(at.store, read(next, ...ids));
    });

    it('are never switched to without one that is added at the same moment', async () => {
      const other = await at.open();
      await at.add(...samples('a'));
      await put(next, 'a');
      const [switched, added] = await Promise.allSettled([
        at.store.switchTo(next, none),
        other.add(samples('late'), int8Fingerprint),
      ]);
      // Whichever came first, the other was refused.
      expect([switched, added]).toMatchObject(
        (await at.store.fingerprint())!.model === next.model
          ? [{ value: true }, { reason: code('model-mismatch') }]
          : [{ value: false }, { status: 'fulfilled' }],
      );
    });
  });
}
