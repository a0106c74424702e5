/**
 * BM25 over passages by MiniSearch, in shards: each is small enough to be loaded and saved without holding the thread for
 * long, and only the one that grows is saved again. Scores are those of one undivided index (evaluation/bm25.ts is the
 * readable reference): what a shard cannot know (how many passages there are, how many have a term, how long they are on
 * average) is put into the parameters that it is asked with.
 *
 * Three things of MiniSearch are worked around, all by its own options: it takes the number of *different* terms for a
 * passage's length (here repeats are told apart until `processTerm`); it multiplies a score by the number of terms
 * matched (divided out again); and it makes an object for every passage that matches, which for "the" is all of them
 * (`boostDocument` = 0 passes over a passage before that; see `search`).
 */
import MiniSearch, { type AsPlainObject, type Options, type SearchOptions } from 'minisearch';
import { lexicalTerms } from '../text/lexical.ts';

export interface Bm25Parameters {
  /** How soon repeats stop counting. */
  readonly k1: number;
  /** How much long passages are held back, 0 to 1. */
  readonly b: number;
}

export const bm25Defaults: Bm25Parameters = { k1: 0.9, b: 0.4 };

export interface KeywordHit {
  readonly documentId: string;
  readonly chunk: number;
  /** BM25 in single precision, without the usual factor k1 + 1. */
  readonly score: number;
  /** How many of the query's different terms it has. */
  readonly terms: number;
}

/** Consecutive passages of one document in one shard. */
export interface PassageRun {
  readonly documentId: string;
  /** Tells a document from an earlier one of the same id. */
  readonly addedAt: number;
  readonly firstChunk: number;
  readonly chunkCount: number;
  /** Number of its first passage within the shard. */
  readonly firstEntry: number;
  /** Terms of its passages, repeats included. */
  readonly termCount: number;
}

/** A shard as plain data, for JSON. */
export interface ShardSnapshot {
  readonly nextEntry: number;
  readonly runs: readonly PassageRun[];
  readonly index: AsPlainObject;
}

/** Passages a shard takes before the next one is begun. */
export const shardPassages = 1024;

export type Accepts = (documentId: string, chunk: number) => boolean;

export class KeywordIndex {
  readonly #shards: KeywordShard[] = [];
  readonly #parameters: Bm25Parameters;

  constructor(parameters: Bm25Parameters = bm25Defaults) {
    this.#parameters = parameters;
  }

  get shards(): readonly KeywordShard[] {
    return this.#shards;
  }

  get passages(): number {
    return this.#shards.reduce((sum, shard) => sum + shard.passages, 0);
  }

  /** Takes over a shard that was loaded, or an empty one in the place of one that could not be. */
  append(shard: KeywordShard): void {
    this.#shards.push(shard);
  }

  /** Adds consecutive passages of a document; a long document may come in several calls. */
  add(document: { readonly id: string; readonly addedAt: number }, firstChunk: number, texts: readonly string[]): void {
    for (let at = 0; at < texts.length;) {
      const shard = this.#openShard();
      const some = texts.slice(at, at + shard.room);
      shard.add(document, firstChunk + at, some);
      at += some.length;
    }
  }

