import type { Browser, Page } from 'playwright-core';

/** From the disk, or from memory. */
export type ServedFile = { readonly path: string } | { readonly body: string | Uint8Array };
/** By address; `/` is the page. */
export type ServedFiles = readonly (readonly [string, ServedFile])[];

export interface BenchPage {
  readonly browser: Browser;
  readonly page: Page;
  /** With a slash at its end. */
  readonly origin: string;
  close(): Promise<void>;
}

export function runtimeFiles(): ServedFiles;
export function folderFiles(address: string, folder: string): ServedFiles;
export function openPage(
  files: ServedFiles,
  options?: { webgpu?: boolean; profile?: string; port?: number },
): Promise<BenchPage>;
