import { createServer } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Secret } from '../../src/lib/secret.js';
import { readMember } from '../../src/resources/patroni/member.js';
import { isSchedule, patroniSchedule, patroniUnscheduled } from '../../src/resources/patroni/schedule.js';
import { NOTHING_DONE } from '../../src/resources/resource.js';
import type { Script } from '../../src/shell/quote.js';
import { feed, HOST_SHELLS, inEveryShell, isThere } from '../support/shells.js';
import { listen } from '../support/tls-servers.js';

const AT = '2099-01-01T01:00:00+01:00';

describe.skipIf(!isThere('curl'))(isThere('curl') ? 'a scheduled switchover' : 'a scheduled switchover (skipped: no curl here)', () => {
  /** What Patroni has scheduled, when it shows that, and what it answers instead of doing anything. */
  let scheduled: Record<string, string> | undefined;
  let looks = 0;
  let refuses: { status: number; body: string } | undefined;
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString('utf8')));
    request.on('end', () => {
      const end = (status: number, text: string): void => void response.writeHead(status, { connection: 'close' }).end(text);
      if (request.method === 'GET') {
        looks += 1;
        // What was asked for shows up a little later.
        const shown = looks > 2 ? { scheduled_switchover: scheduled } : {};
        return end(200, JSON.stringify({ members: [], ...shown }));
      }
      if (refuses !== undefined) return end(refuses.status, refuses.body);
      if (request.method === 'DELETE') {
        const was = scheduled;
        scheduled = undefined;
        return was === undefined ? end(404, 'no switchover is scheduled') : end(200, 'scheduled switchover deleted');
      }
      const { scheduled_at: at, leader: from, candidate: to } = JSON.parse(body) as Record<string, string>;
      scheduled = { at: at ?? '', from: from ?? '', ...(to === undefined ? {} : { to }) };
      return end(202, 'Switchover scheduled');
    });
  });
  const access = { url: '', user: 'patroni', password: new Secret('s3cret') };
  beforeAll(async () => {
    access.url = `http://127.0.0.1:${await listen(server)}`;
  });
  beforeEach(() => {
    [scheduled, looks, refuses] = [undefined, 0, undefined];
  });
  afterAll(() => server.close());

  inEveryShell(HOST_SHELLS, (shell) => {
    const run = async (script: Script): Promise<{ code: number | null; said: string }> => {
      const { code, out } = await feed(shell, `set -e\n${script.text}`);
      return { code, said: out.toString() };
    };
    const schedule = (candidate?: string): Promise<{ code: number | null; said: string }> =>
      run(
        patroniSchedule({ ...access, leader: 'pg1', at: AT, ...(candidate === undefined ? {} : { candidate }) }).apply([], {
          answers: false,
        }),
      );
    const cancel = (): Promise<{ code: number | null; said: string }> => run(patroniUnscheduled(access).apply([], { answers: false }));

    it('is created, and waited for until Patroni shows it', async () => {
      expect(await schedule('pg2')).toEqual({ code: 0, said: '' });
      expect([scheduled, looks]).toEqual([{ at: AT, from: 'pg1', to: 'pg2' }, 3]);
      expect((await schedule()).code).toBe(0);
      expect(scheduled).toEqual({ at: AT, from: 'pg1' });
    });

    it('is not created when Patroni refuses, with Patroni’s own words', async () => {
      refuses = { status: 400, body: "Can't schedule switchover in the paused state" };
      expect(await schedule()).toEqual({
        code: NOTHING_DONE,
        said: "Patroni did not schedule the switchover: Can't schedule switchover in the paused state (HTTP 400)\n",
      });
    });

    it('can be cancelled, whoever made it', async () => {
      [scheduled, looks] = [{ at: AT, from: 'pg1' }, 2];
      expect(await cancel()).toEqual({ code: 0, said: '' });
      expect(scheduled).toBeUndefined();
      expect(await cancel()).toEqual({ code: 0, said: '' });
      refuses = { status: 503, body: 'failed' };
      expect(await cancel()).toEqual({ code: 1, said: 'Patroni did not cancel the switchover: failed (HTTP 503)\n' });
    });
  });

  it('is recognised in any time zone, with the same candidate', () => {
    const seen = (to?: string): Parameters<typeof isSchedule>[0] => ({ at: '2099-01-01T00:00:00+00:00', from: 'pg1', ...(to && { to }) });
    expect(isSchedule(seen('pg2'), { at: AT, candidate: 'pg2' })).toBe(true);
    expect(isSchedule(seen(), { at: AT })).toBe(true);
    expect(isSchedule(seen('pg3'), { at: AT, candidate: 'pg2' })).toBe(false);
    expect(isSchedule(seen(), { at: AT, candidate: 'pg2' })).toBe(false);
    expect(isSchedule(seen(), { at: '2099-01-01T00:00:00+01:00' })).toBe(false);
    expect(isSchedule(undefined, { at: AT })).toBe(false);
  });

  it('differs until it exists, or until it is gone', () => {
    const state = (scheduledThere: boolean) => ({
      ...readMember('', access.url),
      ...(scheduledThere ? { answers: true, scheduled: { at: AT } } : { answers: true }),
    });
    const wanted = patroniSchedule({ ...access, leader: 'pg1', at: AT });
    const diffs = (there: boolean): number[] => [
      wanted.diff(state(there) as never).length,
      patroniUnscheduled(access).diff(state(there) as never).length,
    ];
    expect([diffs(true), diffs(false)]).toEqual([
      [0, 1],
      [1, 0],
    ]);
  });
});
