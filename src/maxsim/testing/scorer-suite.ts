/**
 * What every scorer must do, run over each of them: hand arithmetic first, then agreement with the reference on ragged
 * random input. int8 and int4 must agree exactly; f32 to 1e-4 of the query's number of rows (the largest possible score).
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LateralError } from '../../errors.ts';
import { integerToScore, quantizeQuery } from '../../vectors/quantize.ts';
import { createReferenceScorer } from '../reference.ts';
import { toInt4Block } from '../int4.ts';
import type { QueryRows, Scorer, ScorerBlock, VectorBlock } from '../scorer.ts';
import { randomQuery, randomScorerBlock, seededRandom, type RandomBlockOptions } from './random-blocks.ts';

/** Around the wasm register tiles (2, 6), wasm token tiles (32, 48) and GPU tile (64). */
const edgeLengths = [
  1, 2, 3, 0, 5, 6, 7, 15, 16, 17, 31, 32, 33, 47, 48, 49, 53, 54, 63, 64, 65, 0, 95, 97, 127, 128, 129, 1,
];

export function scorerSuite(name: string, create: () => Promise<Scorer>): void {
  describe(name, () => {
    let scorer: Scorer;
    let reference: Scorer;
    /** int8 and int4: agreement must be to the bit. */
    let exact: boolean;

    beforeEach(async () => {
      scorer = await create();
      reference = createReferenceScorer();
    });
    afterEach(() => {
      scorer.destroy();
      reference.destroy();
    });

    async function load(...blocks: ScorerBlock[]): Promise<void> {
      for (const block of blocks) {
        exact = block.precision !== 'f32';
        await scorer.load(block);
        await reference.load(block);
      }
    }

    async function unload(id: string): Promise<void> {
      await scorer.unload(id);
      await reference.unload(id);
    }

    async function expectAgreement(query: QueryRows, selection?: Uint32Array): Promise<void> {
      const actual = await scorer.score(query, selection);
      const expected = await reference.score(query, selection);
      if (exact) expect(actual).toEqual(expected);
      else expectClose(actual, expected, 1e-4 * (query.rows.length / query.dim));
    }

    /** A batch gives what single searches give, and that is what the reference gives. */
    async function expectBatchAgreement(queries: readonly QueryRows[], selection?: Uint32Array): Promise<void> {
      const actual = await scorer.scoreBatch(queries, selection);
      const expected = await reference.scoreBatch(queries, selection);
      expect(actual.length).toBe(queries.length);
      for (const [i, query] of queries.entries()) {
        expect(actual[i]).toEqual(await scorer.score(query, selection));
        if (exact) expect(actual[i]).toEqual(expected[i]);
        else expectClose(actual[i]!, expected[i]!, 1e-4 * (query.rows.length / query.dim));
      }
    }

    describe('by hand', () => {
      it('sums over query rows the best dot product: 2 × 3 tokens', async () => {
        // q0 = (1, 0)  q1 = (0, 1); tokens (0.6, 0.8) (1, 0) (−0.8, 0.6)
        //   q0 · d = 0.6, 1, −0.8 → 1      q1 · d = 0.8, 0, 0.6 → 0.8      score 1.8
        await scorer.load(floats('a', 2, [0.6, 0.8, 1, 0, -0.8, 0.6], [0, 3]));
        expectClose(await scorer.score(rows(2, [1, 0, 0, 1])), [1.8], 1e-6);
      });

      it('scores a batch of queries: 1 and 2 rows, over a chunk of 2 tokens and one of 1', async () => {
        //   (1, 0): 0.6, 1 → 1 and −0.8;   with (0, 1): + 0.8 and + 0.6
        await scorer.load(floats('a', 2, [0.6, 0.8, 1, 0, -0.8, 0.6], [0, 2, 3]));
        const [one, two] = await scorer.scoreBatch([rows(2, [1, 0]), rows(2, [1, 0, 0, 1])]);
        expectClose(one!, [1, -0.8], 1e-6);
        expectClose(two!, [1.8, -0.2], 1e-6);
        const [second] = await scorer.scoreBatch([rows(2, [1, 0])], Uint32Array.of(1));
        expectClose(second!, [-0.8], 1e-6);
        expect(await scorer.scoreBatch([])).toEqual([]);
      });

      it("agrees with Qdrant's documented example, 40", async () => {
        // [1,2,3]·[1,2,3] = 14, ·[0,1,2] = 8 → 14     [3,4,5]·[1,2,3] = 26, ·[0,1,2] = 14 → 26     score 40
        await scorer.load(floats('a', 3, [1, 2, 3, 0, 1, 2], [0, 2]));
        expect(await scorer.score(rows(3, [1, 2, 3, 3, 4, 5]))).toEqual(Float32Array.of(40));
      });

      it('multiplies integers for int8', async () => {
        // The query (1, −0.5) has its largest magnitude at 63: q = (63, −32) (31.5 rounds away from zero), scale 1/63.
        // Tokens (127, 0) → 8001 and (−127, 127) → −8001 − 4064; chunk 1 has only the second.
        await scorer.load(bytes('a', 2, [127, 0, -127, 127, -127, 127], [0, 2, 3]));
        const query = rows(2, [1, -0.5]);
        expect(await scorer.score(query)).toEqual(
          Float32Array.of(integerToScore(8001, 1 / 63, 1 / 127), integerToScore(-12065, 1 / 63, 1 / 127)),
        );
      });

      it('multiplies sixteen times the codes for int4', async () => {
        // 16 components have a step of 127 / 8 = 15.875: 127 → code 7 (clamped), −40 → −3 (−2.52), 20 → 1 (1.26).
        //   63 · 7·16 = 7056     63 · −3·16 − 32 · 1·16 = −3536 → the maximum is 7056; chunk 1 has only the second.
        const components = new Int8Array(48);
        components.set([127], 0);
        components.set([-40, 20], 16);
        components.set([-40, 20], 32);
        const int8: VectorBlock = bytes('a', 16, [...components], [0, 2, 3]);
        await scorer.load(toInt4Block(int8));
        const scale = ((1 / 127) * 15.875) / 16;
        expect(await scorer.score(rows(16, [1, -0.5, ...filled(14, 0)]))).toEqual(
          Float32Array.of(integerToScore(7056, 1 / 63, scale), integerToScore(-3536, 1 / 63, scale)),
        );
      });

      it('never lets anything but a real token win: all similarities negative, one token, empty chunks', async () => {
        await scorer.load(bytes('a', 2, [-127, 0, -64, 0], [0, 0, 1, 1, 2, 2]));
        // 63 · −127 = −8001 and 63 · −64 = −4032; the empty chunks score 0.
        const score = (sum: number) => integerToScore(sum, 1 / 63, 1 / 127);
        expect(await scorer.score(rows(2, [1, 0]))).toEqual(Float32Array.of(0, score(-8001), 0, score(-4032), 0));
      });

      it('explains: the first best token of each row, and its similarity', async () => {
        await scorer.load(bytes('a', 2, [9, 9, 127, 0, 0, 127, 127, 0], [0, 1, 1, 4]));
        // Chunk 2 has tokens (127, 0) (0, 127) (127, 0): row (1, 0) finds 0 before its equal 2, row (0, −1) finds 0 too.
        const query = rows(2, [1, 0, 0, -1]);
        const { bestToken, similarity } = await scorer.explain(query, 2);
        expect([...bestToken]).toEqual([0, 0]);
        expect(similarity).toEqual(Float32Array.of(1, 0));
        // Without the first token its equal wins, and for the other row what is left: 0 · 0 + −1 · 0 of token 2.
        const without = await scorer.explain(query, 2, Uint8Array.of(0, 0, 1));
        expect([...without.bestToken]).toEqual([2, 2]);
        const none = await scorer.explain(query, 2, new Uint8Array(3));
        expect([[...none.bestToken], [...none.similarity]]).toEqual([
          [-1, -1],
          [0, 0],
        ]);
        await expect(scorer.explain(query, 2, new Uint8Array(2))).rejects.toMatchObject({ code: 'invalid-argument' });
        const empty = await scorer.explain(query, 1);
        expect([...empty.bestToken]).toEqual([-1, -1]);
        expect([...empty.similarity]).toEqual([0, 0]);
      });

      it('holds the largest integers there are', async () => {
        // Not unit rows: every product 63 · 127, or 63 · −128 which no quantiser writes but a file could hold.
        const dim = 128;
        const block = bytes('a', dim, [...filled(dim, 127), ...filled(dim, -128)], [0, 1, 2]);
        await load(block);
        const query = rows(dim, filled(dim * 33, 1));
        await expectAgreement(query);
        expect(await scorer.score(query)).toEqual(
          Float32Array.of(
            integerToScore(33 * 128 * 63 * 127, quantizeQuery(query.rows).scale, 1 / 127),
            integerToScore(33 * 128 * 63 * -128, quantizeQuery(query.rows).scale, 1 / 127),
          ),
        );
      });

      it('holds the largest codes there are, and the lowest, which no packer writes', async () => {
        // 33 rows of 63 times 7 · 16 = 112, or −8 · 16 = −128.
        const dim = 128;
        const vectors = Uint8Array.from([...filled(dim / 2, 0x77), ...filled(dim / 2, 0x88)]);
        const offsets = Uint32Array.of(0, 1, 2);
        await load({ id: 'a', dim, precision: 'int4', scale: 1 / 127, vectors, offsets });
        const query = rows(dim, filled(dim * 33, 1));
        await expectAgreement(query);
        expect(await scorer.score(query)).toEqual(
          Float32Array.from([112, -128], (value) =>
            integerToScore(33 * 128 * 63 * value, quantizeQuery(query.rows).scale, 1 / 127),
          ),
        );
      });

      it('sums beyond 32 bits where unit length is not kept', async () => {
        const dim = 4096; // 100 rows × 4,096 × 63 × 127 = 3.3e9
        await load(bytes('a', dim, filled(dim, 127), [0, 1]));
        const long = rows(dim, filled(dim * 100, 1));
        await expectAgreement(long);
        await expectBatchAgreement([rows(dim, filled(dim, 1)), long, rows(dim, filled(dim * 40, -1))]);
      });
    });

    describe.each(['int8', 'int4'] as const)('against the reference, %s', (precision) => {
      agreement(precision);

      it.each([1, 2, 3, 4, 5])('any ragged input, seed %i', async (seed) => {
        const random = seededRandom(seed * 7919);
        const upTo = (limit: number) => Math.floor(random() * limit);
        const dim = [16, 24, 48, 64, 96, 128][upTo(6)]!;
        for (let block = 0; block < 3; block++) {
          // Lengths spread over magnitudes: many short chunks, few long ones.
          const lengths = Array.from({ length: upTo(9) }, () => Math.floor(2 ** (random() * 8)) - 1);
          await load(randomScorerBlock(precision, seed * 100 + block, dim, lengths));
        }
        const queries = Array.from({ length: 1 + upTo(6) }, (_, i) => randomQuery(seed * 10 + i, 1 + upTo(70), dim));
        await expectAgreement(queries[0]!);
        const numChunks = scorer.blocks.reduce((sum, block) => sum + block.numChunks, 0);
        const selection = Uint32Array.from([...Array(numChunks).keys()].filter(() => random() < 0.5));
        await expectBatchAgreement(queries, seed % 2 === 0 ? undefined : selection);
      });
    });

    describe('against the reference, f32', () => {
      agreement('f32');
    });

    function agreement(precision: ScorerBlock['precision']): void {
      const make = (seed: number, dim: number, lengths: readonly number[], options: RandomBlockOptions = {}) =>
        randomScorerBlock(precision, seed, dim, lengths, options);

      // Fewer for f32: the GPU suite pays seconds of shader compiler for each on a software adapter.
      it.each(precision === 'f32' ? [128, 64, 16, 20, 1] : [128, 96, 64, 48, 16, 20, 1])(
        'dimension %i',
        async (dim) => {
          await load(make(dim, dim, [3, 0, 70, 1]));
          await expectAgreement(randomQuery(1, 5, dim));
        },
      );

      it.each([1, 31, 32, 33, 64, 100])('%i query rows', async (numRows) => {
        await load(make(2, 32, [1, 0, 33, 5]));
        await expectAgreement(randomQuery(3, numRows, 32));
      });

      // Kernels of their own for 64, 96 and 128 dimensions.
      it.each(precision === 'f32' ? [16] : [16, 64, 96, 128])(
        'lengths around every tile edge, over several blocks, dimension %i',
        async (dim) => {
          await load(make(4, dim, edgeLengths), make(5, dim, [...edgeLengths].reverse()), make(6, dim, [0, 0]));
          await expectAgreement(randomQuery(6, 19, dim));
        },
      );

      it('a chunk of 8,192 tokens between short ones', async () => {
        await load(make(7, 16, [2, 8192, 3]));
        await expectAgreement(randomQuery(8, 2, 16));
      });

      it('all similarities negative', async () => {
        await load(make(9, 32, edgeLengths, { sign: 'positive' }));
        const query = randomQuery(10, 33, 32, 'negative');
        const scores = await scorer.score(query);
        edgeLengths.forEach((length, chunk) => (length > 0 ? expect(scores[chunk]).toBeLessThan(0) : undefined));
        await expectAgreement(query);
      });

      it('a selection: any chunks in order, none, all', async () => {
        await load(make(11, 32, edgeLengths), make(12, 32, [4]), make(13, 32, edgeLengths));
        const query = randomQuery(14, 4, 32);
        const all = edgeLengths.length * 2 + 1;
        for (const selection of [[], [0], [all - 1], [3, 18], [5, 6, 13, 17, 18, 19, 36], [...Array(all).keys()]]) {
          await expectAgreement(query, Uint32Array.from(selection));
        }
      });

      it('unload and load again: later blocks move up, the room is used again', async () => {
        const blocks = [15, 16, 17, 18].map((seed) => make(seed, 16, [1, seed, 0, 3 * seed, 1]));
        const query = randomQuery(19, 3, 16);
        await load(...blocks);
        const residentBytes = scorer.residentBytes;
        expect(residentBytes).toBeGreaterThan(0);
        await unload('block-16');
        await unload('never loaded');
        expect(scorer.residentBytes).toBeLessThan(residentBytes);
        await expectAgreement(query);
        await unload('block-15');
        await load(make(20, 16, [100, 2]), blocks[1]!);
        await expectAgreement(query);
        await load(blocks[0]!);
        expect(scorer.blocks.map(({ id }) => id)).toEqual(['block-17', 'block-18', 'block-20', 'block-16', 'block-15']);
        expect(scorer.blocks).toEqual(reference.blocks);
        await expectAgreement(query);
        for (const { id } of scorer.blocks) await unload(id);
        expect(scorer.residentBytes).toBe(0);
        expect(await scorer.score(query)).toEqual(new Float32Array(0));
      });

      it('many blocks of one short document', async () => {
        for (let seed = 0; seed < 30; seed++) await load(make(seed, 16, [1 + (seed % 5)]));
        for (let seed = 0; seed < 30; seed += 3) await unload(`block-${seed}`);
        for (let seed = 30; seed < 40; seed++) await load(make(seed, 16, [seed]));
        await expectAgreement(randomQuery(1, 2, 16));
      });

      it('explanations', async () => {
        await load(make(21, 48, [1, 0, 65]), make(22, 48, [130, 2]));
        const query = randomQuery(23, 34, 48);
        for (let chunk = 0; chunk < 5; chunk++) {
          const actual = await scorer.explain(query, chunk);
          const expected = await reference.explain(query, chunk);
          expect(actual.bestToken).toEqual(expected.bestToken);
          expectClose(actual.similarity, expected.similarity, exact ? 0 : 1e-5);
        }
      });

      it.each([1, 2, 3, 17])('a batch of %i queries, 1 to 70 rows each', async (numQueries) => {
        const queries = Array.from({ length: numQueries }, (_, i) => randomQuery(30 + i, 1 + ((i * 37 + 69) % 70), 32));
        expect(await scorer.scoreBatch(queries)).toEqual(queries.map(() => new Float32Array(0)));
        await load(make(29, 32, edgeLengths), make(30, 32, [0, 0]), make(31, 32, [...edgeLengths].reverse()));
        const all = edgeLengths.length * 2 + 2;
        for (const selection of [undefined, [], [2], [all - 1], [0, 5, 6, 13, 17, 27, 28, 30, 40]]) {
          await expectBatchAgreement(queries, selection && Uint32Array.from(selection));
        }
        await unload('block-29');
        await expectBatchAgreement(queries);
      });

      it('searches that overlap, with loads between them', async () => {
        await load(make(24, 16, [5, 70]));
        const queries = [25, 26, 27].map((seed) => randomQuery(seed, 2, 16));
        const expected = await Promise.all(queries.map((query) => reference.score(query)));
        const block = make(28, 16, [3, 3]);
        const [loaded, ...actual] = await Promise.all([
          scorer.load(block),
          ...queries.map((query) => scorer.score(query)),
        ]);
        expect(loaded).toBeUndefined();
        actual.forEach((scores, i) => expectClose(scores.slice(0, 2), expected[i]!, exact ? 0 : 1e-4));
      });
    }

    describe('refuses', () => {
      const query = rows(2, [1, 0]);
      const good = bytes('good', 2, [1, 2, 3, 4], [0, 1, 2]);

      it.each<[string, Partial<Record<keyof ScorerBlock, unknown>>]>([
        ['a dimension of 0', { dim: 0 }],
        ['half a dimension', { dim: 1.5 }],
        ['a huge dimension', { dim: 5000 }],
        ['half a row', { vectors: Int8Array.of(1, 2, 3) }],
        ['no offsets', { offsets: new Uint32Array(0) }],
        ['offsets that start late', { offsets: Uint32Array.of(1, 2) }],
        ['offsets that fall', { offsets: Uint32Array.of(0, 2, 1, 2) }],
        ['offsets that end early', { offsets: Uint32Array.of(0, 1) }],
        ['offsets that end late', { offsets: Uint32Array.of(0, 3) }],
        ['int4 that are int8', { precision: 'int4' }],
        ['half an int4 row', { precision: 'int4', vectors: new Uint8Array(12) }],
        ['int8 that are f32', { precision: 'f32', scale: 1 }],
        ['f32 that are int8', { vectors: Float32Array.of(1, 2, 3, 4) }],
        ['f32 with a scale', { vectors: Float32Array.of(1, 2, 3, 4), precision: 'f32', scale: 0.5 }],
        ['f32 that is no number', { vectors: Float32Array.of(1, 2, NaN, 4), precision: 'f32', scale: 1 }],
        ['a scale of 0', { scale: 0 }],
        ['a scale that is no number', { scale: NaN }],
      ])('a block with %s', async (_what, change) => {
        await expect(scorer.load({ ...good, ...change } as ScorerBlock)).rejects.toMatchObject(invalidArgument);
        expect(scorer.blocks).toEqual([]);
        expect(scorer.residentBytes).toBe(0);
      });

      it.each<[string, ScorerBlock]>([
        ['id', good],
        ['dimension', bytes('b', 4, [1, 2, 3, 4], [0, 1])],
        ['precision', floats('b', 2, [1, 2], [0, 1])],
        ['kind of bytes', { ...toInt4Block(good), id: 'b' }],
        ['scale', { ...good, id: 'b', scale: 1 / 100 }],
      ])('a second block with the wrong %s', async (_what, block) => {
        await scorer.load(good);
        await expect(scorer.load(block)).rejects.toMatchObject(invalidArgument);
        expect(scorer.blocks.length).toBe(1);
      });

      it('a query or selection that does not fit', async () => {
        await scorer.load(good);
        const refused = [
          scorer.score(rows(4, [1, 0, 0, 0])),
          scorer.score(rows(2, [])),
          scorer.score(rows(2, [1, 0, 1])),
          scorer.score(rows(2, [NaN, 0])),
          scorer.score(rows(2, filled(8193 * 2, 1))),
          scorer.score(query, Uint32Array.of(2)),
          scorer.score(query, Uint32Array.of(1, 0)),
          scorer.score(query, Uint32Array.of(0, 0)),
          scorer.explain(query, 2),
          scorer.explain(query, -1),
          scorer.explain(query, 0.5),
        ];
        for (const promise of refused) await expect(promise).rejects.toMatchObject(invalidArgument);
      });

      it('a batch with one query that does not fit, and a selection out of range', async () => {
        await scorer.load(good);
        for (const wrong of [rows(4, [1, 0, 0, 0]), rows(2, []), rows(2, [NaN, 0])]) {
          await expect(scorer.scoreBatch([query, wrong])).rejects.toMatchObject(invalidArgument);
        }
        await expect(scorer.scoreBatch([query], Uint32Array.of(2))).rejects.toMatchObject(invalidArgument);
        await expect(scorer.scoreBatch([], Uint32Array.of(1, 0))).rejects.toMatchObject(invalidArgument);
      });

      it('work after destroy', async () => {
        scorer.destroy();
        await expect(scorer.load(good)).rejects.toMatchObject(invalidArgument);
        await expect(scorer.score(query)).rejects.toMatchObject(invalidArgument);
        await expect(scorer.scoreBatch([query])).rejects.toMatchObject(invalidArgument);
      });
    });
  });
}

