/** The contract of index-store.ts for files that wait to be read. */
import { describe, expect, it } from 'vitest';
import type { LateralError } from '../../errors.ts';
import type { NewDocument, PendingFile } from '../index-store.ts';
import { brokenBlob, fileToKeep, int8Fingerprint as int8, sampleDocument, watchedBlob } from './sample-documents.ts';
import { code, type StoreHarness, useStore } from './store-fixture.ts';
import { expectHolds, expectPending } from './store-oracle.ts';

/** 100 bytes lie in four pieces of the harness. */
const long = 'kept '.repeat(20);

export function describePending(harness: StoreHarness): void {
  const at = useStore(harness);
  const stage = async (owner: string, ...given: (readonly [name: string, content: string])[]): Promise<PendingFile[]> =>
    (await at.store.stage(
      given.map(([name, content]) => fileToKeep(name, content)),
      owner,
    )) as PendingFile[];
  /** A document read from a pending file, and what the store should hold of it. */
  const readFrom = (file: PendingFile, content: string, keepSource = true): [NewDocument, NewDocument] => {
    const plain = sampleDocument(file.name);
    const source = keepSource ? new Blob([content], { type: plain.text.mediaType }) : null;
    return [
      { ...plain, pending: { key: file.key, keepSource } },
      { ...plain, source },
    ];
  };

  describe('pending files', () => {
    it('are kept in order with all that is known of them', async () => {
      const facts = { ...fileToKeep('__proto__', long), id: 'given', language: '', tags: [] };
      const [first] = (await at.store.stage([facts, fileToKeep('empty', '')], 'me')) as PendingFile[];
      await stage('me', ['third', 'ünï 文']);
      expect(first).toMatchObject({ name: '__proto__', path: 'folder', id: 'given', owner: 'me', byteLength: 100 });
      expect((await at.store.pending())[0]).toEqual(first);
      await expectPending(at.store, [
        { name: '__proto__', content: long },
        { name: 'empty', content: '' },
        { name: 'third', content: 'ünï 文' },
      ]);
      expect(await at.store.pendingContent('unknown')).toBeUndefined();
      await expectHolds(at.store, []);
    });

    it('tell how much of them is durable', async () => {
      const seen: [number, number][] = [];
      await at.store.stage([fileToKeep('a', long), fileToKeep('b', long)], 'me', {
        onProgress: (done, total) => seen.push([done, total]),
      });
      expect(seen.at(-1)).toEqual([200, 200]);
      expect(seen.map(([done]) => done)).toEqual(seen.map(([done]) => done).toSorted((a, b) => a - b));
    });

    it.each([0, 40])('that cannot be read beyond byte %i fail by themselves', async (readable) => {
      const outcomes = await at.store.stage(
        [fileToKeep('a', long), fileToKeep('gone.txt', brokenBlob(long, readable)), fileToKeep('b', 'x')],
        'me',
      );
      expect(outcomes[1]).toEqual(code('file-damaged'));
      expect((outcomes[1] as LateralError).message).toContain('gone.txt');
      await expectPending(at.store, [
        { name: 'a', content: long },
        { name: 'b', content: 'x' },
      ]);
    });

    it('are taken back when the copying is cancelled', async () => {
      const [before] = await stage('me', ['before', long]);
      const controller = new AbortController();
      const cancelling = fileToKeep(
        'late',
        watchedBlob(new Blob([long]), () => controller.abort()),
      );
      await expect(
        at.store.stage([fileToKeep('a', long), cancelling, fileToKeep('c', 'x')], 'me', { signal: controller.signal }),
      ).rejects.toThrow(code('aborted'));
      await expectPending(at.store, [{ name: before!.name, content: long }]);
    });

    it('become documents, and are pending no more, in one step', async () => {
      const [a, b, c] = await stage('me', ['a', long], ['b', long], ['c', long]);
      const [addedA, expectedA] = readFrom(a!, long);
      const [addedB, expectedB] = readFrom(b!, long, false);
      await at.add(addedA, addedB);
      await expectHolds(at.store, [expectedA, expectedB]);
      await expectPending(at.store, [{ name: 'c', content: long }]);
      expect((await at.store.usage()).sourceBytes).toBe(100);
      await at.store.compact();
      await at.store.unstage([c!]);
      await expectHolds(at.store, [expectedA, expectedB]);
      const kept = (await at.store.parts('a'))!;
      await at.store.remove(['a', 'b']);
      await expectHolds(at.store, []);
      await at.add(kept);
      await expectHolds(at.store, [expectedA]);
    });

    it('are read once: whoever comes second adds nothing', async () => {
      const [a, b] = await stage('me', ['a', long], ['b', long]);
      const [added, expected] = readFrom(a!, long);
      await at.add(added);
      await at.store.remove(['a']);
      await expect(at.add(readFrom(b!, long)[0], added)).rejects.toThrow(code('not-found'));
      await expectHolds(at.store, []);
      await expectPending(at.store, [{ name: 'b', content: long }]);
      await at.add(readFrom(b!, long)[0]);
      await expectHolds(at.store, [{ ...expected, ...readFrom(b!, long)[1] }]);
    });

    it('stay pending where the document is refused', async () => {
      const [a] = await stage('me', ['a', long]);
      const bad = { ...readFrom(a!, long)[0], vectors: new Int8Array(3) };
      await expect(at.add(bad)).rejects.toThrow(code('invalid-argument'));
      await at.add(sampleDocument('a'));
      await expect(at.add(readFrom(a!, long)[0])).rejects.toThrow(code('file-duplicate'));
      await expectPending(at.store, [{ name: 'a', content: long }]);
    });

    it('change hands, and are dropped, only as they were seen', async () => {
      const [a, b] = await stage('old', ['a', 'x'], ['b', 'y']);
      const version = await at.store.pendingVersion();
      const adopted = await at.store.adopt([a!], 'new');
      expect(adopted).toEqual([{ ...a!, owner: 'new' }]);
      expect(await at.store.adopt([a!], 'third')).toEqual([]);
      expect(await at.store.unstage([a!])).toBe(0);
      expect(await at.store.pendingVersion()).toBeGreaterThan(version);
      expect(await at.store.unstage([adopted[0]!, b!])).toBe(2);
      expect(await at.store.unstage([b!])).toBe(0);
      await expectPending(at.store, []);
    });

    it('raise their own version, and tell', async () => {
      const version = await at.store.version();
      let calls = 0;
      at.store.onChange(() => calls++);
      await stage('me', ['a', 'x']);
      expect(calls).toBe(1);
      await at.store.unstage([]);
      expect(calls).toBe(1);
      expect(await at.store.version()).toBe(version);
    });

    it('go with everything else when the index is cleared, and stay when sources are dropped', async () => {
      const createdAt = await at.store.createdAt();
      const [a] = await stage('me', ['a', long], ['b', long]);
      const c = sampleDocument('c', { source: new Blob([long]) });
      await at.add(readFrom(a!, long)[0], c, sampleDocument('d'));
      expect(await at.store.dropSources()).toBe(200);
      expect(await at.store.dropSources()).toBe(0);
      await expectHolds(at.store, [sampleDocument('a'), { ...c, source: null }, sampleDocument('d')]);
      await expectPending(at.store, [{ name: 'b', content: long }]);
      await at.store.clear();
      await expectHolds(at.store, []);
      await expectPending(at.store, []);
      expect(await at.store.createdAt()).toBe(createdAt);
    });

    it('are as a plain list would have them after any mixture of changes', async () => {
      const documents = new Map<string, NewDocument>();
      let waiting: { file: PendingFile; name: string; content: string }[] = [];
      let seed = 11;
      const random = (below: number): number => {
        seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff;
        return (seed >>> 8) % below;
      };
      for (let round = 0; round < 80; round++) {
        const action = random(12);
        const chosen = waiting.filter(() => random(3) === 0);
        if (action < 4) {
          const given = Array.from({ length: 1 + random(3) }, (_, i) => ({
            name: `${String(round)}.${String(i)}`,
            content: 'x'.repeat(random(100)),
          }));
          const files = await stage(
            `owner ${String(random(2))}`,
            ...given.map(({ name, content }) => [name, content] as const),
          );
          waiting.push(...given.map((each, i) => ({ ...each, file: files[i]! })));
        } else if (action < 7) {
          const read = chosen.map(({ file, content }) => readFrom(file, content, random(2) === 0));
          await at.add(...read.map(([added]) => added));
          for (const [, expected] of read) documents.set(expected.record.id, expected);
          waiting = waiting.filter((each) => !chosen.includes(each));
        } else if (action === 7) {
          expect(await at.store.unstage(chosen.map(({ file }) => file))).toBe(chosen.length);
          waiting = waiting.filter((each) => !chosen.includes(each));
        } else if (action === 8) {
          const owner = `adopter ${String(round)}`;
          await at.store.adopt(
            chosen.map(({ file }) => file),
            owner,
          );
          for (const each of chosen) each.file = { ...each.file, owner };
        } else if (action === 9) {
          const ids = [...documents.keys()].filter(() => random(3) === 0);
          await at.store.remove(ids);
          for (const id of ids) documents.delete(id);
        } else if (action === 10) {
          await at.store.compact();
        } else if (random(3) === 0) {
          await at.store.clear();
          documents.clear();
          waiting = [];
        }
        if (round % 8 === 7) {
          await expectHolds(at.store, [...documents.values()]);
          await expectPending(at.store, waiting);
          await harness.check?.(at.store);
        }
      }
      await at.store.remove([...documents.keys()]);
      await at.store.unstage(await at.store.pending());
      await harness.check?.(at.store);
    });
  });

  describe.skipIf(!harness.persistent)('pending files, reopened', () => {
    it('are all there', async () => {
      await stage('me', ['a', long], ['b', 'x']);
      const version = await at.store.pendingVersion();
      await at.store.close();
      at.store = await at.open();
      expect(await at.store.pendingVersion()).toBe(version);
      await expectPending(at.store, [
        { name: 'a', content: long },
        { name: 'b', content: 'x' },
      ]);
    });
  });

  describe.skipIf(!harness.shared)('pending files of two tabs', () => {
    it('are heard of, and become one document however many read them', async () => {
      const other = await at.open();
      const heard = new Promise<void>((resolve) => void other.onChange(resolve));
      const [a] = await stage('me', ['a', long]);
      await heard;
      const [added, expected] = readFrom(a!, long);
      const outcomes = await Promise.allSettled([at.store, other].map((tab) => tab.add([added], int8)));
      expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      await expectHolds(other, [expected]);
      await expectPending(other, []);
    });

    it('have one new owner, however many want them', async () => {
      const other = await at.open();
      const files = await stage('me', ['a', long], ['b', long]);
      const taken = await Promise.all([at.store.adopt(files, 'here'), other.adopt(files, 'there')]);
      expect(taken.map(({ length }) => length).sort()).toEqual([0, 2]);
    });
  });
}
