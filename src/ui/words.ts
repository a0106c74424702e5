/** Every word of the interface, in one place. Errors choose their sentence by code, never by message. */
import type {
  AddFailure,
  EngineStatus,
  ErrorCode,
  LongDocument,
  MatchBy,
  Progress,
  WithoutRoom,
  WordMatch,
} from '../index.ts';
import { bytes, count, duration, number } from './format.ts';

export const words = {
  product: 'Lateral',
  sections: {
    search: 'Search',
    library: 'Library',
    models: 'Models',
    evaluate: 'Evaluate',
    benchmark: 'Benchmark',
    settings: 'Settings',
  },
  more: 'More',
  skip: 'Skip to results',
  add: 'Add documents',
  addFolder: 'Add folder',
  paste: 'Paste text',
  cancel: 'Cancel',
  close: 'Close',
  undo: 'Undo',
  copy: 'Copy',
  details: 'Details',
  reload: 'Reload',

  placeholder: (documents: number): string =>
    documents === 0 ? 'Add documents to search them' : `Search ${count(documents, 'document')}`,
  placeholderPlain: 'Search your documents',
  gettingReady: 'Getting ready…',
  gettingReadyShare: (percent: number): string => `Getting ready… ${percent} %`,
  clearQuery: 'Clear the search',
  yourWords: 'Your words',
  moreWords: (more: number): string => `and ${number(more)} more`,
  matchBy: 'Match by',
  match: {
    both: { name: 'Both', says: 'By meaning and exact words' },
    meaning: { name: 'Meaning', says: 'Also other ways of saying it' },
    words: { name: 'Words', says: 'Exact words only' },
  } satisfies Record<MatchBy, { readonly name: string; readonly says: string }>,
  searchHelp: 'How to search',
  quotesAndMinus: 'Use "quotes" for exact words, -word to leave one out.',
  view: 'Show results',
  byPassage: 'By passage',
  byDocument: 'By document',
  filter: 'Filter',
  filterAndView: 'Filter and view',
  filterAndViewActive: 'Filter and view, filter active',
  filterLabel: 'Document name contains',
  clearFilters: 'Clear filters',
  onlyIn: (name: string): string => `Only in ${name}`,
  onlyInThis: 'In this document only',
  anywhere: (name: string): string => `Search everywhere, not only in ${name}`,
  filteredOut: 'Nothing matches these filters.',

  hero: 'Find what you mean',
  heroLead: 'Drop your documents here and search them by meaning. Nothing leaves this tab.',
  nothingYet: 'There is nothing to search yet. Add documents, or try the sample library.',
  formats: 'PDF, Word, EPUB, web pages, Markdown, tables (CSV), plain text, source code.',
  justLooking: 'Just looking?',
  trySample: 'Try the sample library',
  sampleOpening: 'Opening the sample library…',
  sampleMissing: 'The sample library could not be loaded. Check the connection, then try again.',
  sampleTitle: 'A sample library to try',
  sampleLead: (documents: number, languages: number): string =>
    `${count(documents, 'short text')} in ${count(languages, 'language')}. Ask one of these, or something of your own.`,
  sampleQuestions: 'Questions to try',
  sampleRemove: 'Remove the sample',
  evicted: 'Your browser cleared the documents stored here. Add them again, or import a saved collection.',
  import: 'Import',
  importing: 'Importing…',
  imported: (documents: number, skipped: number): string =>
    skipped === 0
      ? `Imported ${count(documents, 'document')}.`
      : `Imported ${count(documents, 'document')}; ${skipped} ${skipped === 1 ? 'was' : 'were'} already here.`,
  importCollection: 'Import a collection…',
  exportCollection: 'Export this collection',
  exporting: 'Preparing the file…',
  exported: (name: string): string => `Saved as ${name}.`,
  specimen: 'An example of a search',
  readyTitle: 'Ask in your own words',
  recent: 'Added last',
  readAsItComes: 'What has been read can be searched at once.',
  readyLead: 'A whole question works as well as a few words.',

  largeTitle: (files: string): string => `Add ${files}?`,
  largeLead: (time: string, size: string, free: string): string =>
    `About ${time} and ${size}${free === '' ? '' : `; ${free} is free`}. You can search meanwhile.`,
  largeAdd: (files: string): string => `Add ${files}`,
  noRoomTitle: (files: string): string => `Not enough room for ${files}`,
  noRoomLead: (size: string, free: string): string =>
    `They need about ${size}, and ${free} is free. Delete something first, or add fewer at a time.`,
  addAnyway: 'Add anyway',
  dropTitle: 'Drop to add',
  dropLead: 'Your files stay on this device.',

  pasteLead: 'The text is kept on this device, as one document.',
  pasteText: 'Text',
  pasteName: 'Name',
  pasteNameHint: 'Optional. Otherwise its first words.',
  pasteAdd: 'Add text',

  why: 'Why this matched',
  whyShort: 'Why?',
  copied: 'Copied with its source.',
  copySource: 'Copy with source',
  moreLikeThis: 'More like this',
  openDocument: 'Open',
  deleteDocument: 'Delete document',
  deleteOne: 'Delete',
  actions: 'More actions',
  moreIn: (more: number): string => `${more} more in this document`,
  showMore: 'Show more',
  showWeaker: (weaker: number): string => `Show ${count(weaker, 'weaker passage')}`,

  nothing: 'Nothing relevant here',
  stillOpening: (share: number): string =>
    `Your collection is still being opened: ${Math.floor(share * 100)} % of it is searched so far.`,
  noneClose: (passages: number): string =>
    passages === 1 ? 'The only passage does not come close.' : `None of ${count(passages, 'passage')} comes close.`,
  nearest: 'Show the nearest anyway',
  onlyWeak: (shown: number): string =>
    `Nothing comes close. ${shown === 1 ? 'This is a weak match.' : 'These are weak matches.'}`,
  noPassageContains: (what: string, without: string): string =>
    without === '' ? `No passage contains ${what}.` : `No passage contains ${what} without ${without}.`,
  searchByMeaning: 'Search by meaning',
  dropped: 'Your question is longer than the model reads. Its last words were not searched.',

  toList: 'Results',
  document: 'Document',
  map: 'Document map',
  previous: 'Previous match',
  next: 'Next match',
  matchOf: (index: number, total: number): string => `${index} of ${total}`,
  matches: (total: number): string => (total === 1 ? '1 match' : `${number(total)} matches`),
  page: (label: string): string => `Page ${label}`,
  pageOf: (label: string, total: number): string => `Page ${label} of ${number(total)}`,
  pagesOfDocument: 'Pages of the document',
  textOfDocument: 'Text of the document',
  showText: 'Text',
  showPages: 'Page',
  showTextHint: 'Show the text alone',
  showPagesHint: 'Show the pages',
  notPlaced: 'The passage is on this page, but the exact words could not be placed.',
  sourceGone: 'The original file was not kept, so this is its text.',
  pageFailed: 'This page could not be drawn, so this is its text.',
  opening: 'Opening…',
  cannotOpen: 'This document could not be opened. Close it and try again.',

  deleted: (documents: number): string => `Deleted ${count(documents, 'document')}.`,

  libraryActions: 'More actions for the library',
  deleteAll: 'Delete all documents…',
  deleteAllTitle: (documents: string): string => `Delete all ${documents}?`,
  deleteAllLead: 'They are removed from this browser, and this cannot be undone. Your own files stay where they are.',
  deleteAllDo: 'Delete all',
  deletedAll: 'Deleted all documents.',
  deleteFailed: 'The documents could not be deleted. Try again.',
  searchInThese: 'Search in these',
  sortBy: (column: string): string => `Sort by ${column.toLowerCase()}`,
  libraryEmpty: 'No documents yet. Add some, and they are listed here.',
  columns: { name: 'Name', type: 'Type', passages: 'Passages', added: 'Added', actions: 'Actions' },
  selectDocument: (name: string): string => `Select ${name}`,
  clearSelection: 'Clear selection',
  deleteNamed: (name: string): string => `Delete ${name}`,
  selectAll: 'Select all',
  selected: (documents: number): string => `${documents} selected`,

  rereadingWhy:
    'Another model read these documents before, so Lateral reads them once more. Until then they are found by their words.',
  readingAgain: 'Reading documents again',
  readAgain: 'Your documents have been read again.',
  stillToReadAgain: (documents: number): string =>
    `${count(documents, 'document')} ${documents === 1 ? 'is' : 'are'} found by words only, until read again.`,
  startOver: 'Remove these documents and start over',
  startOverAsk: 'Remove all documents stored here? Your own files stay where they are.',
  failedTitle: 'Part of Lateral did not load. Your documents are safe.',
  needsAttention: (files: number): string => (files === 1 ? '1 file needs attention' : `${files} files need attention`),
  seeWhy: 'See why',
  hide: 'Hide',
  dismiss: 'Dismiss',
  addRest: 'Add the rest',
  stillToRead: (files: number): string => `${count(files, 'file')} ${files === 1 ? 'is' : 'are'} still to be read.`,
  continue: 'Continue',
  discard: 'Discard',
  discarded: (files: number): string => `Discarded ${count(files, 'file')}. The ones already read stay.`,
  tryAgain: 'Try again',
  manageStorage: 'Manage storage',

  keysTitle: 'Keys',
  deviceTitle: 'Where Lateral works',
  readingOn: 'Reading',
  atHalfPrecision: ', at half precision',
  comparingOn: 'Comparing',
  private: 'This is a private window: documents disappear when you close it.',
  evaluateLead:
    'Measuring search on your own questions with known answers runs today from the command line, in a copy of Lateral’s source. The folder has corpus.jsonl, queries.jsonl and qrels.tsv, as BEIR has them.',
  benchmarkLead:
    'How long a search takes on this device, and how fast each way of comparing is. It takes a few seconds.',
  benchmarkRun: 'Measure',
  benchmarkRunning: 'Measuring',
  benchmarkSearch: (nth: number, of: number): string => `Search ${nth} of ${of}`,
  benchmarkTurn: (nth: number, of: number): string =>
    of === 1 ? 'Getting ready to compare…' : `Comparing, turn ${nth} of ${of}`,
  benchmarkDone: 'Measured.',
  benchmarkEmpty: 'Whole searches are measured too once there are documents here.',
  benchmarkSearches: 'Whole searches',
  benchmarkSearched: (searches: number, passages: number, reading: string, comparing: string): string =>
    `${searches} searches over ${count(passages, 'passage')}, reading ${reading === comparing ? '' : `on the ${reading} `}and comparing on the ${comparing}.`,
  benchmarkWays: 'Ways of comparing',
  benchmarkUnit: 'Million token vectors a second',
  benchmarkNoGpu: 'No graphics card can be used in this browser.',
  benchmarkSoftware: (name: string): string =>
    `The only graphics adapter here (${name}) is a software one: it works on the processor, and got fewer vectors.`,
  benchmarkGpu: (name: string): string =>
    `Graphics card: ${name}. With more vectors than these it gets quicker still, since each search has the same way there and back.`,
  benchmarkSame: 'All int8 ways gave the same scores, bit for bit.',
  benchmarkDiffer: 'Not all int8 ways gave the same scores. Please send the report along.',
  benchmarkMissing: (way: string): string => `${way} could not be measured. The report says why.`,
  copyReport: 'Copy report',
  copyJson: 'Copy JSON',
  copiedPlain: 'Copied',
  copyFailed: 'This browser did not allow copying.',
  appearance: 'Appearance',
  storage: 'Storage',
  storedDocuments: 'Documents',
  storedApp: 'Lateral itself, with its models',
  storedAppBrief: 'Lateral itself',
  storageFree: 'Free',
  nearlyFull: 'Nearly full',
  mayClear: 'Your browser may clear this.',
  notKept: 'This browser did not agree. It usually does once you have used Lateral for a while.',
  keepIt: 'Keep it',
  letterKeys: 'Single-letter keys',
  allKeys: 'All keys',
  applyReload: 'Reload to apply',
  vectors: 'Space for search',
  vectorsLead: 'How many numbers are kept for each word. Fewer take less room and find a little less well.',
  vectorsMore: 'More numbers mean that your documents are read again, in the background.',
  pooling: 'Similar words',
  poolingLead:
    'Those of a passage can share one place, to take a half, a third or a quarter of the room. A small detail may be missed.',
  poolingChange: 'For this your documents are read again, in the background.',
  longDocuments: 'Long documents',
  longLead:
    'A passage can be read with what stands around it, for models made for long texts. Lateral mini then finds a little less.',
  longNames: {
    passage: 'Passage alone',
    window: 'With context',
    whole: 'As a whole',
  } satisfies Record<LongDocument, string>,
  poolingNames: {
    '1': 'Kept apart',
    '2': 'Shared: a half',
    '3': 'Shared: a third',
    '4': 'Shared: a quarter',
  },
  memory: 'Memory for search',
  memoryLead:
    'Half the memory holds twice as much text. Each search then reads its best passages again and takes a moment longer; it nearly always finds the same.',
  memoryNames: { stored: 'Full', int4: 'Half' },
  privateTitle: 'Nothing leaves this page',
  privateLead: 'Your documents, your questions and the model all stay in this browser.',
  policyTitle: 'What this page may load',
  policyNone: 'This page was served without a content security policy.',
  originalsFailed: 'The original files could not be removed. Try again.',
  originals: 'Keep original files',
  originalsLead: 'To show pages as they look, and to go on after an interruption. Applies to files added from now on.',
  originalsRemove: (size: string): string => `Remove the ${size} kept`,
  originalsRemoved: (size: string): string => `Removed ${size} of original files. Search works as before.`,
  offline: 'Offline',
  report: 'Self-test report',
  reportLead: 'Browser, device, self-tests and versions, to send along when something goes wrong. Nothing personal.',
} as const;

