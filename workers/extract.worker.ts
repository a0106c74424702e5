/**
 * Files other than PDFs are read here, away from the engine: what hangs or breaks here is ended from outside. All parsers
 * come with the script, so that nothing is left to be loaded when the network has gone meanwhile.
 */
import '../src/extract/docx.ts';
import '../src/extract/epub.ts';
import { serveExtraction } from '../src/extract/service.ts';

serveExtraction(self);
