/** A ranked passage → a hit: where it is, which of its words made the match, and why. */
import { alignTokens } from '../colbert/align.ts';
import type { EncodedText, Encoder } from '../colbert/encoder.ts';
import { firstTextPosition } from '../colbert/sequence.ts';
import { storedTokens } from '../colbert/windows.ts';
import type { QueryRows, Scorer } from '../maxsim/scorer.ts';
import type { SimilarityLevels } from '../models/registry.ts';
import { explain, placeableRows, relevantFrom, strengthOf, type Explanation } from '../ranking/explain.ts';
import { addSameWords, explainSameWords, findSameWords, type SameWords } from '../ranking/same-words.ts';
import type { ParsedQuery } from '../text/query-syntax.ts';
import { excerpt } from '../text/segments.ts';
import { wordRanges, type Range } from '../text/words.ts';
import type { Chunk, ExtractedText, Hit, MatchBy, QueryWord, Strength } from '../types.ts';
import type { Passage } from './passages.ts';

/** What a query was turned into for comparing meanings. */
export interface MeaningOfQuery {
  readonly encoder: Encoder;
  readonly encoded: EncodedText;
  readonly rows: QueryRows;
}

export interface DescriberParts {
  readonly query: ParsedQuery;
  readonly match: MatchBy;
  /** null for a search by words. */
  readonly meaning: MeaningOfQuery | null;
  /** Of passages by their position; null for a search by words. */
  readonly explainer: Pick<Scorer, 'explain'> | null;
  readonly levels: SimilarityLevels;
}

export interface RankedPassage {
  readonly passage: Passage;
  /** Among the passages that are searched. */
  readonly position: number;
  /** Whether the scorer has vectors of it. */
  readonly encoded: boolean;
  readonly score: number;
  readonly relative: number;
  readonly moreInDocument: number;
}

export interface Described {
  readonly hit: Hit;
  readonly explanation: Explanation;
}

/** @returns a function that may be called for one passage after another; it throws what the scorer throws */
export function createDescriber(parts: DescriberParts): (ranked: RankedPassage) => Promise<Described> {
  const { query, match, meaning, explainer, levels } = parts;
  const queryWords = wordRanges(query.text);
  const isClose = ({ why, closeness }: Explanation): boolean => closeness >= relevantFrom(why.length, levels);
  const byMeaning =
    meaning === null || explainer === null ? null : createExplainer(query.text, queryWords, meaning, explainer, levels);

  return async ({ passage, position, encoded, score, relative, moreInDocument }) => {
    const { record, document, chunk, text } = passage;
    const same = findSameWords({
      query: query.text,
      queryWords,
      phrases: query.required,
      passage: text,
      offset: chunk.start,
    });
    const textOf = ({ start, end }: Range): string => document.text.slice(start, end);
    let explanation: Explanation;
    if (byMeaning === null || !encoded || passage.tokenRows === undefined) explanation = explainSameWords(same, textOf);
    else {
      const found = await byMeaning(passage, position);
      explanation = addSameWords(found, match === 'both' ? same : onlyPhrases(same), textOf);
    }
    return {
      explanation,
      hit: {
        documentId: record.id,
        documentName: record.name,
        path: record.path,
        language: record.language,
        chunk: chunk.ordinal,
        start: chunk.start,
        end: chunk.end,
        place: placeOf(document, chunk),
        score,
        relative,
        relevant: match === 'words' || isClose(explanation) || (match === 'both' && holdsAll(same)),
        excerpt: excerpt(document.text, withoutLeadingHeadings(document, chunk, explanation.lit), explanation.lit),
        lit: explanation.lit,
        why: explanation.why,
        moreInDocument,
      },
    };
  };
}

/** The query's words, each with its best strength over all hits. */
export function describeQueryWords(query: ParsedQuery, described: readonly Described[]): QueryWord[] {
  const best = new Map<number, Strength>();
  for (const { explanation } of described) {
    for (const { word, verdict } of explanation.why) {
      const strength = strengthOf(verdict);
      if (strength > (best.get(word) ?? 0)) best.set(word, strength);
    }
  }
  return wordRanges(query.text).map(({ start, end }, word) => ({
    text: query.typed.slice(start, end),
    start,
    end,
    strength: best.get(word) ?? 0,
  }));
}

// ─── by meaning ─────────────────────────────────────────────────────────────────────────────────────

function createExplainer(
  query: string,
  queryWords: readonly Range[],
  { encoder, encoded, rows }: MeaningOfQuery,
  explainer: Pick<Scorer, 'explain'>,
  levels: SimilarityLevels,
): (passage: Passage, position: number) => Promise<Explanation> {
  const queryIds = encoder.tokenizer.encode(query).slice(0, encoded.sequence.textTokens);
  const queryTokens = alignTokens(query, queryIds, encoder.tokenizer);
  return async (passage, position) => {
    const input = {
      query,
      queryWords,
      queryTokens,
      firstRow: firstTextPosition,
      passage: passage.text,
      passageWords: passage.words,
      passageRows: storedRowRanges(encoder, passage),
      offset: passage.chunk.start,
      levels,
    };
    return explain({ ...input, ...(await explainer.explain(rows, position, placeableRows(input))) });
  };
}

/**
 * For each stored row of a passage, where the tokens that it stands for are in the passage: none for [CLS], marker and [SEP],
 * and for words that the model does not know, which are all one to it.
 */
function storedRowRanges(encoder: Encoder, passage: Passage): readonly (readonly Range[])[] {
  let ofEncoder = rowRanges.get(encoder.tokenizer);
  if (ofEncoder === undefined) rowRanges.set(encoder.tokenizer, (ofEncoder = new WeakMap()));
  let ranges = ofEncoder.get(passage);
  if (ranges === undefined) {
    const ids = encoder.tokenizer.encode(passage.text);
    const aligned = alignTokens(passage.text, ids, encoder.tokenizer);
    const ofTokens = storedTokens(ids, encoder.config, passage.longDocument).map((token): readonly Range[] =>
      token === null || encoder.tokenizer.isUnknown(ids[token]!) ? [] : [aligned[token]!],
    );
    ranges = passage.tokenRows ? ofRows(ofTokens, passage.tokenRows) : ofTokens;
    ofEncoder.set(passage, ranges);
  }
  return ranges;
}

/** Kept as long as the passage is held (see passages.ts): the next key press shows much the same ones. */
const rowRanges = new WeakMap<Encoder['tokenizer'], WeakMap<Passage, readonly (readonly Range[])[]>>();

/** @param tokenRows for each token the row that stands for it; each row stands for one at least */
function ofRows(ofTokens: readonly (readonly Range[])[], tokenRows: Uint16Array): readonly (readonly Range[])[] {
  const rows: Range[][] = [];
  tokenRows.forEach((row, token) => (rows[row] ??= []).push(...(ofTokens[token] ?? [])));
  return rows;
}

// ─── by words ───────────────────────────────────────────────────────────────────────────────────────

function holdsAll({ content, whole }: SameWords): boolean {
  return content.length > 0 && content.every((word) => whole.has(word));
}

function onlyPhrases(same: SameWords): SameWords {
  return { ...same, places: new Map(), whole: new Set() };
}

// ─── where ──────────────────────────────────────────────────────────────────────────────────────────

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
