import { describe, expect, it } from 'vitest';
import { lastPromotion } from '../../src/resources/last-promotion.js';

const REASON = 'no recovery target specified';

describe('lastPromotion', () => {
  it.each([
    { title: 'there is none', history: undefined },
    { title: 'the history is empty', history: '[]' },
    { title: 'it cannot be read', history: '[[1,' },
    { title: 'it is something else', history: '{"a":1}' },
  ])('is absent when $title', ({ history }) => expect(lastPromotion(history)).toEqual({}));

  it('has the time, the new leader, and the former one if the previous entry names it', () => {
    const history = JSON.stringify([
      [1, 25100000, REASON, '2026-11-28T10:00:00.123456+00:00', 'pg2'],
      [2, 8589934920, REASON, '2026-11-28T15:40:12.654321+00:00', 'pg1'],
    ]);
    expect(lastPromotion(history)).toEqual({
      lastPromotion: { timeline: 3, at: '2026-11-28T15:40:12.654321+00:00', from: 'pg2', to: 'pg1', reason: REASON, lsn: '2/148' },
    });
  });

  it('omits what an entry without a name and a time does not have', () => {
    const history = JSON.stringify([
      [4, 90000000, REASON, '2026-11-28T10:00:00+00:00', 'pg2'],
      [6, 93047136, REASON],
    ]);
    expect(lastPromotion(history)).toEqual({ lastPromotion: { timeline: 7, reason: REASON, lsn: '0/58BC960' } });
  });
});
