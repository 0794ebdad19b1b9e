import { expect, it } from 'vitest';

import { Limiter } from '../../src/transport/limiter.js';

it('runs no more than the limit at once, and all in the end', async () => {
  const limiter = new Limiter(3);
  let running = 0;
  let most = 0;
  const work = async (fails: boolean): Promise<void> => {
    most = Math.max(most, (running += 1));
    await new Promise((resolve) => setTimeout(resolve, 5));
    running -= 1;
    if (fails) throw new Error('no');
  };
  const results = await Promise.allSettled(Array.from({ length: 20 }, (_, index) => limiter.run(() => work(index % 2 === 0))));
  expect(most).toBe(3);
  expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(10);
});

it('lets a waiter give up its place', async () => {
  const limiter = new Limiter(1);
  const controller = new AbortController();
  const first = limiter.run(() => new Promise((resolve) => setTimeout(resolve, 30, 'first')));
  const second = limiter.run(() => Promise.resolve('second'), controller.signal);
  const third = limiter.run(() => Promise.resolve('third'));
  controller.abort(new Error('enough'));
  await expect(second).rejects.toThrow('enough');
  expect(await Promise.all([first, third])).toEqual(['first', 'third']);
});
