/** What is said when something fails: what happened, and what to do. By code, never by message. */
import type { AddFailure, ErrorCode, WithoutRoom } from '../../index.ts';
import { bytes } from '../format.ts';
import { words } from './labels.ts';

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
