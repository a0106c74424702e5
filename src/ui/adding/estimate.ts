/**
 * How long an addition will take and how much room it needs, from what this browser has measured: the speed of the device,
 * and how many tokens the documents already here have per byte of their kind. Pure.
 */
import type { DocumentInput, DocumentRecord, IndexStats } from '../../index.ts';

export interface Measured {
  readonly documents: readonly Pick<DocumentRecord, 'mediaType' | 'byteLength' | 'tokenCount'>[];
  readonly stats:
    | (Pick<IndexStats, 'vectorBytes' | 'tokens' | 'usageBytes' | 'quotaBytes'> & {
        readonly fingerprint: Pick<IndexStats['fingerprint'], 'poolFactor'>;
      })
    | null;
  /** null before anything was measured. */
  readonly tokensPerSecond: number | null;
  readonly keepSources: boolean;
}

export interface Estimate {
  readonly seconds: number;
  /** Whether this device's speed is known; if not, the time is that of a usual one. */
  readonly measured: boolean;
  /** Bytes that will be stored. */
  readonly bytes: number;
  /** Bytes that the browser still allows, or null where it does not tell. */
  readonly freeBytes: number | null;
}

type Kind = 'text' | 'web' | 'pdf' | 'packed';

/** Bytes of a file per token of its text, before there are documents here to learn it from. */
const usualBytesPerToken: Readonly<Record<Kind, number>> = { text: 4.5, web: 9, pdf: 40, packed: 12 };
/** So many documents of a kind say more than the usual figure. */
const learnedFrom = 3;
/** 128 components of one byte, and an offset. */
const usualVectorBytes = 130;
const textBytesPerToken = 5;
/** What two cores read with the model that comes with Lateral (its card says how that was measured), rounded down. */
const usualTokensPerSecond = 1500;

export function estimate(inputs: readonly DocumentInput[], measured: Measured): Estimate {
  const { stats, tokensPerSecond, keepSources } = measured;
  const poolFactor = stats?.fingerprint.poolFactor ?? 1; // tokens are read one by one, and so many of them stored as one
  const rates = bytesPerToken(measured.documents, poolFactor);
  const vectorBytes = stats !== null && stats.tokens > 0 ? stats.vectorBytes / stats.tokens : usualVectorBytes;
  let tokens = 0;
  let sourceBytes = 0;
  for (const input of inputs) {
    const bytes = sizeOf(input);
    tokens += bytes / rates[kindOf(input.mediaType ?? '', input.name)];
    sourceBytes += bytes;
  }
  const quota = stats?.quotaBytes ?? null;
  return {
    seconds: tokens / (tokensPerSecond ?? usualTokensPerSecond),
    measured: tokensPerSecond !== null,
    bytes: tokens * (vectorBytes / poolFactor + textBytesPerToken) + (keepSources ? sourceBytes : 0),
    freeBytes: quota === null ? null : Math.max(0, quota - (stats?.usageBytes ?? 0)),
  };
}

function bytesPerToken(documents: Measured['documents'], poolFactor: number): Record<Kind, number> {
  const sums = new Map<Kind, { files: number; bytes: number; tokens: number }>();
  for (const { mediaType, byteLength, tokenCount } of documents) {
    const kind = kindOf(mediaType, '');
    const sum = sums.get(kind) ?? { files: 0, bytes: 0, tokens: 0 };
    sums.set(kind, {
      files: sum.files + 1,
      bytes: sum.bytes + byteLength,
      tokens: sum.tokens + tokenCount * poolFactor,
    });
  }
  const rates = { ...usualBytesPerToken };
  for (const [kind, { files, bytes, tokens }] of sums) {
    if (files >= learnedFrom && tokens > 0 && bytes > 0) rates[kind] = bytes / tokens;
  }
  return rates;
}

function kindOf(mediaType: string, name: string): Kind {
  if (mediaType.includes('pdf') || /\.pdf$/i.test(name)) return 'pdf';
  if (mediaType.includes('html') || /\.x?html?$/i.test(name)) return 'web';
  if (/epub|officedocument|opendocument|zip/.test(mediaType) || /\.(epub|docx|odt)$/i.test(name)) return 'packed';
  return 'text';
}

/** Bytes of what is given; a text's letters stand for them. */
export function sizeOf({ content }: Pick<DocumentInput, 'content'>): number {
  if (typeof content === 'string') return content.length;
  return content instanceof Blob ? content.size : content.byteLength;
}
