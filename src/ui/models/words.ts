/** What is said of models. Errors choose their sentence by code; only 'model-invalid' adds the engine's own, which says what would work. */
import type {
  EngineStatus,
  ErrorCode,
  ErrorDetails,
  IndexStats,
  InterruptedImport,
  ModelCheck,
  ModelInfo,
  ModelLicence,
  Progress,
} from '../../index.ts';
import { bytes, count, day, duration, languageName, number, spokenTime } from '../format.ts';
import { words } from '../words.ts';

export const modelWords = {
  lead: 'A model decides how meaning is compared. Lateral comes with one.',
  inUse: 'In use',
  ready: 'Ready',
  absent: '',
  partial: 'Partly downloaded',
  unfinished: 'Not finished',
  interrupted: 'Interrupted',
  failed: 'Not usable here',
  checkFailed: 'Did not pass its check on this device. Details say more.',
  opening: 'Getting ready…',
  details: 'Details',
  detailsOf: (title: string): string => `Details of ${title}`,

  download: 'Download…',
  downloadSize: (size: number | null): string => (size === null ? 'Download' : `Download ${bytes(size)}`),
  continue: 'Continue',
  tryAgain: 'Try again',
  checkAgain: 'Check again',
  use: 'Use',
  delete: 'Delete',
  discard: 'Discard',
  discarded: (title: string, freed: number): string => `Discarded the new ${title}. ${bytes(freed)} is free again.`,
  cancel: 'Cancel',
  close: 'Close',
  reload: 'Reload',
  dismiss: 'Dismiss',
  manageStorage: 'Manage storage',
  /** A button's accessible name, so that ten of them can be told apart. */
  named: (action: string, title: string): string => `${action.replace('…', '')}: ${title}`,

  freeTitle: (title: string): string => `Download ${title}?`,
  nonCommercialTitle: 'Non-commercial use only',
  conditionsTitle: 'Its licence has conditions',
  unknownTitle: 'Its licence is not known',
  agreeNonCommercial: 'I will use it non-commercially',
  agreeConditions: 'I agree to its conditions',
  agreeUnknown: 'I have made sure that I may use it',
  readLicence: 'Read the licence',
  readRepository: 'See its page',
  numbersPerWord: 'Numbers per word',
  numbersLead: 'Fewer take less room and find a little less well.',
  asks: (host: string): string => `Lateral asks ${host} for the files. Nothing of yours is sent.`,
  opensFolder: 'Open a folder',
  gated:
    'The hub sends these files only to accounts that have agreed to its terms. Agree there, download the files, then open their folder here.',

  stopping: 'Stopping…',
  finished: (title: string): string => `${title} is ready.`,
  stopped: (title: string, kept: number): string =>
    kept === 0 ? `Stopped. Nothing of ${title} was kept.` : `Stopped. ${bytes(kept)} of ${title} is kept.`,
  unchanged: (title: string): string => `Stopped. ${title} is as it was.`,
  preparing: (title: string): string => `Getting ${title}`,
  cancelOf: (title: string): string => `Cancel: ${title}`,

  deleteTitle: (title: string): string => `Delete ${title}?`,
  deleteLead: (size: number): string =>
    `It gives back ${bytes(size)}. To use it again, it has to be downloaded again. Your documents stay.`,
  deleteFolderLead: (size: number): string =>
    `It gives back ${bytes(size)}. Your own folder stays where it is, and so do your documents.`,
  deleteInUseTitle: (title: string): string => `${title} is in use`,
  deleteInUse: 'Your searches need it. Use another model first, then delete it.',
  deleted: (title: string, freed: number): string => `Deleted ${title}. ${bytes(freed)} is free again.`,

  useTitle: (title: string): string => `Use ${title}?`,
  switchTo: 'Switch',
  switchingState: 'Switching',
  switching: (title: string): string => `Switching to ${title}`,
  switched: (title: string): string => `${title} is in use now.`,
  switchStopped: (title: string): string => `The switch to ${title} has stopped. The model in use stays.`,

  replaceTitle: (title: string): string => `Replace ${title}?`,
  replaceLead: 'A model from a folder of this name is here already. It stays until the new one has passed its check.',
  replace: 'Replace',

  another: 'Another model',
  anotherLead: (host: string): string =>
    `Any ColBERT model with an ONNX file can work. Looking one up asks ${host} what it would take.`,
  repository: 'Repository',
  repositoryHint: 'owner/name, or its address',
  lookUp: 'Look up',
  lookingUp: 'Looking it up…',
  folderLead: 'From your own disk: a folder with tokenizer.json and an ONNX file. You can drop it here too.',
  notModelFolder: 'This folder has no model in it: tokenizer.json and an ONNX file are missing.',
  dropTitle: 'Drop a model’s folder, or documents',

  without: 'Not for the browser yet',
  noStore: 'This browser keeps no models, perhaps because this is a private window. Lateral mini works all the same.',
  listFailed: 'The other models could not be listed just now.',

  sourceTitle: 'Where models come from',
  sourceLead: (host: string): string =>
    `Nothing is asked until you look up or download a model. Then Lateral asks ${host}.`,
  askedHosts: (hosts: readonly string[]): string =>
    `For models, as you wanted, Lateral also asked ${hosts.join(', ')}.`,
  endpoint: 'Address of the hub',
  endpointSays: 'A mirror that answers as huggingface.co does.',
  path: 'Or a place of your own',
  pathSays: 'A server or a path on this site, with folders named owner/name. It is asked in place of the hub.',
  pathHint: 'https://example.org/models or /models',
  badAddress: 'This is not an address. Write it as https://example.org.',
  insecureAddress: 'The address has to begin with https://. Only this machine may go without.',
  plainAddress: 'Give the address alone, without a name, “?” or “#”.',

  useMini: 'Use Lateral mini',
  goToModels: 'Go to Models',
} as const;

