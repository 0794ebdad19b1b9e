import { expect, it } from 'vitest';
import strayServices from '../../../src/diagnoses/host/stray-services.js';
import unitFailed from '../../../src/diagnoses/host/unit-failed.js';
import unitMasked from '../../../src/diagnoses/host/unit-masked.js';
import unitNotAtBoot from '../../../src/diagnoses/host/unit-not-at-boot.js';
import unitRestarts from '../../../src/diagnoses/host/unit-restarts.js';
import unitStopped from '../../../src/diagnoses/host/unit-stopped.js';
import { PATRONI_MEMBER, type PatroniMemberState } from '../../../src/resources/patroni/member.js';
import { enabledHandle, serviceHandle, type ServiceState } from '../../../src/resources/service.js';
import { LEFT_UNITS } from '../../../src/resources/left-units.js';
import { RUNNING } from '../../../src/resources/running.js';
import { strayServices as askedForStrays } from '../../../src/resources/stray-services.js';
import { unitHealth } from '../../../src/resources/unit-health.js';
import { answered, findings, found, NOW, seen, type ExaminedHost } from '../../support/examination.js';

const RUNS: ServiceState = { loaded: true, enabled: true, active: 'active', applied: undefined };

/** What systemd 257 says of a unit that has been up for an hour. */
const HEALTH = {
  Result: 'success',
  NRestarts: '0',
  Id: 'etcd.service',
  LoadState: 'loaded',
  ActiveState: 'active',
  SubState: 'running',
  StateChangeTimestampMonotonic: '6400000000',
};

function pg2(
  service: Partial<ServiceState> = {},
  health: Partial<typeof HEALTH> = {},
  log: ExaminedHost['log'] = [],
): Record<string, ExaminedHost> {
  const lines = Object.entries({ ...HEALTH, ...health }).map(([name, value]) => `${name}=${value}`);
  return {
    pg2: {
      states: [
        seen(serviceHandle('etcd'), { ...RUNS, ...service }),
        answered(
          unitHealth(['etcd', 'patroni']),
          ['uptime=10000.00', ...lines, '', 'Id=patroni.service', 'LoadState=not-found'].join('\n'),
        ),
      ],
      log,
    },
  };
}

const ALL = [unitFailed, unitMasked, unitNotAtBoot, unitRestarts, unitStopped];

it('finds nothing of a unit that runs, or was restarted a moment ago', async () => {
  for (const diagnosis of ALL) {
    expect(await found(diagnosis, pg2())).toEqual([]);
    expect(await found(diagnosis, pg2({}, { StateChangeTimestampMonotonic: '9999000000', NRestarts: '1' }))).toEqual([]);
  }
});

it('finds a unit that has failed, with its last words and since when', async () => {
  const log = [['etcd', 61, "etcd.service: Failed with result 'exit-code'."]] as const;
  const [finding] = await findings(
    unitFailed,
    pg2(
      { active: 'failed' },
      { ActiveState: 'failed', SubState: 'failed', Result: 'exit-code', StateChangeTimestampMonotonic: '9940000000' },
      log,
    ),
  );
  expect(finding).toMatchObject({ level: 'broken', host: 'pg2', what: 'the unit etcd has failed', since: NOW - 60_000 });
  expect(finding?.evidence.map(({ line }) => line)).toEqual([
    'etcd.service failed (Result: exit-code)',
    "etcd.service: Failed with result 'exit-code'.",
  ]);
});

it('tells what the program said, before the word of systemd', async () => {
  const said = '{"level":"warn","msg":"failed to verify flags","error":"invalid value \\"nonsense\\" for ETCD_LISTEN_CLIENT_URLS"}';
  const log = [
    ['etcd', 63, 'Starting etcd.service - etcd - highly-available key value store...'],
    ['etcd', 62, said],
    ['etcd', 61, 'etcd.service: Start request repeated too quickly.'],
    ['etcd', 61, "etcd.service: Failed with result 'exit-code'."],
    ['etcd', 61, 'Failed to start etcd.service - etcd - highly-available key value store.'],
  ] as const;
  const failed = { ActiveState: 'failed', SubState: 'failed', Result: 'exit-code' };
  const [finding] = await findings(unitFailed, pg2({ active: 'failed' }, failed, log));
  expect(finding?.what).toBe('the unit etcd has failed, too often in a row for systemd to start it again');
  expect(finding?.evidence.map(({ line }) => line).slice(1)).toEqual([
    said,
    'Failed to start etcd.service - etcd - highly-available key value store.',
  ]);
});

