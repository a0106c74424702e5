/**
 * BEIR folders: corpus.jsonl, queries.jsonl, qrels/<split>.tsv. Read through a function that opens a file by its path,
 * so that Node's disk and a folder dropped on the page are the same; .gz is unpacked on the way.
 */
import * as v from 'valibot';
import { LateralError } from '../errors.ts';

/** @returns the file's bytes, or null where there is no such file. Paths have `/` and no leading one. */
export type OpenFile = (path: string) => Promise<ReadableStream<Uint8Array> | null>;

export interface BeirDocument {
  readonly id: string;
  /** '' where there is none. */
  readonly title: string;
  readonly text: string;
}

export interface BeirQuery {
  readonly id: string;
  readonly text: string;
}

export interface BeirSet {
  readonly documents: readonly BeirDocument[];
  /** Those with judgements, in the file's order. */
  readonly queries: readonly BeirQuery[];
  /** Query id → document id → grade. */
  readonly judgements: ReadonlyMap<string, ReadonlyMap<string, number>>;
  /** 'qrels/test.tsv' */
  readonly qrelsFile: string;
  /** What was left out: judgements of unknown queries or documents, queries without judgements. */
  readonly notes: readonly string[];
}

export interface ReadBeirOptions {
  /** Only qrels/<split>.tsv. Default: test, then qrels.tsv beside the corpus, then dev, validation, train. */
  readonly split?: string | undefined;
}

/**
 * @throws 'not-found' where a file is missing; 'file-damaged' naming file and line for what is not in the format,
 *   an id used twice, or a .gz that cannot be unpacked; 'file-empty' for a set without documents or judged queries
 */
export async function readBeir(open: OpenFile, { split }: ReadBeirOptions = {}): Promise<BeirSet> {
  const documents = await readRows(await openAny(open, ['corpus.jsonl']), (line, at) => {
    const { _id, title, text } = parseJson(documentSchema, line, at);
    return { id: String(_id), title: title ?? '', text };
  });
  const queries = await readRows(await openAny(open, ['queries.jsonl']), (line, at) => {
    const { _id, text } = parseJson(querySchema, line, at);
    return { id: String(_id), text };
  });
  const qrels = await openAny(open, split === undefined ? qrelsPlaces : [`qrels/${split}.tsv`]);
  const judgements = await readJudgements(qrels);

  const judged = queries.filter(({ id }) => judgements.has(id));
  if (documents.length === 0) throw new LateralError('file-empty', 'corpus.jsonl has no documents.');
  if (judged.length === 0) {
    throw new LateralError('file-empty', `None of the ${queries.length} queries has a judgement in ${qrels.path}.`);
  }
  const notes = describeLeftOut(documents, queries, judgements);
  return { documents, queries: judged, judgements, qrelsFile: qrels.path, notes };
}

/** As BEIR's own baselines read a document: the title, if any, and the text. */
export function beirText({ title, text }: BeirDocument): string {
  return title === '' ? text : `${title}\n${text}`;
}

// ─── the format ─────────────────────────────────────────────────────────────────────────────────────

const idSchema = v.union([v.pipe(v.string(), v.nonEmpty('an empty _id')), v.number()], '_id must be a string');
const documentSchema = v.object({
  _id: idSchema,
  title: v.nullish(v.string('title must be a string')),
  text: v.string('text must be a string'),
});
const querySchema = v.object({ _id: idSchema, text: v.string('text must be a string') });

const qrelsPlaces = ['qrels/test.tsv', 'qrels.tsv', 'qrels/dev.tsv', 'qrels/validation.tsv', 'qrels/train.tsv'];

interface Place {
  readonly path: string;
  readonly line: number;
}

function parseJson<T>(schema: v.BaseSchema<unknown, T, v.BaseIssue<unknown>>, line: string, place: Place): T {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw damaged(place, 'is not JSON', cause);
  }
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  throw damaged(place, result.issues[0].message);
}

