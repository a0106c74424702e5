import { describe, expect, test } from 'vitest';
import { LateralError } from '../errors.ts';
import { crc32c } from '../store/checksum.ts';
import { collectionType } from '../store/collection-file.ts';
import type { IndexStore, NewDocument } from '../store/index-store.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import {
  f32Fingerprint,
  int8Fingerprint,
  pooledFingerprint,
  sampleDocument,
} from '../store/testing/sample-documents.ts';
import type { Fingerprint, Progress } from '../types.ts';
import { narrowRows } from '../vectors/narrow.ts';
import { exportCollection, importCollection } from './collection.ts';

const running = new AbortController().signal;
const quiet = (): void => undefined;
const onStored = (): Promise<void> => Promise.resolve();

/** Three documents: with an original, without one, and without any text; ids and words that trip careless code. */
function documentsOf(fingerprint: Fingerprint): NewDocument[] {
  const first = sampleDocument('harbour', {
    fingerprint,
    addedAt: 1,
    source: new Blob(['<p>the original</p>'], { type: 'text/html' }),
  });
  const text = `lone \ud800 surrogate, 日本語, \u0000 and __proto__`;
  const second = sampleDocument('__proto__', { fingerprint, addedAt: 2, tokens: [1, 4, 2] });
  const third = sampleDocument('empty', { fingerprint, addedAt: 3, tokens: [] });
  return [
    {
      ...first,
      text: { ...first.text, title: 'A title', language: 'nl', pages: [{ width: 595, height: 842.5 }] },
    },
    {
      ...second,
      record: { ...second.record, textLength: text.length, notes: [text], path: '' },
      text: { ...second.text, text, sections: [{ kind: 'heading', label: '', level: 6, start: 0, end: text.length }] },
    },
    third,
  ];
}

async function storeOf(documents: readonly NewDocument[], fingerprint = int8Fingerprint): Promise<IndexStore> {
  const store = createMemoryStore('test');
  await store.add(documents, fingerprint);
  return store;
}

async function fileOf(documents: readonly NewDocument[], fingerprint = int8Fingerprint): Promise<Blob> {
  return exportCollection({ store: await storeOf(documents, fingerprint), fingerprint }, undefined, running, quiet);
}

const into = (store: IndexStore, file: Blob, fingerprint = int8Fingerprint, signal = running) =>
  importCollection({ store, fingerprint, onStored }, file, signal, quiet);

async function partsOf(store: IndexStore): Promise<unknown[]> {
  const parts = [];
  for (const { id } of await store.documents()) {
    const { source, ...rest } = (await store.parts(id))!;
    parts.push({ ...rest, source: source && { type: source.type, text: await source.text() } });
  }
  return parts;
}

