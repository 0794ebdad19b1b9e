import { describe, expect, it } from 'vitest';
import { CATALOG } from '../../../roles/index.js';
import type { ServiceStatus, SlotStatus } from '../../../src/lib/cluster-status.js';
import { statusOf } from '../../../src/cli/status-of.js';
import { View } from '../../../src/plan/view.js';
import { ETCD_DATABASE, type EtcdDatabase } from '../../../src/resources/etcd/database.js';
import { HOST_FACTS } from '../../../src/resources/host-facts.js';
import { MIGRATION_COPIES, type MigrationCopy } from '../../../src/resources/migrate/copies.js';
import { PATRONI_MEMBER, type ClusterMember } from '../../../src/resources/patroni/member.js';
import { PENDING_RESTART } from '../../../src/resources/pending-restart.js';
import { SERVER_REPLICATION, type ServerReplication } from '../../../src/resources/server-replication.js';
import { inventoryOf } from '../../support/inventory.js';

const MIB = 1024 ** 2;
const cluster = await inventoryOf('cluster: demo\nhosts:\n  pg1: 192.0.2.1\n  pg2: 192.0.2.2\n');

/** What the roles say of hosts, by the states of each. */
function lines(states: Record<string, Record<string, unknown>>, inventory = cluster): readonly ServiceStatus[] {
  const seen = Object.entries(states).map(
    ([host, state]) =>
      [host, new Map(Object.entries({ [HOST_FACTS.id]: { os: 'debian', version: '13', systemd: true }, ...state }))] as const,
  );
  return statusOf(inventory, CATALOG, new View(inventory, new Map(seen)), []).services ?? [];
}

describe('the databases of a migration', () => {
  const said = (copy: Omit<MigrationCopy, 'database'>): string[] =>
    lines({ pg1: { [MIGRATION_COPIES.id]: [{ database: 'shop', ...copy }] } }).map(({ level, text }) => `${level} ${text}`);
  const subscription = { enabled: true, receives: true, heardSeconds: 2.2 };
  const again = (option = ''): string => `\`pgprov migrate OLD.yml --into ${cluster.file}${option}\``;

  it.each<{ title: string; copy: Omit<MigrationCopy, 'database'>; says: string }>([
    {
      title: 'one that follows',
      copy: { mark: 'i 1 copying old 1 1', subscription, tables: { all: 3, left: 0 } },
      says: `ok the database shop is a copy of that of old and follows it, last heard 2 s ago; ${again(' --switch')}, where OLD.yml is the inventory of old, moves clients over, and ${again(' --undo')} takes it back`,
    },
    {
      title: 'one that is being copied',
      copy: { mark: 'i 1 copying old 1 1', subscription, tables: { all: 3, left: 1 } },
      says: `ok the database shop is a copy of that of old, with 2 of 3 tables copied; ${again()}, where OLD.yml is the inventory of old, waits for the others`,
    },
    {
      title: 'one that receives nothing',
      copy: { mark: 'i 1 copying', subscription: { ...subscription, receives: false } },
      says: `warning the database shop is a copy of that of another cluster and receives nothing now; ${again()}, where OLD.yml is the inventory of another cluster, says what is in the way`,
    },
    {
      title: 'one that was begun',
      copy: { mark: 'i 1 copying old 1 1' },
      says: `warning the database shop is a copy of that of old that was begun and follows nothing; ${again()}, where OLD.yml is the inventory of old, goes on, and ${again(' --undo')} takes it back`,
    },
    {
      title: 'one whose switch was cut off',
      copy: { mark: 'i 1 moved 1.3 old', subscription },
      says: `warning clients were moved to the database shop, and its subscription is left; ${again()}, where OLD.yml is the inventory of old, finishes it`,
    },
    {
      title: 'one that is closed for another cluster’s',
      copy: { mark: 'i closed 50' },
      says: 'ok the database shop lets no clients in: a migration has closed it',
    },
  ])('are told: $title', ({ copy, says }) => expect(said(copy)).toEqual([says]));

  it('are not told once all is done', () => expect(said({ mark: 'i 1 moved 1.3 old' })).toEqual([]));
});