  #openShard(): KeywordShard {
    let open = this.#shards.find(({ room }) => room > 0);
    if (open === undefined) this.#shards.push((open = new KeywordShard()));
    return open;
  }

  /** How many passages have the term. */
  frequency(term: string): number {
    return this.#shards.reduce((sum, shard) => sum + shard.frequency(term), 0);
  }

  /** The passages that have all of these terms: document → chunks; none for no terms. */
  holders(terms: readonly string[]): Map<string, Set<number>> {
    const distinct = [...new Set(terms)];
    const found = new Map<string, Set<number>>();
    for (const shard of this.#shards) {
      for (const { documentId, chunk } of shard.holders(distinct)) {
        const chunks = found.get(documentId);
        if (chunks === undefined) found.set(documentId, new Set([chunk]));
        else chunks.add(chunk);
      }
    }
    return found;
  }

  /**
   * The passages with any of the terms, best first; all that are level with the last one come too. A term that more than
   * `limit` passages and more than half of all have brings none in by itself, unless the query has no other: then its
   * rarest term does.
   *
   * Nor do other terms where that is certain to change nothing (MaxScore, Turtle & Flood 1995): a passage that has none
   * but the commoner terms scores less than the sum of their idf, and that is below what the last hit scores.
   * @param terms of the query; one that is there twice counts twice
   * @param accepts which passages may be found
   */
  search(terms: readonly string[], limit: number, accepts: Accepts | null = null): KeywordHit[] {
    const weighted = this.#weighted(terms);
    const bringing = this.#countBringing(weighted, limit);
    const allowed = this.#shards.map((shard) => (accepts === null ? null : shard.allowed(accepts)));
    const scale = this.#scale();
    let essential = Math.min(fewestThatReach(weighted, limit), bringing);
    for (;;) {
      const found = this.#shards.flatMap((shard, i) => shard.search(weighted, essential, scale, allowed[i]!));
      const hits = bestOf(found, limit);
      const last = hits.length < limit ? 0 : hits[limit - 1]!.score;
      let needed = essential;
      while (needed < bringing && boundOf(weighted.slice(needed)) >= last) needed++;
      if (needed === essential) return hits;
      essential = needed;
    }
  }

  /** Whether all of the terms that are here are so common that they tell next to nothing. */
  hasOnlyCommon(terms: readonly string[], limit: number): boolean {
    return this.#weighted(terms).every((term) => this.#isCommon(term, limit));
  }

  #countBringing(terms: readonly WeightedTerm[], limit: number): number {
    const rare = terms.filter((term) => !this.#isCommon(term, limit)).length;
    return Math.max(rare, Math.min(1, terms.length));
  }

  #isCommon({ frequency }: WeightedTerm, limit: number): boolean {
    return frequency > limit && frequency > this.passages / 2;
  }

  /** The query's terms that are here, the rarest first. */
  #weighted(terms: readonly string[]): WeightedTerm[] {
    const counts = new Map<string, number>();
    for (const term of terms) counts.set(term, (counts.get(term) ?? 0) + 1);
    const { passages } = this;
    return Array.from(counts, ([term, weight]) => {
      const frequency = this.frequency(term);
      return { term, frequency, value: weight * idf(passages, frequency) };
    })
      .filter(({ frequency }) => frequency > 0)
      .sort((a, b) => a.frequency - b.frequency || (a.term < b.term ? -1 : 1));
  }

  #scale(): Scale {
    const terms = this.#shards.reduce((sum, shard) => sum + shard.termCount, 0);
    return { ...this.#parameters, meanLength: terms / Math.max(1, this.passages) };
  }
}

interface WeightedTerm {
  readonly term: string;
  readonly frequency: number;
  /** Its count in the query × idf: what a passage gets of it at most. */
  readonly value: number;
}

/** What scores are relative to in the whole index. */
interface Scale extends Bm25Parameters {
  /** Terms of a passage on average. */
  readonly meanLength: number;
}

function idf(passages: number, frequency: number): number {
  return Math.log(1 + (passages - frequency + 0.5) / (frequency + 0.5));
}

function boundOf(terms: readonly WeightedTerm[]): number {
  return terms.reduce((sum, { value }) => sum + value, 0);
}

/** How many of the rarest terms are needed for as many passages. */
function fewestThatReach(terms: readonly WeightedTerm[], limit: number): number {
  let sum = 0;
  const last = terms.findIndex(({ frequency }) => (sum += frequency) >= limit);
  return last === -1 ? terms.length : last + 1;
}

function bestOf(hits: KeywordHit[], limit: number): KeywordHit[] {
  hits.sort((a, b) => b.score - a.score);
  if (hits.length <= limit) return hits;
  const last = hits[limit - 1]!.score;
  const end = hits.findIndex(({ score }, i) => i >= limit && score < last);
  return end === -1 ? hits : hits.slice(0, end);
}

// ─── one shard ──────────────────────────────────────────────────────────────────────────────────────

interface Entry {
  readonly id: number;
  /** Its terms in the form of `distinctTerms`, joined. */
  readonly terms: string;
}

