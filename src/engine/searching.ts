/**
 * A query → hits. By meaning every passage is scored (MaxSim), by words those that share a word with the query (BM25),
 * and by both the two rankings are fused; then the best are described one by one.
 */
import type { Encoder } from '../colbert/encoder.ts';
import { LateralError, throwIfAborted, toLateralError } from '../errors.ts';
import type { SimilarityLevels } from '../models/registry.ts';
import { createConstraints, type Constraints } from '../ranking/constraints.ts';
import { fuse, fusionDepth } from '../ranking/fuse.ts';
import type { Scorer } from '../maxsim/scorer.ts';
import { topK } from '../ranking/top-k.ts';
import { termsWithMeaning } from '../ranking/words.ts';
import type { IndexStore } from '../store/index-store.ts';
import { lexicalTerms } from '../text/lexical.ts';
import { parseQuery, type ParsedQuery } from '../text/query-syntax.ts';
import type { MatchBy, SearchFilter, SearchResult } from '../types.ts';
import { truncateRows } from '../vectors/matryoshka.ts';
import { createDescriber, describeQueryWords, type Described, type MeaningOfQuery } from './describing.ts';
import type { SearchOptions } from './engine-api.ts';
import type { Keywords, Records } from './keywords.ts';
import type { Lock } from './lock.ts';
import type { PassageReader } from './passages.ts';
import { createExactRanking, type Rescorer, UnreadableRows } from './rescoring.ts';
import type { ResidentIndex, Run } from './resident.ts';

export interface SearchParts {
  /** Not asked for a search by words, which therefore works while the model is loading or its device is lost. */
  encoder(): Promise<Encoder>;
  readonly store: IndexStore;
  readonly resident: ResidentIndex;
  /** null where the vectors are held as they are stored. */
  readonly rescorer: Rescorer | null;
  /** Called when stored rows turned out to be damaged. */
  readonly onDamaged: () => void;
  readonly keywords: Keywords;
  readonly passages: PassageReader;
  /** Whether files are being read: a search by both then does not wait until the last of them are found by words too. */
  readonly reading: boolean;
  /** Held while scoring, so that blocks do not move meanwhile. */
  readonly exclusive: Lock;
  readonly dim: number;
  readonly levels: SimilarityLevels;
}

export const defaultK = 10;
export const maxK = 1000;

/** A search by both does not wait for the keyword index while more passages than this are missing there. */
const maxMissingPassages = 4000;

/** @throws 'aborted', 'gpu-lost', 'invalid-argument' for a k that is no number, and what the store throws */
export async function search(
  parts: SearchParts,
  typed: string,
  options: SearchOptions,
  signal: AbortSignal,
): Promise<SearchResult> {
  const started = performance.now();
  const { resident, keywords } = parts;
  const match = options.match ?? 'both';
  const k = countOf(options.k ?? defaultK);
  const query = parseQuery(typed);
  if (query.text.trim() === '') return emptyResult(typed, match);

  const [meaning] = await Promise.all([
    match === 'words' ? null : encode(parts, query.text, signal),
    followKeywords(parts, query, match),
  ]);
  const encodedAt = performance.now();
  const answer = async (rescorer: Rescorer | null): Promise<SearchResult | Again> => {
    throwIfAborted(signal);
    if (!resident.searchable) return 'again'; // since it was looked at: another scorer is being filled
    const constraints = createConstraints(query, keywords.index);
    const scope = scopeOf(resident, options.filter, constraints);
    const { opening } = resident;
    const searchedShare = opening === null ? 1 : opening.tokens / Math.max(1, opening.totalTokens);
    const scores = meaning === null ? null : await resident.scorer.score(meaning.rows, scope.selection);
    throwIfAborted(signal);
    const rankPassages = scores && rankingOf(scores, scope, meaning!, k, rescorer);
    const lists = listsOf(match, rankPassages, query, keywords, scope);
    const candidates = await choose(parts, lists, k, options.by ?? 'passage', constraints, signal);
    const scoredAt = performance.now();

    const positions = candidates.map(({ position }) => position);
    const explainer = meaning === null ? null : await explainerOf(resident, rescorer, positions);
    const describe = createDescriber({ query, match, meaning, explainer, levels: parts.levels });
    const relative = relativeTo(candidates[0]?.score ?? 0, match, meaning, parts.levels);
    const described: Described[] = [];
    const passages = await Promise.all(candidates.map(({ position }) => readPassage(parts, position)));
    for (const [i, { position, score, more }] of candidates.entries()) {
      throwIfAborted(signal);
      const passage = passages[i] ?? null;
      if (passage === null) continue; // removed meanwhile
      const { encoded } = resident.locate(position).run;
      described.push(
        await describe({ passage, position, encoded, score, relative: relative(score), moreInDocument: more }),
      );
    }
    return {
      query: typed,
      match,
      words: describeQueryWords(query, described),
      hits: described.map(({ hit }) => hit),
      considered: scores?.length ?? scope.size,
      searchedShare,
      relevant: described.some(({ hit }) => hit.relevant),
      droppedQueryTokens: meaning?.encoded.truncatedTokens ?? 0,
      elapsedMs: {
        encode: encodedAt - started,
        score: scoredAt - encodedAt,
        explain: performance.now() - scoredAt,
      },
    };
  };
  // What changes is followed as it happens; only what is not loaded (a hidden tab's blocks, a new scorer's) must come first.
  for (let coarsely = false; ;) {
    if (!resident.searchable) await followOrGoOn(parts);
    const rescorer: Rescorer | null = coarsely || resident.leftBehind ? null : parts.rescorer;
    const outcome: SearchResult | Again = await parts.exclusive(() =>
      answer(rescorer).catch((error: unknown) => tryAgain(parts, error)),
    );
    if (typeof outcome !== 'string') return outcome;
    coarsely ||= outcome === 'again-coarsely';
  }
}

