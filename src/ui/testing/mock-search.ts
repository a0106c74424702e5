/** A stand-in for late interaction: concepts that say the same in several languages, so that the page has true-looking hits. */
import type {
  Hit,
  LitRange,
  QueryWord,
  SearchOptions,
  SearchResult,
  Segment,
  Strength,
  WordMatch,
} from '../../index.ts';
import type { MockEntry } from './mock-index.ts';

const concepts: readonly { readonly same: readonly string[]; readonly close: readonly string[] }[] = [
  {
    same: ['trader', 'traders', 'merchant', 'merchants', 'kaufleute', 'händler', 'التجار', '商人', '商人たち'],
    close: ['guild', 'trading', 'trade', 'houses', 'engländer', 'flamen', 'innkeepers'],
  },
  {
    same: ['leave', 'left', 'leaves', 'moved', 'move', 'gone', 'verlegten', 'zogen', 'انتقل', '移し', '移'],
    close: ['empty', 'closed', 'passed', 'verschwanden', 'leer', 'فارغًا', '空', 'stay', 'stayed', 'follow'],
  },
  {
    same: ['port', 'ports', 'harbour', 'harbours', 'hafen', 'الميناء', 'الموانئ', '港'],
    close: ['coast', 'quay', 'küste', 'الساحل', 'الرصيف', '海岸', '波止場', 'river', 'fluss', 'النهر', '川'],
  },
  {
    same: ['tax', 'taxes', 'dues', 'toll', 'tolls', 'zölle', 'الضرائب', '税'],
    close: ['price', 'prices', 'pence', 'paid', 'cost', 'freight', 'mark', 'rent'],
  },
  {
    same: ['silt', 'silted', 'silting', 'sand', 'sandbank', 'verlandete', 'verlandung', 'بالطمي', '土砂'],
    close: ['shallow', 'dredged', 'dredging', 'bar', 'flacher', '浅く', 'channel', 'sediment'],
  },
  { same: ['bread', 'dough', 'loaf'], close: ['flour', 'oven', 'water', 'flavour'] },
];
const silent = new Set([
  'why',
  'did',
  'the',
  'a',
  'an',
  'of',
  'to',
  'in',
  'is',
  'was',
  'how',
  'what',
  'and',
  'for',
  'my',
  'do',
]);

export function mockSearch(query: string, entries: readonly MockEntry[], options: SearchOptions): SearchResult {
  const asked = wordsOf(query, 'en').map(({ text, start, end }) => ({ text, start, end }));
  const { k = 10, by = 'passage', filter } = options;
  const scored = entries
    .filter((entry) => filter?.documentIds?.includes(entry.record.id) ?? true)
    .flatMap((entry) => entry.chunks.map((_, chunk) => hitOf(entry, chunk, asked)))
    .sort((a, b) => b.score - a.score);
  const best = scored[0]?.score ?? 1;
  const floor = scored.filter((hit) => hit.score > best * 0.35);
  const counts = new Map<string, number>();
  for (const hit of floor) counts.set(hit.documentId, (counts.get(hit.documentId) ?? 0) + 1);
  const kept =
    by === 'passage'
      ? floor
      : floor.filter((hit, at) => floor.findIndex((other) => other.documentId === hit.documentId) === at);
  const hits = kept.slice(0, k).map((hit) => ({
    ...hit,
    relative: hit.score / best,
    relevant: true,
    moreInDocument: by === 'document' ? (counts.get(hit.documentId) ?? 1) - 1 : 0,
  }));
  const words: QueryWord[] = asked.map((word, at) => ({
    ...word,
    strength: Math.max(
      0,
      ...hits.flatMap((hit) => hit.why.filter((row) => row.word === at).map((row) => strengthOf(row.similarity))),
    ) as Strength,
  }));
  return {
    query,
    words,
    hits,
    considered: entries.reduce((sum, entry) => sum + entry.chunks.length, 0),
    relevant: best / Math.max(1, asked.filter((word) => !silent.has(word.text.toLowerCase())).length) > 0.4,
    droppedQueryTokens: 0,
    elapsedMs: { encode: 11.4, score: 2.3, explain: 4.1 },
  };
}

