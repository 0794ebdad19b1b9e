import { describe, expect, it } from 'vitest';
import rebuild from '../../../../src/operations/rebuild.js';
import type { RebuildOptions } from '../../../../src/operations/shared/rebuild/seen.js';
import { DATA_COPY, type DataCopy } from '../../../../src/resources/data-copy.js';
import { SERVER_SETTINGS } from '../../../../src/resources/settings-in-force.js';
import { TABLESPACES, type Tablespace, type Tablespaces } from '../../../../src/resources/streaming/tablespaces.js';
import { primary, standby, streaming } from '../../../roles/shared/streaming/scene.js';
import { inventoryOf } from '../../../support/inventory.js';
import type { Known } from '../../run-seen.js';
import { streamingRun, WELL, type MadeServer } from '../../streaming-run.js';

const inventory = await streaming();
const synchronous = await streaming('replication: {synchronous: [pg1, pg2, pg3], synchronous_number: 2}\n');
const GIB = 1024 ** 3;
const copy = (more: Partial<DataCopy> = {}): Record<string, DataCopy> => ({
  [DATA_COPY.id]: { identity: '11-1', bytes: GIB, free: 10 * GIB, fixed: undefined, aside: {}, ...more },
});
const CHOSEN: RebuildOptions = { member: 'pg3', was: '11-1', rewinds: false };
const ASIDE = '/var/lib/postgresql/17/main.aside-20261129T160000';

/** pg2 was promoted on timeline 2, and pg1 went on on timeline 1. */
const FAILED_OVER: Record<string, MadeServer> = {
  pg1: { ...primary({ location: '0/6000000' }), more: copy() },
  pg2: {
    ...primary({ timeline: 2, sends: [{ name: 'pg3', state: 'streaming' }] }),
    data: { history: { timeline: 2, forks: ['1 0/5005498'] } },
    more: copy({ identity: '22-2' }),
  },
  pg3: { ...standby({ timeline: 2 }), more: copy({ identity: '33-3' }) },
};

interface Case extends Known {
  servers?: Record<string, MadeServer>;
  options?: RebuildOptions;
  of?: typeof inventory;
}
const usual = (): Record<string, MadeServer> =>
  Object.fromEntries(Object.entries(WELL).map(([name, server]) => [name, { ...server, more: copy() }]));
const run = ({ servers = usual(), options = CHOSEN, of = inventory, ...known }: Case) => streamingRun(of, servers, options, known);
const titles = (made: Case): string[] => rebuild.remaining(run(made)).steps.map(({ title }) => title);
const objections = (made: Case): string[] => (rebuild.guards?.(run(made)) ?? []).map(({ message }) => message);

