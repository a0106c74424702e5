import { describe, expect, it } from 'vitest';
import { beirText, readBeir, type OpenFile } from './beir.ts';

/** A folder in memory, each file in pieces of a few bytes. */
function folder(files: Record<string, string | Uint8Array>, pieceBytes = 7): OpenFile {
  return (path) => {
    const content = Object.hasOwn(files, path) ? files[path]! : null;
    if (content === null) return Promise.resolve(null);
    const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
    return Promise.resolve(
      new ReadableStream<Uint8Array>({
        start(controller) {
          for (let at = 0; at < bytes.length; at += pieceBytes) controller.enqueue(bytes.slice(at, at + pieceBytes));
          controller.close();
        },
      }),
    );
  };
}

async function gzip(text: string): Promise<Uint8Array> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream('gzip'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

const corpus =
  '{"_id":"d1","title":"Größe","text":"eins"}\n\n{"_id":"d2","title":"","text":"zwei"}\r\n{"_id":3,"text":"drei"}';
const queries = '{"_id":"q1","text":"Frage"}\n{"_id":"q2","text":"ohne"}\n';
const qrels = 'query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t0\n';
const good = { 'corpus.jsonl': corpus, 'queries.jsonl': queries, 'qrels/test.tsv': qrels };

describe('readBeir', () => {
  it('reads documents, judged queries and grades', async () => {
    const set = await readBeir(folder(good));
    expect(set.documents).toEqual([
      { id: 'd1', title: 'Größe', text: 'eins' },
      { id: 'd2', title: '', text: 'zwei' },
      { id: '3', title: '', text: 'drei' },
    ]);
    expect(set.documents.map(beirText)).toEqual(['Größe\neins', 'zwei', 'drei']);
    expect(set.queries).toEqual([{ id: 'q1', text: 'Frage' }]);
    expect(Object.fromEntries(set.judgements.get('q1')!)).toEqual({ d1: 2, d2: 0 });
    expect(set.qrelsFile).toBe('qrels/test.tsv');
    expect(set.notes).toEqual(['1 queries have no judgements and are left out.']);
  });

  it('unpacks .gz of each', async () => {
    const set = await readBeir(
      folder({
        'corpus.jsonl.gz': await gzip(corpus),
        'queries.jsonl.gz': await gzip(queries),
        'qrels.tsv.gz': await gzip(qrels),
      }),
    );
    expect([set.documents.length, set.queries.length, set.qrelsFile]).toEqual([3, 1, 'qrels.tsv.gz']);
  });

  it('takes the split asked for, and no other', async () => {
    const files = { ...good, 'qrels/dev.tsv': 'q2 d2 1\n' };
    expect((await readBeir(folder(files), { split: 'dev' })).queries[0]!.id).toBe('q2');
    await expect(readBeir(folder(files), { split: 'train' })).rejects.toMatchObject({ code: 'not-found' });
  });

  it('reads trec_eval’s four columns, and no header', async () => {
    const set = await readBeir(folder({ ...good, 'qrels/test.tsv': 'q1 0 d2 1\nq9 0 d1 1\nq1 0 gone 1\n' }));
    expect(Object.fromEntries(set.judgements.get('q1')!)).toEqual({ d2: 1, gone: 1 });
    expect(set.notes.join(' ')).toMatch(/1 judged queries.*1 judged documents/);
  });

  it.each([
    ['not JSON', { 'corpus.jsonl': `${corpus}\n{"_id":` }, 'corpus.jsonl, line 5: is not JSON.'],
    ['no text', { 'corpus.jsonl': '{"_id":"a"}' }, /^corpus\.jsonl, line 1: .*text/],
    [
      'a text that is none',
      { 'queries.jsonl': '{"_id":"a","text":1}' },
      'queries.jsonl, line 1: text must be a string.',
    ],
    ['no object', { 'queries.jsonl': '[]' }, /^queries\.jsonl, line 1: /],
    ['an id twice', { 'queries.jsonl': `${queries}${queries}` }, /^queries\.jsonl, line 3: has the _id q1/],
    ['no number', { 'qrels/test.tsv': `${qrels}q1\td2\tmuch\n` }, /^qrels\/test\.tsv, line 4: /],
  ])('names file and line: %s', async (_, files, message) => {
    const error: unknown = await readBeir(folder({ ...good, ...files })).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'file-damaged', message: expect.stringMatching(message) as unknown });
  });

  it('a .gz that is cut off is damaged', async () => {
    const packed = (await gzip(corpus.repeat(50))).slice(0, 60);
    const files = { 'queries.jsonl': queries, 'qrels.tsv': qrels, 'corpus.jsonl.gz': packed };
    await expect(readBeir(folder(files))).rejects.toMatchObject({
      code: 'file-damaged',
      message: expect.stringContaining('corpus.jsonl.gz') as unknown,
    });
  });

  it('says what a folder lacks', async () => {
    await expect(readBeir(folder({}))).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining('No corpus.jsonl (or .gz of it) in this folder.') as unknown,
    });
    await expect(readBeir(folder({ ...good, 'corpus.jsonl': '' }))).rejects.toMatchObject({ code: 'file-empty' });
    await expect(readBeir(folder({ ...good, 'qrels/test.tsv': 'q7\td1\t1' }))).rejects.toMatchObject({
      code: 'file-empty',
    });
  });
});
