/** Numbers and tables as both benchmarks print them. */

/** Cells of the first column to the left, of the others to the right. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join('  ')
      .trimEnd(),
  );
}

/** Four digits are more than the noise leaves. */
export function rounded<T extends object>(values: T): T {
  const entries = Object.entries(values) as [string, unknown][];
  const round = (value: unknown): unknown =>
    typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value;
  return Object.fromEntries(entries.map(([name, value]) => [name, round(value)])) as T;
}

export function shown(value: number | string | boolean | null): string {
  if (value === null) return '–';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return String(value);
}
