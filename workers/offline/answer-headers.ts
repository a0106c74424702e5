/** On hosts that set no headers, the service worker sets those that Lateral is meant to be served with. */

/** The response with the headers that it lacks; what the server set stays. */
export function withHeaders(response: Response, wanted: Readonly<Record<string, string>>): Response {
  if (response.type === 'error' || response.type === 'opaque' || response.type === 'opaqueredirect') return response;
  const missing = Object.entries(wanted).filter(([name]) => !response.headers.has(name));
  if (missing.length === 0) return response;
  const headers = new Headers(response.headers);
  for (const [name, value] of missing) headers.set(name, value);
  const { status, statusText } = response;
  const empty = [101, 204, 205, 304].includes(status);
  return new Response(empty ? null : response.body, { status, statusText, headers });
}