/** What each is good for, in one sentence; others follow from their languages. */
const known: Readonly<Record<string, string>> = {
  'lateral-mini': 'Small, quick, built in. 17 languages, English best.',
  'jina-colbert-v2': '89 languages, long documents. The most thorough, and the slowest.',
  'jina-colbert-v1-en': 'English, long documents.',
  'colbertv2.0': 'English. Of medium size, and well tried.',
  'answerai-colbert-small-v1': 'English. Small for how well it finds.',
  'mxbai-edge-colbert-v0-17m': 'English. The smallest.',
  'mxbai-edge-colbert-v0-32m': 'English. Small.',
  'gte-modern-colbert-v1': 'English. Large, and thorough.',
  mlateon: '9 languages, long documents.',
};

/** What would work in place of one that cannot be had. */
const inPlaceOf: Readonly<Record<string, string>> = {
  'jina-colbert-v1-en':
    'Its makers publish no file that a browser can run. jina-colbert-v2 reads texts as long; answerai-colbert-small-v1 is smaller.',
};

export const withoutLine = (id: string): string =>
  inPlaceOf[id] ??
  'Its makers publish no file that a browser can run. Others have made some: look one up, or open the folder of your own.';

export function aboutModel({ id, origin, languages }: Pick<ModelInfo, 'id' | 'origin' | 'languages'>): string {
  const said = known[id];
  if (said !== undefined) return said;
  const place = origin === 'folder' ? 'From a folder of yours.' : 'One that you have looked up.';
  return languages === null ? place : `${languagesLine(languages)}. ${place}`;
}

function languagesLine(languages: readonly string[] | number): string {
  if (typeof languages === 'number') return count(languages, 'language');
  return languages.length === 1 ? languageName(languages[0]!) : count(languages.length, 'language');
}

/** All of them, where they are known by name. */
export const languageNames = (languages: readonly string[] | number | null): string =>
  languages === null
    ? 'Not known'
    : typeof languages === 'number'
      ? number(languages)
      : languages.map((tag) => languageName(tag) || tag).join(', ');

