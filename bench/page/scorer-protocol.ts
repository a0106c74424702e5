/** What the page and scorer.worker.ts say to each other. Each message is answered before the next is sent. */
export type ScorerRequest =
  | {
      readonly kind: 'load';
      readonly collection: string;
      readonly tokens: number;
      readonly int8: 'plain' | 'relaxed';
      /** The worker's own included. */
      readonly threads: number;
    }
  | {
      readonly kind: 'score';
      readonly collection: string;
      /** Every so manieth passage; 1 for all. */
      readonly every: number;
    };

export interface ScorerReply {
  /** Null where all went well. */
  readonly error: string | null;
}