/** Where the reading is, as far as words need it. */
export interface Reading {
  readonly step: Progress['phase'];
  readonly done: number;
  readonly total: number;
  readonly etaSeconds?: number;
}

/** What is shown while documents of another model are read again. */
export function rereadingLine({ phase, done, total, etaSeconds }: Progress): string {
  if (phase === 'waiting') return 'Another tab is reading your documents again.';
  const line = `Reading ${number(Math.min(done + 1, total))} of ${count(total, 'document')} again`;
  return etaSeconds === undefined ? line : `${line} · about ${duration(etaSeconds)} left`;
}

/** What is shown while files are read. */
export function progressLine({ step, done, total, etaSeconds }: Reading): string {
  if (step === 'keeping') return `Storing ${count(total, 'file')} safely`;
  if (step === 'waiting') return 'Another tab is reading. These files come after it.';
  if (step === 'loading-model') return words.gettingReady;
  const line = `Reading ${number(Math.min(done + 1, total))} of ${count(total, 'file')}`;
  return etaSeconds === undefined ? line : `${line} · about ${duration(etaSeconds)} left`;
}

/** The same for assistive technology. */
export function progressValue({ done, total, etaSeconds }: Reading): string {
  const value = `${number(done)} of ${count(total, 'file')}`;
  return etaSeconds === undefined ? value : `${value}, about ${spoken(duration(etaSeconds))} left`;
}