/** `Any use (Apache-2.0)`, `Non-commercial use (CC BY-NC 4.0)`. */
export function licenceLine(licence: ModelLicence | null): string {
  const name = licenceName(licence);
  if (licence === null || name === '') return 'Licence not known';
  if (licence.nonCommercial) return `Non-commercial use (${name})`;
  return licence.conditions ? `With conditions (${name})` : `Any use (${name})`;
}

/** As its makers write it: `CC BY-NC 4.0` for `cc-by-nc-4.0`. */
export function licenceName(licence: ModelLicence | null): string {
  const name = licence?.name ?? '';
  if (/^cc-/i.test(name))
    return name
      .toUpperCase()
      .replace(/^CC-/, 'CC ')
      .replace(/-(?=\d+\.\d+$)/, ' ');
  if (/^(mit|isc|gpl|lgpl|agpl|bsd)\b/i.test(name)) return name.toUpperCase();
  return name.replace(/^apache/, 'Apache');
}

/** `Downloads 2.2 GB, keeps 352 MB`; of one that is here, what it keeps. */
export function sizeLine({ origin, state, downloadBytes, presentBytes, keptBytes, interrupted }: ModelInfo): string {
  if (state === 'ready') {
    if (keptBytes === null) return '';
    return origin === 'built-in' ? `${bytes(keptBytes)}, part of Lateral` : `Keeps ${bytes(keptBytes)}`;
  }
  if (state === 'unfinished') return 'All of it is here, and has to be made smaller';
  if (interrupted !== null) return `${copied(interrupted)}. The rest needs its folder once more`;
  if (downloadBytes === null) return '';
  if (state === 'partial') return `${bytes(presentBytes)} of ${bytes(downloadBytes)} is here`;
  if (downloadBytes === keptBytes) return `Downloads and keeps ${bytes(keptBytes)}`;
  if (downloadBytes === 0) return keptBytes === null ? '' : `Keeps ${bytes(keptBytes)}`;
  return keptBytes === null
    ? `Downloads ${bytes(downloadBytes)}`
    : `Downloads ${bytes(downloadBytes)}, keeps ${bytes(keptBytes)}`;
}

const copied = ({ presentBytes, totalBytes }: InterruptedImport): string =>
  `${bytes(presentBytes)} of ${bytes(totalBytes)} is copied`;

/** Of an import that would take the place of the model that is here. */
export const replacementLine = (interrupted: InterruptedImport): string =>
  interrupted.complete
    ? 'A new one is here, and has to be made smaller and checked.'
    : `A new one was interrupted: ${copied(interrupted)}.`;

const devices = { wasm: 'processor', native: 'processor', webgpu: 'graphics card' } as const;

/** Where it was checked, and how quick it is there. */
export function checkedLine(
  { device, half }: { readonly device: ModelCheck['device']; readonly half?: boolean | undefined },
  wordsPerSecond: number | null,
): string {
  const checked = `Checked on this device’s ${devices[device]}${half === true ? ', at half precision' : ''}`;
  return wordsPerSecond === null ? checked : `${checked}. Reads about ${number(wordsPerSecond)} words a second`;
}

/** What the consent or the size of a download says. */
export function downloadLead(
  { downloadBytes, keptBytes, licence }: Pick<ModelInfo, 'downloadBytes' | 'keptBytes' | 'licence'>,
  seconds: number | null,
  freeBytes: number | null,
): string {
  const name = licenceName(licence);
  const terms =
    licence === null || name === ''
      ? 'Nothing says under which terms it may be used, so see its page first.'
      : licence.nonCommercial
        ? `Its makers allow this model for non-commercial use (${name}).`
        : licence.conditions
          ? `Its makers attach conditions to this model (${name}).`
          : `Its makers allow any use (${name}).`;
  const size = downloadBytes === null ? 'It downloads once' : `It downloads ${bytes(downloadBytes)} once`;
  const time = seconds === null ? '' : ` in about ${duration(seconds)}`;
  const kept = keptBytes === null ? '' : `, keeps ${bytes(keptBytes)}`;
  const room = freeBytes === null ? '' : ` ${bytes(freeBytes)} is free.`;
  return `${terms} ${size}${time}${kept}, then works offline.${room}`;
}