/** query-id, corpus-id, score; or trec_eval's four columns, of which the second says nothing. */
async function readJudgements(file: OpenedFile): Promise<Map<string, Map<string, number>>> {
  const judgements = new Map<string, Map<string, number>>();
  for await (const [line, at] of numberedLines(file)) {
    const columns = line.includes('\t') ? line.split('\t') : line.split(/\s+/);
    const [query = '', second = '', third = '', fourth] = columns.map((column) => column.trim());
    const document = fourth === undefined ? second : third;
    const grade = fourth ?? third;
    if (at.line === 1 && !/^-?\d+$/.test(grade)) continue; // the header
    if (query === '' || document === '' || !/^-?\d{1,9}$/.test(grade)) {
      throw damaged(at, 'must be: query-id, corpus-id and a whole number, with tabs between');
    }
    const ofQuery = judgements.get(query) ?? new Map<string, number>();
    ofQuery.set(document, Number(grade));
    judgements.set(query, ofQuery);
  }
  return judgements;
}

function describeLeftOut(
  documents: readonly BeirDocument[],
  queries: readonly BeirQuery[],
  judgements: ReadonlyMap<string, ReadonlyMap<string, number>>,
): string[] {
  const documentIds = new Set(documents.map(({ id }) => id));
  const queryIds = new Set(queries.map(({ id }) => id));
  let unknownDocuments = 0;
  for (const ofQuery of judgements.values())
    for (const id of ofQuery.keys()) if (!documentIds.has(id)) unknownDocuments++;
  const unknownQueries = [...judgements.keys()].filter((id) => !queryIds.has(id)).length;
  const unjudged = queries.filter(({ id }) => !judgements.has(id)).length;
  return [
    unjudged > 0 ? `${unjudged} queries have no judgements and are left out.` : '',
    unknownQueries > 0 ? `${unknownQueries} judged queries are not in queries.jsonl.` : '',
    unknownDocuments > 0
      ? `${unknownDocuments} judged documents are not in corpus.jsonl; they count as not found.`
      : '',
  ].filter((note) => note !== '');
}

// ─── files and lines ────────────────────────────────────────────────────────────────────────────────

interface OpenedFile {
  readonly path: string;
  readonly bytes: ReadableStream<Uint8Array>;
}

async function openAny(open: OpenFile, paths: readonly string[]): Promise<OpenedFile> {
  for (const path of paths) {
    const bytes = await open(path);
    if (bytes !== null) return { path, bytes };
    const packed = await open(`${path}.gz`);
    if (packed !== null) return { path: `${path}.gz`, bytes: unpack(packed) };
  }
  throw new LateralError(
    'not-found',
    `No ${paths.join(' or ')} (or .gz of it) in this folder. A BEIR folder has corpus.jsonl, queries.jsonl and qrels/test.tsv.`,
  );
}

function unpack(packed: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  // The DOM's types say BufferSource on one side and Uint8Array on the other; bytes go in, bytes come out.
  return packed.pipeThrough(new DecompressionStream('gzip') as unknown as ReadableWritablePair<Uint8Array, Uint8Array>);
}

async function readRows<T extends { readonly id: string }>(
  file: OpenedFile,
  parse: (line: string, place: Place) => T,
): Promise<T[]> {
  const rows: T[] = [];
  const seen = new Set<string>();
  for await (const [line, place] of numberedLines(file)) {
    const row = parse(line, place);
    if (seen.has(row.id)) throw damaged(place, `has the _id ${row.id}, which an earlier line has`);
    seen.add(row.id);
    rows.push(row);
  }
  return rows;
}

/** Lines that are not empty, numbered from 1. */
async function* numberedLines({ path, bytes }: OpenedFile): AsyncGenerator<[string, Place]> {
  const reader = bytes.getReader();
  const decoder = new TextDecoder();
  let number = 0;
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await read(reader, { path, line: number + 1 });
      const lines = (rest + decoder.decode(value, { stream: !done })).split('\n');
      rest = done ? '' : lines.pop()!;
      for (const line of lines) {
        number++;
        const trimmed = line.trim();
        if (trimmed !== '') yield [trimmed, { path, line: number }];
      }
      if (done) return;
    }
  } finally {
    // Where the caller stopped early the source is told; a broken one has nothing more to say.
    await reader.cancel().catch(() => undefined);
  }
}

async function read(reader: ReadableStreamDefaultReader<Uint8Array>, place: Place) {
  try {
    return await reader.read();
  } catch (cause) {
    throw damaged(place, 'could not be read: the file is cut off or damaged', cause);
  }
}

function damaged({ path, line }: Place, what: string, cause?: unknown): LateralError {
  return new LateralError('file-damaged', `${path}, line ${line}: ${what}.`, {
    ...(cause === undefined ? {} : { cause }),
    details: { path, line },
  });
}
