/** Downloads models, makes them smaller and checks them, away from the engine: it goes on searching meanwhile. */
import { createBrowserModels } from '../src/engine/browser-models.ts';
import { serveModels } from '../src/rpc/models.ts';

serveModels(createBrowserModels(), self);