describe('the slots of a server', () => {
  const said = (slot: Partial<SlotStatus>, server: Partial<ServerReplication> = {}): string[] => {
    const whole: SlotStatus = { name: 'old', type: 'physical', active: false, temporary: false, wal: 'reserved', heldBytes: 0, ...slot };
    const state: ServerReplication = { standby: false, sends: [], slots: [whole], usualWalBytes: 1024 * MIB, ...server };
    return lines({ pg1: { [SERVER_REPLICATION.id]: state } }).map(({ level, role, text }) => `${level} ${role}: ${text}`);
  };

  it.each<{ title: string; slot: Partial<SlotStatus>; server?: Partial<ServerReplication> }>([
    { title: 'a slot in use that holds much', slot: { active: true, heldBytes: 5000 * MIB, wal: 'extended' } },
    { title: 'a slot that holds little', slot: { heldBytes: 15 * MIB } },
    { title: 'a slot that never held anything', slot: {} },
    { title: 'a slot that a standby keeps', slot: { heldBytes: 900 * MIB }, server: { standby: true } },
    { title: 'half of what a slot may hold', slot: { active: true, heldBytes: 50 * MIB }, server: { slotLimitBytes: 100 * MIB } },
  ])('are not mentioned: $title', ({ slot, server }) => expect(said(slot, server)).toEqual([]));

  it.each<{ title: string; slot: Partial<SlotStatus>; server?: Partial<ServerReplication>; line: RegExp }>([
    {
      title: 'WAL that no client receives',
      slot: { heldBytes: 16 * MIB },
      line: /^warning postgresql: .* old is used by nobody and holds 16 MiB/u,
    },
    {
      title: 'more than the usual amount of WAL',
      slot: { heldBytes: 1025 * MIB },
      line: /^problem .* holds 1 GiB of WAL, and more until the disk is full: .*`SELECT pg_drop_replication_slot\('old'\)`$/u,
    },
    {
      title: 'the same on a standby',
      slot: { heldBytes: 1025 * MIB },
      server: { standby: true },
      line: /^problem .*until the disk is full/u,
    },
    {
      title: 'a limited amount that cannot fill the disk',
      slot: { heldBytes: 1025 * MIB },
      server: { slotLimitBytes: 4096 * MIB },
      line: /^warning .*used by nobody/u,
    },
    {
      title: 'most of what a slot may hold, in use or not',
      slot: { active: true, heldBytes: 80 * MIB },
      server: { slotLimitBytes: 100 * MIB },
      line: /^problem .* holds 80 MiB of WAL, of 100 MiB that max_slot_wal_keep_size allows/u,
    },
    { title: 'a slot that is about to lose WAL', slot: { active: true, wal: 'unreserved' }, line: /^problem .*wal_status unreserved/u },
    { title: 'a slot that lost WAL', slot: { wal: 'lost' }, line: /^problem .*wal_status lost/u },
    { title: 'an invalid slot', slot: { invalidated: 'rows_removed' }, line: /^problem .*of no use any more \(rows_removed\)/u },
  ])('are mentioned: $title', ({ slot, server, line }) => {
    const found = said(slot, server);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(line);
  });
});

