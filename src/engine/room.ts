/** What to do where a collection's vectors do not fit into memory: which settings of the index would make them fit. */
import type { Fingerprint, WithoutRoom } from '../types.ts';
import { poolFactors } from '../vectors/pool.ts';
import type { ResidentIndex } from './resident.ts';

/** Settings named at most. */
const maxSettings = 3;

/** @param dims that the model serves. @returns null where all vectors are held */
export function withoutRoom(
  { withoutRoom: missing }: Pick<ResidentIndex, 'withoutRoom'>,
  fingerprint: Fingerprint,
  dims: readonly number[],
): WithoutRoom | null {
  if (missing === null) return null;
  const { tokens, totalTokens, heldBytes } = missing;
  const { dim, precision, poolFactor } = fingerprint;
  const neededBytes = bytesOf(totalTokens, dim, precision);
  const settings = poolFactors
    .filter((factor) => factor >= poolFactor)
    .flatMap((factor) =>
      dims
        .filter((other) => other <= dim)
        .map((other) => ({ dim: other, precision: 'int8', poolFactor: factor }) as const)
        .map((setting) => {
          // Some tokens keep rows of their own, and a passage's last cluster is a larger one.
          const rows = factor === poolFactor ? totalTokens : ((totalTokens * poolFactor) / factor) * 1.1;
          return { ...setting, bytes: bytesOf(Math.ceil(rows), setting.dim, setting.precision) };
        }),
    )
    .filter(({ bytes }) => bytes <= heldBytes && bytes < neededBytes)
    .sort((a, b) => a.poolFactor - b.poolFactor || b.bytes - a.bytes)
    .slice(0, maxSettings);
  return { tokens, totalTokens, neededBytes, heldBytes, wouldFit: settings };
}

function bytesOf(numRows: number, dim: number, precision: Fingerprint['precision']): number {
  return numRows * dim * (precision === 'int8' ? 1 : 4);
}

/** For those who call the library; the page has words of its own. */
export function roomMessage({ tokens, totalTokens, neededBytes, heldBytes, wouldFit }: WithoutRoom): string {
  const settings = wouldFit.map(
    ({ dim, precision, poolFactor, bytes }) =>
      `dim ${dim}, precision ${precision}, poolFactor ${poolFactor} (${megabytes(bytes)})`,
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
