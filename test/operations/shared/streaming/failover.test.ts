import { describe, expect, it } from 'vitest';
import failover from '../../../../src/operations/failover.js';
import type { OperationRun } from '../../../../src/plan/operation.js';
import { SERVERS_ANSWERING, TAKEOVER } from '../../../../src/resources/streaming/takeover.js';
import { primary, standby, streaming } from '../../../roles/shared/streaming/scene.js';
import { inventoryOf } from '../../../support/inventory.js';
import type { Known } from '../../run-seen.js';
import { streamingRun, WELL, type MadeServer } from '../../streaming-run.js';

const inventory = await streaming();
const synchronous = await streaming('replication: {synchronous: [pg1, pg2, pg3]}\n');

interface Options {
  to?: string;
  lose?: number;
  asynchronous?: boolean;
  lost?: readonly string[];
  followers?: readonly string[];
}

const at = (position: number, more: Parameters<typeof standby>[0] = {}): MadeServer =>
  standby({ receives: false, position, replayed: position, location: `0/${position.toString(16)}`, ...more });
/** pg1 was killed on its host, which answers; its last record starts at 0/2000. */
const CRASHED: MadeServer = {
  data: { clusterState: 'in production', position: { timeline: 1, checkpoint: '0/1000', nextOid: 20000, lastRecord: '0/2000' } },
};
const OFF: Record<string, MadeServer> = { pg2: at(0x2100), pg3: at(0x2000) };

/** A failover whose choice was made of what is seen. */
function chosen(servers: Record<string, MadeServer>, given: Options = {}, known: Known = {}, of = inventory): OperationRun<Options> {
  const run = streamingRun<Options>(of, servers, given, known);
  return { ...run, options: failover.choose?.(run) as Options };
}
const steps = (run: OperationRun<Options>): string[] => failover.remaining(run).steps.map(({ id }) => id);
const objections = (run: OperationRun<Options>): string[] => (failover.guards?.(run) ?? []).map(({ message }) => message);
const loss = (run: OperationRun<Options>): string => failover.remaining(run).steps.find(({ id }) => id === 'promote')?.effect ?? '';

