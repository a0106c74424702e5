/** The engine in a thread of its own. */
import { createBrowserEngine } from '../src/engine/browser.ts';
import { serveEngine } from '../src/rpc/engine.ts';

serveEngine(createBrowserEngine(), self);
