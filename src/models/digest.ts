/**
 * Digests of what streams by: the browser's own (crypto.subtle) wants all bytes at once. The only import of hash-wasm, whose
 * WebAssembly is within its script: nothing is fetched, and it compiles under 'wasm-unsafe-eval'. Of pure JavaScript
 * (@noble/hashes) and this, this took half the processor's time.
 */
import { createSHA1, createSHA256 } from 'hash-wasm';

export type DigestKind = 'sha256' | 'sha1';

export interface Digest {
  update(bytes: Uint8Array): void;
  /** Lower-case hex. Ends it: `update` may not follow, another `hex` may. */
  hex(): string;
}

export async function createDigest(kind: DigestKind): Promise<Digest> {
  const hasher = await (kind === 'sha256' ? createSHA256() : createSHA1());
  hasher.init();
  let value: string | undefined;
  return {
    update: (bytes) => void hasher.update(bytes),
    hex: () => (value ??= hasher.digest('hex')),
  };
}

/** What Git, and so a hub, calls a file of `size` bytes that is not in LFS: SHA-1 of "blob <size>\0" and its bytes. */
export async function createGitDigest(size: number): Promise<Digest> {
  const digest = await createDigest('sha1');
  digest.update(new TextEncoder().encode(`blob ${size}\0`));
  return digest;
}

/** SHA-256 of a short text, lower-case hex. */
export async function digestOfText(text: string): Promise<string> {
  const digest = await createDigest('sha256');
  digest.update(new TextEncoder().encode(text));
  return digest.hex();
}
