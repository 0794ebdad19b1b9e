import { describe, expect, it } from 'vitest';
import { CoordinatedChange } from '../../src/engine/coordinated-change.js';

describe('CoordinatedChange', () => {
  it.each<{
    title: string;
    followers: string[];
    play: (concert: CoordinatedChange) => void;
    missing: string | undefined;
    underWay: boolean;
  }>([
    { title: 'no host', followers: [], play: () => undefined, missing: undefined, underWay: false },
    {
      title: 'all hosts have begun',
      followers: ['pg2', 'pg3'],
      play: (concert) => ['pg3', 'pg2'].forEach((host) => concert.begin(host)),
      missing: undefined,
      underWay: true,
    },
    {
      title: 'a host failed after it had begun',
      followers: ['pg2'],
      play: (concert) => {
        concert.begin('pg2');
        concert.end('pg2');
      },
      missing: undefined,
      underWay: true,
    },
    {
      title: 'a host failed before it began',
      followers: ['pg2', 'pg3'],
      play: (concert) => {
        concert.begin('pg2');
        concert.end('pg3');
      },
      missing: 'pg3',
      underWay: true,
    },
    {
      title: 'another host ended',
      followers: ['pg2'],
      play: (concert) => {
        concert.end('pg9');
        concert.end('pg2');
      },
      missing: 'pg2',
      underWay: false,
    },
  ])('knows which host it waits for: $title', async ({ followers, play, missing, underWay }) => {
    const concert = new CoordinatedChange(followers);
    play(concert);
    expect([await concert.missing(), concert.underWay]).toEqual([missing, underWay]);
  });

  it('waits until each has either begun or ended', async () => {
    const concert = new CoordinatedChange(['pg2', 'pg3']);
    let led = false;
    const leading = concert.missing().then(() => (led = true));
    concert.begin('pg2');
    await new Promise((resolve) => setImmediate(resolve));
    expect(led).toBe(false);
    concert.begin('pg3');
    await leading;
    expect(led).toBe(true);
  });
});
