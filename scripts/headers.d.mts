export const isolationHeaders: Record<string, string>;
export const contentSecurityPolicy: string;
export const metaContentSecurityPolicy: string;
export const productionHeaders: Record<string, string>;
export function isConnectSource(source: string): boolean;
export function isModelsScript(path: string): boolean;
export function permittedSources(path: string, query: URLSearchParams): readonly string[];
export function permitting(policy: string, sources: readonly string[]): string;
export function headersFor(url: string): Record<string, string>;