/** What is said once the reading ended. */
export function outcome(ready: number, failed: number, stopped: boolean): string {
  if (stopped) return `Stopped. ${count(ready, 'file')} ${ready === 1 ? 'is' : 'are'} ready.`;
  if (failed === 0) return `${count(ready, 'file')} ready`;
  return `${number(ready)} ready, ${number(failed)} ${failed === 1 ? 'needs' : 'need'} attention`;
}

/** The sentence for a file that could not be added: its name, what is wrong, what to do. */
export function failureSentence(failure: AddFailure): { readonly name: string; readonly rest: string } {
  // The engine's sentence says which kind it is, and what to do with it.
  const said = failure.message.startsWith(`${failure.name} `) ? failure.message.slice(failure.name.length + 1) : '';
  const rest = failure.code === 'file-unsupported' && said !== '' ? said : failureRest(failure.code);
  return { name: failure.name, rest };
}

function failureRest(code: ErrorCode): string {
  switch (code) {
    case 'file-empty':
      return 'is empty. Check that it was saved, then add it again.';
    case 'file-unsupported':
    case 'file-binary':
      return 'is not a kind of file Lateral can read. Save it as text or a web page and add that.';
    case 'file-damaged':
      return 'is damaged and could not be read. Try exporting it again.';
    case 'file-locked':
      return 'is locked. Save a copy without a password and add that.';
    case 'file-scanned':
      return 'contains only pictures, so there is no text to search yet.';
    case 'file-too-large':
      return 'is too large to read in one piece. Split it and add the parts.';
    case 'file-duplicate':
      return 'is already here.';
    case 'storage-full':
      return 'did not fit: this browser is out of space. Nothing was lost. Delete something, then try again.';
    case 'out-of-memory':
      return 'needs more memory than this tab may use. Split it and add the parts.';
    default:
      return 'could not be read this time. Try adding it again.';
  }
}

