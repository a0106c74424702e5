/** A query → hits: encode, score every passage, take the best, and say of each why and where. */
import { alignTokens } from '../colbert/align.ts';
import type { EncodedText, Encoder } from '../colbert/encoder.ts';
import { documentSequence, firstTextPosition } from '../colbert/sequence.ts';
import { throwIfAborted } from '../errors.ts';
import type { SimilarityLevels } from '../models/registry.ts';
import type { QueryRows } from '../maxsim/scorer.ts';
import { explain, placeableTokens, strengthOf, type Explanation } from '../ranking/explain.ts';
import { topK } from '../ranking/top-k.ts';
import type { IndexStore } from '../store/index-store.ts';
import { excerpt } from '../text/segments.ts';
import { wordRanges, type Range } from '../text/words.ts';
import type {
  Chunk,
  DocumentRecord,
  ExtractedText,
  Hit,
  QueryWord,
  SearchFilter,
  SearchResult,
  Strength,
} from '../types.ts';
import { truncateRows } from '../vectors/matryoshka.ts';
import type { SearchOptions } from './engine-api.ts';
import type { Lock } from './lock.ts';
import type { ResidentIndex } from './resident.ts';

export interface SearchParts {
  readonly encoder: Encoder;
  readonly store: IndexStore;
  readonly resident: ResidentIndex;
  /** Held while scoring, so that blocks do not move meanwhile. */
  readonly exclusive: Lock;
  readonly dim: number;
  readonly levels: SimilarityLevels;
}

export const defaultK = 10;
export const maxK = 1000;

/** @throws 'aborted', 'gpu-lost', and what the store throws */
export async function search(
  parts: SearchParts,
  query: string,
  options: SearchOptions,
  signal: AbortSignal,
): Promise<SearchResult> {
  const started = performance.now();
  const k = Math.max(1, Math.min(maxK, Math.floor(options.k ?? defaultK)));
  if (query.trim() === '') return emptyResult(query);

  const encoded = await parts.encoder.encodeQuery(query, signal);
  const rows: QueryRows = { rows: truncateRows(encoded.rows, parts.encoder.dim, parts.dim), dim: parts.dim };
  const encodedAt = performance.now();

  return parts.exclusive(async () => {
    throwIfAborted(signal);
    await parts.resident.refresh();
    const { records } = parts.resident;
    const selection = parts.resident.selection(filterOf(options.filter, records));
    const scores = await parts.resident.scorer.score(rows, selection);
    throwIfAborted(signal);
    const scoredAt = performance.now();

    const positionOf = (index: number): number => selection?.[index] ?? index;
    const ranked = rank(parts.resident, scores, positionOf, k, options.by ?? 'passage');
    const describe = createDescriber(parts, query, encoded, rows, records);
    const described: Described[] = [];
    for (const candidate of ranked) {
      throwIfAborted(signal);
      const hit = await describe(candidate, ranked[0]!.score);
      if (hit !== null) described.push(hit);
    }
    return {
      query,
      match: 'meaning',
      words: queryWords(query, described),
      hits: described.map(({ hit }) => hit),
      considered: scores.length,
      relevant: described.some(({ hit }) => hit.relevant),
      droppedQueryTokens: encoded.truncatedTokens,
      elapsedMs: {
        encode: encodedAt - started,
        score: scoredAt - encodedAt,
        explain: performance.now() - scoredAt,
      },
    };
  });
}

// ─── ranking ────────────────────────────────────────────────────────────────────────────────────────

interface Candidate {
  readonly position: number;
  readonly score: number;
  readonly more: number;
}

function rank(
  resident: ResidentIndex,
  scores: Float32Array,
  positionOf: (index: number) => number,
  k: number,
  by: 'passage' | 'document',
): Candidate[] {
  const candidate = (index: number): Candidate => ({ position: positionOf(index), score: scores[index]!, more: 0 });
  if (by === 'passage') return topK(scores, k).map(candidate);

  // Each document once, by its best passage; a few times k passages decide how many more of it were near.
  const near = topK(scores, Math.min(scores.length, k * 5)).map(candidate);
  const best = new Map<string, Candidate>();
  for (const one of near) {
    const id = resident.locate(one.position).run.documentId;
    const first = best.get(id);
    if (first === undefined) best.set(id, one);
    else best.set(id, { ...first, more: first.more + 1 });
  }
  if (best.size < k && near.length < scores.length) {
    for (const index of topK(scores, scores.length)) {
      const one = candidate(index);
      const id = resident.locate(one.position).run.documentId;
      if (!best.has(id)) best.set(id, one);
      if (best.size >= k) break;
    }
  }
  return [...best.values()].slice(0, k);
}