describe('round trip', () => {
  test.each([
    ['int8', int8Fingerprint],
    ['f32', f32Fingerprint],
    ['pooled', pooledFingerprint],
  ])('every part of every document comes back bit by bit (%s)', async (_, fingerprint) => {
    const given = await storeOf(documentsOf(fingerprint), fingerprint);
    const file = await exportCollection({ store: given, fingerprint }, undefined, running, quiet);
    expect(file.type).toBe(collectionType);
    const taken = createMemoryStore('taken');
    expect(await into(taken, file, fingerprint)).toEqual({ documents: 3, skipped: 0, unencoded: 0 });
    expect(await partsOf(taken)).toEqual(await partsOf(given));
    expect(await taken.fingerprint()).toEqual(fingerprint);
  });

  test('what is here already is left as it is: by content, by id, and within the file', async () => {
    const [harbour, proto, empty] = documentsOf(int8Fingerprint) as [NewDocument, NewDocument, NewDocument];
    const twin = { ...harbour, record: { ...harbour.record, id: 'the same content' } };
    const store = await storeOf([twin]);
    const renamed = { ...proto, record: { ...proto.record, id: 'again' } };
    const file = await fileOf([harbour, proto, renamed, empty]);
    expect(await into(store, file)).toEqual({ documents: 2, skipped: 2, unencoded: 0 });
    expect(await into(store, file)).toEqual({ documents: 0, skipped: 4, unencoded: 0 });
    expect((await store.documents()).map(({ id }) => id)).toEqual(['the same content', '__proto__', 'empty']);

    const other = { ...proto, record: { ...proto.record, contentHash: 'other' } };
    expect(await into(store, await fileOf([other]))).toEqual({ documents: 0, skipped: 1, unencoded: 0 });
  });

  test('some documents, and none', async () => {
    const store = await storeOf(documentsOf(int8Fingerprint));
    const parts = { store, fingerprint: int8Fingerprint };
    const some = await exportCollection(parts, ['empty', '__proto__'], running, quiet);
    const none = await exportCollection(parts, [], running, quiet);
    const taken = createMemoryStore('taken');
    expect(await into(taken, none)).toEqual({ documents: 0, skipped: 0, unencoded: 0 });
    expect(await into(taken, some)).toEqual({ documents: 2, skipped: 0, unencoded: 0 });
    expect((await taken.documents()).map(({ id }) => id)).toEqual(['__proto__', 'empty']);
    await expect(exportCollection(parts, ['nowhere'], running, quiet)).rejects.toMatchObject({ code: 'not-found' });
  });

  test('a thousand and one documents come in two transactions, and progress counts them', async () => {
    const many = Array.from({ length: 1001 }, (_, i) => sampleDocument(`document ${i}`, { tokens: [1], addedAt: i }));
    const file = await fileOf(many);
    const taken = createMemoryStore('taken');
    let changes = 0;
    taken.onChange(() => changes++);
    const progress: Progress[] = [];
    let stored = 0;
    const parts = {
      store: taken,
      fingerprint: int8Fingerprint,
      onStored: () => {
        stored++;
        return Promise.resolve();
      },
    };
    const result = await importCollection(parts, file, running, (report) => progress.push(report));
    expect(result).toEqual({ documents: 1001, skipped: 0, unencoded: 0 });
    expect(changes).toBe(2);
    expect(stored).toBe(2);
    expect(progress.map(({ done, total }) => `${done} of ${total}`)).toEqual([
      '0 of 1001',
      '1000 of 1001',
      '1001 of 1001',
    ]);
  });
});

