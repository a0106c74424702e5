/** The headers Lateral is served with: cross-origin isolation (for threads) and the content security policy. */

export const isolationHeaders = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

/** No foreign origin, no eval, no inline script or style. 'wasm-unsafe-eval' lets WebAssembly compile, nothing else. */
export const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  "font-src 'self'",
  "connect-src 'self'",
  "worker-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** For a `<meta>` in the page, which protects the first visit through a host that sets no headers. */
export const metaContentSecurityPolicy = contentSecurityPolicy.replace("; frame-ancestors 'none'", ''); // not for a meta

export const productionHeaders = {
  ...isolationHeaders,
  'Content-Security-Policy': contentSecurityPolicy,
  'Cross-Origin-Resource-Policy': 'same-origin',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
};
