/** What the page and scorer.worker.ts say to each other. Each message is answered before the next is sent. */
export type ScorerRequest =
  | {
      readonly kind: 'load';
      /** One worker may hold several collections. */
      readonly collection: string;
      readonly tokens: number;
      readonly seed: number;
      readonly int8: 'plain' | 'relaxed';
    }
  | { readonly kind: 'score'; readonly collection: string };

export interface ScorerReply {
  /** Null where all went well. */
  readonly error: string | null;
}
