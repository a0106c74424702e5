/**
 * Where files are read: in a browser a worker of its own, with a deadline, so that a slow or broken file stops nothing
 * else; in Node this thread.
 */
import { LateralError } from '../errors.ts';
import { extract, type ExtractionInput } from '../extract/extract.ts';
import type { ExtractedText, PageImage, PlacedRange } from '../types.ts';

/** A document with pages, and how to get at its bytes where they are not held already. */
export interface PagedDocument {
  readonly documentId: string;
  readonly name: string;
  readonly bytes: () => Promise<Uint8Array<ArrayBuffer>>;
}

export interface Extraction {
  /** The bytes are taken over: what is given cannot be used afterwards. @throws what `extract` throws, and 'aborted' */
  extract(input: ExtractionInput, signal: AbortSignal): Promise<ExtractedText>;
  /** @param page 1, 2, 3 … @throws 'not-found' for a page that is not there; 'file-damaged', 'aborted' */
  pageImage(document: PagedDocument, page: number, pixelWidth: number, signal: AbortSignal): Promise<PageImage>;
  /** @param text the text as it was extracted when the document was added: where reading the page again gives another, nothing is placed */
  pagePlaces(
    document: PagedDocument,
    page: number,
    text: ExtractedText,
    ranges: readonly { readonly start: number; readonly end: number }[],
    signal: AbortSignal,
  ): Promise<PlacedRange[]>;
  close(): void;
}

/** In this thread; no pages are drawn. @param pdfFilesUrl the folder of pdf.js's own files, with a slash at its end */
export function createLocalExtraction(pdfFilesUrl?: string): Extraction {
  const noPages = (): Promise<never> =>
    Promise.reject(new LateralError('file-unsupported', 'Pages are drawn in a browser only.'));
  return {
    extract: (input) => extract(input, { pdfFilesUrl }),
    pageImage: noPages,
    pagePlaces: noPages,
    close: () => undefined,
  };
}