/** Stand between terms, and between a repeated term and its number; no term has them. */
const separator = '\n';
const repeatMark = '\u0000';

const options: Options<Entry> = {
  fields: ['terms'],
  tokenize: (terms) => (terms === '' ? [] : terms.split(separator)),
  processTerm: (term) => {
    const mark = term.indexOf(repeatMark);
    return mark === -1 ? term : term.slice(0, mark);
  },
  autoVacuum: false, // done where it is waited for: with leftovers of removed passages the counts are not right
};

const searchOptions: SearchOptions = {
  combineWith: 'OR',
  fuzzy: false,
  prefix: false,
  tokenize: (query) => query.split(separator),
  processTerm: (term) => term,
};

/** The terms, each repeat with a number, so that there are as many different ones as there are terms. */
function distinctTerms(text: string): string[] {
  const counts = new Map<string, number>();
  return lexicalTerms(text).map((term) => {
    const count = counts.get(term) ?? 0;
    counts.set(term, count + 1);
    return count === 0 ? term : `${term}${repeatMark}${count}`;
  });
}

export class KeywordShard {
  readonly #index: MiniSearch<Entry>;
  /** For each passage ever added its run; undefined once it was removed. */
  readonly #runs: (PassageRun | undefined)[] = [];
  readonly #frequencies = new Map<string, number>();
  #termCount = 0;
  #discarded = 0;
  #unsaved = 0;

  constructor(index: MiniSearch<Entry> = new MiniSearch<Entry>(options), snapshot?: ShardSnapshot) {
    this.#index = index;
    if (snapshot === undefined) return;
    this.#runs.length = snapshot.nextEntry;
    for (const run of snapshot.runs) this.#place(run);
  }

  /** @throws where the snapshot is not one: what MiniSearch throws, or a TypeError */
  static load(snapshot: ShardSnapshot): KeywordShard {
    const shard = new KeywordShard(MiniSearch.loadJS<Entry>(snapshot.index, options), snapshot);
    const covered = snapshot.runs.reduce((sum, { chunkCount }) => sum + chunkCount, 0);
    const fits = snapshot.runs.every((run) => run.firstEntry + run.chunkCount <= snapshot.nextEntry);
    if (!fits || covered !== shard.#index.documentCount || shard.#runs.filter(Boolean).length !== covered) {
      throw new TypeError('The runs do not fit the index.');
    }
    return shard;
  }

  get passages(): number {
    return this.#index.documentCount;
  }

