/**
 * A file's bytes → its text, with the blocks and sections that a person would see. The same in a worker and in Node: no
 * DOM, nothing run, nothing fetched but our own tables for PDFs. One file per format stands beside this one.
 */
import { LateralError } from '../errors.ts';
import type { ExtractedText } from '../types.ts';
import { complete, type ExtractionResult } from './builder.ts';
import { decodeText, notReadable } from './decode.ts';
import { extractHtml } from './html.ts';
import { foreignKind, kindByName, kindOfText, looksLikeHtml, type ForeignKind, type TextKind } from './kinds.ts';
import { loadPart } from './load.ts';
import { extractMarkdown } from './markdown.ts';
import { extractPlain } from './plain.ts';

export interface ExtractionInput {
  /** The file's name: its ending tells the format, messages call the file by it. */
  readonly name: string;
  /** MIME type where known. `text/plain` and `application/octet-stream` are taken as unknown. */
  readonly mediaType?: string | undefined;
  readonly bytes: Uint8Array;
}

export interface ExtractionContext {
  /** Where pdf.js's own folders are, with a slash at its end: a URL in browsers, a path in Node. */
  readonly pdfFilesUrl?: string | undefined;
  /** Called now and then while a long file is read: a sign of life. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** Larger text files are refused: the text, its chunks and their tokens must fit a tab's memory together. */
export const maxTextBytes = 64 * 1024 * 1024;

/**
 * The text keeps its characters (no Unicode normalisation, so that offsets point into what was written), but lines end
 * with LF for CRLF and CR, NUL becomes a space, and half a surrogate pair becomes U+FFFD, one for one.
 * @throws 'file-empty' where there is nothing to search; 'file-binary' for what is not text; 'file-unsupported' for a kind
 * that is not readable yet (`details.kind` names the format); 'file-too-large'; 'file-damaged' where a parser failed;
 * 'file-locked' for a PDF with a password; 'file-scanned' for one that has only pictures
 */
export async function extract(input: ExtractionInput, context: ExtractionContext = {}): Promise<ExtractedText> {
  const { name, bytes } = input;
  if (bytes.length === 0) throw isEmpty(name);
  const result = await readFile(input, foreignKind(name, bytes), context);
  // A page of scripts and pictures has bytes, but nothing to search.
  if (result.blocks.length === 0) throw isEmpty(name);
  return result;
}

/** Parsers for formats that are not text are large: each is loaded when the first of its files comes. */
async function readFile(
  input: ExtractionInput,
  kind: ForeignKind | undefined,
  context: ExtractionContext,
): Promise<ExtractedText> {
  const { name, bytes } = input;
  switch (kind) {
    case undefined:
      return readText(input);
    case 'PDF': {
      const { extractPdf } = await loadPart(import('./pdf/pdf.ts'));
      return extractPdf({ name, bytes, filesUrl: context.pdfFilesUrl, onPage: context.onProgress });
    }
    case 'Word': {
      const { extractDocx } = await loadPart(import('./docx.ts'));
      return complete(await extractDocx(name, bytes), docxType, []);
    }
    case 'EPUB': {
      const { extractEpub } = await loadPart(import('./epub.ts'));
      return complete(extractEpub(name, bytes), 'application/epub+zip', []);
    }
    default:
      throw cannotReadYet(name, kind);
  }
}

const docxType = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document';

function readText({ name, mediaType, bytes }: ExtractionInput): ExtractedText {
  if (bytes.length > maxTextBytes) throw isTooLarge(name, bytes.length);
  const decoded = decodeText(name, bytes, mayDeclareItsEncoding(name, mediaType, bytes));
  if (decoded.text.trim() === '') throw isEmpty(name);
  const known = kindOfText(name, mediaType, decoded.text);
  return complete(parse(name, known.kind, decoded.text), known.mediaType, decoded.notes);
}

function parse(name: string, kind: TextKind, text: string): ExtractionResult {
  try {
    if (kind === 'html') return extractHtml(text);
    if (kind === 'markdown') return extractMarkdown(text);
    return extractPlain(text, kind);
  } catch (cause) {
    throw new LateralError('file-damaged', `${name} is damaged and could not be read. Try exporting it again.`, {
      cause,
      details: { name },
    });
  }
}

function mayDeclareItsEncoding(name: string, mediaType: string | undefined, bytes: Uint8Array): boolean {
  const known = kindByName(name, mediaType);
  if (known !== undefined) return known.kind === 'html' || known.mediaType === 'text/x-source';
  return looksLikeHtml(new TextDecoder('latin1').decode(bytes.subarray(0, 4096)));
}

function isEmpty(name: string): LateralError {
  return new LateralError('file-empty', `${name} is empty.`, { details: { name } });
}

function isTooLarge(name: string, byteLength: number): LateralError {
  const limit = `${maxTextBytes / 1024 / 1024} MB`;
  return new LateralError('file-too-large', `${name} is larger than ${limit}. Split it and add the parts.`, {
    details: { name, byteLength, limitBytes: maxTextBytes },
  });
}

function cannotReadYet(name: string, kind: ForeignKind): LateralError {
  if (kind === 'other') return notReadable(name);
  return new LateralError(
    'file-unsupported',
    `${name} was not added: Lateral cannot read ${kind} files yet. Save it as text or a web page and add that.`,
    { details: { name, kind } },
  );
}