describe('refusals', () => {
  test('vectors of another model or dimension are not mixed in: the documents come without', async () => {
    const documents = documentsOf(int8Fingerprint);
    const file = await fileOf(documents);
    for (const other of [{ ...int8Fingerprint, dim: 8 }, { ...int8Fingerprint, model: 'other@1' }, f32Fingerprint]) {
      const store = createMemoryStore('test');
      expect(await into(store, file, other)).toEqual({ documents: 3, skipped: 0, unencoded: 2 });
      expect(await store.fingerprint()).toEqual(other);
      for (const { record, text, chunks } of documents) {
        const part = (await store.parts(record.id))!;
        expect(part).toMatchObject({ record: { ...record, tokenCount: 0 }, text, chunks });
        expect([part.vectors.length, part.offsets]).toEqual([0, new Uint32Array(record.chunkCount + 1)]);
      }
    }
  });

  test('vectors of more dimensions, or in f32, are turned into those of the index', async () => {
    for (const [saved, here] of [
      [int8Fingerprint, { ...int8Fingerprint, dim: 3 }],
      [f32Fingerprint, int8Fingerprint],
    ] as const) {
      const documents = documentsOf(saved);
      const store = createMemoryStore('test');
      expect(await into(store, await fileOf(documents, saved), here)).toMatchObject({ documents: 3, unencoded: 0 });
      for (const { record, vectors, offsets } of documents) {
        const turned = narrowRows(vectors, saved, here);
        expect(await store.parts(record.id)).toMatchObject({ record, vectors: turned, offsets });
      }
    }
  });

  test('passages that were cut otherwise', async () => {
    const store = createMemoryStore('test');
    const file = await fileOf(documentsOf(int8Fingerprint));
    const other = into(store, file, { ...int8Fingerprint, chunker: 2 });
    await expect(other).rejects.toMatchObject({ code: 'model-mismatch', message: /version 1.*Add the original/ });
    expect(await store.documents()).toEqual([]);
  });

  test('a file of a later version', async () => {
    const bytes = await bytesIn(await fileOf([]));
    new DataView(bytes.buffer).setUint32(8, 2, true);
    new DataView(bytes.buffer).setUint32(12, crc32c(bytes.subarray(0, 12)), true);
    await expect(into(createMemoryStore('test'), new Blob([bytes]))).rejects.toMatchObject({ code: 'storage-newer' });
  });

  test.each([
    ['nothing', new Uint8Array()],
    ['a few bytes', new Uint8Array([0x89, 0x4c])],
    ['something else', new TextEncoder().encode('PK, a letter, anything but a collection')],
  ])('%s is no collection', async (_, bytes) => {
    const file = new File([bytes], 'letter.lateral');
    await expect(into(createMemoryStore('test'), file)).rejects.toMatchObject({
      code: 'file-damaged',
      message: 'letter.lateral cannot be imported: it is no collection that Lateral saved. Nothing was added.',
    });
  });

  test('a damaged document is left out and named; those before and after it are added', async () => {
    const bytes = await bytesIn(await fileOf(documentsOf(int8Fingerprint)));
    const vectors = partsIn(bytes).filter(({ kind }) => kind === 'VECT')[1]!;
    bytes[vectors.start + 3]! ^= 1;
    const store = createMemoryStore('test');
    await expect(into(store, new File([bytes], 'port.lateral'))).rejects.toMatchObject({
      code: 'file-damaged',
      message:
        'port.lateral is damaged: __proto__.txt in it is not whole (its vectors could not be read). ' +
        '2 of its 3 documents were added. For the rest, save the collection again where it is, or take another copy.',
      details: { documents: 2, skipped: 0, damaged: 1 },
    });
    expect((await store.documents()).map(({ id }) => id)).toEqual(['harbour', 'empty']);
  });

  test('a file cut off anywhere is said so, and what came before is whole', async () => {
    const documents = documentsOf(int8Fingerprint);
    const file = await fileOf(documents);
    const whole = await partsOf(await storeOf(documents));
    for (let length = 0; length < file.size; length++) {
      const store = createMemoryStore('test');
      await expect(into(store, file.slice(0, length))).rejects.toMatchObject({ code: 'file-damaged' });
      const taken = await partsOf(store);
      expect(taken).toEqual(whole.slice(0, taken.length));
    }
  });

  test('a document taken out is missed, and a part whose head does not fit its checksum ends the reading', async () => {
    const bytes = await bytesIn(await fileOf(documentsOf(int8Fingerprint)));
    const parts = partsIn(bytes);
    const [from, to] = parts.filter(({ kind }) => kind === 'DOCU').map(({ head }) => head) as [number, number, number];
    const without = joined(bytes.subarray(0, from), bytes.subarray(to));
    const first = createMemoryStore('test');
    await expect(into(first, new Blob([without]))).rejects.toThrow(/its end could not be read.* 2 of its 3 documents/);
    expect(await first.documents()).toHaveLength(2);

    bytes[to + 4]! ^= 1; // one of the bytes of zero
    const second = createMemoryStore('test');
    await expect(into(second, new Blob([bytes]))).rejects.toThrow(/could not be made out.* 1 of its 3 documents/);
  });

  test('a cancel keeps what is added', async () => {
    const many = Array.from({ length: 1200 }, (_, i) => sampleDocument(`document ${i}`, { tokens: [1], addedAt: i }));
    const file = await fileOf(many);
    const store = createMemoryStore('test');
    const controller = new AbortController();
    const stopLate = ({ done }: Progress): void => {
      if (done > 0) controller.abort();
    };
    const parts = { store, fingerprint: int8Fingerprint, onStored };
    await expect(importCollection(parts, file, controller.signal, stopLate)).rejects.toMatchObject({ code: 'aborted' });
    expect(await store.documents()).toHaveLength(1000);
    expect(await into(store, file)).toEqual({ documents: 200, skipped: 1000, unencoded: 0 });
    const stopped = AbortSignal.abort();
    await expect(into(store, file, int8Fingerprint, stopped)).rejects.toMatchObject({ code: 'aborted' });
    const exporting = exportCollection(parts, undefined, stopped, quiet);
    await expect(exporting).rejects.toMatchObject({ code: 'aborted' });
  });
});

