export function findChromium(): { path: string | undefined; launch: { executablePath?: string } };
export function chromiumArguments(options?: { webgpu?: boolean }): string[];
