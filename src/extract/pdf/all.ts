/** Everything for PDFs in one script, so that nothing is left to be loaded when a file comes. */
import 'pdfjs-dist/legacy/build/pdf.worker.mjs';
import 'pdfjs-dist/legacy/build/pdf.mjs';
import './pdf.ts';
import './places.ts';
import './render.ts';
