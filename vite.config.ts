/** Builds the page, its worker and what they load at run time: all of it from our own origin. */
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';
import { isolationHeaders, productionHeaders } from './scripts/headers.mjs';

/** The first two names keep Vite from bundling ONNX Runtime's WebAssembly; it is served from ort/ instead. */
const conditions = ['onnxruntime-web-use-extern-wasm', 'module', 'browser', 'development|production'];

export default defineConfig({
  base: './',
  resolve: {
    conditions,
    // Its browser build decodes through the DOM, which a worker has not; the other one has its own table.
    alias: {
      'decode-named-character-reference': createRequire(import.meta.url).resolve('decode-named-character-reference'),
    },
  },
  plugins: [react(), onnxRuntimeFiles()],
  server: { headers: isolationHeaders, fs: { strict: true } },
  preview: { headers: productionHeaders },
  worker: { format: 'es', rolldownOptions: { output: { entryFileNames: 'assets/[name]-[hash].js' } } },
  optimizeDeps: { exclude: ['onnxruntime-web', '@huggingface/transformers'] },
  build: {
    target: 'es2023',
    sourcemap: false,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1024,
    // Fonts stay files of their own: the content security policy allows no data: fonts.
    assetsInlineLimit: 0,
  },
});

/** Serves ONNX Runtime's files as ort/… and puts them into the build, unchanged. */
function onnxRuntimeFiles(): Plugin {
  const folder = dirname(createRequire(import.meta.url).resolve('onnxruntime-web/ort-wasm-simd-threaded.wasm'));
  // Without WebGPU; with it where the browser can suspend WebAssembly (JSPI); with it elsewhere.
  const files = ['', '.jspi', '.asyncify'].flatMap((variant) =>
    ['mjs', 'wasm'].map((ending) => `ort-wasm-simd-threaded${variant}.${ending}`),
  );
  return {
    name: 'lateral:onnxruntime-files',
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        const name = /\/ort\/([^/?]+)/.exec(request.url ?? '')?.[1];
        if (name === undefined || !files.includes(name)) {
          next();
          return;
        }
        for (const [header, value] of Object.entries(isolationHeaders)) response.setHeader(header, value);
        response.setHeader('Content-Type', name.endsWith('.wasm') ? 'application/wasm' : 'text/javascript');
        createReadStream(join(folder, name)).pipe(response);
      });
    },
    async generateBundle() {
      for (const name of files) {
        this.emitFile({ type: 'asset', fileName: `ort/${name}`, source: await readFile(join(folder, name)) });
      }
    },
  };
}
