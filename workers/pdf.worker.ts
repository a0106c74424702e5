/** As extract.worker.ts, for PDFs: read in one such worker, drawn in another. */
import '../src/extract/pdf/all.ts';
import { serveExtraction } from '../src/extract/service.ts';

serveExtraction(self);
