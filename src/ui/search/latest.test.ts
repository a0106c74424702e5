import { expect, it } from 'vitest';
import { Latest } from './latest.ts';

/** Questions that are answered one by one, when the test says so. */
function exam() {
  const asked: string[] = [];
  const answers: (() => void)[] = [];
  const signals: AbortSignal[] = [];
  const latest = new Latest<string>((question, signal) => {
    asked.push(question);
    signals.push(signal);
    return new Promise((resolve) => answers.push(resolve));
  });
  const answer = async (): Promise<void> => {
    answers.shift()!();
    await Promise.resolve();
    await Promise.resolve();
  };
  return { asked, signals, latest, answer };
}

it('asks at once, and then only the newest of what came meanwhile', async () => {
  const { asked, latest, answer } = exam();
  latest.ask('w');
  expect(asked).toEqual(['w']);
  latest.ask('wh');
  latest.ask('why');
  expect(asked).toEqual(['w']);
  await answer();
  expect(asked).toEqual(['w', 'why']);
  await answer();
  expect(latest.busy).toBe(false);
  latest.ask('why did');
  expect(asked).toEqual(['w', 'why', 'why did']);
});

it('a stop gives up the answer and the question that waits, and the next is asked at once', async () => {
  const { asked, signals, latest, answer } = exam();
  latest.ask('a');
  latest.ask('ab');
  latest.stop();
  expect(signals[0]!.aborted).toBe(true);
  latest.ask('b');
  expect(asked).toEqual(['a', 'b']);
  await answer();
  expect(asked).toEqual(['a', 'b']); // 'ab' is forgotten
});
