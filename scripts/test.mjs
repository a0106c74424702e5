/** `npm test`: installs what is missing, then runs everything that CI runs. `--long` adds the slow and large tests. */
import { spawn } from 'node:child_process';
import { root, setup } from './setup.mjs';

const long = process.argv.includes('--long');
setup();
const { ensureChromium } = await import('./chromium.mjs');
ensureChromium();

const node = (script, ...args) => [process.execPath, [script, ...args]];
const npm = (script) => ['npm', ['run', '-s', script]];
const playwright = (...args) => node('node_modules/@playwright/test/cli.js', 'test', ...args);

/**
 * One phase after another. The lanes of a phase go side by side, each step by step: most steps keep one core busy, and
 * two are counted on. The lanes of the second phase take about as long as each other; end-to-end tests have two workers.
 * What goes by the clock comes last, with nothing beside it.
 */
const phases = [
  [
    [
      ['kernels', ...npm('kernels')],
      ['sample library', ...npm('sample')],
    ],
  ],
  [
    [
      ['types', ...npm('check')],
      ['lint', ...npm('lint')],
      ['unit tests', ...npm('unit')],
    ],
    [
      ['format', ...npm('format:check')],
      ['build', ...node('node_modules/vite/bin/vite.js', 'build', '--logLevel', 'warn')],
      ['browser tests', ...npm('browser')],
    ],
  ],
  [[['end to end', ...playwright('--grep-invert', '@alone')]]],
  [[['end to end, alone', ...playwright('--grep', '@alone')]]],
];

let passed = 0;
let failed = 0;
const times = [];
const started = Date.now();
for (const lanes of phases) {
  const sideBySide = lanes.length > 1;
  if (sideBySide) {
    const named = lanes.map((lane) => lane.map(([name]) => name).join(', '));
    console.log(`\nSide by side, each told when it is done: ${named.join(' | ')}`);
  }
  await Promise.all(
    lanes.map(async (lane) => {
      for (const step of lane) await take(step, sideBySide);
    }),
  );
}
console.log(`\n${times.join(', ')}; together ${seconds(started)}`);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

/** Runs a step and counts it. `whole`: its output is printed at its end, so that no other step's comes in between. */
async function take([name, command, args], whole) {
  const started = Date.now();
  if (!whole) console.log(`\n── ${name} ──`);
  const { problem, output } = await execute(command, args, whole);
  if (whole) process.stdout.write(`\n── ${name} ──\n${output}`);
  if (problem === null) {
    passed++;
  } else {
    console.error(`${name}: ${problem}`);
    failed++;
  }
  times.push(`${name} ${seconds(started)}`);
}

/** @returns {Promise<{ problem: string | null, output: string }>} */
function execute(command, args, whole) {
  const colours = whole && process.stdout.isTTY && process.env.NO_COLOR === undefined ? { FORCE_COLOR: '1' } : {};
  const child = spawn(command, args, {
    cwd: root,
    stdio: whole ? ['ignore', 'pipe', 'pipe'] : 'inherit',
    shell: process.platform === 'win32' && command === 'npm', // npm is a script there
    env: { ...process.env, ...colours, ...(long ? { LATERAL_LONG: '1' } : {}) },
  });
  const chunks = [];
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => chunks.push(chunk));
  return new Promise((resolve) => {
    const end = (problem) => resolve({ problem, output: Buffer.concat(chunks).toString() });
    child.once('error', ({ message }) => end(message));
    child.once('close', (status, signal) =>
      end(status === 0 ? null : `${command} ${args.join(' ')} failed (${status ?? signal}).`),
    );
  });
}

function seconds(since) {
  return `${((Date.now() - since) / 1000).toFixed(0)} s`;
}