  /** Passages that still fit; removed ones make room once nothing is left. */
  get room(): number {
    return Math.max(0, shardPassages - this.#runs.length);
  }

  get termCount(): number {
    return this.#termCount;
  }

  /** Passages added since the last `snapshot`. */
  get unsaved(): number {
    return this.#unsaved;
  }

  /** Passages taken out since the last `snapshot`. */
  get discarded(): number {
    return this.#discarded;
  }

  get runs(): PassageRun[] {
    return [...new Set(this.#runs)].filter((run) => run !== undefined);
  }

  add(document: { readonly id: string; readonly addedAt: number }, firstChunk: number, texts: readonly string[]): void {
    const firstEntry = this.#runs.length;
    let termCount = 0;
    texts.forEach((text, i) => {
      const terms = distinctTerms(text);
      termCount += terms.length;
      this.#index.add({ id: firstEntry + i, terms: terms.join(separator) });
    });
    const { id: documentId, addedAt } = document;
    this.#place({ documentId, addedAt, firstChunk, chunkCount: texts.length, firstEntry, termCount });
    this.#unsaved += texts.length;
    this.#frequencies.clear();
  }

  #place(run: PassageRun): void {
    for (let entry = run.firstEntry; entry < run.firstEntry + run.chunkCount; entry++) this.#runs[entry] = run;
    this.#termCount += run.termCount;
  }

  /** Takes runs out, and lets go of what they leave behind. */
  async discard(runs: readonly PassageRun[]): Promise<void> {
    if (runs.length === 0) return;
    for (const run of runs) this.#discardRun(run);
    if (this.passages === 0) {
      this.#index.removeAll();
      this.#runs.length = 0;
    } else await this.#index.vacuum({ batchSize: 2000, batchWait: 1 });
    this.#frequencies.clear();
  }

  #discardRun(run: PassageRun): void {
    for (let entry = run.firstEntry; entry < run.firstEntry + run.chunkCount; entry++) {
      this.#runs[entry] = undefined;
      this.#index.discard(entry);
    }
    this.#termCount -= run.termCount;
    this.#discarded += run.chunkCount;
    this.#frequencies.clear();
  }

  /** Its state for storing; what was added until now then counts as saved. */
  snapshot(): ShardSnapshot {
    this.#unsaved = 0;
    this.#discarded = 0;
    return { nextEntry: this.#runs.length, runs: this.runs, index: this.#index.toJSON() };
  }

  frequency(term: string): number {
    let known = this.#frequencies.get(term);
    if (known === undefined) {
      known = 0;
      this.#visit([term], () => known!++);
      this.#frequencies.set(term, known);
    }
    return known;
  }

  holders(terms: readonly string[]): { documentId: string; chunk: number }[] {
    if (terms.length === 0) return [];
    const counts = new Uint16Array(this.#runs.length);
    this.#visit(terms, (entry) => counts[entry]!++);
    return Array.from(counts, (count, entry) => (count === terms.length ? this.#locate(entry) : null)).filter(
      (found) => found !== null,
    );
  }

  /** Calls back for each passage with each of the terms; nothing is scored. */
  #visit(terms: readonly string[], found: (entry: number) => void): void {
    this.#index.search(terms.join(separator), {
      ...searchOptions,
      boostDocument: (entry: number) => {
        found(entry);
        return 0;
      },
    });
  }

  /** [entries] 1 for each passage that may be found. */
  allowed(accepts: Accepts): Uint8Array {
    const allowed = new Uint8Array(this.#runs.length);
    this.#runs.forEach((run, entry) => {
      if (run === undefined) return;
      allowed[entry] = accepts(run.documentId, run.firstChunk + entry - run.firstEntry) ? 1 : 0;
    });
    return allowed;
  }

  /**
   * @param terms the rarest first; the first `essential` of them bring passages in, the rest only add to those
   * @returns in no order
   */
  search(
    terms: readonly WeightedTerm[],
    essential: number,
    { k1, b, meanLength }: Scale,
    allowed: Uint8Array | null,
  ): KeywordHit[] {
    const here = terms.map((term, i) => ({ ...term, i })).filter(({ term }) => this.frequency(term) > 0);
    if (here.length === 0) return [];
    // k1 · (1 − b + b · length / mean) with the mean of all shards, said in terms of this shard's own mean:
    const constant = k1 * (1 - b);
    const slope = meanLength === 0 ? 0 : (k1 * b * (this.#termCount / Math.max(1, this.passages))) / meanLength;
    const k = constant + slope;
    // MiniSearch multiplies by the shard's own idf and by k + 1.
    const boosts = new Map(
      here.map(({ term, value }) => [term, value / (idf(this.passages, this.frequency(term)) * (k + 1))]),
    );
    const bringsIn = new Set(here.filter(({ i }) => i < essential).map(({ term }) => term));
    const brought = new Uint8Array(this.#runs.length);
    const results = this.#index.search(here.map(({ term }) => term).join(separator), {
      ...searchOptions,
      bm25: { k, b: k === 0 ? 0 : slope / k, d: 0 },
      boostTerm: (term) => boosts.get(term)!,
      boostDocument: (entry: number, term) => {
        if (!bringsIn.has(term)) return brought[entry]!;
        return (brought[entry] = allowed === null ? 1 : allowed[entry]!);
      },
    });
    return results.map((result) => ({
      ...this.#locate(result.id as number),
      // In single precision, equal passages in different shards are level.
      score: Math.fround(result.score / result.queryTerms.length),
      terms: result.queryTerms.length,
    }));
  }

  #locate(entry: number): { documentId: string; chunk: number } {
    const run = this.#runs[entry]!;
    return { documentId: run.documentId, chunk: run.firstChunk + entry - run.firstEntry };
  }
}
