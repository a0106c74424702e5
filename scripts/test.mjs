/** `npm test`: installs what is missing, then runs everything that CI runs. `--long` adds the slow and large tests. */
import { run, setup } from './setup.mjs';

const long = process.argv.includes('--long');
setup();
const { ensureChromium } = await import('./chromium.mjs');
ensureChromium();

const node = (script, ...args) => [process.execPath, [script, ...args]];
const npm = (script) => ['npm', ['run', '-s', script]];
const steps = [
  ['kernels', ...npm('kernels')],
  ['sample library', ...npm('sample')],
  ['types', ...npm('check')],
  ['lint', ...npm('lint')],
  ['format', ...npm('format:check')],
  ['unit tests', ...npm('unit')],
  ['build', ...node('node_modules/vite/bin/vite.js', 'build', '--logLevel', 'warn')],
  ['browser tests', ...npm('browser')],
  ['end to end', ...npm('e2e')],
];

const environment = long ? { LATERAL_LONG: '1' } : {};
let passed = 0;
let failed = 0;
const times = [];
for (const [name, command, args] of steps) {
  const started = Date.now();
  console.log(`\n── ${name} ──`);
  try {
    run(command, args, { env: environment });
    passed++;
  } catch (error) {
    console.error(`${name}: ${error.message}`);
    failed++;
  }
  times.push(`${name} ${((Date.now() - started) / 1000).toFixed(0)} s`);
}
console.log(`\n${times.join(', ')}`);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