/** Why the work stopped early. */
export function stopReason(code: ErrorCode): string {
  switch (code) {
    case 'storage-full':
      return 'This browser is out of space. Nothing was lost. Delete something, then try again.';
    case 'out-of-memory':
      return 'This tab ran out of memory. What was read is kept. Close other tabs, then try again.';
    case 'storage-closed':
    case 'storage-blocked':
      return 'Another tab is updating Lateral. What was read is kept. Close that tab, then try again.';
    case 'gpu-lost':
      return 'Your graphics card stopped answering. What was read is kept. Try again.';
    default:
      return 'The reading stopped. What was read is kept. Try again.';
  }
}

/** Why a search could not be answered. */
export function searchFailure(code: ErrorCode): string {
  switch (code) {
    case 'gpu-lost':
      return 'Your graphics card stopped answering. Try again: the processor takes over.';
    case 'out-of-memory':
      return 'This tab ran out of memory. Close other tabs, then try again.';
    case 'storage-unavailable':
      return 'Your documents could not be read just now. Nothing needs to be deleted: reload, then search again.';
    default:
      return 'This search did not go through. Your documents are safe.';
  }
}

/** Why nothing was measured. */
export function benchmarkFailure(code: ErrorCode): string {
  if (code === 'aborted') return 'Stopped before it was done.';
  if (code === 'gpu-lost' || code === 'out-of-memory') return searchFailure(code);
  return 'This device could not be measured just now. Your documents are safe. Try again.';
}

