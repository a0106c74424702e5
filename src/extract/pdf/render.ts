/** A page as a picture, on white, as large as asked. */
import { LateralError, throwIfAborted } from '../../errors.ts';
import type { PageImage } from '../../types.ts';
import type { OpenedPdf, PDFPageProxy } from './library.ts';

/** A larger picture is made smaller, in pixels. */
export const maxPagePixels = 16_000_000;

/** @throws 'aborted'; what pdf.js throws */
export async function renderPage(
  { document }: OpenedPdf,
  pageNumber: number,
  pixelWidth: number,
  signal: AbortSignal,
): Promise<PageImage> {
  const page = await document.getPage(pageNumber);
  throwIfAborted(signal);
  const { width, height } = page.getViewport({ scale: 1 });
  const wanted = Math.max(1, pixelWidth) / width;
  const scale = Math.min(wanted, Math.sqrt(maxPagePixels / (width * height)));
  const viewport = page.getViewport({ scale });
  const canvas = new OffscreenCanvas(Math.max(1, Math.round(viewport.width)), Math.max(1, Math.round(viewport.height)));
  const context = canvas.getContext('2d', { alpha: false });
  if (context === null) throw new LateralError('out-of-memory', 'There is not enough memory to draw this page.');
  // pdf.js draws on any 2D context; its types know the one of a page's element only.
  const task = page.render({ canvasContext: context, canvas, viewport, background: '#ffffff' } as unknown as Parameters<
    PDFPageProxy['render']
  >[0]);
  // Between two strokes messages get through, a cancel among them.
  task.onContinue = (next: () => void) => setTimeout(next);
  const cancel = (): void => task.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  try {
    await task.promise;
  } finally {
    signal.removeEventListener('abort', cancel);
    page.cleanup();
  }
  return { bitmap: canvas.transferToImageBitmap(), width, height };
}
