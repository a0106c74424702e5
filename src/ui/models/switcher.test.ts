/** A switch of models, with a next index in memory that does what a test says. */
import { beforeEach, describe, expect, test } from 'vitest';
import { LateralError } from '../../errors.ts';
import type { Progress } from '../../index.ts';
import type { ModelChoice } from '../state/preferences.ts';
import { type NextIndex, Switcher } from './switcher.ts';

const jina: ModelChoice = { model: 'jina-colbert-v2', title: 'jina-colbert-v2', tokensPerSecond: 900 };
const mini: ModelChoice = { model: null, title: 'Lateral mini', tokensPerSecond: null };
const reading = (done: number): Progress => ({ phase: 'reencoding', done, total: 40, unit: 'files' });

let log: string[];
let remembered: ModelChoice | null;
let switchingFrom: object | null;
let end: (error?: LateralError) => void;
let progress: (progress: Progress) => void;
let switcher: Switcher;

beforeEach(() => {
  log = [];
  remembered = null;
  switchingFrom = {};
  switcher = new Switcher({
    open: (to) => {
      log.push(`open ${to.title}`);
      return Promise.resolve(next);
    },
    adopt: (_, to) => log.push(`adopt ${to.title}`),
    discard: () => Promise.resolve(log.push('discard')),
    remember: (to) => (remembered = to),
  });
});

const next: NextIndex = {
  status: () => ({ switchingFrom }),
  reencode: ({ signal, onProgress = () => undefined }) =>
    new Promise((resolve, reject) => {
      progress = onProgress;
      end = (error) => (error === undefined ? resolve(40) : reject(error));
      signal?.addEventListener('abort', () => reject(new LateralError('aborted', 'Stopped on request.')));
    }),
  discardAside: () => Promise.resolve(log.push('discard')),
  close: () => {
    log.push('close');
    return Promise.resolve();
  },
};

const started = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

test('reads all documents by the other model, then takes it', async () => {
  const done = switcher.begin(jina);
  await started();
  expect(remembered).toBe(jina); // a reload goes on with it
  progress(reading(13));
  expect(switcher.state()).toMatchObject({ phase: 'running', to: jina, progress: { done: 13, total: 40 } });
  end();
  await done;
  expect(log).toEqual(['open jina-colbert-v2', 'adopt jina-colbert-v2']); // open, and stays so
  expect(remembered).toBeNull();
  expect(switcher.state().phase).toBe('idle');
});

test('cancelled, it leaves nothing behind and the model in use stays', async () => {
  const done = switcher.begin(jina);
  await started();
  const cancelled = switcher.cancel();
  expect(switcher.state().phase).toBe('idle'); // at once
  await Promise.all([cancelled, done]);
  expect(log).toEqual(['open jina-colbert-v2', 'discard', 'close']);
  expect(remembered).toBeNull();
  expect(switcher.state()).toMatchObject({ phase: 'idle', to: null });
});

test('cancelled after it has taken over, it is taken', async () => {
  const done = switcher.begin(jina);
  await started();
  switchingFrom = null;
  await switcher.cancel();
  await done;
  expect(log).toEqual(['open jina-colbert-v2', 'adopt jina-colbert-v2']);
});

describe('where it fails', () => {
  test('what was read is kept, said, and gone on with', async () => {
    const done = switcher.begin(jina);
    await started();
    end(new LateralError('storage-full', 'No room.'));
    await done;
    expect(switcher.state()).toMatchObject({ phase: 'stopped', to: jina });
    expect(switcher.state().problem).toMatch(/^There is no room .* jina-colbert-v2/);
    expect(log).not.toContain('discard');
    expect(remembered).toBe(jina);

    switcher.retry();
    await started();
    await started();
    expect(switcher.state().phase).toBe('running');
    end();
    await started();
    expect(log.at(-1)).toBe('adopt jina-colbert-v2');
  });

  test('a person can let go of it', async () => {
    const done = switcher.begin(jina);
    await started();
    end(new LateralError('internal', 'Broken.'));
    await done;
    await switcher.cancel();
    expect(switcher.state().phase).toBe('idle');
    expect(remembered).toBeNull();
    expect(log.at(-1)).toBe('discard');
  });
});

test('begun again while the first is still ending, it is not forgotten', async () => {
  const first = switcher.begin(jina);
  await started();
  const cancelled = switcher.cancel();
  const second = switcher.begin(jina);
  await Promise.all([first, cancelled]);
  await started();
  expect(switcher.state()).toMatchObject({ phase: 'running', to: jina });
  expect(remembered).toBe(jina);
  end();
  await second;
  expect(log).toEqual(['open jina-colbert-v2', 'discard', 'close', 'open jina-colbert-v2', 'adopt jina-colbert-v2']);
});

test('another switch ends the one under way', async () => {
  const first = switcher.begin(jina);
  await started();
  const second = switcher.begin(mini);
  await first;
  await started();
  expect(switcher.state().to).toBe(mini);
  end();
  await second;
  expect(log).toEqual(['open jina-colbert-v2', 'discard', 'close', 'open Lateral mini', 'adopt Lateral mini']);
});