export function startFailure(code: ErrorCode | undefined): string {
  switch (code) {
    case 'storage-newer':
      return 'These documents were kept by a newer Lateral. Reload to get it.';
    case 'storage-blocked':
      return 'Another tab holds an older Lateral open. Close it, then reload.';
    case 'storage-corrupt':
      return 'This browser cannot open the documents stored here.';
    case 'storage-full':
      return 'This browser is out of space. Free some, then reload. Nothing was lost.';
    case 'model-mismatch':
      return 'These documents were cut into passages by another version of Lateral, so this one cannot search them.';
    case 'model-unavailable':
      return 'The model did not load. Your documents are safe. Check the connection, then reload.';
    case 'self-test-failed':
      return 'The model gives wrong results on this device, so it is not used. Your documents are safe.';
    default:
      return words.failedTitle;
  }
}

/** The same where it is a downloaded model that cannot be opened; null where it has no part in it. @param model its id */
export function modelStartFailure(code: ErrorCode | undefined, model: string): string | null {
  const title = model.replace(/^folder:/, '');
  switch (code) {
    case 'model-unavailable':
      return `${title} is not here any more: your browser may have cleared it. Your documents are safe.`;
    case 'model-invalid':
    case 'invalid-argument':
      return `${title} could not be opened. Your documents are safe.`;
    case 'self-test-failed':
      return `${title} gives wrong results on this device, so it is not used. Your documents are safe.`;
    case 'out-of-memory':
      return `${title} needs more memory than this tab may use. Your documents are safe.`;
    default:
      return null;
  }
}

/** What to know while the work goes on. */
export function standingProblem(code: ErrorCode, withoutRoom: WithoutRoom | null): string {
  if (code === 'out-of-memory' && withoutRoom !== null) return noRoom(withoutRoom);
  switch (code) {
    case 'storage-corrupt':
      return 'Some stored documents are damaged and left out of the search. Delete them in the Library and add them again.';
    case 'storage-unavailable':
      return 'Some stored documents could not be read just now and are left out of the search. Nothing needs to be deleted: reload to try again.';
    case 'storage-newer':
    case 'storage-blocked':
    case 'storage-closed':
      return 'Another tab has updated Lateral. Reload to go on.';
    case 'model-mismatch':
      return 'Another tab has changed the model. Reload to go on.';
    case 'storage-full':
      return 'This browser is out of space. Nothing was lost. Delete something, then try again.';
    default:
      return 'Something went wrong in the background. Your documents are safe. Reload if the search seems stuck.';
  }
}

