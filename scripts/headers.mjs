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

// ── the one script whose policy has more hosts (docs/design.md) ──

/** The worker that downloads models. No other script is ever answered with foreign hosts in its policy. */
const modelsScript = /^\/?assets\/models\.worker-[\w-]+\.js$/;

/**
 * A host as `connect-src` takes it: https, with `*.` before two names or more; http on this machine alone. Nothing that could
 * end the directive or mean every host.
 */
const connectSource =
  /^(https:\/\/(\*\.[a-z0-9-]+\.)?[a-z0-9-]+(\.[a-z0-9-]+)*|http:\/\/(localhost|127\.0\.0\.1))(:\d{1,5})?$/;

export const isConnectSource = (source) => connectSource.test(source);

/**
 * The hosts that a person has permitted to the worker that is about to be made: its script is asked for with them, as
 * `?connect=https://host&connect=…` (src/index.ts).
 * @param path below the app's folder; with or without `/` before it
 * @param {URLSearchParams} query
 * @returns none for any other script, and none at all where one of them cannot be such a host
 */
export function permittedSources(path, query) {
  const sources = modelsScript.test(path) ? query.getAll('connect') : [];
  return sources.every(isConnectSource) ? sources : [];
}

export const isModelsScript = (path) => modelsScript.test(path);

/** The policy, or each of several with commas between, with these hosts in its `connect-src`; the rest of it stays. */
export function permitting(policy, sources) {
  if (sources.length === 0) return policy;
  return policy
    .split(',')
    .map((one) => {
      const directives = one.split(';').map((directive) => directive.trim());
      const named = directives.filter((directive) => directive !== '');
      const own = named.find((directive) => /^connect-src(\s|$)/i.test(directive));
      const [, ...before] = own === undefined ? ['', "'self'"] : own.split(/\s+/);
      const kept = before.filter((source) => source.toLowerCase() !== "'none'"); // stands alone or not at all
      const wanted = ['connect-src', ...new Set([...kept, ...sources])].join(' ');
      return (own === undefined ? [...named, wanted] : named.map((one) => (one === own ? wanted : one))).join('; ');
    })
    .join(', ');
}

/** The headers of an answer of our own servers. @param url of the request: path below the app's folder, and query */
export function headersFor(url) {
  const { pathname, searchParams } = new URL(url, 'http://localhost');
  const policy = permitting(contentSecurityPolicy, permittedSources(pathname, searchParams));
  return { ...productionHeaders, 'Content-Security-Policy': policy };
}
