/** The pure parts of the GPU scorer: where blocks go, and in which order their bytes lie. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutIntoRuns, FreeTiles } from './gpu-allocator.ts';
import { packQueries } from './gpu-kernel.ts';
import { itemsPerDispatch, itemsPerStep } from './gpu-work.ts';
import { deinterleave, interleave, piecesPerRow } from './interleave.ts';
import { prepareQuery, rowsPerInt32 } from './query.ts';
import { unpackInt4Rows } from '../vectors/int4.ts';
import { rowBytesOf } from './resident.ts';
import { randomQuery, randomScorerBlock } from './testing/random-blocks.ts';

describe('FreeTiles', () => {
  it('takes the first range that is long enough, and joins neighbours', () => {
    const tiles = new FreeTiles(10);
    expect([tiles.take(3), tiles.take(3), tiles.take(3)]).toEqual([0, 3, 6]);
    expect(tiles.take(2)).toBe(-1);
    tiles.give(3, 3); //    aaa···ccc·
    expect(tiles.take(4)).toBe(-1);
    tiles.give(6, 3); //    aaa·······
    expect(tiles.take(7)).toBe(3);
    tiles.give(0, 3);
    expect(tiles.isEmpty).toBe(false);
    tiles.give(3, 7);
    expect(tiles.isEmpty).toBe(true);
  });

  it('never hands out a tile twice, and gets all of them back', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -5, max: 9 }), { maxLength: 60 }), (steps) => {
        const tiles = new FreeTiles(32);
        const owner = new Array<boolean>(32).fill(false);
        const held: { start: number; length: number }[] = [];
        for (const step of steps) {
          if (step > 0) {
            const start = tiles.take(step);
            // −1 exactly where no run of free tiles is long enough.
            if (start < 0) expect(owner.map((used) => (used ? 'x' : '.')).join('')).not.toContain('.'.repeat(step));
            else {
              for (let tile = start; tile < start + step; tile++) {
                expect(owner[tile]).toBe(false);
                owner[tile] = true;
              }
              held.push({ start, length: step });
            }
          } else if (held.length > 0) {
            const [{ start, length }] = held.splice(-step % held.length, 1) as [{ start: number; length: number }];
            owner.fill(false, start, start + length);
            tiles.give(start, length);
          }
        }
        for (const { start, length } of held) tiles.give(start, length);
        expect(tiles.isEmpty).toBe(true);
        expect(tiles.take(32)).toBe(0);
      }),
      { seed: 1 },
    );
  });
});

describe('cutIntoRuns', () => {
  it('cuts between chunks only', () => {
    // Chunks of 3, 0, 2, 4, 0 tokens in runs of at most 5.
    expect(cutIntoRuns(Uint32Array.of(0, 3, 3, 5, 9, 9), 5)).toEqual([
      { firstChunk: 0, endChunk: 3, firstToken: 0, endToken: 5 },
      { firstChunk: 3, endChunk: 5, firstToken: 5, endToken: 9 },
    ]);
  });

  it('needs no room for a block without tokens, and gives up on a chunk that is too long', () => {
    expect(cutIntoRuns(Uint32Array.of(0), 5)).toEqual([]);
    expect(cutIntoRuns(Uint32Array.of(0, 0, 0), 5)).toEqual([]);
    expect(cutIntoRuns(Uint32Array.of(0, 1, 7), 5)).toBeUndefined();
  });
});

describe('interleave', () => {
  it('puts the pieces of 64 tokens side by side', () => {
    // dim 32: two pieces of 16 bytes per token. Token 1's second piece follows token 0's: word (64 + 1) · 4.
    const vectors = Int8Array.from({ length: 65 * 32 }, (_, i) => i % 100);
    const bytes = new Int8Array(interleave(vectors, { dim: 32, precision: 'int8' }, 0, 65).buffer);
    expect(bytes.length).toBe(2 * 64 * 32);
    expect(bytes[(64 + 1) * 16 + 5]).toBe(vectors[32 + 16 + 5]);
    expect(bytes[(128 + 0) * 16 + 5]).toBe(vectors[64 * 32 + 5]);
  });

  it.each([
    ['int8', 20],
    ['f32', 5],
    ['int8', 128],
    ['int4', 20],
    ['int4', 128],
  ] as const)('comes back the same, filled up with zeros: %s of %i', (precision, dim) => {
    const block = randomScorerBlock(precision, 1, dim, [150]);
    const { vectors } = block;
    const [length, stride] = [vectors.length / 150, rowBytesOf(block) / vectors.BYTES_PER_ELEMENT];
    const back = deinterleave(interleave(vectors, block, 10, 150), block, 3, 100);
    expect(back.length).toBe(100 * stride);
    for (let token = 0; token < 100; token++) {
      const row = [...vectors.subarray((13 + token) * length, (14 + token) * length)];
      const fill = new Array<number>(stride - length).fill(0);
      expect([...back.subarray(token * stride, (token + 1) * stride)]).toEqual([...row, ...fill]);
    }
  });
});

it('a piece of int4 is eight bytes that a shift and a mask unpack', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 150 }), fc.integer({ min: 1, max: 130 }), (dim, numTokens) => {
      const block = randomScorerBlock('int4', dim, dim, [numTokens]);
      const words = interleave(block.vectors, block, 0, numTokens);
      const pieces = piecesPerRow(block);
      const expected = unpackInt4Rows(block.vectors as Uint8Array, dim, 0, numTokens);
      for (let token = 0; token < numTokens; token++) {
        // As tokens-int4.wgsl has it: [tile][piece][64 tokens] of two words.
        const row = Array.from({ length: pieces }, (_, piece) => {
          const at = 2 * ((token - (token % 64)) * pieces + piece * 64 + (token % 64));
          const [x, y] = [words[at]!, words[at + 1]!];
          return [...new Int8Array(Uint32Array.of(x << 4, y << 4, x, y).map((word) => word & 0xf0f0f0f0).buffer)];
        }).flat();
        const own = [...expected.subarray(token * dim, (token + 1) * dim)];
        expect(row).toEqual([...own, ...new Array<number>(row.length - dim).fill(0)]);
      }
    }),
    { seed: 3, numRuns: 30 },
  );
});

describe('packQueries', () => {
  const dim = 32;
  const shapes = {
    int8: { pieces: 2, scale: 1 / 127 },
    int4: { pieces: 2, scale: 1 / 127 },
    f32: { pieces: 8, scale: 1 },
  } as const;

  it.each(['int8', 'int4', 'f32'] as const)('has every block once, and no group two of a query: %s', (precision) => {
    const { pieces, scale } = shapes[precision];
    const perPiece = dim / pieces;
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 100 }), { maxLength: 9 }),
        fc.integer({ min: 1, max: 4 }),
        (rowCounts, blocksPerGroup) => {
          const prepared = rowCounts.map((numRows, i) =>
            prepareQuery(randomQuery(i, numRows, dim), { dim, precision, scale }),
          );
          const queryBlockBytes = pieces * 32 * 16;
          const kernel = { blocksPerGroup, queryBlockBytes, queryGroupBytes: 16 + blocksPerGroup * queryBlockBytes };
          const numChunks = 10;
          const { words, bufferBytes, groups, firstSlices } = packQueries(kernel, prepared, dim, numChunks);
          expect(firstSlices).toEqual([...rowCounts, 0].map((_, i) => i)); // one sum per chunk and query
          const bytes = words.buffer;
          const components = precision === 'f32' ? new Float32Array(bytes) : new Int8Array(bytes);
          const seen = rowCounts.map(() => 0);
          for (const { offset, numBlocks } of groups) {
            expect(offset % 256).toBe(0);
            expect(offset + kernel.queryGroupBytes).toBeLessThanOrEqual(bufferBytes);
            const members = [...words.subarray(offset / 4, offset / 4 + numBlocks)].map((sum) => sum / numChunks);
            expect(new Set(members).size).toBe(numBlocks);
            for (const [place, member] of members.entries()) {
              const { rows, numRows } = prepared[member]!;
              const first = (offset + 16 + place * queryBlockBytes) / components.BYTES_PER_ELEMENT;
              for (let row = 0; row < 32; row++) {
                const own = Array.from(
                  { length: dim },
                  (_, k) => components[first + (Math.floor(k / perPiece) * 32 + row) * perPiece + (k % perPiece)],
                );
                const from = (seen[member]! * 32 + row) * dim;
                const given = from < numRows * dim ? [...rows.subarray(from, from + dim)] : new Array(dim).fill(0);
                expect(own).toEqual(given);
              }
              seen[member]!++;
            }
          }
          expect(seen).toEqual(rowCounts.map((numRows) => Math.ceil(numRows / 32)));
        },
      ),
      { seed: 2, numRuns: 20 },
    );
  });

  it('gives a query that 32 bits cannot hold several sums, and the next one those behind', () => {
    // 65 blocks of 32 rows are the 2,080 that fit at 128 dimensions.
    const queries = [2081, 1].map((numRows) =>
      prepareQuery(randomQuery(1, numRows, 128), { dim: 128, precision: 'int8', scale: 1 / 127 }),
    );
    const kernel = { blocksPerGroup: 2, queryBlockBytes: 4096, queryGroupBytes: 16 + 8192 };
    const { words, groups, firstSlices } = packQueries(kernel, queries, 128, 10);
    expect(firstSlices).toEqual([0, 2, 3]);
    expect(groups.map(({ numBlocks }) => numBlocks)).toEqual([2, ...new Array<number>(65).fill(1)]);
    expect([...words.subarray(0, 2)]).toEqual([0, 20]);
    expect([64, 65].map((group) => words[groups[group]!.offset / 4])).toEqual([0, 10]);
  });
});

it('itemsPerStep keeps a dispatch as short for several queries as for one', () => {
  const group = {} as GPUBindGroup;
  const whole = { group, numItems: 20_000, bytes: 256 * 2 ** 20 }; // a full shard
  expect([1, 2, 4].map((numBlocks) => itemsPerStep(whole, numBlocks, 32_768))).toEqual([20_000, 10_000, 4992]);
  expect(itemsPerStep(whole, 1, 16)).toBe(16);
  expect(itemsPerStep({ group, numItems: 3, bytes: 256 * 2 ** 20 }, 4, 32_768)).toBe(16); // long chunks: no fewer can be
  expect(itemsPerStep({ ...whole, bytes: 2 ** 20 }, 4, 32_768)).toBe(32_768);
  expect([65_535, 100, 1].map(itemsPerDispatch)).toEqual([32_768, 96, 16]);
});

it('rowsPerInt32 is the most rows that cannot overflow', () => {
  expect(rowsPerInt32(128)).toBe(2080); // 2,080 · 128 · 63 · 128 = 2,147,~ million < 2^31
  expect(2080 * 128 * 63 * 128).toBeLessThan(2 ** 31);
  expect(2081 * 128 * 63 * 128).toBeGreaterThanOrEqual(2 ** 31);
});
