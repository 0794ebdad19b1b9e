import { describe, expect, it } from 'vitest';
import { errorLook } from '../../src/cli/colors.js';
import { renderStatus } from '../../src/report/status-text.js';
import { displayWidth } from '../../src/report/width.js';
import type { ClusterStatus, ServiceStatus } from '../../src/lib/cluster-status.js';

const healthy: ClusterStatus = {
  cluster: 'demo',
  scope: 'main',
  leader: 'pg1',
  members: [
    {
      name: 'pg1',
      address: '10.0.0.1',
      role: 'leader',
      state: 'running',
      timeline: 3,
      pendingRestart: false,
      systemIdentifier: '7',
      checksums: true,
      postgresVersion: '17.2',
      patroniVersion: '4.0.4',
    },
    {
      name: 'replica-2',
      address: '10.0.0.12',
      role: 'replica',
      state: 'streaming',
      timeline: 3,
      lagBytes: 0,
      pendingRestart: true,
      systemIdentifier: '7',
      checksums: true,
      postgresVersion: '17.2',
      patroniVersion: '4.0.4',
    },
  ],
  etcd: [{ name: 'pg1', healthy: true, members: 3, requiresClientCertificate: true }],
  certificates: [
    { host: 'pg1', notAfter: '2030-05-06T07:08:09Z', daysLeft: 900 },
    { host: 'replica-2', notAfter: '2027-05-06T07:08:09Z', daysLeft: 1 },
  ],
  dynamic: { ttl: 30, postgresql: { parameters: { max_connections: 200 } } },
  problems: [],
};

