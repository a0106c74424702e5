/**
 * The one place that knows pdf.js: loads it into this thread (the caller is a worker, or Node, so that pdf.js needs no
 * worker of its own), opens files with our limits, and turns its errors into ours.
 */
import type { PDFDocumentProxy } from 'pdfjs-dist';
import { LateralError, toLateralError } from '../../errors.ts';
import { loadPart } from '../load.ts';

export type { PDFDocumentProxy, PDFPageProxy } from 'pdfjs-dist';
export type PdfLibrary = typeof import('pdfjs-dist');

export interface OpenedPdf {
  readonly library: PdfLibrary;
  readonly document: PDFDocumentProxy;
  close(): Promise<void>;
}

/** Larger files are refused, in bytes. */
export const maxPdfBytes = 500_000_000;
/** Pages beyond are refused: their text would not fit a tab's memory. */
export const maxPdfPages = 20_000;
/** Larger pictures inside a page are left out when it is drawn, in pixels. */
const maxImagePixels = 64_000_000;
/** Pictures are made smaller down to this before they are drawn, in bytes. */
const maxImageBytes = 64 * 1024 * 1024;

/**
 * The older-browser build: it runs in Node 20 and in browsers of the last years alike, where the other one asks for
 * functions that appeared in 2025.
 */
let library: Promise<PdfLibrary> | null = null;

function loadLibrary(): Promise<PdfLibrary> {
  library ??= (async () => {
    // It puts itself where the library looks for it (globalThis.pdfjsWorker), which then starts no worker.
    await loadPart(import('pdfjs-dist/legacy/build/pdf.worker.mjs'));
    return loadPart(import('pdfjs-dist/legacy/build/pdf.mjs'));
  })();
  library.catch(() => (library = null));
  return library;
}

/**
 * @param bytes taken over: they cannot be used afterwards
 * @param filesUrl where pdf.js's own folders (cmaps/, standard_fonts/, wasm/, iccs/) are, with a slash at its end: a URL
 *   in browsers, a path in Node; without it pages that need them are read and drawn less well
 * @throws 'file-locked', 'file-damaged', 'file-too-large'
 */
export async function openPdf(name: string, bytes: Uint8Array, filesUrl: string | undefined): Promise<OpenedPdf> {
  if (bytes.length > maxPdfBytes) throw tooLarge(name, `${maxPdfBytes / 1e6} MB`);
  const pdf = await loadLibrary();
  const task = pdf.getDocument({
    data: bytes,
    ...(filesUrl === undefined
      ? {}
      : {
          cMapUrl: `${filesUrl}cmaps/`,
          standardFontDataUrl: `${filesUrl}standard_fonts/`,
          wasmUrl: `${filesUrl}wasm/`,
          iccUrl: `${filesUrl}iccs/`,
        }),
    useWorkerFetch: filesUrl !== undefined && /^https?:/.test(filesUrl),
    isEvalSupported: false,
    // A worker has no document to hang fonts on: glyphs are drawn as paths.
    disableFontFace: true,
    useSystemFonts: false,
    enableXfa: false,
    maxImageSize: maxImagePixels,
    canvasMaxAreaInBytes: maxImageBytes,
    CanvasFactory: OffscreenCanvasFactory,
    FilterFactory: NoFilters,
    verbosity: pdf.VerbosityLevel.ERRORS,
  });
  try {
    const document = await task.promise;
    if (document.numPages > maxPdfPages) throw tooLarge(name, `${maxPdfPages} pages`);
    return { library: pdf, document, close: () => task.destroy() };
  } catch (thrown) {
    await task.destroy().catch(() => undefined);
    throw pdfError(name, thrown);
  }
}

/** Ours unchanged; what pdf.js throws, in words. */
export function pdfError(name: string, thrown: unknown): LateralError {
  if (thrown instanceof LateralError) return thrown;
  const kind = thrown instanceof Error ? thrown.name : '';
  if (kind === 'PasswordException') {
    return new LateralError('file-locked', `${name} is locked. Save a copy without a password and add that.`, {
      cause: thrown,
      details: { name },
    });
  }
  if (kind === 'RenderingCancelledException' || kind === 'AbortException') {
    return new LateralError('aborted', 'Stopped on request.', { cause: thrown });
  }
  if (toLateralError(thrown).code === 'out-of-memory') return toLateralError(thrown);
  return new LateralError('file-damaged', `${name} is damaged and could not be read. Try exporting it again.`, {
    cause: thrown,
    details: { name },
  });
}

export function tooLarge(name: string, limit: string): LateralError {
  return new LateralError('file-too-large', `${name} has more than ${limit}. Split it and add the parts.`, {
    details: { name, limit },
  });
}

/** What pdf.js draws on in between. */
class OffscreenCanvasFactory {
  create(width: number, height: number): CanvasAndContext {
    if (!(width > 0 && height > 0)) throw new Error('A canvas needs a size.');
    const canvas = new OffscreenCanvas(width, height);
    return { canvas, context: canvas.getContext('2d', { willReadFrequently: true }) };
  }
  reset(entry: CanvasAndContext, width: number, height: number): void {
    if (entry.canvas === null) return;
    entry.canvas.width = width;
    entry.canvas.height = height;
  }
  destroy(entry: CanvasAndContext): void {
    this.reset(entry, 0, 0);
    entry.canvas = null;
    entry.context = null;
  }
}

interface CanvasAndContext {
  canvas: OffscreenCanvas | null;
  context: OffscreenCanvasRenderingContext2D | null;
}

/** Colour filters are SVG elements, which a worker has not: such pictures are drawn plain. */
class NoFilters {
  addFilter = (): string => 'none';
  addHCMFilter = (): string => 'none';
  addAlphaFilter = (): string => 'none';
  addLuminosityFilter = (): string => 'none';
  addHighlightHCMFilter = (): string => 'none';
  destroy = (): void => undefined;
}
