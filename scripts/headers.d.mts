export const isolationHeaders: Record<string, string>;
export const contentSecurityPolicy: string;
export const productionHeaders: Record<string, string>;
