/** Builds the page, its worker and what they load at run time: all of it from our own origin. */
import { createReadStream, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';
import { VitePWA } from 'vite-plugin-pwa';
import { headersFor, isolationHeaders, metaContentSecurityPolicy } from './scripts/headers.mjs';

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
  plugins: [react(), onnxRuntimeFiles(), pdfFiles(), metaPolicy(), previewHeaders(), offline()],
  server: { headers: isolationHeaders, fs: { strict: true } },
  worker: {
    format: 'es',
    rolldownOptions: {
      // Workers hold at once what Node loads when it is needed (src/extract): that is meant.
      checks: { bundlerTimings: false, ineffectiveDynamicImport: false },
      output: { entryFileNames: 'assets/[name]-[hash].js' },
    },
  },
  optimizeDeps: { exclude: ['onnxruntime-web', '@huggingface/transformers'] },
  build: {
    target: 'es2023',
    sourcemap: false,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1024,
    rolldownOptions: { checks: { bundlerTimings: false } }, // a build is silent
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

/** Serves what pdf.js fetches (character tables, fonts, picture decoders) as pdf/… and puts it into the build, unchanged. */
function pdfFiles(): Plugin {
  const folder = dirname(createRequire(import.meta.url).resolve('pdfjs-dist/package.json'));
  const files = ['cmaps', 'standard_fonts', 'wasm', 'iccs'].flatMap((part) =>
    readdirSync(join(folder, part))
      .filter((name) => !name.endsWith('.js'))
      .map((name) => `${part}/${name}`),
  );
  return {
    name: 'lateral:pdf-files',
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        const name = /\/pdf\/([^/?]+\/[^/?]+)/.exec(request.url ?? '')?.[1];
        if (name === undefined || !files.includes(name)) {
          next();
          return;
        }
        for (const [header, value] of Object.entries(isolationHeaders)) response.setHeader(header, value);
        response.setHeader('Content-Type', name.endsWith('.wasm') ? 'application/wasm' : 'application/octet-stream');
        createReadStream(join(folder, name)).pipe(response);
      });
    },
    async generateBundle() {
      for (const name of files) {
        this.emitFile({ type: 'asset', fileName: `pdf/${name}`, source: await readFile(join(folder, name)) });
      }
    },
  };
}

/** The policy within the page too, for hosts that set no headers: there the service worker sets it from the second visit on. */
function metaPolicy(): Plugin {
  return {
    name: 'lateral:meta-policy',
    apply: 'build',
    transformIndexHtml: () => [
      {
        tag: 'meta',
        attrs: { 'http-equiv': 'Content-Security-Policy', content: metaContentSecurityPolicy },
        injectTo: 'head-prepend',
      },
    ],
  };
}

/** `vite preview` answers as scripts/serve-build.mjs does. */
function previewHeaders(): Plugin {
  return {
    name: 'lateral:preview-headers',
    configurePreviewServer(server) {
      server.middlewares.use((request, response, next) => {
        for (const [name, value] of Object.entries(headersFor(request.url ?? '/'))) response.setHeader(name, value);
        next();
      });
    },
  };
}

/** The service worker, with the list of this version's files (workers/offline.sw.ts). */
function offline() {
  return VitePWA({
    strategies: 'injectManifest',
    srcDir: 'workers',
    filename: 'offline.sw.ts',
    injectRegister: false, // src/ui/offline registers it, once the page is in use
    injectManifest: {
      rollupFormat: 'iife',
      sourcemap: false,
      globPatterns: ['**/*'],
      globIgnores: ['models/**/README.md'],
      maximumFileSizeToCacheInBytes: 2 ** 30,
      manifestTransforms: [
        (entries) => ({ manifest: entries.map((entry) => ({ ...entry, bytes: entry.size })), warnings: [] }),
      ],
    },
    integration: {
      configureCustomSWViteBuild(build) {
        build.logLevel = 'warn';
      },
    },
    manifest: false, // public/manifest.webmanifest: a file like the others
  });
}