it('says that systemd tried too often', async () => {
  const health = { ActiveState: 'failed', SubState: 'failed', Result: 'start-limit-hit' };
  expect(await found(unitFailed, pg2({ active: 'failed' }, health))).toEqual([
    'broken pg2 the unit etcd has failed, too often in a row for systemd to start it again',
  ]);
});

it('finds a unit that is started over and over, between two tries and within one', async () => {
  const between = { ActiveState: 'activating', SubState: 'auto-restart', Result: 'exit-code', NRestarts: '5' };
  const within = { ActiveState: 'active', SubState: 'running', NRestarts: '7', StateChangeTimestampMonotonic: '9996000000' };
  for (const health of [between, within])
    expect(await found(unitRestarts, pg2({ active: 'activating' }, health))).toEqual([
      'broken pg2 the unit etcd ends and is started again, over and over',
    ]);
  // It was so, and has been steady since.
  expect(await found(unitRestarts, pg2({}, { NRestarts: '7' }))).toEqual([]);
  // It was so, and somebody has just stopped it.
  const stopped = { ActiveState: 'inactive', SubState: 'dead', StateChangeTimestampMonotonic: '9990000000', NRestarts: '7' };
  expect(await found(unitRestarts, pg2({ active: 'inactive' }, stopped))).toEqual([]);
});

it('says of a unit that is started over and over how it ended, whatever it said since', async () => {
  const log = [
    ['etcd', 20, 'panic: the last word'],
    ['etcd', 19, 'etcd.service: Main process exited, code=exited, status=2/INVALIDARGUMENT'],
    ['etcd', 19, "etcd.service: Failed with result 'exit-code'."],
    ...[9, 8, 7, 6].map((ago) => ['etcd', ago, `coming up ${ago}`] as const),
  ] as const;
  const [finding] = await findings(unitRestarts, pg2({ active: 'activating' }, { SubState: 'auto-restart', NRestarts: '4' }, log));
  expect(finding?.evidence.map(({ line }) => line).slice(1)).toEqual([log[0][2], log[1][2]]);
});

it('finds a unit that somebody stopped', async () => {
  const [finding] = await findings(
    unitStopped,
    pg2({ active: 'inactive' }, { ActiveState: 'inactive', SubState: 'dead', StateChangeTimestampMonotonic: '9990000000' }),
  );
  expect(finding).toMatchObject({ level: 'broken', what: 'the unit etcd does not run', since: NOW - 10_000 });
});

it('has pgprov start a Patroni where another member leads', async () => {
  const leads = { answers: true, role: 'leader', state: 'running', cluster: [], replication: [] } as unknown as PatroniMemberState;
  const stopped = [seen(serviceHandle('patroni'), { ...RUNS, active: 'inactive' }), seen(enabledHandle('patroni'), { enabled: true })];
  const [finding] = await findings(unitStopped, { pg1: { states: [seen(PATRONI_MEMBER, leads)] }, pg2: { states: stopped } });
  expect(finding?.mend).toMatch(/^`pgprov start .* --host pg2` starts it$/u);
});

it('sends nobody to start a Patroni by hand where no member leads', async () => {
  const hosts = {
    pg1: {
      states: [seen(serviceHandle('patroni'), { ...RUNS, active: 'inactive' }), seen(enabledHandle('patroni'), { enabled: true })],
    },
  };
  const [finding] = await findings(unitStopped, hosts as Record<string, ExaminedHost>);
  expect(finding?.mend).toMatch(
    /^do not start it by hand while nobody leads: `pgprov recover .*` starts the member with the last commits first$/u,
  );
});

it('finds a masked unit, and calls it broken once it is down', async () => {
  expect(await found(unitMasked, pg2({ masked: 'for good', enabled: false }))).toEqual(['danger pg2 the unit etcd is masked']);
  const [down] = await findings(unitMasked, pg2({ masked: 'until the next boot', active: 'inactive' }, { ActiveState: 'inactive' }));
  expect(down).toMatchObject({
    level: 'broken',
    mend: expect.stringContaining('`systemctl unmask --runtime etcd && systemctl start etcd`') as string,
  });
  expect(await found(unitStopped, pg2({ masked: 'for good', active: 'inactive', loaded: false }))).toEqual([]);
});

it('finds a unit that would not start at boot, but for one that pgprov put off', async () => {
  expect(await found(unitNotAtBoot, pg2({ enabled: false }))).toEqual([
    'danger pg2 the unit etcd runs, and would not start at the next boot',
  ]);
  const patroni = (boot: object): Record<string, ExaminedHost> => ({
    pg1: {
      states: [
        seen(serviceHandle('patroni'), { ...RUNS, enabled: false }),
        seen(enabledHandle('patroni'), { enabled: false, runs: true, ...boot }),
      ],
    },
  });
  expect(await found(unitNotAtBoot, patroni({}))).toEqual(['danger pg1 the unit patroni runs, and would not start at the next boot']);
  expect(await found(unitNotAtBoot, patroni({ putOff: true }))).toEqual([]);
});

