import { describe, expect, it } from 'vitest';
import type { BackupStatus } from '../../src/lib/backup-status.js';
import type { ClusterStatus, MemberStatus } from '../../src/lib/cluster-status.js';
import type { CheckName } from '../../src/report/check-names.js';
import { checkOf, renderChecks, worst, type Checked, type CheckedState } from '../../src/report/checks.js';

const member = (name: string, rest: Partial<MemberStatus> = {}): MemberStatus => ({
  name,
  address: '10.0.0.1',
  role: 'replica',
  state: 'streaming',
  lagBytes: 0,
  pendingRestart: false,
  ...rest,
});
const STATUS: ClusterStatus = {
  cluster: 'demo',
  scope: 'demo',
  leader: 'pg1',
  members: [{ ...member('pg1'), role: 'leader', state: 'running' }, member('pg2'), member('pg3')],
  store: 'etcd',
  etcd: ['pg1', 'pg2', 'pg3'].map((name) => ({ name, healthy: true })),
  certificates: [{ host: 'pg1', notAfter: '2030-01-01T00:00:00Z', daysLeft: 300 }],
  services: [{ host: 'pg1', role: 'haproxy', text: 'leads to pg1', level: 'ok' }],
  differences: 0,
  problems: [],
};
const NOW = new Date('2026-11-30T12:00:00Z');
const BACKUPS: BackupStatus = {
  cluster: 'demo',
  inventory: 'inventory.yml',
  stanza: 'demo',
  maxAgeHours: 26,
  repositories: [
    {
      name: 'main',
      number: 1,
      host: 'pg1',
      status: 'ok',
      encrypted: false,
      backups: [
        {
          label: 'a',
          type: 'full',
          started: '2026-11-30T08:00:00Z',
          ended: '2026-11-30T09:00:00Z',
          size: 1,
          copied: 1,
          stored: 1,
        } as BackupStatus['repositories'][number]['backups'][number],
      ],
    },
  ],
  running: [],
  failures: [],
  problems: [],
};

function look(name: CheckName, status: Partial<ClusterStatus> = {}, more: Partial<CheckedState> = {}): Checked {
  const state: CheckedState = {
    status: { ...STATUS, ...status },
    backups: BACKUPS,
    mostLag: 1_048_576,
    now: NOW,
    warning: {},
    critical: {},
    ...more,
  };
  return checkOf(name, state);
}

