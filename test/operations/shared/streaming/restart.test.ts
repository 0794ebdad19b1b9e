import { describe, expect, it } from 'vitest';
import restart from '../../../../src/operations/restart.js';
import type { RestartOptions } from '../../../../src/operations/shared/restart/options.js';
import { SERVER_SETTINGS } from '../../../../src/resources/settings-in-force.js';
import { primary, standby, streaming } from '../../../roles/shared/streaming/scene.js';
import { inventoryOf } from '../../../support/inventory.js';
import type { Known } from '../../run-seen.js';
import { streamingRun, WELL, type MadeServer } from '../../streaming-run.js';

const inventory = await streaming();
const cascading = await inventoryOf(`cluster: demo
roles: [base, pgdg, postgresql, replication]
hosts:
  pg1: 10.0.0.1
  pg2: 10.0.0.2
  pg3: {address: 10.0.0.3, replication: {upstream: pg2}}
`);
const BEGAN = { began: { pg1: 'first', pg2: 'first', pg3: 'first' } };
const RESTARTED = { unit: { start: 'second' } };
const pending = (name: string, from: string, to: string): Pick<MadeServer, 'pending'> => ({ pending: [{ name, from, to }] });
const all = (more: Partial<MadeServer>): Record<string, MadeServer> =>
  Object.fromEntries(Object.entries(WELL).map(([name, server]) => [name, { ...server, ...more }]));

interface Case extends Known {
  servers?: Record<string, MadeServer>;
  options?: RestartOptions;
  of?: typeof inventory;
}
const run = ({ servers = WELL, options = BEGAN, of = inventory, ...known }: Case) => streamingRun(of, servers, options, known);
const titles = (made: Case): string[] => restart.remaining(run(made)).steps.map(({ title }) => title);
const objections = (made: Case): string[] => (restart.guards?.(run(made)) ?? []).map(({ message }) => message);