function filterOf(
  filter: SearchFilter | undefined,
  records: ReadonlyMap<string, DocumentRecord>,
): ((documentId: string) => boolean) | null {
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

// ─── describing a hit ───────────────────────────────────────────────────────────────────────────────

interface Described {
  readonly hit: Hit;
  readonly explanation: Explanation;
}

function createDescriber(
  parts: SearchParts,
  query: string,
  encoded: EncodedText,
  rows: QueryRows,
  records: ReadonlyMap<string, DocumentRecord>,
): (candidate: Candidate, best: number) => Promise<Described | null> {
  const { encoder, store, resident, levels } = parts;
  const texts = new Map<string, Promise<[ExtractedText | undefined, readonly Chunk[] | undefined]>>();
  const queryIds = encoder.tokenizer.encode(query).slice(0, encoded.sequence.textTokens);
  const queryTokens = alignTokens(query, queryIds, encoder.tokenizer);
  const words = wordRanges(query);

  return async ({ position, score, more }, best) => {
    const { run, chunk: ordinal } = resident.locate(position);
    const record = records.get(run.documentId);
    let reading = texts.get(run.documentId);
    if (reading === undefined) {
      reading = Promise.all([store.text(run.documentId), store.chunks(run.documentId)]);
      texts.set(run.documentId, reading);
    }
    const [document, chunks] = await reading;
    const chunk = chunks?.[ordinal];
    if (record === undefined || document === undefined || chunk === undefined) return null; // removed meanwhile
    const passage = document.text.slice(chunk.start, chunk.end);
    const input = {
      query,
      queryWords: words,
      queryTokens,
      firstRow: firstTextPosition,
      passage,
      passageWords: wordRanges(passage),
      passageTokens: storedTokenRanges(encoder, passage),
      offset: chunk.start,
      levels,
    };
    const explanation = explain({
      ...input,
      ...(await resident.scorer.explain(rows, position, placeableTokens(input))),
    });
    const floor = levels.baseline * encoded.numTokens;
    return {
      explanation,
      hit: {
        documentId: record.id,
        documentName: record.name,
        path: record.path,
        language: record.language,
        chunk: ordinal,
        start: chunk.start,
        end: chunk.end,
        place: placeOf(document, chunk),
        score,
        relative: best > floor ? Math.max(0, (score - floor) / (best - floor)) : score === best ? 1 : 0,
        relevant: explanation.closeness >= levels.relevant,
        excerpt: excerpt(document.text, withoutLeadingHeadings(document, chunk, explanation.lit), explanation.lit),
        lit: explanation.lit,
        why: explanation.why,
        moreInDocument: more,
      },
    };
  };
}

/** For each stored row of a passage, where its token stands in the passage; null for [CLS], marker and [SEP]. */
function storedTokenRanges(encoder: Encoder, passage: string): (Range | null)[] {
  const ids = encoder.tokenizer.encode(passage);
  const sequence = documentSequence(ids, encoder.config);
  const ranges = alignTokens(passage, ids.slice(0, sequence.textTokens), encoder.tokenizer);
  return sequence.kept.map((position) => ranges[position - firstTextPosition] ?? null);
}

/** The passage from its first running text on: its headings stand beside the title already. Lit headings stay, whole. */
function withoutLeadingHeadings(document: ExtractedText, { start, end }: Chunk, lit: readonly Range[]): Range {
  const first = lit[0]?.start ?? end;
  const opening = document.blocks.find((block) => block.end > start && (block.kind !== 'heading' || block.end > first));
  const from = Math.max(start, opening?.start ?? start);
  return { start: from < end ? from : start, end };
}

function placeOf(document: ExtractedText, chunk: Chunk): string {
  const section = document.sections[chunk.section];
  if (section === undefined) return '';
  return section.kind === 'page' ? `page ${section.label}` : section.label;
}

function queryWords(query: string, described: readonly Described[]): QueryWord[] {
  const best = new Map<number, Strength>();
  for (const { explanation } of described) {
    for (const { word, verdict } of explanation.why) {
      const strength = strengthOf(verdict);
      if (strength > (best.get(word) ?? 0)) best.set(word, strength);
    }
  }
  return wordRanges(query).map(({ start, end }, word) => ({
    text: query.slice(start, end),
    start,
    end,
    strength: best.get(word) ?? 0,
  }));
}

function emptyResult(query: string): SearchResult {
  return {
    query,
    match: 'meaning',
    words: [],
    hits: [],
    considered: 0,
    relevant: false,
    droppedQueryTokens: 0,
    elapsedMs: { encode: 0, score: 0, explain: 0 },
  };
}
