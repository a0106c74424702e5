/** One more thread for the WebAssembly scorer. */
import { serveThread } from '../src/maxsim/threads.ts';

serveThread(self);
