/** On hosts that set no headers, the service worker sets those that Lateral is meant to be served with. */
import { permitting } from '../../scripts/headers.mjs';

const policyName = 'Content-Security-Policy';

/**
 * The response with the headers that it lacks; what the server set stays.
 * @param sources hosts that this script may connect to besides: they are added to the policy, the server's too
 */
export function withHeaders(
  response: Response,
  wanted: Readonly<Record<string, string>>,
  sources: readonly string[] = [],
): Response {
  if (response.type === 'error' || response.type === 'opaque' || response.type === 'opaqueredirect') return response;
  const missing = Object.entries(wanted).filter(([name]) => !response.headers.has(name));
  if (missing.length === 0 && sources.length === 0) return response;
  const headers = new Headers(response.headers);
  for (const [name, value] of missing) headers.set(name, value);
  const policy = headers.get(policyName);
  if (policy !== null) headers.set(policyName, permitting(policy, sources));
  const { status, statusText } = response;
  const empty = [101, 204, 205, 304].includes(status);
  return new Response(empty ? null : response.body, { status, statusText, headers });
}
