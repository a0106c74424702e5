import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { complete } from '../extract/builder.ts';
import { extractPlain } from '../extract/plain.ts';
import { chunkText } from '../text/chunk.ts';
import { createEncoder, type Encoder } from './encoder.ts';
import type { Session } from './session-api.ts';
import { embeddedTokenizer } from './testing/embedded.ts';
import {
  encodeInWindows,
  longDocumentMethods,
  type PassageRows,
  planWindows,
  storedTokens,
  type Window,
  windowSize,
} from './windows.ts';

const { tokenizer, config } = embeddedTokenizer();

/**
 * A session whose row for a token tells which token it is (cosine and sine of its id) and where it stood: the third component is the
 * hidden sum of the ids of its `reach` neighbours on both sides, as attention in a window would see them.
 */
function reachingEncoder(reach: number, batchTokens = 4096): Encoder {
  const session: Session = {
    device: 'native',
    threads: 1,
    run(inputIds, mask, batch, length) {
      const rows = new Float32Array(batch * length * 3);
      for (let b = 0; b < batch; b++) {
        for (let i = 0; i < length; i++) {
          let around = 0;
          for (let j = Math.max(0, i - reach); j <= Math.min(length - 1, i + reach); j++) {
            if (mask[b * length + j] === 1n) around += Number(inputIds[b * length + j]!);
          }
          const id = Number(inputIds[b * length + i]!);
          rows.set([Math.cos(id), Math.sin(id), (around % 997) / 997], (b * length + i) * 3);
        }
      }
      return Promise.resolve({ rows, dim: 3 });
    },
    release: () => Promise.resolve(),
  };
  return createEncoder(tokenizer, { ...config, dim: 3 }, session, { batchTokens });
}

async function inWindows(
  encoder: Encoder,
  documents: readonly (readonly (readonly number[])[])[],
  size: { readonly length: number; readonly overlap: number },
): Promise<PassageRows[]> {
  const all: PassageRows[] = [];
  for await (const one of encodeInWindows(encoder, documents, size, (ids) => encoder.encodeIds(ids))) all.push(one);
  return all;
}

const idsOf = (passages: readonly string[]): number[][] => passages.map((passage) => tokenizer.encode(passage));

/** The passages that the chunker makes of a text, of at most so many estimated tokens. */
function passagesOf(text: string, maxTokens = 20): string[] {
  const extracted = complete(extractPlain(text, 'prose'), 'text/plain', []);
  const limits = { targetTokens: Math.ceil(maxTokens * 0.7), maxTokens };
  return chunkText(extracted, limits).map(({ start, end }) => extracted.text.slice(start, end));
}

describe('windowSize', () => {
  test('is part of the fingerprint; each passage by itself has none', () => {
    expect(windowSize(longDocumentMethods.passage, config)).toBeNull();
    expect(longDocumentMethods.passage).toBe('truncate'); // what indexes of before have
    expect(windowSize(longDocumentMethods.window, config)).toEqual({ length: 1024, overlap: 256 });
    expect(windowSize(longDocumentMethods.whole, config)).toEqual({ length: 8192, overlap: 2048 });
  });

  test('a model that reads less has shorter windows', () => {
    expect(windowSize('window-1024-256', { documentLength: 300 })).toEqual({ length: 300, overlap: 75 });
    expect(windowSize('window-1024-256', { documentLength: 1000 })).toEqual({ length: 1000, overlap: 250 });
  });
});

describe('planWindows', () => {
  //  room for 13 - 3 = 10 tokens of text, 4 shared
  const size = { length: 13, overlap: 4 };

  test.each([
    [0, [[0, 0, 0, 0]]],
    [1, [[0, 1, 0, 1]]],
    [10, [[0, 10, 0, 10]]], // fits exactly
    //  7 new tokens in two windows: 3 and 4, and the overlap
    [11, [[0, 7, 0, 5], [3, 11, 5, 11]]], // prettier-ignore
    [16, [[0, 10, 0, 8], [6, 16, 8, 16]]], // prettier-ignore
    [17, [[0, 8, 0, 6], [4, 12, 6, 10], [8, 17, 10, 17]]], // prettier-ignore
  ])('%d tokens', (numTokens, expected) => {
    expect(planWindows(numTokens, size).map(({ start, end, from, to }) => [start, end, from, to])).toEqual(expected);
  });

  test('every token belongs to the window in which its nearest border is furthest', () => {
    const sizes = fc.record({ length: fc.integer({ min: 8, max: 600 }), share: fc.integer({ min: 0, max: 100 }) });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 3000 }), sizes, (numTokens, { length, share }) => {
        const overlap = Math.floor((length / 4) * (share / 100));
        const windows = planWindows(numTokens, { length, overlap });
        expect(windows[0]!.start).toBe(0);
        expect(windows.at(-1)!.end).toBe(numTokens);
        let next = 0;
        for (const [i, { start, end, from, to }] of windows.entries()) {
          expect(end - start).toBeLessThanOrEqual(length - 3);
          expect(from).toBe(next); // each token once, none left out
          next = to;
          if (i > 0) expect(windows[i - 1]!.end - start).toBe(overlap);
        }
        expect(next).toBe(numTokens);
        for (let token = 0; token < numTokens; token += 7) {
          const owner = windows.find(({ from, to }) => from <= token && token < to)!;
          const own = room(owner, token, numTokens);
          const best = Math.max(...windows.map((window) => room(window, token, numTokens)));
          // Where an overlap is odd, its middle token has one more on one side: either will do.
          const enough = Math.max(best - 1, windows.length > 1 ? Math.floor((overlap - 1) / 2) : 0);
          if (own < enough) expect.fail(`token ${token} of ${numTokens} has ${own} tokens around it, not ${enough}`);
        }
      }),
      { seed: 20261126 },
    );
  });

  /** Tokens between this one and the nearest border of the window behind which the document goes on; −1 outside. */
  function room({ start, end }: Window, token: number, numTokens: number): number {
    if (token < start || token >= end) return -1;
    return Math.min(start === 0 ? Infinity : token - start, end === numTokens ? Infinity : end - 1 - token);
  }
});

