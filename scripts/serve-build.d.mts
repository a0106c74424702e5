export function serveBuild(options: {
  readonly port: number;
  readonly folder?: string;
  readonly host?: string;
}): Promise<{ readonly url: string; readonly close: () => Promise<void> }>;