describe('hostile files', () => {
  /** Edits a part and makes the checksums fit again, as a person who means harm would. */
  async function forged(kind: string, edit: (content: string) => string): Promise<Blob> {
    const bytes = await bytesIn(await fileOf([documentsOf(int8Fingerprint)[0]!]));
    const found = partsIn(bytes).find((part) => part.kind === kind)!;
    const content = new TextDecoder().decode(bytes.subarray(found.start, found.end));
    return new Blob([withContent(bytes, found, new TextEncoder().encode(edit(content)))]);
  }

  test.each([
    ['a size that promises terabytes', 'DOCU', '"tokenCount":5', '"tokenCount":99999999999'],
    ['a negative count', 'DOCU', '"chunkCount":2', '"chunkCount":-2'],
    ['a count that is no number', 'DOCU', '"chunkCount":2', '"chunkCount":"2"'],
    ['a length that is not the text’s', 'DOCU', '"textLength":8', '"textLength":7'],
    ['an id that is empty', 'DOCU', '"id":"harbour"', '"id":""'],
    ['an original that is not there', 'DOCU', '"byteLength":19', '"byteLength":18'],
    ['a section outside the text', 'TEXT', '"start":0,"end":8', '"start":0,"end":80'],
    ['a section that runs backwards', 'TEXT', '"start":0,"end":8', '"start":8,"end":0'],
    ['a block of no known kind', 'TEXT', '"paragraph"', '"script"'],
    ['a page without height', 'TEXT', '"height":842.5', '"height":0'],
    ['a page of infinite height', 'TEXT', '"height":842.5', '"height":1e999'],
    ['no JSON', 'TEXT', '{', '['],
  ])('%s', async (_, kind, from, to) => {
    const file = await forged(kind, (content) => {
      expect(content).toContain(from);
      return content.replace(from, to);
    });
    const store = createMemoryStore('test');
    await expect(into(store, file)).rejects.toMatchObject({ code: 'file-damaged' });
    expect(await store.documents()).toEqual([]);
  });

  test('keys named __proto__ change nothing, and unknown ones are dropped', async () => {
    const file = await forged('DOCU', (content) =>
      content.replace('{"record":{', '{"__proto__":{"polluted":1},"record":{"__proto__":{"polluted":1},"later":1,'),
    );
    const store = createMemoryStore('test');
    expect(await into(store, file)).toEqual({ documents: 1, skipped: 0, unencoded: 0 });
    const record = (await store.document('harbour'))!;
    expect('polluted' in record || 'later' in record || 'polluted' in {}).toBe(false);
  });

  test('components that would win every comparison', async () => {
    const int8 = await bytesIn(await fileOf([sampleDocument('a')]));
    const vectors = partsIn(int8).find(({ kind }) => kind === 'VECT')!;
    const lowest = int8.slice(vectors.start, vectors.end);
    lowest[0] = 0x80; // −128
    const float = await bytesIn(await fileOf([sampleDocument('a', { fingerprint: f32Fingerprint })], f32Fingerprint));
    const floats = partsIn(float).find(({ kind }) => kind === 'VECT')!;
    const infinite = float.slice(floats.start, floats.end);
    new DataView(infinite.buffer).setFloat32(4, Infinity, true);
    const store = createMemoryStore('test');
    const first = into(store, new Blob([withContent(int8, vectors, lowest)]));
    await expect(first).rejects.toMatchObject({ code: 'file-damaged' });
    const second = into(store, new Blob([withContent(float, floats, infinite)]), f32Fingerprint);
    await expect(second).rejects.toMatchObject({ code: 'file-damaged' });
    expect(await store.documents()).toEqual([]);
  });
});