describe('a status', () => {
  it('shows a healthy cluster', () => {
    expect(renderStatus(healthy, { color: false })).toBe(`cluster demo  scope main, leader pg1

member     address    role     state      timeline  receive lag  postgresql  patroni  checksums  restart
pg1        10.0.0.1   leader   running           3               17.2        4.0.4    on
replica-2  10.0.0.12  replica  streaming         3          0 B  17.2        4.0.4    on         pending

etcd
✔ pg1  healthy, 3 members, requires client certificates

certificates
✔ pg1        valid until 2030-05-06 (900 days left)
! replica-2  valid until 2027-05-06 (1 day left)

dynamic configuration
  postgresql.parameters.max_connections: 200
  ttl: 30

✔ healthy`);
  });

  it('shows what roles report about their services, of which only a problem makes it unhealthy', () => {
    const line = (text: string, level: ServiceStatus['level']): ServiceStatus => ({ host: 'lb1', role: 'balancer', text, level });
    const told = (...services: ServiceStatus[]): string[] => renderStatus({ ...healthy, services }, { color: false }).split('\n\n');
    const [well, worse] = [line('2 backends up', 'ok'), line('1 backend is\u001b[2J slow', 'warning')];
    expect(told(well, worse).slice(4)).toEqual([
      'services\n✔ lb1  balancer: 2 backends up\n! lb1  balancer: 1 backend is slow',
      expect.stringContaining('dynamic configuration'),
      '✔ healthy',
    ]);
    expect(told(well, line('no backend is up', 'problem')).at(-1)).toBe('✖ not healthy: 1 problem\n  - lb1: balancer: no backend is up');
  });

  it.each([48, 80])('fits a terminal of %d columns', (columns) => {
    const problems = [`pg1: ${'a long sentence about it '.repeat(6)}\nand \`a command to paste\` mends it`];
    const [leader, ...others] = healthy.members;
    const members = [{ ...leader, problem: 'and more words than a line has room for, of this terminal at least' }, ...others];
    const seen = {
      ...healthy,
      members,
      problems,
      maintenance: true,
      differences: 3,
      etcd: [{ name: 'pg1', healthy: false, problem: 'words '.repeat(30) }],
    };
    for (const color of [true, false]) {
      const text = renderStatus(seen as ClusterStatus, { color, columns });
      expect(text.split('\n').filter((line) => displayWidth(line) > columns)).toEqual([]);
    }
    const row = columns < 80 ? /^replica-2\n {2}address 10\.0\.0\.12, role replica/mu : /^replica-2 +10\.0\.0\.12 +replica/mu;
    expect(renderStatus(seen as ClusterStatus, { color: false, columns })).toMatch(row);
  });

  it('has the members last of all that a low terminal would scroll away, and first elsewhere', () => {
    const titles = (rows: number): string[] =>
      renderStatus(healthy, { color: false, rows })
        .split('\n\n')
        .map((block) => block.split(/\s/u)[0] ?? '');
    expect(titles(60)).toEqual(['cluster', 'member', 'etcd', 'certificates', 'dynamic', '✔']);
    expect(titles(12)).toEqual(['dynamic', 'certificates', 'etcd', 'cluster', 'member', '✔']);
  });

  it.each([80, 100])('has its members in a table of %d columns, with what is the same for all below it', (columns) => {
    const members = ['pg1', 'pg2', 'pg3'].map((name, index) => ({
      ...(healthy.members[0] as ClusterStatus['members'][number]),
      name,
      address: `10.213.38.1${index}`,
      ...(index === 0 ? {} : { role: 'replica', state: 'streaming', lagBytes: 0, replayLagBytes: 0 }),
    }));
    const text = renderStatus({ ...healthy, members }, { color: false, columns });
    expect(text).toMatch(/^member +address .*replay lag/mu);
    expect(text).toMatch(/^all: (?:postgresql [\d.]+, patroni [\d.]+, )?checksums on$/mu);
    expect(text).not.toContain('  address 10');
  });

  it('knows the rows of the terminal wherever a command prints it', () => {
    const stream = (isTTY: boolean): NodeJS.WriteStream => ({ isTTY, rows: 12, columns: 80 }) as NodeJS.WriteStream;
    expect([errorLook(stream(true)).rows, errorLook(stream(false)).rows]).toEqual([12, Infinity]);
  });

  it('is as wide as elsewhere', () => {
    expect(renderStatus(healthy, { color: false, columns: 200 })).toBe(renderStatus(healthy, { color: false }));
  });

  it('only says so when the cluster is not made yet', () => {
    const bare: ClusterStatus = {
      cluster: 'demo',
      scope: 'main',
      absent: true,
      members: [{ name: 'pg1', address: '10.0.0.1', pendingRestart: false, problem: 'Patroni does not answer, and there is no data' }],
      etcd: [{ name: 'pg1', healthy: false }],
      certificates: [],
      problems: [],
    };
    expect(renderStatus(bare, { color: false })).toBe(
      `cluster demo  scope main\n\n✖ there is no cluster yet: \`pgprov apply INVENTORY\` makes it`,
    );
  });

  it('counts what an apply would change, which is no problem of the cluster', () => {
    const text = renderStatus(
      { ...healthy, inventory: 'demo.yml', remarks: ['pg1: a is 1\ntake it back'], differences: 2 },
      { color: false },
    );
    expect(text).toMatch(
      /\n\nremarks\n! pg1: a is 1\n {2}take it back\n! 2 differences from the inventory, which `pgprov diff demo.yml` shows and `pgprov apply demo.yml` ends\n\n✔ healthy$/u,
    );
    expect(renderStatus({ ...healthy, inventory: 'demo.yml', differences: 1, refusal: 'pg2 leads as well' }, { color: false })).toContain(
      '! 1 difference from the inventory, which `pgprov diff demo.yml` shows and which `pgprov apply demo.yml` refuses to end as it is: pg2 leads as well\n',
    );
    const waysOut = 'finish it with `pgprov switchover demo.yml`';
    expect(renderStatus({ ...healthy, inventory: 'demo.yml', differences: 1, waysOut }, { color: false })).toContain(
      '1 difference from the inventory, which `pgprov diff demo.yml` shows and which `pgprov apply demo.yml` refuses to end until what was begun is over: finish it with `pgprov switchover demo.yml`',
    );
    expect(renderStatus({ ...healthy, inventory: 'demo.yml', differences: 0, refusal: 'pg2 has more' }, { color: false })).toContain(
      '! `pgprov apply demo.yml` would be refused: pg2 has more\n',
    );
  });

  it('names the section of the DCS after the DCS', () => {
    expect(renderStatus({ ...healthy, store: 'consul' }, { color: false })).toMatch(/^consul$/mu);
    expect(renderStatus(healthy, { color: false })).toMatch(/^etcd$/mu);
  });

  it('shows a scheduled switchover', () => {
    const scheduled = { at: '2026-01-02T04:00:00+01:00', from: 'pg1' };
    expect(renderStatus({ ...healthy, scheduled }, { color: false })).toContain(
      '\nscheduled: a switchover from pg1 to the best standby at 2026-01-02 03:00:00 UTC; `pgprov switchover INVENTORY --cancel` takes it back\n',
    );
  });

  it('shows maintenance mode first, and does not call the cluster simply healthy', () => {
    const [, second, ...rest] = renderStatus({ ...healthy, maintenance: true, inventory: 'demo.yml' }, { color: false }).split('\n\n');
    expect(second).toBe('maintenance mode (pause: true): Patroni fails nothing over and starts nothing until `pgprov resume demo.yml`');
    expect(rest.at(-1)).toBe('! nothing is wrong, but the cluster is in maintenance mode');
  });

  it('shows how far a standby lags in replay, and that it does not replay', () => {
    const [leader, standby] = healthy.members;
    const members = [leader, { ...standby, lagBytes: 0, replayLagBytes: 2048, replayPaused: true }] as ClusterStatus['members'];
    expect(renderStatus({ ...healthy, members }, { color: false })).toMatch(/^replica-2 .* 0 B +\S+ KiB, paused /mu);
  });

  it('shows everything that is wrong with an unhealthy cluster', () => {
    const { leader: _none, dynamic: _unset, ...rest } = healthy;
    const text = renderStatus(
      {
        ...rest,
        members: [
          { name: 'pg1', address: '10.0.0.1', pendingRestart: false, problem: 'Patroni does not answer' },
          {
            name: 'pg2',
            address: '10.0.0.2',
            role: 'replica',
            state: 'stopped',
            lagBytes: 50 * 1024 * 1024,
            pendingRestart: false,
            systemIdentifier: '7',
            checksums: false,
          },
          {
            name: 'pg3',
            address: '10.0.0.3',
            role: 'replica',
            state: 'streaming',
            lagBytes: 1536,
            pendingRestart: false,
            systemIdentifier: '8',
          },
        ],
        etcd: [
          { name: 'pg1', healthy: false, members: 0 },
          { name: 'pg2', healthy: true, requiresClientCertificate: false, dropIns: ['/etc/x.conf'] },
        ],
        certificates: [{ host: 'pg1', notAfter: '2024-01-01T00:00:00Z', daysLeft: -5 }],
        problems: ['pg2: PostgreSQL is stopped', 'pg2: PostgreSQL is stopped'],
      },
      { color: false },
    );
    expect(text).toBe(`cluster demo  scope main, no leader

member  address   role     state      receive lag  checksums
pg1     10.0.0.1  -        unknown
pg2     10.0.0.2  replica  stopped         50 MiB  off
pg3     10.0.0.3  replica  streaming      1.5 KiB

etcd
✖ pg1  not healthy
✖ pg2  healthy, accepts clients without a certificate, drop-ins of its unit: /etc/x.conf

certificates
✖ pg1  expired on 2024-01-01

✖ not healthy: 8 problems
  - no member holds the leader lock
  - pg1: Patroni does not answer
  - pg2: data checksums are off
  - the members hold different databases (system identifiers 7, 8)
  - pg1: etcd is not healthy
  - pg2: etcd accepts clients without a certificate
  - pg1: its certificate has expired
  - pg2: PostgreSQL is stopped`);
  });

  it('keeps its columns aligned with colours', () => {
    const text = renderStatus(healthy, { color: true });
    expect(text).toContain('\u001b[32mrunning\u001b[39m           3');
  });
});