/** What a search that could not be answered is to do. */
type Again = 'again' | 'again-coarsely';

/**
 * Where another tab has gone over to other vectors, searches go on with what is here, as with vectors that are held as they are
 * stored: by four bits a component alone, and only where all of them were loaded.
 */
async function followOrGoOn({ resident, rescorer }: SearchParts): Promise<void> {
  try {
    await resident.refresh();
  } catch (error) {
    const goesOn = rescorer !== null && toLateralError(error).code === 'model-mismatch' && resident.goOn();
    if (!goesOn) throw error;
  }
}

/**
 * Rows that moved are looked for anew, but not while blocks are being loaded: that brings the new places in the end, and until then
 * four bits a component must do. A block whose rows are damaged is left out. @throws every other error
 */
async function tryAgain({ resident, onDamaged }: SearchParts, error: unknown): Promise<Again> {
  if (!(error instanceof UnreadableRows)) throw error;
  if (error.damaged) {
    await resident.leaveOutDamaged(error.blockId);
    onDamaged();
    return 'again';
  }
  if (resident.opening !== null) return 'again-coarsely';
  resident.markStale();
  return 'again';
}

type RankPassages = (depth: number) => Promise<readonly Ranked[]>;

/** The best passages by meaning, as far down as is asked for. */
function rankingOf(
  scores: Float32Array,
  { selection }: Scope,
  { rows }: MeaningOfQuery,
  k: number,
  rescorer: Rescorer | null,
): RankPassages {
  const positionOf = (i: number): number => selection?.[i] ?? i;
  if (rescorer !== null)
    return createExactRanking(scores, positionOf, (positions) => rescorer.score(rows, positions), k);
  return (depth) => Promise.resolve(topK(scores, depth).map((i) => ({ position: positionOf(i), score: scores[i]! })));
}

/** What explains the passages at these positions: by the rows that are stored, whatever is held. */
async function explainerOf(
  resident: ResidentIndex,
  rescorer: Rescorer | null,
  positions: readonly number[],
): Promise<Pick<Scorer, 'explain'>> {
  if (rescorer === null) return resident.scorer;
  const encoded = positions.filter((position) => resident.locate(position).run.encoded);
  const rows = await rescorer.read(encoded);
  return { explain: (query, position, among) => rescorer.explain(query, rows.get(position)!, among) };
}

function countOf(k: number): number {
  if (Number.isNaN(k)) throw new LateralError('invalid-argument', 'k is not a number. Leave it out for 10 hits.');
  return Math.max(1, Math.min(maxK, Math.floor(k)));
}

async function encode(parts: SearchParts, text: string, signal: AbortSignal): Promise<MeaningOfQuery> {
  const encoder = await parts.encoder();
  const encoded = await encoder.encodeQuery(text, signal);
  return { encoder, encoded, rows: { rows: truncateRows(encoded.rows, encoder.dim, parts.dim), dim: parts.dim } };
}

