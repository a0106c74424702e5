/**
 * The worker's end of extraction: files in, texts out; and PDFs held open, whose pages are drawn and searched for places.
 * What is asked and answered is plain data. The client decides which PDFs are held; see src/engine/extraction-worker.ts.
 */
import { LateralError, toWireError, type WireError } from '../errors.ts';
import type { ExtractedText, PageImage, PlacedRange } from '../types.ts';
import { extract, type ExtractionInput } from './extract.ts';
import { loadPart } from './load.ts';
import type { OpenedPdf } from './pdf/library.ts';

/** Client → worker. */
export type ExtractionRequest =
  | {
      readonly type: 'extract';
      readonly id: number;
      readonly input: ExtractionInput;
      readonly pdfFilesUrl: string;
    }
  /** Opens a PDF and holds it under a key. */
  | {
      readonly type: 'open';
      readonly id: number;
      readonly key: string;
      readonly name: string;
      readonly bytes: Uint8Array;
      readonly pdfFilesUrl: string;
    }
  | { readonly type: 'close'; readonly id: number; readonly key: string }
  | {
      readonly type: 'image';
      readonly id: number;
      readonly key: string;
      readonly page: number;
      readonly pixelWidth: number;
    }
  | {
      readonly type: 'places';
      readonly id: number;
      readonly key: string;
      readonly page: number;
      /** The page's text as it was extracted; ranges count in it. */
      readonly text: string;
      readonly ranges: readonly { readonly start: number; readonly end: number }[];
    }
  | { readonly type: 'cancel'; readonly id: number };

export interface ExtractionValues {
  readonly extract: ExtractedText;
  readonly open: null;
  readonly close: null;
  readonly image: PageImage;
  readonly places: PlacedRange[];
}

/** Worker → client. */
export type ExtractionResponse =
  | { readonly type: 'result'; readonly id: number; readonly value: ExtractionValues[keyof ExtractionValues] }
  | { readonly type: 'error'; readonly id: number; readonly error: WireError }
  /** A sign of life while a long file is read. */
  | { readonly type: 'alive'; readonly id: number };

type Request<T extends ExtractionRequest['type']> = Extract<ExtractionRequest, { type: T }>;

interface Port {
  postMessage(message: ExtractionResponse, transfer: Transferable[]): void;
  addEventListener(type: 'message', listener: (event: MessageEvent) => void): void;
}

interface HeldPdf {
  readonly name: string;
  readonly opened: OpenedPdf;
}

/** Answers requests from a port until it goes away. Messages that are not ours (pdf.js listens here too) pass by. */
export function serveExtraction(port: Port): void {
  const held = new Map<string, HeldPdf>();
  const running = new Map<number, AbortController>();
  const send = (response: ExtractionResponse, transfer: Transferable[] = []): void =>
    port.postMessage(response, transfer);

  async function answer(request: Exclude<ExtractionRequest, { type: 'cancel' }>): Promise<void> {
    const { id } = request;
    const controller = new AbortController();
    running.set(id, controller);
    try {
      const value = await valueOf(request, controller.signal);
      send({ type: 'result', id, value }, value !== null && 'bitmap' in value ? [value.bitmap] : []);
    } catch (thrown) {
      send({ type: 'error', id, error: toWireError(thrown) });
    } finally {
      running.delete(id);
    }
  }

  async function valueOf(
    request: Exclude<ExtractionRequest, { type: 'cancel' }>,
    signal: AbortSignal,
  ): Promise<ExtractionValues[keyof ExtractionValues]> {
    switch (request.type) {
      case 'extract': {
        const onProgress = (): void => send({ type: 'alive', id: request.id });
        return extract(request.input, { pdfFilesUrl: request.pdfFilesUrl, onProgress });
      }
      case 'open': {
        const { openPdf } = await loadPart(import('./pdf/library.ts'));
        const opened = await openPdf(request.name, request.bytes, request.pdfFilesUrl);
        held.set(request.key, { name: request.name, opened });
        return null;
      }
      case 'close': {
        const pdf = held.get(request.key);
        held.delete(request.key);
        await pdf?.opened.close();
        return null;
      }
      case 'image':
        return drawPage(request, signal);
      case 'places':
        return findPlaces(request);
    }
  }

  async function drawPage({ key, page, pixelWidth }: Request<'image'>, signal: AbortSignal): Promise<PageImage> {
    const { renderPage } = await loadPart(import('./pdf/render.ts'));
    return withPage(key, page, ({ opened }) => renderPage(opened, page, pixelWidth, signal));
  }

  async function findPlaces({ key, page, text, ranges }: Request<'places'>): Promise<PlacedRange[]> {
    const { placeRanges } = await loadPart(import('./pdf/places.ts'));
    return withPage(key, page, ({ opened }) => placeRanges(opened, page, text, ranges));
  }

  async function withPage<T>(key: string, page: number, work: (pdf: HeldPdf) => Promise<T>): Promise<T> {
    const pdf = held.get(key);
    if (pdf === undefined) throw new LateralError('internal', 'This document is not open.');
    const { numPages } = pdf.opened.document;
    if (!Number.isInteger(page) || page < 1 || page > numPages) {
      throw new LateralError('not-found', `${pdf.name} has ${numPages} pages, and no page ${page}.`);
    }
    try {
      return await work(pdf);
    } catch (thrown) {
      const { pdfError } = await loadPart(import('./pdf/library.ts'));
      throw pdfError(pdf.name, thrown);
    }
  }

  port.addEventListener('message', ({ data }: MessageEvent<Partial<ExtractionRequest> | null>) => {
    if (typeof data?.id !== 'number' || data.type === undefined) return;
    const request = data as ExtractionRequest;
    if (request.type === 'cancel') running.get(request.id)?.abort();
    else void answer(request);
  });
}