const invalidArgument: Partial<LateralError> = { name: 'LateralError', code: 'invalid-argument' };

export function rows(dim: number, components: readonly number[]): QueryRows {
  return { rows: Float32Array.from(components), dim };
}

export function bytes(id: string, dim: number, components: readonly number[], offsets: readonly number[]): VectorBlock {
  const vectors = Int8Array.from(components);
  return { id, dim, precision: 'int8', scale: 1 / 127, vectors, offsets: Uint32Array.from(offsets) };
}

export function floats(
  id: string,
  dim: number,
  components: readonly number[],
  offsets: readonly number[],
): VectorBlock {
  const vectors = Float32Array.from(components);
  return { id, dim, precision: 'f32', scale: 1, vectors, offsets: Uint32Array.from(offsets) };
}

function filled(length: number, value: number): number[] {
  return new Array<number>(length).fill(value);
}

function expectClose(actual: Float32Array, expected: Float32Array | readonly number[], tolerance: number): void {
  expect(actual.length).toBe(expected.length);
  let worst = 0;
  actual.forEach(
    (value, i) => (worst = Math.max(worst, Math.abs(value - expected[i]!) || (Number.isNaN(value) ? 1 : 0))),
  );
  expect(worst).toBeLessThanOrEqual(tolerance);
}