const STRAYS = askedForStrays(['postgresql', 'patroni', 'etcd']);

function strays(...lines: readonly string[]): Record<string, ExaminedHost> {
  const states = [seen(serviceHandle('etcd'), RUNS), seen(serviceHandle('patroni'), RUNS), answered(STRAYS, lines.join('\n'))];
  return { pg1: { states } };
}

const OWN = [
  'enabled\tetcd.service',
  'enabled\tpatroni.service',
  'enabled\tpostgresql.service',
  'active\tetcd.service',
  'active\tpatroni.service',
];

it('finds no stray among the cluster’s own services', async () => {
  expect(await found(strayServices, strays(...OWN))).toEqual([]);
});

it('finds a second Patroni, EL’s own PostgreSQL, and Debian’s default cluster', async () => {
  expect(await found(strayServices, strays(...OWN, 'enabled\tpatroni-two.service', 'active\tpatroni-two.service'))).toEqual([
    'danger pg1 the unit patroni-two, which is none of the cluster’s, runs',
  ]);
  expect(await found(strayServices, strays(...OWN, 'enabled\tpostgresql-17.service'))).toEqual([
    'danger pg1 the unit postgresql-17, which is none of the cluster’s, starts at boot',
  ]);
  const [main] = await findings(strayServices, strays(...OWN, 'cluster\t/etc/postgresql/17/main\t/var/lib/postgresql/17/main'));
  expect(main).toMatchObject({
    level: 'danger',
    what: 'Debian’s cluster 17/main starts at boot beside Patroni',
    follows: 'after a reboot it opens the same data as Patroni’s PostgreSQL, outside of the cluster',
  });
  expect((await findings(strayServices, strays(...OWN, 'cluster\t/etc/postgresql/16/old\t/srv/old')))[0]?.mend).toContain(
    '`echo manual >/etc/postgresql/16/old/start.conf`, as root on pg1; its data stays as it is',
  );
});

it('finds no stray in instances of other inventories', async () => {
  const instance = (unit: string, dataDirectory: string, clusters: readonly string[]) => ({ unit, dataDirectory, clusters });
  const of = (clusters: readonly string[]): Record<string, ExaminedHost> => {
    const lines = ['enabled\tpostgresql-17.service', 'active\tpostgresql-17.service', 'enabled\tpostgresql.service'];
    const databases = [instance('postgresql-17', '/el', clusters), instance('postgresql@17-x', '/debian', clusters)];
    const running = seen(RUNNING, { wantedDirectory: '/mine', postmasters: [], databases } as never);
    const states = [answered(STRAYS, [...lines, 'cluster\t/etc/postgresql/17/x\t/debian'].join('\n')), running];
    return { pg1: { states } };
  };
  expect(await found(strayServices, of(['another']))).toEqual([]);
  expect(await found(strayServices, of([]))).toHaveLength(2);
});

it('finds no stray in services that another inventory has on the host, by its own record', async () => {
  const of = (cluster?: string): Record<string, ExaminedHost> => {
    const left = seen(LEFT_UNITS, [{ unit: 'patroni', active: true, ...(cluster === undefined ? {} : { cluster }) }]);
    return { pg1: { states: [answered(STRAYS, 'active\tpatroni.service'), left] } };
  };
  expect(await found(strayServices, of('another'))).toEqual([]);
  expect(await found(strayServices, of('demo'))).toHaveLength(1);
  expect(await found(strayServices, of())).toHaveLength(1);
});

it('does not count Debian’s clusters where their unit is disabled', async () => {
  const lines = OWN.filter((line) => line !== 'enabled\tpostgresql.service');
  expect(await found(strayServices, strays(...lines, 'cluster\t/etc/postgresql/17/main\t/var/lib/postgresql/17/main'))).toEqual([]);
});

it('has members that cannot archive told below the stopped server of their repository', async () => {
  const yaml = `cluster: demo
roles: [base, pgdg, postgresql, replication, etcd, patroni, backup]
hosts:
  pg1: 192.0.2.1
  repo1: {address: 192.0.2.9, roles: [base, pgdg, backup-repository]}
`;
  const stopped = seen(serviceHandle('pgbackrest'), { loaded: true, enabled: true, active: 'inactive', applied: undefined });
  const [finding] = await findings(unitStopped, { repo1: { states: [stopped] } }, yaml);
  expect(finding).toMatchObject({ host: 'repo1', affects: ['pg1'] });
  expect(finding?.explains).toContain('archiver');
});
