/** What to do where a collection's vectors do not fit into memory: which settings of the index would make them fit. */
import type { Fingerprint, ResidentPrecision, WithoutRoom } from '../types.ts';
import { int4RowBytes } from '../vectors/int4.ts';
import { poolFactors } from '../vectors/pool.ts';
import type { ResidentIndex } from './resident.ts';

/** Settings named at most. */
const maxSettings = 3;

/** @param dims that the model serves. @returns null where all vectors are held */
export function withoutRoom(
  { withoutRoom: missing, precision: held }: Pick<ResidentIndex, 'withoutRoom' | 'precision'>,
  fingerprint: Fingerprint,
  dims: readonly number[],
): WithoutRoom | null {
  if (missing === null) return null;
  const { tokens, totalTokens, heldBytes } = missing;
  const { dim, precision, poolFactor } = fingerprint;
  const neededBytes = bytesOf(totalTokens, dim, precision, held);
  const settings = poolFactors
    .filter((factor) => factor >= poolFactor)
    .flatMap((factor) =>
      dims
        .filter((other) => other <= dim)
        .flatMap((other) => {
          // Some tokens keep rows of their own, and a passage's last cluster is a larger one.
          const rows = factor === poolFactor ? totalTokens : ((totalTokens * poolFactor) / factor) * 1.1;
          return precisions
            .filter((residentPrecision) => held === 'stored' || residentPrecision === 'int4')
            .map((residentPrecision) => ({
              ...({ dim: other, precision: 'int8', poolFactor: factor, residentPrecision } as const),
              bytes: bytesOf(Math.ceil(rows), other, 'int8', residentPrecision),
            }));
        }),
    )
    .filter(({ bytes }) => bytes <= heldBytes && bytes < neededBytes)
    // Four bits a component lose nothing of what is stored, and can be taken back at once.
    .sort((a, b) => a.poolFactor - b.poolFactor || b.dim - a.dim || b.bytes - a.bytes)
    .slice(0, maxSettings);
  return { tokens, totalTokens, neededBytes, heldBytes, wouldFit: settings };
}

const precisions: readonly ResidentPrecision[] = ['stored', 'int4'];

function bytesOf(numRows: number, dim: number, stored: Fingerprint['precision'], held: ResidentPrecision): number {
  return numRows * (held === 'int4' ? int4RowBytes(dim) : dim * (stored === 'int8' ? 1 : 4));
}

/** For those who call the library; the page has words of its own. */
export function roomMessage({ tokens, totalTokens, neededBytes, heldBytes, wouldFit }: WithoutRoom): string {
  const settings = wouldFit.map(
    ({ dim, precision, poolFactor, residentPrecision, bytes }) =>
      `dim ${dim}, precision ${precision}, poolFactor ${poolFactor}, residentPrecision ${residentPrecision} (${megabytes(bytes)})`,
  );
  return (
    `${tokens} of ${totalTokens} token vectors are not searched: all take ${megabytes(neededBytes)}, and there is memory for ` +
    `${megabytes(heldBytes)}. ` +
    (settings.length === 0
      ? 'Remove documents, or split them among several indexes.'
      : `These settings would fit: ${settings.join('; ')}.`)
  );
}

const megabytes = (bytes: number): string => `${Math.ceil(bytes / 1e6)} MB`;