function hitOf(entry: MockEntry, chunk: number, asked: readonly { text: string }[]): Hit {
  const { start, end } = entry.chunks[chunk]!;
  const { record, extracted } = entry;
  const passage = extracted.text.slice(start, end);
  const found = wordsOf(passage, record.language || 'en');
  const lit: LitRange[] = [];
  const why: WordMatch[] = asked.map(({ text }, word) => {
    let top: WordMatch = { word, matched: '', verdict: 'nothing-close', similarity: 0.1, start, end: start };
    for (const candidate of found) {
      const similarity = similarityOf(text.toLowerCase(), candidate.text.toLowerCase());
      const strength = strengthOf(similarity);
      if (strength > 0)
        lit.push({ start: start + candidate.start, end: start + candidate.end, strength, words: [word] });
      if (similarity > top.similarity) {
        const verdict = similarity === 1 ? 'same-word' : similarity > 0.8 ? 'strong' : 'close';
        top = {
          word,
          matched: candidate.text,
          verdict,
          similarity,
          start: start + candidate.start,
          end: start + candidate.end,
        };
      }
    }
    return top;
  });
  lit.sort((a, b) => a.start - b.start || b.strength - a.strength);
  const single = lit.filter((range, at) => at === 0 || lit[at - 1]!.start !== range.start);
  const section = extracted.sections.findLast((each) => each.start <= start);
  return {
    documentId: record.id,
    documentName: record.name,
    path: record.path,
    language: record.language,
    chunk,
    start,
    end,
    place: section?.label ?? '',
    score: why.reduce((sum, row) => sum + (row.similarity > 0.5 ? row.similarity : 0), 0) + single.length * 0.01,
    relative: 1,
    excerpt: excerptOf(extracted.text, start, end, single),
    lit: single,
    why,
    relevant: single.length > 0,
    moreInDocument: 0,
  };
}

function similarityOf(asked: string, word: string): number {
  if (silent.has(asked)) return 0.1;
  if (asked === word) return 1;
  for (const { same, close } of concepts) {
    if (!same.includes(asked) && !close.includes(asked)) continue;
    if (same.includes(word)) return same.includes(asked) ? 0.87 : 0.7;
    if (close.includes(word)) return 0.66;
  }
  return 0.1;
}

const strengthOf = (similarity: number): Strength => (similarity > 0.8 ? 2 : similarity > 0.6 ? 1 : 0);

function excerptOf(text: string, start: number, end: number, lit: readonly LitRange[]): readonly Segment[] {
  const first = lit[0]?.start ?? start;
  let from = Math.max(start, first - 70);
  if (from > start) from = text.indexOf(' ', from) + 1;
  let to = Math.min(end, from + 250);
  if (to < end) to = text.lastIndexOf(' ', to);
  const segments: Segment[] = [];
  let at = from;
  for (const range of lit) {
    if (range.start < at || range.end > to) continue;
    if (range.start > at) segments.push({ text: text.slice(at, range.start), strength: 0, words: [] });
    segments.push({ text: text.slice(range.start, range.end), strength: range.strength, words: range.words });
    at = range.end;
  }
  segments.push({ text: text.slice(at, to) + (to < end ? '…' : ''), strength: 0, words: [] });
  const opening = segments[0]!;
  return from > start ? [{ ...opening, text: `…${opening.text}` }, ...segments.slice(1)] : segments;
}

interface Word {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

function wordsOf(text: string, language: string): readonly Word[] {
  return [...new Intl.Segmenter(language, { granularity: 'word' }).segment(text)]
    .filter((segment) => segment.isWordLike === true)
    .map(({ segment, index }) => ({ text: segment, start: index, end: index + segment.length }));
}
