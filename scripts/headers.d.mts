export const isolationHeaders: Record<string, string>;
export const contentSecurityPolicy: string;
export const metaContentSecurityPolicy: string;
export const productionHeaders: Record<string, string>;
