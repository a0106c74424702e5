/** The engine in a thread of its own. */
import { createBrowserEngine } from '../src/engine/browser.ts';
import { serve } from '../src/rpc/server.ts';

serve(createBrowserEngine(), self);
