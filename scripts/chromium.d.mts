interface FoundChromium {
  path: string | undefined;
  launch: { executablePath?: string; channel?: string };
}
export function findChromium(): FoundChromium;
export function ensureChromium(): FoundChromium;
export function chromiumArguments(options?: { webgpu?: boolean }): string[];
