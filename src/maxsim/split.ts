/**
 * Two scorers as one: what the first has no room for lies in the second, and a search runs on both at once. For a graphics
 * card whose memory is short, with the processor as the second.
 */
import { LateralError, toLateralError } from '../errors.ts';
import type { ChunkExplanation, QueryRows, Scorer, ScorerBlock } from './scorer.ts';

/**
 * @param first holds all that it can; it names the kind
 * @param makeSecond called once something does not fit
 */
export function createSplitScorer(first: Scorer, makeSecond: () => Promise<Scorer>): Scorer {
  return new SplitScorer(first, makeSecond);
}

interface PlacedBlock {
  readonly id: string;
  readonly numChunks: number;
  readonly numTokens: number;
  readonly scorer: Scorer;
}

/** One scorer's part of a search. */
interface Share {
  readonly scorer: Scorer;
  /** Of its chunks; undefined for all of them. */
  readonly selection: number[] | undefined;
  numChunks: number;
  numScores: number;
}

/** Scores that lie together in a share and in the result. */
interface Segment {
  readonly share: Share;
  readonly from: number;
  readonly count: number;
}

class SplitScorer implements Scorer {
  readonly #first: Scorer;
  readonly #makeSecond: () => Promise<Scorer>;
  /** In the order in which they came, whoever holds them. */
  readonly #blocks: PlacedBlock[] = [];
  #second: Scorer | null = null;
  #making: Promise<Scorer> | null = null;
  /** Whether the first had no room the last time, and has dropped nothing since. */
  #full = false;
  #destroyed = false;

  constructor(first: Scorer, makeSecond: () => Promise<Scorer>) {
    this.#first = first;
    this.#makeSecond = makeSecond;
  }

  get kind(): Scorer['kind'] {
    return this.#first.kind;
  }

  get blocks(): Scorer['blocks'] {
    return this.#blocks.map(({ id, numChunks, numTokens }) => ({ id, numChunks, numTokens }));
  }

  get residentBytes(): number {
    return this.#first.residentBytes + (this.#second?.residentBytes ?? 0);
  }

  get threads(): number {
    return Math.max(this.#first.threads, this.#second?.threads ?? 0);
  }

  async load(block: ScorerBlock): Promise<void> {
    const holder = this.#blocks.find(({ id }) => id === block.id)?.scorer;
    const scorer = await this.#loadInto(holder, block);
    const { id, offsets } = block;
    this.#blocks.push({ id, numChunks: offsets.length - 1, numTokens: offsets.at(-1)!, scorer });
  }

  async unload(blockId: string): Promise<void> {
    const index = this.#blocks.findIndex(({ id }) => id === blockId);
    if (index < 0) return;
    const [{ scorer }] = this.#blocks.splice(index, 1) as [PlacedBlock];
    await scorer.unload(blockId);
    if (scorer === this.#first) this.#full = false;
  }

  async score(query: QueryRows, selection?: Uint32Array): Promise<Float32Array> {
    const [scores] = await this.scoreBatch([query], selection);
    return scores!;
  }

  async scoreBatch(queries: readonly QueryRows[], selection?: Uint32Array): Promise<Float32Array[]> {
    if (this.#blocks.every(({ scorer }) => scorer === this.#first)) return this.#first.scoreBatch(queries, selection);
    const { shares, segments } = this.#share(selection);
    // All to their end, whichever fails: nothing is unloaded under a search that still runs.
    const results = await Promise.allSettled(
      shares.map(({ scorer, selection: own }) => scorer.scoreBatch(queries, own && Uint32Array.from(own))),
    );
    const scores = results.map((result) => {
      if (result.status === 'rejected') throw result.reason;
      return result.value;
    });
    return queries.map((_, query) => {
      const out = new Float32Array(shares.reduce((sum, { numScores }) => sum + numScores, 0));
      let at = 0;
      for (const { share, from, count } of segments) {
        out.set(scores[shares.indexOf(share)]![query]!.subarray(from, from + count), at);
        at += count;
      }
      return out;
    });
  }

  explain(query: QueryRows, chunk: number, among?: Uint8Array): Promise<ChunkExplanation> {
    let first = 0;
    const before = new Map<Scorer, number>();
    for (const { scorer, numChunks } of this.#blocks) {
      const ownFirst = before.get(scorer) ?? 0;
      if (chunk >= first && chunk < first + numChunks) return scorer.explain(query, chunk - first + ownFirst, among);
      before.set(scorer, ownFirst + numChunks);
      first += numChunks;
    }
    return this.#first.explain(query, chunk, among); // which refuses it
  }

  destroy(): void {
    this.#destroyed = true;
    this.#blocks.length = 0;
    this.#first.destroy();
    this.#second?.destroy();
  }

  /** @param holder of a block with this id, which refuses another */
  async #loadInto(holder: Scorer | undefined, block: ScorerBlock): Promise<Scorer> {
    if (holder === undefined ? !this.#full : holder === this.#first) {
      try {
        await this.#first.load(block);
        return this.#first;
      } catch (error) {
        if (toLateralError(error).code !== 'out-of-memory') throw error;
        this.#full = true;
      }
    }
    const second = await (this.#making ??= this.#makeSecond());
    this.#second = second;
    if (this.#destroyed) second.destroy();
    await second.load(block);
    return second;
  }

  /** @throws 'invalid-argument' for a selection that falls or is out of range */
  #share(selection: Uint32Array | undefined): {
    readonly shares: readonly Share[];
    readonly segments: readonly Segment[];
  } {
    const shares = new Map<Scorer, Share>();
    const segments: Segment[] = [];
    let first = 0;
    let at = 0;
    for (const { scorer, numChunks } of this.#blocks) {
      let share = shares.get(scorer);
      if (share === undefined) {
        share = { scorer, selection: selection === undefined ? undefined : [], numChunks: 0, numScores: 0 };
        shares.set(scorer, share);
      }
      const begin = at;
      for (const end = first + numChunks; at < (selection?.length ?? 0) && selection![at]! < end; at++) {
        share.selection!.push(selection![at]! - first + share.numChunks);
      }
      const count = selection === undefined ? numChunks : at - begin;
      segments.push({ share, from: share.numScores, count });
      share.numChunks += numChunks;
      share.numScores += count;
      first += numChunks;
    }
    if (at < (selection?.length ?? 0)) {
      throw new LateralError('invalid-argument', `The selection must ascend strictly and stay below ${first} chunks.`);
    }
    return { shares: [...shares.values()], segments };
  }
}