/** Brings the keyword index up to date where the search cannot do without. */
async function followKeywords(
  { resident, keywords, reading }: SearchParts,
  query: ParsedQuery,
  match: MatchBy,
): Promise<void> {
  const constrained = query.required.length + query.excluded.length > 0;
  if (match === 'meaning' && !constrained) return;
  const { records } = resident;
  if (reading && match === 'both' && !constrained && keywords.started) return; // it is followed with each group of files
  const following = keywords.follow(records);
  if (match !== 'both' || constrained || keywords.missing(records) <= maxMissingPassages) return following;
  following.catch(() => undefined); // told by the next search that waits for it
}

// ─── what may be found ──────────────────────────────────────────────────────────────────────────────

interface Scope {
  /** Positions to be scored, ascending; undefined for all. */
  readonly selection: Uint32Array | undefined;
  /** How many that are. */
  readonly size: number;
  /** Whether a passage is among them; null where every one is. */
  readonly accepts: ((documentId: string, chunk: number) => boolean) | null;
  /** −1 for a passage that is not loaded. */
  readonly positionOf: (documentId: string, chunk: number) => number;
  /** Whether a passage has no vectors yet; null where all have. */
  readonly isWaiting: ((position: number) => boolean) | null;
}

function scopeOf(resident: ResidentIndex, filter: SearchFilter | undefined, constraints: Constraints | null): Scope {
  const runs = liveRuns(resident.runs);
  const allows = filterOf(filter, resident.records);
  const positionOf = (documentId: string, chunk: number): number => {
    const run = runs.get(documentId);
    return run === undefined || chunk >= run.chunkCount ? -1 : run.firstPosition + chunk;
  };
  const someWait = resident.runs.some(({ removed, encoded }) => !removed && !encoded);
  const isWaiting = someWait ? (position: number) => !resident.locate(position).run.encoded : null;
  if (constraints === null) {
    const selection = resident.selection(allows);
    const size = selection?.length ?? resident.runs.reduce((sum, { chunkCount }) => sum + chunkCount, 0);
    return { selection, size, accepts: allows, positionOf, isWaiting };
  }
  const positions: number[] = []; // ascending, as the runs are
  for (const { documentId, firstPosition, chunkCount, encoded } of runs.values()) {
    if (!encoded || allows?.(documentId) === false) continue;
    for (let chunk = 0; chunk < chunkCount; chunk++) {
      if (constraints.mayHold(documentId, chunk)) positions.push(firstPosition + chunk);
    }
  }
  const selection = Uint32Array.from(positions);
  const accepts = (documentId: string, chunk: number): boolean =>
    allows?.(documentId) !== false && constraints.mayHold(documentId, chunk);
  return { selection, size: selection.length, accepts, positionOf, isWaiting };
}

function liveRuns(runs: readonly Run[]): ReadonlyMap<string, Run> {
  let known = runsByDocument.get(runs);
  if (known === undefined) {
    known = new Map(runs.filter(({ removed }) => !removed).map((run) => [run.documentId, run]));
    runsByDocument.set(runs, known);
  }
  return known;
}

const runsByDocument = new WeakMap<readonly Run[], ReadonlyMap<string, Run>>();

function filterOf(filter: SearchFilter | undefined, records: Records): ((documentId: string) => boolean) | null {
  if (filter === undefined || Object.values(filter).every((value) => value === undefined)) return null;
  const ids = filter.documentIds === undefined ? null : new Set(filter.documentIds);
  return (id) => {
    const record = records.get(id);
    return (
      record !== undefined &&
      (ids === null || ids.has(id)) &&
      (filter.tags === undefined || filter.tags.some((tag) => record.tags.includes(tag))) &&
      (filter.languages === undefined || filter.languages.includes(record.language)) &&
      (filter.pathPrefix === undefined || record.path.startsWith(filter.pathPrefix)) &&
      (filter.addedAfter === undefined || record.addedAt > filter.addedAfter) &&
      (filter.addedBefore === undefined || record.addedAt < filter.addedBefore)
    );
  };
}

// ─── ranking ────────────────────────────────────────────────────────────────────────────────────────

interface Ranked {
  readonly position: number;
  readonly score: number;
}

interface List {
  /** Best first, equal scores by ascending position. */
  readonly ranked: readonly Ranked[];
  /** Whether a greater depth would give no more. */
  readonly complete: boolean;
}

