/**
 * Installs what is missing, with nothing but Node: called by every command, quick when there is nothing to do.
 * (.npmrc switches install scripts off, and with them npm's own pre- and post-hooks.)
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));
const stamp = `${root}node_modules/.lateral-setup`;

export function setup() {
  requireNode();
  const wanted = createHash('sha256')
    .update(readFileSync(`${root}package-lock.json`))
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  if (process.env.LATERAL_SKIP_INSTALL === '1') return;
  console.error('Installing packages …');
  // Not to standard output: what a command prints there may be read by a program.
  run('npm', ['ci', '--no-audit', '--no-fund'], { stdio: ['ignore', 2, 2] });
  writeFileSync(stamp, wanted);
}

/** Runs a command in the project's folder; throws when it fails. */
export function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: 'inherit',
    shell: process.platform === 'win32' && command === 'npm', // npm is a script there
    ...options,
    env: { ...process.env, ...options.env },
  });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed (${status}).`);
}

function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  console.error(
    `Lateral needs Node 20.19 or later; this is ${process.versions.node}. Install a newer one and try again.`,
  );
  process.exit(1);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) setup();