describe('pgprov failover of servers that stream without Patroni', () => {
  it('is refused while the primary answers', () => {
    expect(failover.guards?.(chosen(WELL))).toMatchObject([
      {
        message: 'pg1 is the primary and answers, so there is nothing to fail over from',
        hint: expect.stringContaining('pgprov switchover'),
      },
    ]);
    expect(objections(chosen({ ...WELL, pg3: primary({ timeline: 2 }) }))[0]).toContain('are both primaries of one database');
  });

  it('is refused while a primary that cannot be reached from here answers to another host, or a standby receives WAL', () => {
    const seen = { ...OFF, pg3: { ...at(0x2000), more: { [SERVERS_ANSWERING.id]: ['pg1', 'pg2'] } } };
    expect(objections(chosen(seen))).toEqual([
      'PostgreSQL on pg1 answers to pg3, though its host cannot be reached from here: it may take writes',
    ]);
    const receiving = failover.guards?.(chosen({ ...OFF, pg2: at(0x2100, { receives: true }) }));
    expect(receiving).toMatchObject([{ message: expect.stringContaining('pg2 still receives WAL'), settles: { within: 90 } }]);
    const outside = { pg1: at(0x2100, { receives: true, from: '10.0.0.9' }), ...OFF };
    expect(failover.guards?.(chosen(outside))).toMatchObject([
      {
        message: 'pg1 still receives WAL, so a primary is there, though no server of the inventory sends it: it comes from 10.0.0.9',
        hint: expect.stringMatching(/^put its host back into the inventory and use/u),
        settles: { within: 90 },
      },
    ]);
    const cascaded = { pg1: at(0x2100, { receives: true, from: '10.0.0.2' }), ...OFF };
    expect(objections(chosen(cascaded))).toEqual([]);
    const starting = failover.guards?.(chosen({ ...OFF, pg1: { ...CRASHED, data: { ...(CRASHED.data as object), running: true } } }));
    expect(starting).toMatchObject([
      { message: expect.stringContaining('PostgreSQL runs on pg1, and takes no connections yet'), settles: true },
    ]);
  });

  it('fences a primary whose host answers, promotes the standby that has received the most, and says what is lost', () => {
    const run = chosen({ pg1: CRASHED, ...OFF });
    expect(run.options).toEqual({ lost: ['pg1'], to: 'pg2', followers: ['pg3'] });
    expect([objections(run), steps(run)]).toEqual([[], ['fence-pg1', 'slots', 'promote', 'others']]);
    expect(loss(run)).toBe(
      'pg2 has received the WAL up to 0/2100 on timeline 1; pg3 up to 0/2000, 256 bytes less; the last record of pg1 starts at 0/2000, and pg2 has it: nothing is lost',
    );
    const behind = chosen({ pg1: CRASHED, pg2: at(0x1f00), pg3: at(0x1e00) });
    expect(loss(behind)).toContain(
      'and pg2 has all up to 0/1F00: at least 256 bytes are lost, but for the disk of pg1: to start it there again loses nothing',
    );
    expect(failover.question?.(run)).toBe('What pg2 does not have is lost. Promote pg2 in place of pg1?');
  });

  it('says of a primary whose host cannot be reached that nothing fences it, and what to do', () => {
    const run = chosen(OFF);
    expect([objections(run), steps(run)]).toEqual([[], ['slots', 'promote', 'others']]);
    expect(failover.question?.(run)).toMatch(/^Nothing keeps pg1 from taking writes when it comes back: be sure that it is off\. /u);
    expect(loss(run)).toContain('the host of pg1 cannot be reached, so how far it was is unknown: what it had not sent is lost');
    expect(failover.remaining(run).then).toContain('before its PostgreSQL starts again, write standby.signal');
    expect(loss(run)).not.toContain('The last commit');
    expect(loss(chosen({ ...OFF, pg2: at(0x2100, { lastCommit: 1_764_455_223.5 }) }))).toContain(
      'The last commit that pg2 has replayed was made at 2025-11-29 22:27:03 UTC by the clock of pg1: later ones are lost, if there were any.',
    );
  });

  it('never takes one that has less than another, unless that is said', () => {
    expect(objections(chosen(OFF, { to: 'pg3' }))).toEqual(['pg3 is 256 bytes of WAL behind pg2, which would be lost']);
    expect(objections(chosen(OFF, { to: 'pg3', lose: 255 }))).toHaveLength(1);
    const given = chosen(OFF, { to: 'pg3', lose: 256 });
    expect([objections(given), given.options.followers, steps(given)]).toEqual([[], [], ['slots', 'promote']]);
    expect(loss(given)).toContain('pg2 up to 0/2100, 256 bytes more, which are lost');
    const newer = { pg2: at(0x2100), pg3: at(0x1000, { timeline: 2 }) };
    expect(chosen(newer).options.to).toBe('pg3');
    expect(objections(chosen(newer, { to: 'pg2', lose: 99999 }))[0]).toContain('pg2 is on timeline 1, and pg3 on 2');
  });

  it('loses nothing unasked that a standby has which cannot be promoted as it is', () => {
    const run = chosen({ pg2: at(0x2100, { paused: true }), pg3: at(0x2000) });
    expect(run.options.to).toBe('pg3');
    expect(failover.guards?.(run)).toMatchObject([
      {
        message: 'pg3 is 256 bytes of WAL behind pg2, which would be lost',
        hint: 'pg2 has its replay paused (pg_wal_replay_resume() ends that): end that, and leave out --to; to lose them nevertheless, add --lose 256',
      },
    ]);
    expect(objections(chosen({ pg2: at(0x2100, { paused: true }), pg3: at(0x2000) }, { lose: 256 }))).toEqual([]);
    expect(objections(chosen({ pg2: at(0x2000, { paused: true }), pg3: at(0x2000) }))).toEqual([]);
    const hinders = [{ name: 'default_transaction_read_only', value: 'on', file: '' }];
    const readOnly = { ...at(0x2100), more: { [TAKEOVER.id]: { walLevel: 'replica', slots: { most: 10, used: 0 }, hinders, own: [] } } };
    expect(objections(chosen({ pg2: readOnly, pg3: at(0x2000) }, { to: 'pg2' }))).toEqual([
      'pg2 cannot be promoted: it has default_transaction_read_only on, so that as the primary it would take no writes, and the other standbys would not find it: take that setting away there, and reload',
    ]);
    expect(objections(chosen({ pg2: readOnly, pg3: at(0x2000) }))).toEqual(['pg3 is 256 bytes of WAL behind pg2, which would be lost']);
  });

  it('takes a standby that is down where it has more, and starts it first', () => {
    const down: MadeServer = {
      signal: true,
      data: { clusterState: 'shut down', position: { timeline: 1, checkpoint: '0/2100', nextOid: 20000, lastRecord: '0/2100' } },
    };
    const run = chosen({ ...OFF, pg1: down });
    expect([run.options, steps(run)]).toEqual([
      { lost: [], to: 'pg1', followers: ['pg2', 'pg3'] },
      ['start', 'slots', 'promote', 'others'],
    ]);
    expect(objections(chosen({ ...OFF, pg1: down }, { to: 'pg2' }))[0]).toBe(
      'pg2 is a record of WAL behind pg1 (it is down, and its last record starts at 0/2100), which would be lost',
    );
  });

  it('does not wait for a standby that is told another primary by its own files, and says so', () => {
    const own = [{ name: 'primary_conninfo', file: '/data/postgresql.auto.conf' }];
    const told = { ...at(0x2000), more: { [TAKEOVER.id]: { walLevel: 'replica', slots: { most: 10, used: 0 }, hinders: [], own } } };
    const run = chosen({ ...OFF, pg3: told });
    expect([run.options.to, run.options.followers, steps(run)]).toEqual(['pg2', [], ['slots', 'promote']]);
    expect(failover.remaining(run).then).toContain(
      'pg3 is not waited for: it has primary_conninfo of its own (/data/postgresql.auto.conf), with which it would not find another primary',
    );
  });

  it('does not wait for a standby that parted from the new primary earlier, and says so', () => {
    const leads = { ...at(0x9000, { timeline: 2 }), data: { history: { timeline: 2, forks: ['1 0/6000'] } } };
    const run = chosen({ pg2: leads, pg3: at(0x8000) });
    expect([run.options.to, run.options.followers, steps(run)]).toEqual(['pg2', [], ['slots', 'promote']]);
    expect(failover.remaining(run).then).toContain('pg3 is not waited for: it went on on timeline 1 to 0/8000, which pg2 left at 0/6000');
    expect(chosen({ pg2: leads, pg3: at(0x6000) }).options.followers).toEqual(['pg3']);
    // One that was chosen by a run that was cut off, and parted since.
    const resumed = streamingRun<Options>(
      inventory,
      { pg2: { ...primary({ timeline: 2 }), data: leads.data }, pg3: at(0x8000) },
      { to: 'pg2', lost: ['pg1'], followers: ['pg3'] },
    );
    expect([steps(resumed), failover.remaining(resumed).steps]).toEqual([[], []]);
    expect(failover.nothing?.(resumed)).toContain('pg3 is not waited for: it went on on timeline 1');
  });

  it('does not wait for a standby of the lost server alone, and says so', async () => {
    const hosts = ['pg1', 'pg2', 'pg3'].map((name, at) => `  ${name}: {address: 192.0.2.${at + 1}, cluster_address: 10.0.0.${at + 1}`);
    const cascade = await inventoryOf(
      `cluster: demo\nroles: [base, pgdg, postgresql, replication]\nleader: pg2\nhosts:\n${hosts[0]}}\n${hosts[1]}}\n${hosts[2]}, replication: {upstream: pg1}}\n`,
    );
    const run = chosen({ pg2: at(0x2100), pg3: at(0x2000) }, {}, {}, cascade);
    expect(run.options).toMatchObject({ lost: ['pg1'], to: 'pg2', followers: [] });
    expect(failover.remaining(run).then).toContain('pg3 is not waited for: it');
  });

  it('tells where commits waited for a standby that does not say how far it is', () => {
    expect(objections(chosen(OFF, {}, {}, synchronous))).toEqual([]);
    expect(loss(chosen(OFF, {}, {}, synchronous))).toMatch(/; no commit is lost that waited for a synchronous standby: pg2 has them$/u);
    expect(loss(chosen(OFF, { to: 'pg3', lose: 256 }, {}, synchronous))).not.toContain('no commit is lost');
    const one = { pg2: at(0x2100) };
    expect(objections(chosen(one, {}, {}, synchronous))[0]).toContain(
      'pg2 may lack commits that clients were told of: pg3, which they may have waited for',
    );
    expect(objections(chosen(one, { asynchronous: true }, {}, synchronous))).toEqual([]);
  });

  it('names the reason for each where none can be promoted', () => {
    const [found] = objections(chosen({ pg1: CRASHED, pg2: at(0x2100, { paused: true }) }));
    expect(found).toContain('no standby can be promoted:\n  pg1 may have been the primary, and is lost\n  pg2 has its replay paused');
    expect(found).toContain('pg3 may have been the primary, and is lost');
  });

  it('finishes what is left when it is given again, and leaves a primary that came back alone', () => {
    const options: Options = { lost: ['pg1'], to: 'pg2', followers: ['pg3'] };
    const promoted = { pg2: primary({ timeline: 2, sends: [] }), pg3: at(0x2000) };
    const run = streamingRun<Options>(inventory, promoted, options);
    expect([objections(run), steps(run)]).toEqual([[], ['others']]);
    const done = streamingRun<Options>(
      inventory,
      { pg2: primary({ timeline: 2, sends: [{ name: 'pg3', state: 'streaming' }] }), pg3: standby({ timeline: 2 }) },
      options,
    );
    expect(steps(done)).toEqual([]);
    expect(failover.nothing?.(done)).toBe(failover.finished?.(done));
    expect(failover.checks?.(done).filter(({ ok }) => !ok)).toEqual([]);
    expect(failover.finished?.(done)).toMatch(/^pg2 is the primary, on timeline 2\. pg1 could not be kept .*`leader: pg2`/u);
    const back = streamingRun<Options>(inventory, WELL, options);
    expect([objections(back), steps(back)]).toEqual([[], []]);
    expect(failover.finished?.(back)).toBe('pg1 is back and takes writes: there was nothing to fail over from');
    const fenced = streamingRun<Options>(inventory, { pg1: { ...CRASHED, signal: true }, ...OFF }, options);
    expect([objections(fenced), steps(fenced)]).toEqual([[], ['slots', 'promote', 'others']]);
  });
});
