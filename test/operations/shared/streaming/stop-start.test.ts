import { describe, expect, it } from 'vitest';
import reload from '../../../../src/operations/reload.js';
import start from '../../../../src/operations/start.js';
import stop from '../../../../src/operations/stop.js';
import type { StopOptions } from '../../../../src/operations/shared/stopped.js';
import { CONFIG_LOADED } from '../../../../src/resources/config-loaded.js';
import { primary, standby, streaming } from '../../../roles/shared/streaming/scene.js';
import type { Known } from '../../run-seen.js';
import { streamingRun, WELL, type MadeServer } from '../../streaming-run.js';

const inventory = await streaming();
const synchronous = await streaming('replication: {synchronous: [pg1, pg2, pg3]}\n');
const HELD = { unit: { held: true, atBoot: false } };
const STOPPED: Record<string, MadeServer> = {
  pg1: { ...HELD, data: { clusterState: 'shut down' } },
  pg2: { ...HELD, signal: true, data: { clusterState: 'shut down in recovery' } },
  pg3: { ...HELD, signal: true, data: { clusterState: 'shut down in recovery' } },
};
const sends = (...sync: string[]): { name: string; state: string; sync: string }[] =>
  sync.map((each, index) => ({ name: `pg${index + 2}`, state: 'streaming', sync: each }));

interface Case extends Known {
  servers?: Record<string, MadeServer>;
  options?: StopOptions;
  of?: typeof inventory;
}
const run = ({ servers = WELL, options = {}, of = inventory, ...known }: Case) => streamingRun(of, servers, options, known);

describe('pgprov stop of servers that stream without Patroni', () => {
  const titles = (made: Case): string[] => stop.remaining(run(made)).steps.map(({ title }) => title);
  const objections = (made: Case): string[] => (stop.guards?.(run(made)) ?? []).map(({ message }) => message);

  it('stops the standbys first and the primary last', () => {
    expect(titles({})).toEqual(['stop PostgreSQL on pg2 and pg3', 'stop PostgreSQL on pg1, the primary']);
    expect(titles({ chosenHosts: ['pg3'] })).toEqual(['stop PostgreSQL on pg3']);
    expect(stop.choose?.(run({ servers: { ...WELL, pg3: { signal: true } } }))).toEqual({ up: ['pg1', 'pg2'] });
    expect(titles({ servers: STOPPED })).toEqual([]);
  });

  it('keeps down also what was down already', () => {
    expect(titles({ servers: { ...STOPPED, pg3: { signal: true } } })).toEqual(['stop PostgreSQL on pg3']);
  });

  it('stops each of two primaries, and refuses one that cannot be reached', () => {
    const two = { ...WELL, pg3: primary({ timeline: 2 }) };
    expect(objections({ servers: two, chosenHosts: ['pg3'] })).toEqual([]);
    expect(titles({ servers: two, chosenHosts: ['pg3'] })).toEqual(['stop PostgreSQL on pg3, the primary']);
    const { pg3: _off, ...rest } = WELL;
    expect(objections({ servers: rest })[0]).toContain('pg3 cannot be reached');
    expect(objections({ servers: rest, chosenHosts: ['pg2'] })).toEqual([]);
  });

  it('refuses to stop standbys without which no commit would end, unless all are stopped', () => {
    const servers = { ...WELL, pg1: primary({ sends: sends('quorum', 'quorum') }) };
    expect(objections({ of: synchronous, servers, chosenHosts: ['pg2'] })).toEqual([]);
    expect(objections({ of: synchronous, servers, chosenHosts: ['pg2', 'pg3'] })[0]).toContain('no commit would end');
    expect(objections({ of: synchronous, servers })).toEqual([]);
  });

  it('is done when all have ended cleanly', () => {
    const options = { up: ['pg1', 'pg2', 'pg3'] };
    expect((stop.checks?.(run({ servers: STOPPED, options })) ?? []).filter(({ ok }) => !ok)).toEqual([]);
    const crashed = { ...STOPPED, pg1: { ...HELD, data: { clusterState: 'in production' } } };
    expect((stop.checks?.(run({ servers: crashed, options })) ?? []).filter(({ ok }) => !ok)).toMatchObject([{ host: 'pg1' }]);
    expect(stop.finished?.(run({ servers: STOPPED, options }))).toMatch(
      /stay so when their hosts boot; `pgprov start .*` starts them again/u,
    );
  });
});

describe('pgprov start of servers that stream without Patroni', () => {
  const titles = (made: Case): string[] => start.remaining(run(made)).steps.map(({ title }) => title);
  const objections = (made: Case): string[] => (start.guards?.(run(made)) ?? []).map(({ message }) => message);

  it('starts the primary first, then the standbys', () => {
    expect(objections({ servers: STOPPED })).toEqual([]);
    expect(titles({ servers: STOPPED })).toEqual(['start PostgreSQL on pg1, the primary', 'start PostgreSQL on pg2 and pg3']);
    expect(titles({})).toEqual([]);
    expect(start.nothing?.(run({}))).toBe('pg1, pg2 and pg3 run already, and pg1 is the primary');
  });

  it('has one that runs again start at boot again', () => {
    expect(titles({ servers: { ...WELL, pg3: { ...standby(), ...HELD } } })).toEqual(['start PostgreSQL on pg3']);
  });

  it('is refused where it is not clear who the primary is', () => {
    expect(objections({ servers: { ...STOPPED, pg2: HELD } })[0]).toContain('would both start as primaries');
    expect(objections({ servers: { ...STOPPED, pg1: { ...HELD, signal: true } } })[0]).toContain('no server is a primary');
    const { pg1: _away, ...rest } = STOPPED;
    expect(objections({ servers: rest })).toEqual(['no server that answers is the primary, and pg1, which cannot be reached, may be']);
  });

  it('starts standbys without their primary where they are named', () => {
    const { pg1: _away, ...rest } = STOPPED;
    const part = { servers: rest, chosenHosts: ['pg2', 'pg3'] };
    expect(objections(part)).toEqual([]);
    expect(start.remaining(run(part)).steps).toMatchObject([
      { title: 'start PostgreSQL on pg2 and pg3', effect: 'they serve reads, and wait for a primary' },
    ]);
  });
});

describe('pgprov reload of servers that stream without Patroni', () => {
  it('has those read their files that run and have not since it began', () => {
    const servers = (at: string): Record<string, MadeServer> => ({
      pg1: { ...(WELL['pg1'] ?? {}), more: { [CONFIG_LOADED.id]: '5' } },
      pg2: { ...standby(), more: { [CONFIG_LOADED.id]: at } },
      pg3: { ...HELD, signal: true },
    });
    const before = reload.choose?.(streamingRun(inventory, servers('2.5'), {})) ?? {};
    expect(before).toEqual({ before: '{"pg1":"5","pg2":"2.5"}' });
    const titles = (at: string): string[] => reload.remaining(streamingRun(inventory, servers(at), before)).steps.map(({ title }) => title);
    expect(titles('2.5')).toEqual(['have PostgreSQL read its files on pg1 and pg2']);
    expect(titles('9')).toEqual(['have PostgreSQL read its files on pg1']);
    const named = streamingRun(inventory, servers('2.5'), before, { chosenHosts: ['pg3'] });
    expect(reload.guards?.(named)).toMatchObject([{ error: 'reload/down' }]);
  });
});