/**
 * @param rankPassages by meaning; null for a search by words
 * @returns the ranking of a search, as far down as `depth` asks
 */
function listsOf(
  match: MatchBy,
  rankPassages: RankPassages | null,
  query: ParsedQuery,
  { index }: Keywords,
  { size, accepts, positionOf, isWaiting }: Scope,
): (depth: number) => Promise<List> {
  const byMeaning = async (depth: number): Promise<List> => ({
    ranked: await rankPassages!(depth),
    complete: depth >= size,
  });
  const all = lexicalTerms(query.text);
  const terms = match === 'both' ? termsWithMeaning(all) : all;
  const byWords = (depth: number) => {
    const hits = index.search(terms, depth, accepts);
    return {
      ranked: hits
        .map(({ documentId, chunk, ...found }) => ({ ...found, position: positionOf(documentId, chunk) }))
        // A document that went and is still in the keyword index has no position.
        .filter(({ position }) => position >= 0)
        .sort((a, b) => b.score - a.score || a.position - b.position),
      complete: hits.length < depth,
    };
  };
  if (match === 'meaning') return byMeaning;
  if (match === 'words') return (depth) => Promise.resolve(byWords(depth));
  return async (depth) => {
    const { ranked, complete } = await byMeaning(depth); // every passage that has vectors has its place by meaning
    if (isWaiting !== null) {
      const words = byWords(depth);
      return { ranked: fuse(ranked, words.ranked, terms, isWaiting), complete: complete && words.complete };
    }
    // "How do I" stands in half of a large collection, and says nothing about any of it.
    const words = index.hasOnlyCommon(terms, depth) ? [] : byWords(depth).ranked;
    return { ranked: fuse(ranked, words, terms), complete };
  };
}

interface Candidate extends Ranked {
  readonly more: number;
}

/** The k best, of documents by their best passage, that hold what the query's marks ask for. */
async function choose(
  parts: SearchParts,
  list: (depth: number) => Promise<List>,
  k: number,
  by: 'passage' | 'document',
  constraints: Constraints | null,
  signal: AbortSignal,
): Promise<Candidate[]> {
  const { resident } = parts;
  const known = new Map<number, boolean>();
  const holds = async (position: number): Promise<boolean> => {
    if (constraints === null) return true;
    const { run, chunk } = resident.locate(position);
    if (!constraints.isUncertain(run.documentId, chunk)) return true;
    let answer = known.get(position);
    if (answer === undefined) {
      throwIfAborted(signal);
      const passage = await readPassage(parts, position);
      known.set(position, (answer = passage !== null && constraints.holds(passage.text)));
    }
    return answer;
  };

  for (let depth = Math.max(fusionDepth, k); ; depth *= 4) {
    const { ranked, complete } = await list(depth);
    const chosen = new Map<string | number, Candidate>();
    for (const [i, one] of ranked.entries()) {
      // A few times k passages decide how many more of a document were near.
      if (chosen.size >= k && (by === 'passage' || i >= k * 5)) break;
      const key = by === 'passage' ? one.position : resident.locate(one.position).run.documentId;
      const first = chosen.get(key);
      if ((first === undefined && chosen.size >= k) || !(await holds(one.position))) continue;
      chosen.set(key, first === undefined ? { ...one, more: 0 } : { ...first, more: first.more + (i < k * 5 ? 1 : 0) });
    }
    if (chosen.size >= k || complete) return [...chosen.values()];
  }
}

async function readPassage({ resident, passages }: SearchParts, position: number) {
  const { run, chunk } = resident.locate(position);
  const record = resident.records.get(run.documentId);
  return record === undefined ? null : passages.read(record, chunk);
}

/** A score as a share of the best one, above what any passage reaches; fused scores start there. */
function relativeTo(
  best: number,
  match: MatchBy,
  meaning: MeaningOfQuery | null,
  levels: SimilarityLevels,
): (score: number) => number {
  const floor = match === 'meaning' ? levels.baseline * meaning!.encoded.numTokens : 0;
  return (score) => (best > floor ? Math.max(0, (score - floor) / (best - floor)) : score === best ? 1 : 0);
}

function emptyResult(query: string, match: MatchBy): SearchResult {
  return {
    query,
    match,
    words: [],
    hits: [],
    considered: 0,
    searchedShare: 1,
    relevant: false,
    droppedQueryTokens: 0,
    elapsedMs: { encode: 0, score: 0, explain: 0 },
  };
}
