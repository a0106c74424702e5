/** A hundred downloads from a hub where anything goes wrong at random, by a seed: the right bytes, or a clear error. */
import { expect, test } from 'vitest';
import { createSetting, quick, weights } from '../testing/setting.ts';
import { someBytes, type Fault } from '../testing/hub-server.ts';
import { LateralError } from '../../errors.ts';

const seed = Number(process.env.LATERAL_SEED ?? 20_261_126);
const rounds = 100;
const model = { 'config.json': new TextEncoder().encode('{}'), [weights]: someBytes(60_000, 5) };
const expected = ['download-interrupted', 'download-damaged', 'download-refused', 'model-unavailable'];

test(`whatever happens, with seed ${seed}`, { timeout: 400_000 }, async () => {
  const random = generator(seed);
  const ends = new Map<string, number>();
  for (let round = 0; round < rounds; round++) {
    const made = await createSetting({ model, etags: random() < 0.8, lengths: random() < 0.8 });
    try {
      const faults = Array.from({ length: Math.floor(random() * 7) }, () => randomFault(random));
      made.hub.fail(weights, ...faults);
      if (random() < 0.3) made.hub.fail('config.json', randomFault(random));
      if (random() < 0.2) made.hub.fail('tree', randomFault(random));
      // Up to three times, as a person presses "go on".
      for (let attempt = 1; ; attempt++) {
        const options = { retry: { ...quick, stallMs: 100, attempts: 3 } };
        const end = await made.download(options).then(
          () => 'whole',
          (error: unknown) => (error instanceof LateralError ? error.code : `not ours: ${String(error)}`),
        );
        ends.set(end, (ends.get(end) ?? 0) + 1);
        const context = { round, attempt, faults };
        expect({ ...context, end: ['whole', ...expected].includes(end) ? '' : end }).toEqual({ ...context, end: '' });
        for (const stored of await made.store.list()) {
          for (const { path, state } of stored.files) {
            if (state !== 'whole') continue;
            const same = Buffer.from(await made.bytes(stored, path)).equals(model[path as keyof typeof model]);
            expect({ ...context, path, same }).toEqual({ ...context, path, same: true });
          }
          expect(stored.complete).toBe(end === 'whole');
        }
        if (end === 'whole' || attempt === 3) break;
      }
    } finally {
      await made.close();
    }
  }
  // The seed has to have tried both: else this proves nothing.
  expect(ends.get('whole')).toBeGreaterThan(rounds / 2);
  expect(ends.size).toBeGreaterThan(2);
});

function randomFault(random: () => number): Fault {
  const at = random();
  const faults: readonly Fault[] = [
    { kind: 'truncate', at },
    { kind: 'drop', at },
    { kind: 'drop', at },
    { kind: 'stall', at },
    { kind: 'flip', at },
    { kind: 'longer' },
    { kind: 'html', typed: random() < 0.5 },
    { kind: 'no-range' },
    { kind: 'wrong-range' },
    { kind: 'status', status: [400, 401, 403, 404, 408, 416, 429, 500, 502, 503][Math.floor(random() * 10)]! },
  ];
  return faults[Math.floor(random() * faults.length)]!;
}

/** mulberry32 */
function generator(state: number): () => number {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
