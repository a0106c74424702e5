/**
 * Compiles src/maxsim/kernels/*.as.ts to WebAssembly, each for a memory of one thread and for a shared one, and writes
 * both as base64 into a TypeScript module beside it: so that Vite, Vitest and Node load it alike, without a fetch. Skips
 * what is up to date; `--force` builds all.
 */
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const kernels = join(here, '..', 'src', 'maxsim', 'kernels');
const compiler = createRequire(import.meta.url)('assemblyscript/package.json').version;
const options = [
  ...['-O3', '--noAssert', '--runtime', 'stub', '--use', 'abort='],
  // One memory for all kernels, made by wasm.ts.
  ...['--importMemory', '--enable', 'simd'],
];

/** The scorer's shared memory can grow to the end of the address space (wasm.ts). */
const shared = ['--sharedMemory', '--enable', 'threads', '--initialMemory', '1', '--maximumMemory', '65536'];

const force = process.argv.includes('--force');
for (const source of readdirSync(kernels).filter((name) => name.endsWith('.as.ts'))) {
  const path = join(kernels, source);
  const target = join(kernels, source.replace(/\.as\.ts$/, '.generated.ts'));
  const flags = source.includes('relaxed') ? [...options, '--enable', 'relaxed-simd'] : options;
  const stamp = stampOf(readFileSync(path), [...flags, ...shared]);
  if (!force && firstLine(target).includes(stamp)) continue;
  const builds = {
    wasmBase64: await compile(path, flags),
    sharedWasmBase64: await compile(path, [...flags, ...shared]),
  };
  const constants = Object.entries(builds).map(
    ([name, wasm]) => `export const ${name} =\n  '${Buffer.from(wasm).toString('base64')}';\n`,
  );
  writeWhole(
    target,
    `// ${source}, built by scripts/build-kernels.mjs; not for editing. ${stamp}\n${constants.join('')}`,
  );
  console.error(`${source}: ${builds.wasmBase64.length} bytes of WebAssembly`);
}

/** What the output depends on: the source, the compiler and its flags. */
function stampOf(source, flags) {
  return createHash('sha256').update(compiler).update(flags.join(' ')).update(source).digest('hex').slice(0, 16);
}

function firstLine(path) {
  try {
    return readFileSync(path, 'utf8').split('\n', 1)[0];
  } catch {
    return ''; // not built yet
  }
}

async function compile(path, flags) {
  const { default: asc } = await import('assemblyscript/asc'); // 10 MB of compiler: only when there is work
  let wasm;
  const { error, stderr } = await asc.main([path, '--outFile', 'kernel.wasm', ...flags], {
    writeFile: (_name, contents) => (wasm = contents), // kept in memory: nothing to clean up
  });
  if (error !== null || wasm === undefined)
    throw new Error(`${basename(path)} does not compile.\n${stderr.toString()}`);
  return wasm;
}

/** Whole or not at all: another process may be reading. */
function writeWhole(path, text) {
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, text);
  renameSync(temporary, path);
}
