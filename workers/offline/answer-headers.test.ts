import { expect, it } from 'vitest';
import { withHeaders } from './answer-headers.ts';

const wanted = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Referrer-Policy': 'no-referrer' };

it('adds what is missing, leaves what the server set, and keeps status and body', async () => {
  const given = new Response('gone', {
    status: 404,
    headers: { 'content-type': 'text/plain', 'referrer-policy': 'origin' },
  });
  const answer = withHeaders(given, wanted);
  expect(Object.fromEntries(answer.headers)).toEqual({
    'content-type': 'text/plain',
    'cross-origin-opener-policy': 'same-origin',
    'referrer-policy': 'origin',
  });
  expect([answer.status, await answer.text()]).toEqual([404, 'gone']);
});

it('hands on a response that lacks nothing, and one without a body', () => {
  const whole = new Response('', { headers: wanted });
  expect(withHeaders(whole, wanted)).toBe(whole);
  expect(withHeaders(new Response(null, { status: 304 }), wanted).status).toBe(304);
});

it("adds permitted hosts to the policy, the server's too", () => {
  const policyOf = (headers: Record<string, string>) =>
    withHeaders(new Response('', { headers }), { 'Content-Security-Policy': "connect-src 'self'" }, [
      'https://hub.example',
    ]).headers.get('content-security-policy');
  expect(policyOf({})).toBe("connect-src 'self' https://hub.example");
  expect(policyOf({ 'content-security-policy': "connect-src 'none'; img-src *" })).toBe(
    'connect-src https://hub.example; img-src *',
  );
});