function noRoom({ tokens, totalTokens, neededBytes, heldBytes, wouldFit }: WithoutRoom): string {
  const share = tokens === totalTokens ? 'all' : `about ${Math.ceil((100 * tokens) / totalTokens)} %`;
  const left = `Memory is short: ${share} of your text is found by its words alone, not by meaning. The search needs ${bytes(neededBytes)}, and there is room for ${bytes(heldBytes)}.`;
  const [setting] = wouldFit;
  if (setting === undefined) return `${left} Delete some documents.`;
  const { dim, poolFactor, residentPrecision } = setting;
  const needed = [
    `${dim} numbers a word`,
    ...(poolFactor === 1 ? [] : [`“${words.pooling}” set to “${words.poolingNames[poolFactor]}”`]),
    ...(residentPrecision === 'int4' ? [`“${words.memory}” set to “${words.memoryNames.int4}”`] : []),
  ];
  return `${left} With ${inOneList(needed)} all would fit: see ${words.sections.settings}, ${words.storage}.`;
}

const inOneList = (items: readonly string[]): string =>
  items.length === 1 ? items[0]! : `${items.slice(0, -1).join(', ')} and ${items.at(-1)!}`;

const verdicts: Record<WordMatch['verdict'], string> = {
  'same-word': 'same word',
  strong: 'strong',
  close: 'close',
  'nothing-close': 'nothing close',
};
export const verdictWord = (verdict: WordMatch['verdict']): string => verdicts[verdict];

export function deviceName(status: EngineStatus | null): string {
  if (!status?.encoder) return '';
  return status.encoder.kind === 'webgpu' ? 'Graphics card' : 'Processor';
}

export const scorerName = (kind: 'js' | 'wasm' | 'webgpu'): string =>
  kind === 'webgpu' ? 'Graphics card' : 'Processor';

/** One plain sentence on the device in use; the engine's own reason stands under "Details". */
export function deviceSentence(status: EngineStatus): string {
  if (status.encoder === null) return 'Still choosing where to work.';
  if (status.encoder.kind === 'webgpu') return 'Your graphics card reads documents, which is the quick way.';
  if (status.encoder.forced) return 'The processor was chosen by you. Results are the same; reading is slower.';
  if (status.selfTests.some((test) => test.device === 'webgpu' && !test.passed)) {
    return 'Your graphics card failed a start-up check, so Lateral uses the processor. Results are right; reading is slower.';
  }
  if (status.selfTests.some((test) => test.device === 'webgpu')) {
    return 'The processor reads: it was quicker than your graphics card when both were tried.';
  }
  return 'The processor reads, since no graphics card can be used here. Results are right; reading is slower.';
}

/** Why a collection could not be read in. */
export function importFailure(code: ErrorCode): string {
  switch (code) {
    case 'model-mismatch':
      return 'This collection was made by another version of Lateral, so it cannot be searched here. Add its files instead.';
    case 'file-damaged':
    case 'file-unsupported':
      return 'This is not a collection that Lateral has saved, or it is damaged. Try saving it again.';
    case 'storage-newer':
      return 'This collection was saved by a newer Lateral. Reload to get it, then try again.';
    case 'storage-full':
      return 'This browser is out of space. Nothing was lost. Delete something, then try again.';
    default:
      return 'The collection could not be read this time. Try again.';
  }
}

/** Why a collection could not be saved. */
export const exportFailure = (code: ErrorCode): string =>
  code === 'out-of-memory'
    ? 'This tab ran out of memory. Close other tabs, then try again.'
    : 'The collection could not be saved this time. Try again.';

const spoken = (text: string): string => text.replace(' min', ' minutes').replace(' s', ' seconds');

const kinds: readonly (readonly [RegExp, string])[] = [
  [/pdf/, 'PDF'],
  [/html/, 'Web page'],
  [/markdown/, 'Markdown'],
  [/csv|tab-separated/, 'Table'],
  [/jsonl|ndjson|json/, 'JSON'],
  [/epub/, 'EPUB'],
  [/wordprocessing|msword/, 'Word'],
  [/^text\/plain/, 'Text'],
  [/javascript|typescript|python|x-|css|xml/, 'Source code'],
];
/** What a person calls this kind of file. */
export const kindName = (mediaType: string): string =>
  kinds.find(([pattern]) => pattern.test(mediaType))?.[1] ?? 'Text';