describe('a check for a monitoring system', () => {
  it.each<[string, CheckName, Partial<ClusterStatus>, string, string | RegExp]>([
    ['members that are well', 'members', {}, 'OK', '3 members, pg1 leads'],
    [
      'a member that does not run',
      'members',
      { members: [member('pg2', { problem: 'Patroni is stopped\nstart it' })] },
      'CRITICAL',
      'pg2: Patroni is stopped',
    ],
    ['a host that was not seen', 'members', { unseen: [{ host: 'pg3', reason: 'pg3: no route' }] }, 'UNKNOWN', 'pg3: no route'],
    ['a pending restart', 'members', { members: [member('pg2', { pendingRestart: true })] }, 'WARNING', 'settings wait for a restart'],
    ['what else is wrong', 'members', { problems: ['pg2: a setting differs\napply'] }, 'WARNING', 'pg2: a setting differs'],
    ['standbys that keep up', 'lag', {}, 'OK', 'at most 0 B behind'],
    [
      'one that is too far behind to take over',
      'lag',
      { members: [member('pg2', { lagBytes: 2 ** 21 }), member('pg3')] },
      'WARNING',
      'pg2 is 2 MiB behind',
    ],
    [
      'none that could take over',
      'lag',
      { members: [member('pg2', { lagBytes: 2 ** 21 })] },
      'CRITICAL',
      'no standby is near enough to take over',
    ],
    ['a server without standbys', 'lag', { members: STATUS.members.slice(0, 1) }, 'OK', 'there are no standbys'],
    [
      'a store that lost one of three',
      'store',
      { etcd: [...STATUS.etcd.slice(1), { name: 'pg1', healthy: false }] },
      'WARNING',
      'pg1: etcd is not healthy',
    ],
    [
      'a store without a quorum',
      'store',
      { etcd: STATUS.etcd.map((each, at) => ({ ...each, healthy: at === 0 })) },
      'CRITICAL',
      /etcd is not healthy/u,
    ],
    [
      'a service that is down',
      'services',
      { services: [{ host: 'lb1', role: 'haproxy', text: 'is down', level: 'problem' }] },
      'CRITICAL',
      'lb1: haproxy: is down',
    ],
    ['a certificate that has a year', 'certs', {}, 'OK', 'the first expires in 300 days'],
    [
      'one that ends within a month',
      'certs',
      { certificates: [{ host: 'pg1', notAfter: '', daysLeft: 20 }] },
      'WARNING',
      'the certificate of pg1 expires in 20 days',
    ],
    [
      'one that has expired',
      'certs',
      { certificates: [{ host: 'pg1', notAfter: '', daysLeft: 0 }] },
      'CRITICAL',
      'pg1: its certificate has expired',
    ],
    ['a backup of today', 'backup', {}, 'OK', 'the last backup ended 3 h ago'],
    ['a cluster as the inventory says', 'differences', {}, 'OK', 'as the inventory says'],
    ['one that is not', 'differences', { differences: 2 }, 'WARNING', '2 differences from the inventory'],
  ])('tells of %s', (_title, name, status, level, text) => {
    const { level: found, texts } = look(name, status);
    expect([found, texts[0]]).toEqual([level, typeof text === 'string' ? text : expect.stringMatching(text)]);
  });

  it('holds against what was given', () => {
    const behind = { members: [member('pg2', { lagBytes: 5_000 }), member('pg3')] };
    expect(look('lag', behind).level).toBe('OK');
    expect(look('lag', behind, { warning: { lag: 4_000 } }).level).toBe('WARNING');
    expect(look('lag', behind, { critical: { lag: 4_000 } }).level).toBe('CRITICAL');
    expect(look('certs', {}, { warning: { certs: 301 * 86_400 } }).level).toBe('WARNING');
    expect(look('backup', {}, { warning: { backup: 3600 } }).level).toBe('WARNING');
    expect(look('backup', {}, { critical: { backup: 3600 } }).level).toBe('CRITICAL');
  });

  it('does not take what it has not seen for well', () => {
    const { backups: _, ...none } = { backups: BACKUPS };
    expect(checkOf('backup', { status: STATUS, mostLag: 1, now: NOW, warning: {}, critical: {}, ...none }).level).toBe('UNKNOWN');
    expect(look('backup', {}, { backups: { ...BACKUPS, repositories: [] } }).level).toBe('CRITICAL');
    expect(look('backup', {}, { backups: { ...BACKUPS, problems: ['the last full backup failed'] } }).level).toBe('CRITICAL');
    const { leader: _leader, ...unled } = STATUS;
    expect(checkOf('lag', { status: unled, mostLag: 1, now: NOW, warning: {}, critical: {} }).level).toBe('UNKNOWN');
    const { differences: _differences, ...unasked } = STATUS;
    expect(checkOf('differences', { status: unasked, mostLag: 1, now: NOW, warning: {}, critical: {} }).level).toBe('UNKNOWN');
    expect(worst(['UNKNOWN', 'WARNING', 'OK'])).toBe('WARNING');
  });

  it('is written as plugins write it', () => {
    const checks = (['members', 'lag', 'backup'] as const).map((name) => look(name));
    expect(renderChecks('demo', checks)).toBe(
      `PGPROV OK - demo: members: 3 members, pg1 leads, lag: at most 0 B behind, backup: the last backup ended 3 h ago | members=3;;;0 lag_pg2=0B;1048576;;0 lag_pg3=0B;1048576;;0 backup_age=10800s;93600;;0
[OK] members: 3 members, pg1 leads
[OK] lag: at most 0 B behind
[OK] backup: the last backup ended 3 h ago`,
    );
    const bad = [look('lag', { members: [member('a|b', { lagBytes: 2 ** 21 })] }), look('members')];
    expect(renderChecks('demo', bad).split('\n')[0]).toBe(
      "PGPROV CRITICAL - demo: lag: no standby is near enough to take over and 1 other | 'lag_a|b'=2097152B;1048576;;0 members=3;;;0",
    );
  });
});
