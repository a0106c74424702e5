/** `npm start`: installs what is missing, builds, serves the production build and prints the address. */
import { run, setup } from './setup.mjs';

setup();
run(process.execPath, ['scripts/build-kernels.mjs']);
run(process.execPath, ['node_modules/vite/bin/vite.js', 'build', '--logLevel', 'warn']);
const { serveBuild } = await import('./serve-build.mjs');
try {
  const { url } = await serveBuild({ port: Number(process.env.PORT ?? 4173) });
  console.log(`\nLateral is ready:  ${url}\n`);
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