describe('encodeInWindows', () => {
  const text =
    'When the river silted up, the merchants moved their warehouses to the coast. The old harbour stood empty! ' +
    'Nobody paid the toll; the gate was left open, and grass grew between its stones.';

  test('a document that fits a window has the rows of one pass, bit for bit', async () => {
    const encoder = reachingEncoder(5);
    const passages = passagesOf(text);
    expect(passages.length).toBeGreaterThan(2);
    const [whole] = await encoder.encodeIds([idsOf(passages).flat()]);
    const [alike] = await encoder.encodeDocuments([text]);
    expect(alike!.rows).toEqual(whole!.rows); // the passages' tokens, one after another, are the text's
    const encoded = await inWindows(encoder, [idsOf(passages)], { length: 8192, overlap: 2048 });
    const dim = 3;
    // Without the special tokens, which each passage has: two before, one behind.
    const own = encoded.flatMap(({ rows }) => Array.from(rows.subarray(2 * dim, rows.length - dim)));
    expect(Float32Array.from(own)).toEqual(whole!.rows.subarray(2 * dim, whole!.rows.length - dim));
    for (const { rows } of encoded) {
      expect(rows.subarray(0, 2 * dim)).toEqual(whole!.rows.subarray(0, 2 * dim));
      expect(rows.subarray(rows.length - dim)).toEqual(whole!.rows.subarray(whole!.rows.length - dim));
    }
  });

  test('where the model reaches no further than half an overlap, windows change nothing', async () => {
    const encoder = reachingEncoder(4);
    const ids = idsOf(passagesOf(text.repeat(9)));
    const [whole] = await encoder.encodeIds([ids.flat()]);
    const size = { length: 64, overlap: 10 }; // 5 tokens and more on either side of each
    const encoded = await inWindows(encoder, [ids], size);
    const own = encoded.flatMap(({ rows }) => Array.from(rows.subarray(6, rows.length - 3)));
    expect(Float32Array.from(own)).toEqual(whole!.rows.subarray(6, whole!.rows.length - 3));
    // One token more, and those beside the borders of windows differ: the test above can fail.
    const further = reachingEncoder(6);
    const [other] = await further.encodeIds([ids.flat()]);
    const cut = (await inWindows(further, [ids], size)).flatMap(({ rows }) => Array.from(rows.subarray(6, -3)));
    expect(Float32Array.from(cut)).not.toEqual(other!.rows.subarray(6, -3));
  });

  test('passages know what stands around them, as they do not by themselves', async () => {
    const encoder = reachingEncoder(5);
    const passages = passagesOf(text);
    const alone = await encoder.encodeDocuments(passages);
    const around = await inWindows(encoder, [idsOf(passages)], { length: 64, overlap: 16 });
    expect(around.map(({ numTokens }) => numTokens)).toEqual(alone.map(({ numTokens }) => numTokens));
    expect(around[1]!.rows).not.toEqual(alone[1]!.rows);
  });

  test('rows do not depend on what shares a call or a batch', async () => {
    const encoder = reachingEncoder(5, 64);
    const size = { length: 32, overlap: 8 };
    const documents = [text, text.repeat(3), 'river', text.slice(0, 40)].map((one) => idsOf(passagesOf(one)));
    const together = await inWindows(encoder, documents, size);
    const apart = [];
    for (const document of documents) apart.push(...(await inWindows(reachingEncoder(5, 1), [document], size)));
    expect(together).toEqual(apart);
  });

  test('no documents, one without passages, passages without tokens, nothing but punctuation', async () => {
    const encoder = reachingEncoder(2);
    const size = { length: 32, overlap: 8 };
    expect(await inWindows(encoder, [], size)).toEqual([]);
    expect(await inWindows(encoder, [[]], size)).toEqual([]);
    const counts = async (passages: readonly string[]): Promise<number[]> =>
      (await inWindows(encoder, [idsOf(passages)], size)).map(({ numTokens }) => numTokens);
    // [CLS], the marker and [SEP] stay, so that no passage is without rows.
    expect(await counts([''])).toEqual([3]);
    expect(await counts(['', '\u200b', 'river', ''])).toEqual([3, 3, 4, 3]);
    expect(await counts(['!!!', 'river!', '...'])).toEqual([3, 4, 3]);
    expect(await counts(['', ...Array.from({ length: 50 }, () => 'river'), '', ''])).toEqual([3, ...Array.from({ length: 50 }, () => 4), 3, 3]); // prettier-ignore
  });

  test('a stop is heard between two readings', async () => {
    const encoder = reachingEncoder(2);
    let readings = 0;
    const document = Array.from({ length: 3000 }, () => tokenizer.encode('the old harbour stood empty'));
    const work = inWindows(
      {
        ...encoder,
        encodeIds: (ids) => (++readings === 3 ? Promise.reject(new Error('stopped')) : encoder.encodeIds(ids)),
      },
      [document],
      { length: 1024, overlap: 256 },
    );
    await expect(work).rejects.toThrow('stopped');
    expect(readings).toBe(3);
  });

  /** What is written in many scripts and directions, beside what tokenizers stumble over. */
  const pieces = fc.oneof(
    fc.constantFrom(
      ...['the old harbour', 'Kaufleute zogen fort.', 'ποταμός', 'река обмелела;', 'הנמל הישן', 'الميناء القديم، فارغ'],
      ...[
        '古い港は空だった。',
        '상인들이 떠났다',
        'ท่าเรือเก่าว่างเปล่า',
        'पुराना बंदरगाह',
        '😀👩‍👩‍👧',
        '𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𒀀𒁀',
        'e\u0301te\u0301',
      ],
      ...[
        'x'.repeat(300),
        '漢'.repeat(200),
        '...!!!',
        '\n\n',
        '\u200b',
        '[MASK] [SEP]',
        '\ud800',
        '12345678901234567890',
      ],
    ),
    fc.string({ unit: 'binary', maxLength: 30 }),
  );

  test('every passage has exactly its own tokens, in order, whatever is written', async () => {
    const encoder = reachingEncoder(3);
    const sizes = fc.constantFrom<[number, number][]>([16, 4], [32, 8], [64, 0], [40, 10], [8192, 2048]);
    await fc.assert(
      fc.asyncProperty(fc.array(pieces, { maxLength: 25 }), sizes, async (parts, [length, overlap]) => {
        const passages = passagesOf(parts.join(' '));
        const ids = idsOf(passages);
        const encoded = await inWindows(encoder, [ids], { length, overlap });
        expect(encoded).toHaveLength(passages.length);
        for (const [i, { rows, numTokens }] of encoded.entries()) {
          const tokens = storedTokens(ids[i]!, config, 'window-1024-256');
          expect(rows.length).toBe(numTokens * 3);
          expect(tokens).toHaveLength(numTokens);
          expect(tokens.filter((token) => token !== null)).toEqual(
            ids[i]!.flatMap((id, token) => (config.skiplist.has(id) ? [] : [token])),
          );
          const read = [config.prefixId, config.documentMarkerId, config.suffixId];
          const expected = tokens.map((token, row) => (token === null ? read[Math.min(row, 2)]! : ids[i]![token]!));
          // The direction of the first two components is the id's.
          expected.forEach((id, row) => {
            const [x, y] = [rows[row * 3]!, rows[row * 3 + 1]!];
            expect(Math.cos(id) * x + Math.sin(id) * y).toBeCloseTo(Math.hypot(x, y), 4);
            expect(Math.hypot(x, y)).toBeGreaterThan(0.5);
          });
        }
      }),
      { seed: 20261126, numRuns: 150 },
    );
  });
});

describe('storedTokens', () => {
  const short = { ...config, documentLength: 6 }; // three tokens of the text
  const ids = tokenizer.encode('old, harbour, river');

  test('each passage by itself: what fits, without punctuation', () => {
    const comma = tokenizer.encode(',')[0]!;
    expect(ids.indexOf(comma)).toBeGreaterThan(0);
    const kept = [0, 1, 2].filter((token) => ids[token] !== comma);
    expect(storedTokens(ids, short, 'truncate')).toEqual([null, null, ...kept, null]);
  });

  test('in windows: all, without punctuation, however short a window is', () => {
    const kept = ids.flatMap((id, token) => (config.skiplist.has(id) ? [] : [token]));
    expect(storedTokens(ids, short, 'window-1024-256')).toEqual([null, null, ...kept, null]);
  });
});
