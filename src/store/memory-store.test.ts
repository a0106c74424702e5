import { createMemoryStore } from './memory-store.ts';
import { describeChecksum, describeStore } from './testing/store-suite.ts';

describeStore('memory store', {
  open: (name) => Promise.resolve(createMemoryStore(name, { blockBytes: 80 })),
  shared: false,
  persistent: false,
});
describeChecksum();
