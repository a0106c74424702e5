/** The pure parts of downloads: addresses, waits, rates, licences, digests. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createDigest, createGitDigest } from '../digest.ts';
import { someBytes } from '../testing/hub-server.ts';
import { hasConditions } from './hub-api.ts';
import { createRateMeter } from './rate.ts';
import { backOffMs, defaultRetry, readRetryAfter, sleep } from './retry.ts';
import { checkEndpoint, connectSources, fileUrl, hubSource, pathSource } from './source.ts';

describe('addresses', () => {
  test('a mirror, as people type it', () => {
    expect(checkEndpoint(' https://hub.example/ ')).toBe('https://hub.example');
    expect(checkEndpoint('https://hub.example/mirror//')).toBe('https://hub.example/mirror');
    expect(checkEndpoint('http://localhost:8080')).toBe('http://localhost:8080');
  });

  test.each(['http://hub.example', 'hub.example', 'ftp://hub.example', 'https://me:pw@hub.example', 'https://a.b/?x'])(
    '%s is refused',
    (text) => {
      expect(() => checkEndpoint(text)).toThrow(expect.objectContaining({ code: 'invalid-argument' }) as Error);
    },
  );

  test.each(['model', 'a/b/c', '../b', 'a/..', 'a b/c', ''])('"%s" is no repository', (repo) => {
    expect(() => hubSource(repo)).toThrow(/not a repository/);
  });

  test('a file on a hub, and on a server of one’s own', () => {
    const hub = hubSource('maker/model', 'refs/pr/1', 'https://hub.example');
    expect(fileUrl(hub, 'onnx/model #1.onnx')).toBe(
      'https://hub.example/maker/model/resolve/refs%2Fpr%2F1/onnx/model%20%231.onnx',
    );
    expect(fileUrl(pathSource('/models/mine', 'http://app.example'), 'config.json')).toBe(
      'http://app.example/models/mine/config.json',
    );
    for (const path of ['../x', '/x', 'a//b', 'a\\b', './a', '']) {
      expect(() => fileUrl(hub, path)).toThrow(/cannot be the path/);
    }
  });

  test('what the policy has to permit', () => {
    expect(connectSources(hubSource('a/b', 'main', 'https://mirror.example/hf'))[0]).toBe('https://mirror.example');
    expect(connectSources(pathSource('https://own.example/models'))).toEqual(['https://own.example']);
  });
});

describe('waits', () => {
  test('double up to a limit, half of each by chance', () => {
    const waits = (chance: number) =>
      [1, 2, 3, 7, 20].map((failures) => backOffMs(failures, { ...defaultRetry, random: () => chance }));
    expect(waits(0)).toEqual([500, 1_000, 2_000, 30_000, 30_000]);
    expect(waits(0.5)).toEqual([750, 1_500, 3_000, 45_000, 45_000]);
  });

  test('Retry-After, in seconds and as a date', () => {
    const now = Date.parse('Thu, 26 Nov 2026 11:00:00 GMT');
    expect(readRetryAfter('120')).toBe(120_000);
    expect(readRetryAfter('Thu, 26 Nov 2026 11:01:30 GMT', now)).toBe(90_000);
    expect(readRetryAfter('Thu, 26 Nov 2026 10:00:00 GMT', now)).toBe(0);
    expect([readRetryAfter(null), readRetryAfter(''), readRetryAfter('soon')]).toEqual([null, null, null]);
  });

  test('end with a cancel', async () => {
    const cancel = new AbortController();
    const waiting = sleep(60_000, cancel.signal);
    cancel.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'aborted' });
    await expect(sleep(60_000, cancel.signal)).rejects.toMatchObject({ code: 'aborted' });
  });
});

test('a rate is of the last seconds, once it is steady', () => {
  let now = 0;
  const meter = createRateMeter(() => now);
  const at = (seconds: number, done: number) => {
    now = seconds * 1000;
    meter.advance(done);
    return meter.rate(done, 10_000);
  };
  expect(at(0, 1_000)).toEqual({}); // what was here before does not count as speed
  expect(at(2, 1_200)).toEqual({});
  expect(at(4, 1_400)).toEqual({ bytesPerSecond: 100, etaSeconds: 86 }); // 8,600 left
  for (let second = 5; second <= 60; second++) at(second, 1_400 + (second - 4) * 10);
  expect(at(60, 1_960).bytesPerSecond).toBeCloseTo(10); // the quick start is forgotten
  expect(at(61, 0)).toEqual({}); // a file started over
});

test.each([
  ['apache-2.0', false],
  ['mit', false],
  ['cc-by-4.0', false],
  ['cc-by-nc-4.0', true],
  ['cc-by-nc-sa-4.0', true],
  ['lfm1.0', true], // nobody here has read it
  ['', true],
])('licence "%s" has conditions: %s', (licence, conditions) => {
  expect(hasConditions(licence)).toBe(conditions);
});

test('digests of what streams by are those of the whole', async () => {
  const bytes = someBytes(100_001);
  const [sha256, git] = await Promise.all([createDigest('sha256'), createGitDigest(bytes.length)]);
  for (let at = 0; at < bytes.length; at += 7_777) {
    sha256.update(bytes.subarray(at, at + 7_777));
    git.update(bytes.subarray(at, at + 7_777));
  }
  expect(sha256.hex()).toBe(createHash('sha256').update(bytes).digest('hex'));
  expect(git.hex()).toBe(createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex'));
});
