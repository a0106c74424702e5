/**
 * Plain text and source code: the text is kept as it is (with LF for CRLF and CR), only its paragraphs are found.
 */
import type { TextBlock } from '../types.ts';
import { cleanCharacters, type ExtractionResult } from './builder.ts';

/** prose: paragraphs between empty lines; rows: every line is a row; lines: every line is a paragraph; code: one block. */
export type PlainLayout = 'prose' | 'rows' | 'lines' | 'code';

export function extractPlain(raw: string, layout: PlainLayout): ExtractionResult {
  const text = cleanCharacters(raw);
  return { text, sections: [], blocks: [...blocksOf(text, layout)] };
}

function* blocksOf(text: string, layout: PlainLayout): Generator<TextBlock> {
  if (layout === 'code') {
    const first = text.search(/\S/);
    if (first === -1) return;
    // From the beginning of its line, so that the indentation stays.
    const start = text.lastIndexOf('\n', first) + 1;
    yield { kind: 'code', level: 0, start, end: text.trimEnd().length };
    return;
  }
  const kind = layout === 'rows' ? 'table-row' : 'paragraph';
  let start = -1;
  let end = -1;
  for (let at = 0; at <= text.length;) {
    const newline = text.indexOf('\n', at);
    const lineEnd = newline === -1 ? text.length : newline;
    const line = text.slice(at, lineEnd);
    const isEmpty = line.trim() === '';
    if (start !== -1 && (isEmpty || layout !== 'prose')) {
      yield { kind, level: 0, start, end };
      start = -1;
    }
    if (!isEmpty) {
      if (start === -1) start = at + (line.length - line.trimStart().length);
      end = at + line.trimEnd().length;
    }
    at = lineEnd + 1;
  }
  if (start !== -1) yield { kind, level: 0, start, end };
}