export const noRoom = (neededBytes: number, freeBytes: number): string =>
  `There is not enough room: it needs ${bytes(neededBytes)} until it is made smaller, and ${bytes(freeBytes)} is free. Delete something first.`;

/** `128 numbers`, `96, a quarter less`. */
export function dimName(dim: number, largest: number): string {
  if (dim * 4 === largest * 3) return `${dim}, a quarter less`;
  if (dim * 2 === largest) return `${dim}, half as much`;
  return `${dim} numbers`;
}

/** What is shown while a model is on its way. */
export function preparingLine(progress: Progress | null): string {
  if (progress === null) return modelWords.opening;
  const { phase, done, total, etaSeconds } = progress;
  const time = etaSeconds === undefined ? '' : ` · about ${duration(etaSeconds)}`;
  const size = progress.unit === 'bytes' && total > 0 ? `${bytes(done)} of ${bytes(total)}` : '';
  switch (phase) {
    case 'waiting':
      return 'Another tab is at work on it. It goes on here after that.';
    case 'downloading':
      return size === '' ? 'Downloading' : `Downloading · ${size}${time}`;
    case 'retrying':
      return `The connection broke off, trying again${size === '' ? '' : ` · ${size}`}`;
    case 'copying':
      return size === '' ? 'Copying' : `Copying · ${size}${time}`;
    case 'quantizing':
      return `Making it smaller${size === '' ? '' : ` · ${size}`}${time}`;
    case 'checking':
      return `Checking it on this device${time}`;
    default:
      return modelWords.opening;
  }
}

/** The same for assistive technology. */
export const preparingValue = (progress: Progress | null): string => spokenLine(preparingLine(progress));

export function spokenLine(line: string): string {
  const spoken = line.replaceAll(' · ', ', ');
  return / (s|min|h)$/.test(spoken) ? `${spokenTime(spoken)} left` : spoken;
}

/** The same in a few words, for the sections that have no room for more. */
export function preparingBrief(title: string, progress: Progress | null): string {
  if (progress?.phase !== 'downloading' || progress.total === 0) return `${title}: ${preparingLine(progress)}`;
  return `${title}: ${bytes(progress.done)} of ${bytes(progress.total)}`;
}