describe('mutations', () => {
  const rounds = process.env.LATERAL_LONG === '1' ? 100_000 : 3_000;
  const fuzzMs = 30_000 + rounds * 30;
  const known = new Set(['file-damaged', 'storage-newer', 'model-mismatch', 'file-duplicate']);

  test(
    'of bytes: a result or a typed error, and every document that was added is as it was saved',
    async () => {
      const documents = documentsOf(int8Fingerprint);
      const bytes = await bytesIn(await fileOf(documents));
      const whole = new Map(documents.map(({ record }, i) => [record.id, i]));
      const expected = await partsOf(await storeOf(documents));
      const random = randomOf(1);
      let refused = 0;
      for (let round = 0; round < rounds; round++) {
        const store = createMemoryStore('test');
        await into(store, new Blob([mutated(bytes, random)])).catch((error: unknown) => {
          expect(error).toBeInstanceOf(LateralError);
          expect(known).toContain((error as LateralError).code);
          refused++;
        });
        const ids = (await store.documents()).map(({ id }) => id);
        expect(await partsOf(store)).toEqual(ids.map((id) => expected[whole.get(id)!]));
      }
      expect(refused).toBeGreaterThan(rounds * 0.9);
    },
    fuzzMs,
  );

  test(
    'of content under checksums that fit: what is added is whole, whatever it says',
    async () => {
      const bytes = await bytesIn(await fileOf(documentsOf(int8Fingerprint)));
      const random = randomOf(2);
      for (let round = 0; round < rounds; round++) {
        const parts = partsIn(bytes);
        const part = parts[Math.floor(random() * parts.length)]!;
        const store = createMemoryStore('test');
        const file = withContent(bytes, part, mutated(bytes.slice(part.start, part.end), random));
        await into(store, new Blob([file])).catch((error: unknown) => {
          expect(error).toBeInstanceOf(LateralError);
          expect(known).toContain((error as LateralError).code);
        });
        // Adding them elsewhere checks every part against every other.
        const added = await Promise.all((await store.documents()).map(async ({ id }) => (await store.parts(id))!));
        await createMemoryStore('again').add(added, int8Fingerprint);
      }
    },
    fuzzMs,
  );
});

// ─── a collection's bytes, by a reader of its own ───────────────────────────────────────────────────

interface Part {
  readonly kind: string;
  readonly head: number;
  readonly start: number;
  readonly end: number;
}

function partsIn(bytes: Uint8Array<ArrayBuffer>): Part[] {
  const view = new DataView(bytes.buffer);
  const parts: Part[] = [];
  for (let head = 16; head < bytes.length; head = parts.at(-1)!.end) {
    const kind = String.fromCharCode(...bytes.subarray(head, head + 4));
    parts.push({ kind, head, start: head + 24, end: head + 24 + Number(view.getBigUint64(head + 8, true)) });
  }
  return parts;
}

/** The bytes with another content in that part, its length and checksums set to fit. */
function withContent(bytes: Uint8Array<ArrayBuffer>, part: Part, content: Uint8Array): Uint8Array<ArrayBuffer> {
  const head = bytes.slice(part.head, part.start);
  const view = new DataView(head.buffer);
  view.setBigUint64(8, BigInt(content.length), true);
  view.setUint32(16, crc32c(content), true);
  view.setUint32(20, crc32c(head.subarray(0, 20)), true);
  return joined(bytes.subarray(0, part.head), head, content, bytes.subarray(part.end));
}

async function bytesIn(file: Blob): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await file.arrayBuffer());
}

function joined(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** One to four changes: a bit, a byte, a piece taken out, doubled, or moved, the end cut off. */
function mutated(bytes: Uint8Array<ArrayBuffer>, random: () => number): Uint8Array<ArrayBuffer> {
  let out = bytes.slice();
  const below = (limit: number): number => Math.floor(random() * limit);
  for (let changes = 1 + below(4); changes > 0 && out.length > 0; changes--) {
    const at = below(out.length);
    const size = below(Math.min(64, out.length - at));
    const piece = out.slice(at, at + size);
    const without = joined(out.subarray(0, at), out.subarray(at + size));
    const to = below(without.length + 1);
    switch (below(6)) {
      case 0:
        out[at]! ^= 1 << below(8);
        break;
      case 1:
        out[at] = [0, 1, 127, 128, 255, 0x22, 0x2d, 0x7b][below(8)]!;
        break;
      case 2:
        out = without;
        break;
      case 3:
        out = joined(out.subarray(0, at), piece, piece, out.subarray(at + size));
        break;
      case 4:
        out = joined(without.subarray(0, to), piece, without.subarray(to));
        break;
      default:
        out = out.slice(0, at);
    }
  }
  return out;
}

/** Mulberry32: the same numbers on every run. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
