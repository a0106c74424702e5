/**
 * Files other than PDFs are read here, away from the engine: what hangs or breaks here is ended from outside. All parsers
 * come with the script: in Firefox (153) an import() in a worker made by a worker now and then never ends.
 */
import '../src/extract/docx.ts';
import '../src/extract/epub.ts';
import { serveExtraction } from '../src/extract/service.ts';

serveExtraction(self);
