/** Two projects: `node` for everything pure, `browser` (real headless Chromium) for IndexedDB and WebGPU. */
import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';
import { chromiumArguments, findChromium } from './scripts/chromium.mjs';

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'node',
          environment: 'node',
          include: ['src', 'workers', 'bin', 'bench', 'scripts'].map((folder) => `${folder}/**/*.test.ts`),
          exclude: ['src/**/*.browser.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        // The page's own settings, so that its worker, model and runtime are served here too.
        extends: './vite.config.ts',
        // The browser has no environment of its own to read.
        define: { 'import.meta.env.LATERAL_LONG': JSON.stringify(process.env.LATERAL_LONG ?? '') },
        // Named, or Vite finds them while the tests run and starts those over.
        optimizeDeps: {
          include: [
            ...['@huggingface/transformers', 'onnxruntime-web/webgpu', 'idb', 'fast-check', 'chardet', 'htmlparser2'],
            ...['mdast-util-from-markdown', 'mdast-util-gfm', 'micromark-extension-gfm', 'stopword'],
            ...['pdfjs-dist/legacy/build/pdf.mjs', 'pdfjs-dist/legacy/build/pdf.worker.mjs', 'fflate'],
            ...['mammoth/mammoth.browser.min.js', 'valibot', 'minisearch', 'hash-wasm'],
            ...['@bufbuild/protobuf', '@bufbuild/protobuf/wkt'],
            // The page's, which Vite finds where it looks into index.html.
            ...['react', 'react-dom/client', 'react/jsx-runtime', 'react/jsx-dev-runtime', 'lucide-react'],
            ...[
              'csp-provider',
              'dialog',
              'direction-provider',
              'menu',
              'popover',
              'radio',
              'radio-group',
              'select',
            ].map((part) => `@base-ui/react/${part}`),
            ...['@base-ui/react/toast', '@base-ui/react/tooltip', '@tanstack/react-virtual'],
          ],
        },
        test: {
          name: 'browser',
          include: ['src/**/*.browser.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: playwright({
              launchOptions: { ...findChromium().launch, args: chromiumArguments({ webgpu: true }) },
            }),
            instances: [{ browser: 'chromium' }],
          },
        },
      },
    ],
  },
});
