/** pdf.js's worker part as a module: it has no types, and nothing of it is called. */
declare module 'pdfjs-dist/legacy/build/pdf.worker.mjs';
