/** What the commands have in common: errors in words, and an exit status. */
import { LateralError, toLateralError } from '../src/errors.ts';

/** Runs a command; wrong arguments are answered with its usage and status 2, any other failure with status 1. */
export async function runCommand(usage: string, command: () => Promise<void>): Promise<void> {
  try {
    await command();
  } catch (thrown) {
    const error = toLateralError(thrown);
    const isUsage = thrown instanceof LateralError && thrown.code === 'invalid-argument';
    process.stderr.write(isUsage ? `${error.message}\n\n${usage}\n` : `${error.message}\n`);
    process.exitCode = isUsage ? 2 : 1;
  }
}