describe('the database of a member of etcd', () => {
  const healthy: EtcdDatabase = { version: '3.5.16', id: '7', leader: true, bytes: 80 * MIB, usedBytes: 70 * MIB, alarms: [] };
  const said = (own: Partial<EtcdDatabase>, other?: Partial<EtcdDatabase>): string[] =>
    lines({
      pg1: { [ETCD_DATABASE.id]: { ...healthy, ...own } },
      ...(other === undefined ? {} : { pg2: { [ETCD_DATABASE.id]: { ...healthy, id: '8', ...other } } }),
    }).map(({ host, level, text }) => `${host} ${level}: ${text}`);

  it('is not mentioned while it is small, or full of data', () => {
    expect(said({})).toEqual([]);
    expect(said({ bytes: 60 * MIB, usedBytes: MIB })).toEqual([]);
    expect(lines({ pg1: { [ETCD_DATABASE.id]: undefined } })).toEqual([]);
  });

  it('has advice to defragment when much of it is free, with the command, one member at a time', () => {
    const [line = '', ...more] = said({ bytes: 80 * MIB, usedBytes: 39 * MIB });
    expect(more).toEqual([]);
    expect(line).toMatch(/^pg1 warning: of 80 MiB that the database takes it uses 39 MiB/u);
    expect(line).toContain(
      '`ETCDCTL_API=3 etcdctl --endpoints=https://192.0.2.1:2379 --cacert=/etc/etcd/tls/ca.crt --cert=/etc/etcd/tls/node.crt --key=/etc/etcd/tls/node.key --command-timeout=60s defrag`',
    );
    expect(line).toContain('one member after the other');
  });

  it('is a problem near its quota: the one in force, or else the inventory’s', () => {
    expect(said({ quotaBytes: 100 * MIB })).toEqual([expect.stringMatching(/^pg1 problem: .*80 MiB of 100 MiB.*defrag/u)]);
    expect(said({ bytes: 99 * MIB, usedBytes: 98 * MIB, quotaBytes: 100 * MIB })).toEqual([
      expect.stringMatching(/raise etcd\.quota_backend_bytes$/u),
    ]);
    expect(said({ bytes: 1700 * MIB, usedBytes: 1699 * MIB })).toEqual([expect.stringMatching(/problem: .*1.7 GiB of 2 GiB/u)]);
  });

  it('is a problem when it raised an alarm, reported once: by the member, or by the first other one when it does not answer', () => {
    const alarms = [{ member: '7', alarm: 'NOSPACE' }];
    expect(said({ alarms }, { alarms })).toEqual([expect.stringMatching(/^pg1 problem: the database has reached .*alarm disarm`$/u)]);
    const silent = [{ member: '255', alarm: 'CORRUPT' }];
    expect(said({ alarms: silent }, { alarms: silent })).toEqual([
      expect.stringMatching(/^pg1 problem: the data of the member ff, which does not answer, differs/u),
    ]);
    expect(said({ alarms: [{ member: '7', alarm: 'NEW' }] })).toEqual(['pg1 problem: etcd raised the alarm NEW']);
  });
});

describe('a pending restart', () => {
  const said = (pendingReasons?: ClusterMember['pendingReasons'], names: readonly string[] = [], isPending = true): string[] => {
    const member = { name: 'pg1', role: 'leader', state: 'running', pendingRestart: isPending, ...(pendingReasons && { pendingReasons }) };
    const answers = { answers: true, state: 'running', role: 'leader', pendingRestart: isPending, replication: [], cluster: [member] };
    return lines({ pg1: { [PATRONI_MEMBER.id]: answers, [PENDING_RESTART.id]: names } }).map(({ level, text }) => `${level}: ${text}`);
  };

  it('is shown with what waits for it, old and new, and with the command', () => {
    expect(said({ max_connections: { from: '100', to: '150' }, a: { from: '', to: '1' }, b: { from: '2', to: '' } })).toEqual([
      `warning: PostgreSQL needs a restart for max_connections=150 (is 100), a=1 (is not set) and b=its default (is 2); \`pgprov restart ${cluster.file} --pending\` does it`,
    ]);
  });

  it('is shown from PostgreSQL when Patroni gives no reasons, and not at all when there is none', () => {
    expect(said(undefined, ['max_connections'])).toEqual([expect.stringContaining('needs a restart for max_connections; `pgprov restart')]);
    expect(said()).toEqual([expect.stringContaining('PostgreSQL needs a restart; `pgprov restart')]);
    expect(said(undefined, [], false)).toEqual([]);
  });

  it('is shown for a server without Patroni with its unit', async () => {
    const single = await inventoryOf('cluster: demo\nhosts:\n  pg1:\n    address: 192.0.2.1\n    roles: [pgdg, postgresql]\n');
    expect(lines({ pg1: { [PENDING_RESTART.id]: ['max_connections'] } }, single)).toEqual([
      {
        host: 'pg1',
        role: 'postgresql',
        level: 'warning',
        text: 'a restart is pending for max_connections; `systemctl restart postgresql@17-main`, as root there, does it',
      },
    ]);
  });
});
