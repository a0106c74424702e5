/** Where a benchmark ran. */
import { spawnSync } from 'node:child_process';
import { availableParallelism, cpus } from 'node:os';

/** Short, with '+' where files differ from it; 'unknown' outside a repository. */
export function commitOf(): string {
  const git = (...args: string[]): string => spawnSync('git', args, { encoding: 'utf8' }).stdout.trim();
  const commit = git('rev-parse', '--short', 'HEAD');
  if (commit === '') return 'unknown';
  return git('status', '--porcelain', '--untracked-files=no') === '' ? commit : `${commit}+`;
}

export function cpuOf(): { readonly name: string; readonly cores: number } {
  return { name: cpus()[0]?.model.trim() ?? 'unknown processor', cores: availableParallelism() };
}
