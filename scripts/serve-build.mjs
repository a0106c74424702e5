/** Serves dist/ with the headers that Lateral is meant to be served with. */
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import sirv from 'sirv';
import { headersFor, productionHeaders } from './headers.mjs';

/** The build to serve; LATERAL_DIST names another one. */
const builtFolder = process.env.LATERAL_DIST ?? fileURLToPath(new URL('../dist', import.meta.url));

/** @returns {Promise<{ url: string, close: () => Promise<void> }>} */
export async function serveBuild({ port, folder = builtFolder, host }) {
  const files = sirv(folder, {
    etag: true,
    dev: false,
    // A missing file is a 404, never the start page in its place: model files are asked for by name.
    single: false,
    setHeaders(response, path) {
      for (const [name, value] of Object.entries(headersFor(response.req.url))) response.setHeader(name, value);
      // Names with a hash never change; everything else is asked for again.
      response.setHeader(
        'Cache-Control',
        path.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
      );
    },
  });
  const server = createServer((request, response) =>
    files(request, response, () => {
      response.writeHead(404, { ...productionHeaders, 'Content-Type': 'text/plain' });
      response.end('Not found');
    }),
  );
  await new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const message =
        error.code === 'EADDRINUSE'
          ? `Port ${port} is in use. Set PORT to another one, for example PORT=4174 npm start.`
          : error.message;
      reject(new Error(message));
    });
    server.listen(port, host, resolve);
  });
  const close = () => new Promise((resolve) => server.close(() => resolve()));
  return { url: `http://localhost:${server.address().port}/`, close };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { url } = await serveBuild({ port: Number(process.env.PORT ?? 4173) });
  console.log(url);
}