/** Why this cannot be an address that models come from. */
export function addressProblem(text: string): string {
  if (/^http:/i.test(text)) return modelWords.insecureAddress;
  return /^https:\/\/[^/]/i.test(text) && /[?#@]/.test(text) ? modelWords.plainAddress : modelWords.badAddress;
}

/** An error of these calls, as far as its sentence needs it. */
export interface ModelProblem {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details: ErrorDetails;
}

/**
 * @param keptBytes of what is here of it, 0 where nothing is
 * @param serves whether a model of its name is ready, which then stays
 */
export function modelFailure({ code, message, details }: ModelProblem, keptBytes: number, serves = false): string {
  const kept = keptBytes === 0 ? '' : ` ${bytes(keptBytes)} is kept.`;
  switch (code) {
    case 'download-interrupted':
      if (details.reason === 'offline')
        return `There is no connection.${kept === '' ? ' Go online, then go on.' : kept}`;
      if (typeof details.status === 'number') return `The hub is too busy to send it just now.${kept} Go on later.`;
      return kept === ''
        ? 'The hub could not be reached. Check the connection and the address in Settings.'
        : `The download broke off.${kept}`;
    case 'download-damaged':
      return `What arrived was damaged, more than once.${kept} Go on later, or from another address (Settings).`;
    case 'download-refused':
      return 'The hub wants an account for this model. Download its files there, then drop their folder here.';
    case 'storage-full':
      return fullSentence(details, kept);
    case 'storage-unavailable':
      return modelWords.noStore;
    case 'storage-corrupt':
      return 'What is kept of it is damaged. Delete it, then download it again.';
    case 'model-unavailable':
      return unavailableSentence(details);
    case 'model-invalid':
      return `Lateral cannot use this model. ${message}`;
    case 'model-busy':
      return 'Another tab is at work on this model. Wait until it is done there, then go on.';
    case 'not-finite':
    case 'self-test-failed':
      if (serves) return 'The new one gives wrong results on this device, so the one that is here stays.';
      return 'It gives wrong results on this device, so it is not used. Another browser may do better.';
    case 'out-of-memory':
      return 'This tab ran out of memory. What is done is kept. Close other tabs, then go on.';
    case 'consent-required':
      return 'Its licence asks for your consent first.';
    case 'gpu-lost':
    case 'gpu-unavailable':
      return 'Your graphics card stopped answering. What is done is kept. Go on: the processor takes over.';
    case 'invalid-argument':
      return 'This is not the name of a repository. Write it as owner/name, or paste its address.';
    case 'reload-needed':
      return `Reload this page once, so that Lateral may ask the hub.${kept}`;
    case 'host-blocked':
      return 'The server of this page does not let it ask the hub. Download the files yourself, then open their folder here.';
    case 'worker-failed':
      return 'Part of Lateral did not load. What is here is safe. Reload the page.';
    default:
      return `It did not work this time.${kept} Try again.`;
  }
}

function fullSentence({ neededBytes, freeBytes }: ErrorDetails, kept: string): string {
  if (typeof neededBytes === 'number' && typeof freeBytes === 'number') {
    return `It needs ${bytes(neededBytes)} more, and this browser gives ${bytes(freeBytes)}.${kept} Delete something, then go on.`;
  }
  return `This browser is out of space.${kept} Delete something, then go on.`;
}

function unavailableSentence({ reason, missing, status }: ErrorDetails): string {
  if (typeof missing === 'string') return `This folder lacks ${missing}. Open the whole folder of a model.`;
  if (reason === 'web-page') {
    return 'A web page came in place of the model. If this network wants you to log in, do so, then go on.';
  }
  if (reason === 'not-a-hub')
    return 'What answers at this address is not a hub. See “Where models come from” in Settings.';
  if (status === 404 || status === 410) return 'There is no such model there. Check its name.';
  return 'The model’s files are not there. Check its name, and the address in Settings.';
}

/** @param seconds null where the speed is not known */
export function rereadLead(documents: number, seconds: number | null, searchable: boolean): string {
  const whose = documents === 1 ? 'Your document' : `Your ${count(documents, 'document')}`;
  const time = seconds === null ? '' : `, about ${duration(seconds)}`;
  const meanwhile = searchable
    ? 'Search keeps working.'
    : `Until then ${documents === 1 ? 'it is found by its' : 'they are found by their'} words.`;
  return `${whose} must be read again${time}. ${meanwhile}`;
}

/** What is shown while documents are read by the next model. */
export function switchingLine(progress: Progress | null): string {
  if (progress === null) return modelWords.opening;
  if (progress.phase === 'waiting') return 'Another tab is reading. This goes on after that.';
  if (progress.phase === 'loading-model') return loadingLine(progress);
  if (progress.phase !== 'reencoding') return 'Changing over';
  const { done, total, etaSeconds } = progress;
  const line = `Reading ${number(Math.min(done + 1, total))} of ${count(total, 'document')}`;
  return etaSeconds === undefined ? line : `${line} · about ${duration(etaSeconds)}`;
}

/** While the weights are read; their runtime takes some time more. */
function loadingLine({ done, total }: Progress): string {
  const percent = total === 0 ? 0 : Math.floor((100 * done) / total);
  return percent > 0 && percent < 100 ? words.gettingReadyShare(percent) : words.gettingReady;
}

/** The same in a few words. */
export function switchingBrief(title: string, progress: Progress | null): string {
  if (progress?.phase !== 'reencoding') return modelWords.switching(title);
  return `${modelWords.switching(title)}: ${number(Math.min(progress.done + 1, progress.total))} of ${count(progress.total, 'document')}`;
}

/** Why a switch stopped. The model in use serves on. */
export function switchFailure({ code, details, message }: ModelProblem, title: string): string {
  switch (code) {
    case 'storage-full':
      return `There is no room to read your documents by ${title} too. Delete something, then go on.`;
    case 'out-of-memory':
      return `${title} needs more memory than this tab may use. Close other tabs, then go on.`;
    case 'model-unavailable':
      return `${title} is not here any more. Download it again.`;
    case 'not-finite':
    case 'self-test-failed':
    case 'model-invalid':
    case 'model-busy':
      return modelFailure({ code, details, message }, 0);
    default:
      return 'The switch has stopped. What was read is kept, and the model in use stays.';
  }
}

/** The rows of "Details": what is technical stands here and nowhere else. */
export function detailRows(
  info: ModelInfo,
  opened: {
    readonly model: string;
    readonly vectors: string;
    readonly threads: number;
    readonly tests: readonly string[];
  } | null,
): readonly (readonly [name: string, value: string])[] {
  const { check, quality, parameters, repository, revision } = info;
  const rows: (readonly [string, string])[] = [
    ['Languages', languageNames(info.languages)],
    ...quality.map(({ benchmark, metric, value }) => [benchmark, qualitySentence(benchmark, metric, value)] as const),
    ['Licence', licenceLine(info.licence)],
    ...(repository === null ? [] : [['Repository', repository] as const]),
    ...(revision === null ? [] : [['Revision', revision] as const]),
    ...(parameters === null ? [] : [['Parameters', millions(parameters)] as const]),
    ...(info.dims.length === 0 ? [] : [['Dimensions', info.dims.join(', ')] as const]),
    ...(info.memoryBytes === null ? [] : [['Memory', `about ${bytes(info.memoryBytes)}`] as const]),
    ...(check === null ? [] : [['Self-test', checkSentence(check)] as const]),
    ...(info.instead === '' ? [] : [['Why not', info.instead] as const]),
    ...(info.unsure.length === 0 ? [] : [['Not certain', info.unsure.join('; ')] as const]),
  ];
  if (opened !== null) {
    rows.push(['Version', opened.model], ['Vectors', opened.vectors], ['Threads', String(opened.threads)]);
    for (const test of opened.tests) rows.push(['Start-up check', test]);
  }
  return rows;
}

const meanings: Readonly<Record<string, string>> = {
  BEIR: 'over 13 English collections',
  NanoBEIR: 'over 13 small English collections',
  MIRACL: 'over 18 languages',
};
function qualitySentence(benchmark: string, metric: string, value: number): string {
  const over = meanings[benchmark];
  const figure = value.toFixed(3).replace(/^0/, '');
  return `${figure} ${metric}${over === undefined ? '' : ` ${over}`}, as its makers published it. 1 would be every answer in the best order.`;
}

function checkSentence({ passed, device, half, minCosine, tokensPerSecond, checkedAt, message }: ModelCheck): string {
  const figures = [
    passed ? 'passed' : 'failed',
    half ? `${device} fp16` : device,
    ...(minCosine !== null ? [`lowest cosine ${minCosine.toFixed(4)}`] : passed ? ['order of answers only'] : []), // else the message says why
    ...(tokensPerSecond > 0 ? [`${number(Math.round(tokensPerSecond))} tokens a second`] : []),
    day(checkedAt),
  ];
  return `${figures.join(', ')}. ${message}`.trim();
}

const millions = (parameters: number): string => `${number(Math.round(parameters / 1e6))} million`;

export function vectorsLine({ fingerprint: { dim, precision, poolFactor }, residentPrecision }: IndexStats): string {
  const shape = `${dim} dimensions, ${precision}${residentPrecision === 'int4' ? ', held in int4' : ''}`;
  return poolFactor === 1 ? shape : `${shape}, one for ${poolFactor} tokens`;
}

export const startUpCheck = ({
  device,
  half,
  passed,
  minCosine,
  required,
  elapsedMs,
  message,
}: EngineStatus['selfTests'][number]): string =>
  `${device}${half === true ? ' fp16' : ''}, ${passed ? 'passed' : 'failed'}: lowest cosine ${minCosine.toFixed(4)}, at least ${required} asked, ${Math.round(elapsedMs)} ms. ${message}`;
