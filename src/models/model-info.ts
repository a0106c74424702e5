/** What the API and the page say of models: which there are, what each would take, how far it is. Plain data. */
import type { EncoderDevice } from '../types.ts';
import type { Quality } from './hub-models.ts';

export interface ModelInfo {
  /** What `openIndex({ model })` takes: 'lateral-mini', 'jina-colbert-v2'; owner/name of any other repository; 'folder:NAME'. */
  readonly id: string;
  readonly title: string;
  /** 'known': Lateral knows what its files must say. 'repository': any other of a hub. 'folder': one that was dropped. */
  readonly origin: 'built-in' | 'known' | 'repository' | 'folder';
  /** owner/name; null for those of no hub. */
  readonly repository: string | null;
  /** Null where nothing is known of it. */
  readonly licence: ModelLicence | null;
  /** ISO 639-1 codes, or how many there are; null where that is not known. */
  readonly languages: readonly string[] | number | null;
  readonly parameters: number | null;
  /** As published by its makers. */
  readonly quality: readonly Quality[];
  /** Once it is ready, those that it serves, largest first; before, those to choose from. */
  readonly dims: readonly number[];
  readonly state: ModelState;
  /** Bytes that a download takes in all. */
  readonly downloadBytes: number | null;
  /** Of these, what is here. */
  readonly presentBytes: number;
  /** Bytes on disk: of one that is here as they are, else as estimated for 4 bits. */
  readonly keptBytes: number | null;
  /** Bytes of memory that a session takes, as estimated; null where that is not known. */
  readonly memoryBytes: number | null;
  /** Why it cannot be had, and what would work; '' where it can. */
  readonly instead: string;
  /** What nobody has checked about it, in words. */
  readonly unsure: readonly string[];
  /** Null until it was checked on this device. */
  readonly check: ModelCheck | null;
  /** The commit that is here, of a hub's; null else. */
  readonly revision: string | null;
  /** A folder that was being taken in under this name and is not ready; null where there is none. */
  readonly interrupted: InterruptedImport | null;
}

/** What is here of it stays until it is gone on with or let go of; a model of the same name that is ready serves meanwhile. */
export interface InterruptedImport {
  /** Of its files, those that were copied whole. */
  readonly presentBytes: number;
  readonly totalBytes: number;
  /** Whether all are, so that `prepare` goes on with it; else `importFolder` does, which needs the folder once more. */
  readonly complete: boolean;
}

/**
 * 'absent': nothing is here. 'partial': a part of the download is. 'unfinished': all of it is; it has to be made smaller, or checked.
 * 'failed': it did not pass its check here. 'ready': it can be opened.
 */
export type ModelState = 'absent' | 'partial' | 'unfinished' | 'failed' | 'ready';

export interface ModelLicence {
  /** SPDX where there is such a name: 'CC-BY-NC-4.0'; '' where none is named. */
  readonly name: string;
  /** Where its text is, or ''. */
  readonly url: string;
  /** Whether a person has to agree to it before the download. */
  readonly conditions: boolean;
  /** Whether it is known to forbid commercial use. */
  readonly nonCommercial: boolean;
}

/** What the self-test said of it, at its end. */
export interface ModelCheck {
  readonly passed: boolean;
  readonly device: EncoderDevice;
  /** Whether products and attention are computed in fp16 there. */
  readonly half: boolean;
  /** Lowest cosine of a row with one that is published; null where none is, so that only the order of answers was looked at, and where it gave no numbers. */
  readonly minCosine: number | null;
  /** Tokens of passages that are encoded in a second. */
  readonly tokensPerSecond: number;
  /** Milliseconds since the epoch. */
  readonly checkedAt: number;
  readonly message: string;
}

/** Where models come from: a hub's address, a mirror's, or a folder of one's own server with owner/name below it. */
export interface ModelOrigin {
  /** Default: https://huggingface.co */
  readonly endpoint?: string;
  /** A URL, or a path on this server, in place of a hub. */
  readonly path?: string;
}

export interface ModelRequest extends ModelOrigin {
  /** An id of `list`, or owner/name of any repository. */
  readonly model: string;
  /** Branch, tag or commit. Default: that of the registry, else 'main'. */
  readonly revision?: string;
}

export interface PrepareRequest extends ModelRequest {
  /** One of the model's `dims`. Default: the largest, or that of the download that is gone on with. */
  readonly dim?: number;
  /** Of the weights. Default 4, or that of the download that is gone on with. */
  readonly bits?: 4 | 8;
  /** Of the token embeddings. Default: `bits`. */
  readonly embeddingBits?: 4 | 8;
  /** Checks it again, though it passed: after a new driver, or where it does not open any more. */
  readonly recheck?: boolean;
  /** That a person agreed to the licence. */
  readonly consent?: boolean;
  /** Where `ort/` is served from. Default: the page's own folder. */
  readonly baseUrl?: string;
}

export interface ImportRequest {
  /** What it is called here. A model of the same name serves until this one has passed its check, and is then replaced. */
  readonly name: string;
  /** Path with `/` → file, as dropped. */
  readonly files: readonly { readonly path: string; readonly blob: Blob }[];
  readonly bits?: 4 | 8;
  /** As in PrepareRequest. */
  readonly baseUrl?: string;
}

/** What a repository would take, by what its hub says. Nothing of the model was fetched. */
export interface ModelPlan {
  readonly id: string;
  readonly title: string;
  readonly licence: ModelLicence | null;
  /** Whether the hub sends the files only to accounts that agreed to terms: then it will refuse. */
  readonly gated: boolean;
  readonly downloadBytes: number;
  readonly presentBytes: number;
  /** As estimated; null where that is not known before the download. */
  readonly keptBytes: number | null;
  /** Null where the browser does not tell. */
  readonly bytesFree: number | null;
  readonly fits: boolean;
  /** Null where nothing is known of the connection. */
  readonly seconds: number | null;
}
