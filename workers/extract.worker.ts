/** Files are read here, away from the engine: what hangs or breaks here is ended from outside. */
import { serveExtraction } from '../src/extract/service.ts';

serveExtraction(self);