describe('pgprov rebuild of servers that stream without Patroni', () => {
  it('puts the data of a standby aside, copies the primary, and waits until it streams', () => {
    expect(rebuild.choose?.(run({ options: {}, chosenHosts: ['pg3'] }))).toEqual(CHOSEN);
    expect(objections({})).toEqual([]);
    expect(titles({})).toEqual([
      'stop PostgreSQL on pg3 and put its data aside',
      'copy the data of pg1 to pg3, and start it as a standby',
      'wait until pg3 streams',
    ]);
    const aside = { data: 'absent' as const, more: copy({ identity: '', aside: { '11-1': ASIDE } }), unit: { held: true } };
    expect(titles({ servers: { ...usual(), pg3: aside } })).toEqual([
      'copy the data of pg1 to pg3, and start it as a standby',
      'wait until pg3 streams',
    ]);
    const back = { ...standby(), more: copy({ identity: '44-4', aside: { '11-1': ASIDE } }) };
    expect(titles({ servers: { ...usual(), pg3: back } })).toEqual([]);
    expect(rebuild.nothing?.(run({ servers: { ...usual(), pg3: back } }))).toBe(
      `pg3 streams as a standby of pg1; what it had before is in ${ASIDE} there, remove it when nobody needs it`,
    );
  });

  it('is refused before anything is put aside where other servers have settings that an apply is still to bring', () => {
    const setting = { name: 'primary_conninfo', wanted: 'host=a,b', value: 'host=b,a', taken: false, restart: false, told: false };
    const settings = (more: object = {}, altered: readonly object[] = []): Record<string, unknown> => ({
      [SERVER_SETTINGS.id]: {
        answers: true,
        settings: [{ ...setting, ...more }],
        altered,
        fileErrors: [],
        accessErrors: [],
        idleLines: [],
      },
    });
    const seen = (more: Record<string, unknown>, pg3: MadeServer = { ...standby(), more: copy() }): Record<string, MadeServer> => ({
      ...usual(),
      pg2: { ...standby(), more: { ...copy(), ...more } },
      pg3,
    });
    const message = 'the other servers differ from the inventory (pg2: primary_conninfo)';
    expect(rebuild.guards?.(run({ servers: seen(settings()) }))).toEqual([
      {
        kind: 'preflight',
        error: 'rebuild/other-changes',
        message,
        hint: expect.stringMatching(/^nothing was changed; `pgprov apply \S+ --host pg2` first/u),
      },
    ]);
    // No apply changes what was set by ALTER SYSTEM, or waits for the server to read its files; and its own are written anew.
    for (const fine of [settings({ taken: true }), settings({ told: true }), settings({}, [{ name: 'Primary_conninfo', value: 'host=b' }])])
      expect(objections({ servers: seen(fine) })).toEqual([]);
    expect(objections({ servers: { ...usual(), pg3: { ...standby(), more: { ...copy(), ...settings() } } } })).toEqual([]);
  });

  it('says beforehand what becomes of standbys that stream from the one that is rebuilt', async () => {
    const effect = (of: typeof inventory): string | undefined =>
      rebuild.remaining(run({ of, options: { member: 'pg2', was: '11-1' } })).steps[0]?.effect;
    const cascaded = await inventoryOf(`cluster: demo
roles: [base, pgdg, postgresql, replication]
hosts: {pg1: 10.0.0.1, pg2: 10.0.0.2, pg3: {address: 10.0.0.3, replication: {upstream: pg2}}}
`);
    expect(effect(cascaded)).toBe(
      'pg2 serves no reads until it streams again; writes continue; pg3, which streams from it, gets no WAL meanwhile, and is to be rebuilt next where the copy has no longer what it needs',
    );
    expect(effect(inventory)).toBe('pg2 serves no reads until it streams again; writes continue');
  });

  it('stops a second primary first, and rewinds a copy of its data', () => {
    const options = { member: 'pg1', was: '11-1', giveUpCommits: true, rewinds: true };
    expect(rebuild.choose?.(run({ servers: FAILED_OVER, options: { giveUpCommits: true }, chosenHosts: ['pg1'] }))).toEqual(options);
    expect(objections({ servers: FAILED_OVER, options })).toEqual([]);
    expect(titles({ servers: FAILED_OVER, options })).toEqual([
      'stop PostgreSQL on pg1, which runs as a second primary beside pg2, and put its data aside',
      'let pg1 rewind to pg2, and have its slot there',
      'rewind a copy of its data on pg1 to pg2 with pg_rewind, or copy pg2 where that cannot be',
      'start PostgreSQL on pg1 as a standby',
      'wait until pg1 streams',
    ]);
    expect(rebuild.choose?.(run({ servers: FAILED_OVER, options: { copy: true }, chosenHosts: ['pg1'] }))).toMatchObject({
      rewinds: false,
    });
  });

  it('rewinds a former primary that crashed and was given its standby.signal, not a standby that crashed', () => {
    const chosen = (clusterState: string): boolean | undefined => {
      const position = { timeline: 1, checkpoint: '0/5005420', nextOid: 20000, lastRecord: '0/6000000' };
      const former: MadeServer = { signal: true, data: { clusterState, position }, more: copy() };
      return rebuild.choose?.(run({ servers: { ...FAILED_OVER, pg1: former }, options: {}, chosenHosts: ['pg1'] })).rewinds;
    };
    expect(['in production', 'shut down', 'shut down in recovery'].map(chosen)).toEqual([true, true, true]);
    expect(chosen('in archive recovery')).toBe(false);
  });

  it('does not give up commits unasked that nobody else has, and says where the timelines parted', () => {
    const options = { member: 'pg1', was: '11-1' };
    expect(objections({ servers: FAILED_OVER, options })).toEqual([
      'pg1 may have the only copy of some commits: it went on on timeline 1 to 0/6000000, which pg2 left at 0/5005498',
    ]);
    const clean: MadeServer = {
      data: { clusterState: 'shut down', position: { timeline: 1, checkpoint: '0/5005420', nextOid: 20000, lastRecord: '0/5005420' } },
      more: copy(),
    };
    expect(objections({ servers: { ...FAILED_OVER, pg1: clean }, options })).toEqual([]);
    const newer = { ...FAILED_OVER, pg1: { ...primary({ timeline: 3 }), more: copy() } };
    expect(objections({ servers: newer, options })[0]).toContain('it is on timeline 3, and pg2 on timeline 2');
    const unread: MadeServer = { data: { clusterState: 'in production' }, more: copy() };
    expect(objections({ servers: { ...FAILED_OVER, pg1: unread }, options })[0]).toContain('it cannot be told on which timeline pg1 is');
  });

  it('never takes the primary, nor the last copy', () => {
    expect(objections({ options: { member: 'pg1', was: '11-1' } })).toEqual([
      'pg1 is the primary, and its data is what the others are built from',
    ]);
    const seen = Object.fromEntries(Object.entries(usual()).filter(([name]) => name !== 'pg3'));
    expect(objections({ servers: seen, options: { member: 'pg1', was: '11-1' } })).toEqual([
      'pg1 takes writes, and whether pg3 does cannot be asked: there is no server that pg1 could be built from',
    ]);
    const down = { ...usual(), pg1: { data: { clusterState: 'shut down' }, more: copy() } };
    expect(objections({ servers: down })[0]).toContain('no other server takes writes');
    const alone = {
      ...usual(),
      pg1: { ...primary({ sends: [{ name: 'pg3', state: 'streaming' }] }), more: copy() },
      pg2: { signal: true },
    };
    expect(objections({ servers: alone })).toEqual(['pg3 is the only standby that streams: until it is rebuilt, pg1 alone has the data']);
    expect(objections({ servers: alone, options: { ...CHOSEN, withoutStandby: true } })).toEqual([]);
  });

  it('sends one to another server first that would keep it from being made, and a second primary comes before all', () => {
    const unsignalled: MadeServer = { ...FAILED_OVER['pg3'], says: { standby: true, timeline: 2 }, signal: false };
    const servers = { ...FAILED_OVER, pg1: { ...standby({ timeline: 2 }), more: copy() }, pg3: unsignalled };
    expect(objections({ servers, options: { member: 'pg1', was: '11-1' } })[0]).toContain('its standby.signal is gone');
    const options = { member: 'pg1', was: '11-1', giveUpCommits: true };
    expect(objections({ servers: { ...FAILED_OVER, pg3: unsignalled }, options })).toEqual([]);
  });

  it('rebuilds one of several that are ahead of the primary, each of which would otherwise wait for the other', () => {
    const ahead: MadeServer = { ...standby({ timeline: 3, receives: false }), more: copy() };
    const options = { member: 'pg1', was: '11-1', giveUpCommits: true };
    expect(objections({ servers: { ...FAILED_OVER, pg1: ahead, pg3: ahead }, options })).toEqual([]);
  });

  it('names who does not stream besides, as where a standby has followed the former primary', () => {
    const options = { member: 'pg1', was: '11-1', giveUpCommits: true };
    const astray: MadeServer = { ...standby({ timeline: 3 }), says: { standby: true, receives: false, timeline: 3 }, more: copy() };
    const back = { ...standby({ timeline: 2 }), more: copy({ identity: '44-4', aside: { '11-1': ASIDE } }) };
    const leads = { ...FAILED_OVER['pg2'], ...primary({ timeline: 2, sends: [{ name: 'pg1', state: 'streaming' }] }) };
    expect(rebuild.nothing?.(run({ servers: { pg1: back, pg2: leads, pg3: astray }, options }))).toMatch(
      /^pg1 streams as a standby of pg2; what it had .*\. pg3 does not stream: `pgprov doctor \S+` says why, and what to do$/u,
    );
  });

  it('is refused where commits would wait, and where the data cannot be put aside or has no room', () => {
    const sends = ['pg2', 'pg3'].map((name) => ({ name, state: 'streaming', sync: 'quorum' }));
    const servers = { ...usual(), pg1: { ...primary({ sends }), more: copy() } };
    expect(objections({ of: synchronous, servers })[0]).toContain('no commit would end until it is rebuilt');
    const at = (more: Partial<DataCopy>): Record<string, MadeServer> => ({ ...usual(), pg3: { ...standby(), more: copy(more) } });
    expect(objections({ servers: at({ fixed: 'is a mount point' }) })[0]).toContain('is a mount point');
    expect(objections({ servers: at({ free: GIB }) })[0]).toContain('there is no room on pg3 for its data and a new copy');
    // The disk got full once the data was aside.
    const aside = (free: number): MadeServer => ({
      data: 'absent',
      more: copy({ identity: '', bytes: 0, free, aside: { '11-1': ASIDE } }),
    });
    expect(objections({ servers: { ...usual(), pg3: aside(10 * GIB) } })).toEqual([]);
    expect(objections({ servers: { ...usual(), pg3: aside(GIB) } })[0]).toContain('there is no room on pg3 for the copy');
  });

  it('is refused where its primary has yet to take up a lower limit, with which the standby would not start', () => {
    const pending = [
      { name: 'max_connections', from: '130', to: '100' },
      { name: 'shared_buffers', from: '1GB', to: '128MB' },
    ];
    const servers = usual();
    const lowered = { ...servers, pg1: { ...servers['pg1'], pending } };
    expect(objections({ servers: lowered })).toEqual([
      'pg1 still runs with max_connections 130, and pg3 would begin with 100: a standby must have no less than its primary',
    ]);
    const raised = { ...servers, pg1: { ...servers['pg1'], pending: [{ name: 'max_connections', from: '100', to: '130' }] } };
    expect(objections({ servers: raised })).toEqual([]);
  });

  it('sees to it that the directories of tablespaces can be put aside, and that their disks have room', () => {
    const at = (own: Partial<Tablespace>, theirs = GIB): Record<string, MadeServer> => {
      const space = (more: Partial<Tablespace>): Record<string, Tablespaces> => ({
        [TABLESPACES.id]: {
          disk: { device: '1', free: 10 * GIB },
          all: [{ location: '/srv/big', bytes: GIB, disk: { device: '2', free: 10 * GIB }, fixed: undefined, ...more }],
        },
      });
      const servers = usual();
      return {
        ...servers,
        pg1: { ...servers['pg1'], more: { ...copy(), ...space({ bytes: theirs }) } },
        pg3: { ...standby(), more: { ...copy(), ...space(own) } },
      };
    };
    expect(objections({ servers: at({}) })).toEqual([]);
    expect(objections({ servers: at({ fixed: 'is a mount point' }) })[0]).toBe(
      'the directory of a tablespace, /srv/big, is a mount point, so the data on pg3 cannot be put aside',
    );
    expect(objections({ servers: at({}, 20 * GIB) })[0]).toMatch(/there is no room on pg3 .* is free beside \/srv\/big$/u);
    // Its data and its tablespace fit there, but not both.
    const shared = at({ disk: { device: '1', free: 10 * GIB } }, 9.5 * GIB);
    expect(objections({ servers: shared })[0]).toContain('11 GiB is needed, and 10 GiB is free beside /var/lib/postgresql/17/main');
  });

  it('refuses what is Patroni’s, and more than one server', () => {
    const problem = (options: RebuildOptions, ...chosenHosts: string[]): string | undefined =>
      rebuild.problems?.(run({ options, chosenHosts }))[0]?.message;
    expect(problem({}, 'pg2', 'pg3')).toContain('one server is rebuilt at a time');
    expect(problem({ from: 'backup' }, 'pg3')).toContain('has the role backup');
    expect(problem({ from: 'backup', copy: true }, 'pg3')).toContain('--copy is for a copy of the primary');
    expect(problem({ discard: true }, 'pg3')).toContain('always kept');
    expect(problem({}, 'pg3')).toBeUndefined();
  });

  it('refuses to begin on a machine that does not know the password of the standbys, also where another one began it', () => {
    const at = (made: Case): string[] => {
      const known = run(made);
      const unknown = { ...known, kept: { ...known.kept, passwords: [] } };
      return (rebuild.problems?.(unknown) ?? []).map(({ kind, message }) => `${kind}: ${message}`);
    };
    const refused = [expect.stringMatching(/^refuse: this machine does not know the password .* has replication\.password$/u)];
    expect(at({ options: {}, chosenHosts: ['pg3'] })).toEqual(refused);
    expect(at({})).toEqual(refused);
    expect(rebuild.problems?.(run({}))).toEqual([]);
  });

  it('does not bring what else differs from the inventory', () => {
    const change = (host: string, resource: string) => ({
      host,
      stage: 's',
      resource,
      action: 'update',
      summary: 'change it',
      projected: false,
    });
    expect(objections({ planned: [change('pg3', 'file:/x'), change('pg1', 'member-slots')] })).toEqual([]);
    const vacant: MadeServer = { data: 'absent', more: copy({ identity: '' }) };
    expect(objections({ planned: [change('pg2', 'file:/x')], servers: { ...usual(), pg2: vacant } })).not.toContain(
      'the other servers differ from the inventory (pg2: change it)',
    );
    expect(objections({ planned: [change('pg1', 'file:/x')] })).toEqual(['the other servers differ from the inventory (pg1: change it)']);
  });
});