describe('pgprov restart of servers that stream without Patroni', () => {
  it('restarts the standbys one after the other, and the primary last, and goes on where it was', () => {
    expect(titles({})).toEqual(['restart PostgreSQL on pg2', 'restart PostgreSQL on pg3', 'restart PostgreSQL on pg1, the primary']);
    expect(titles({ servers: { ...WELL, pg2: { ...standby(), ...RESTARTED } } })).toEqual([
      'restart PostgreSQL on pg3',
      'restart PostgreSQL on pg1, the primary',
    ]);
    expect(titles({ servers: all(RESTARTED) })).toEqual([]);
    expect(restart.nothing?.(run({ servers: all(RESTARTED) }))).toBe('PostgreSQL was restarted on pg1, pg2 and pg3 already');
  });

  it('takes with --pending those that have something pending, with its values, and lowers on the primary first', () => {
    const options = { ...BEGAN, pending: true };
    expect(titles({ options })).toEqual([]);
    const raised = all(pending('max_connections', '100', '200'));
    expect(titles({ options, servers: raised })).toEqual([
      'restart PostgreSQL on pg2 (max_connections 100 → 200)',
      'restart PostgreSQL on pg3 (max_connections 100 → 200)',
      'restart PostgreSQL on pg1, the primary (max_connections 100 → 200)',
    ]);
    const lowered = all(pending('max_connections', '100', '50'));
    expect(titles({ options, servers: lowered })).toEqual([
      'restart PostgreSQL on pg1, the primary (max_connections 100 → 50)',
      'restart PostgreSQL on pg2 (max_connections 100 → 50), once it has replayed max_connections 50 of pg1',
      'restart PostgreSQL on pg3 (max_connections 100 → 50), once it has replayed max_connections 50 of pg1',
    ]);
  });

  it('restarts a standby before those that stream from it', () => {
    const servers = {
      ...WELL,
      pg1: primary({ sends: [{ name: 'pg2', state: 'streaming' }] }),
      pg2: standby({ sends: [{ name: 'pg3', state: 'streaming' }] }),
    };
    const [first] = restart.remaining(run({ of: cascading, servers })).steps;
    const context = run({ of: cascading, servers }).contextOf('pg2');
    expect(first).toMatchObject({ on: ['pg2'] });
    expect(first !== undefined && 'gates' in first ? first.gates?.(context).map(({ title }) => title) : []).toEqual([
      'pg2 runs and streams, and pg3 from it',
    ]);
  });

  it('leaves out what was stopped on purpose, and says so', () => {
    const servers: Record<string, MadeServer> = {
      ...WELL,
      pg1: primary({ sends: [{ name: 'pg2', state: 'streaming' }] }),
      pg3: { signal: true, unit: { held: true } },
    };
    expect(restart.choose?.(run({ servers, options: {} }))).toEqual({ began: { pg1: 'first', pg2: 'first' } });
    const options = { began: { pg1: 'first', pg2: 'first' } };
    expect(objections({ servers, options })).toEqual([]);
    expect(restart.remaining(run({ servers, options }))).toMatchObject({ then: 'pg3 was stopped with pgprov and stays so' });
  });

  it('brings back first what it has left down', () => {
    expect(titles({ servers: { ...WELL, pg1: {} } })[0]).toBe('restart PostgreSQL on pg1, the primary');
    expect(objections({ servers: { ...WELL, pg1: {} } })).toEqual([]);
    expect(titles({ servers: { ...WELL, pg2: { signal: true } } })[0]).toBe('restart PostgreSQL on pg2');
    expect(objections({ servers: { ...WELL, pg2: { signal: true } } })).toEqual([]);
  });

  it('is refused while a server does not run or stream, runs outside of its unit, or would not start again', () => {
    const down = { servers: { ...WELL, pg2: { signal: true } }, options: { began: { pg1: 'first', pg2: '', pg3: 'first' } } };
    expect(objections(down)).toEqual(['PostgreSQL on pg2 does not run, or takes no connections']);
    expect(objections({ servers: { ...WELL, pg3: standby({ receives: false }) } })).toEqual([
      'pg3 does not stream: it receives nothing; while one server is down no other one is restarted',
    ]);
    expect(objections({ servers: { ...WELL, pg3: { ...standby(), unit: { active: false, start: '' } } } })[0]).toContain(
      'runs outside of its unit',
    );
    const settings = {
      answers: true,
      settings: [],
      altered: [],
      fileErrors: [{ file: 'extra.conf', line: 3, name: 'work_mem', message: 'setting could not be applied' }],
      accessErrors: [],
      idleLines: [],
    };
    expect(objections({ servers: { ...WELL, pg3: { ...standby(), more: { [SERVER_SETTINGS.id]: settings } } } })).toEqual([
      'pg3: extra.conf, line 3: work_mem: setting could not be applied: PostgreSQL would not start again',
    ]);
    expect(objections({ servers: { ...WELL, pg3: primary() } })[0]).toContain('both primaries');
  });

  it('is refused where standbys that are left out would stop or not start, and where two limits go two ways', () => {
    const raised = all(pending('max_connections', '100', '200'));
    expect(objections({ servers: raised, options: { began: { pg1: 'first' } } })).toEqual([
      'pg1 is the primary, and its restart raises max_connections; pg2 and pg3, which would have less, would stop',
    ]);
    const lowered = all(pending('max_connections', '100', '50'));
    expect(objections({ servers: lowered, options: { began: { pg2: 'first' } } })[0]).toContain('so pg2 would not start');
    const mixed = all({
      pending: [
        { name: 'max_connections', from: '100', to: '50' },
        { name: 'max_wal_senders', from: '10', to: '20' },
      ],
    });
    expect(objections({ servers: mixed })[0]).toContain('neither can be restarted first');
  });

  it('refuses what is Patroni’s', () => {
    const problem = (options: RestartOptions): string | undefined => restart.problems?.(run({ options }))[0]?.message;
    expect(problem({ service: 'patroni' })).toContain('stream without Patroni');
    expect(problem({ switchover: true })).toContain('--switchover');
    expect(problem({})).toBeUndefined();
  });

  it('is done when every server has another start, nothing is pending, and all stream', () => {
    const proofs = restart.checks?.(run({ servers: all(RESTARTED) })) ?? [];
    expect(proofs.filter(({ ok }) => !ok)).toEqual([]);
    expect(proofs.map(({ title }) => title)).toContain('the standby streams');
    const late = restart.checks?.(run({ servers: { ...all(RESTARTED), pg2: standby() } })) ?? [];
    expect(late.filter(({ ok }) => !ok)).toMatchObject([{ host: 'pg2', detail: 'it runs since before' }]);
  });
});
