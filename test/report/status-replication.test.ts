import { describe, expect, it } from 'vitest';
import type { ClusterStatus, ReplicationStatus, SlotStatus } from '../../src/lib/cluster-status.js';
import { promotionWords, replicationEntries, slotEntries } from '../../src/report/status-replication.js';
import { renderStatus } from '../../src/report/status-text.js';
import { displayWidth } from '../../src/report/width.js';

const MIB = 1024 ** 2;
const REASON = 'no recovery target specified';
const member = (name: string): ClusterStatus['members'][number] => ({ name, address: '10.0.0.1', pendingRestart: false });
const members = ['pg1', 'pg-2', 'pg3'].map(member);
const slot = (name: string, more: Partial<SlotStatus> = {}): SlotStatus => ({
  name,
  type: 'physical',
  active: true,
  temporary: false,
  wal: 'reserved',
  heldBytes: 0,
  ...more,
});
const primary: ReplicationStatus = {
  host: 'pg1',
  standby: false,
  sends: [
    { name: 'pg-2', address: '10.0.0.2', state: 'streaming', sync: 'sync', sentLagBytes: 0, replayLagBytes: 0 },
    { name: 'pg_receivewal', address: '10.0.0.9', state: 'streaming', sync: 'async', sentLagBytes: 2 * MIB },
  ],
  slots: [slot('pg_2'), slot('pg3', { active: false, inactiveSince: '2026-11-28T15:40:12.5+00:00', heldBytes: 20 * MIB, wal: 'extended' })],
  usualWalBytes: 1024 * MIB,
};
const standby: ReplicationStatus = {
  host: 'pg-2',
  standby: true,
  behindSeconds: 0,
  receives: { status: 'streaming', timeline: 2, from: '10.0.0.1:5432', slot: 'pg_2', lastMessageSeconds: 3 },
  sends: [],
  slots: [slot('pg1', { active: false, heldBytes: 5 }), slot('pg3', { active: false, heldBytes: MIB })],
  usualWalBytes: 1024 * MIB,
};
const lone: ReplicationStatus = { host: 'pg3', standby: true, sends: [], slots: [], usualWalBytes: 1024 * MIB };
const status: ClusterStatus = {
  cluster: 'demo',
  scope: 'demo',
  leader: 'pg1',
  members,
  lastPromotion: { timeline: 2, at: '2026-11-28T15:40:12.654321+00:00', from: 'pg3', to: 'pg1', reason: REASON, lsn: '0/3000148' },
  replication: [primary, standby, lone],
  etcd: [
    {
      name: 'pg1',
      healthy: true,
      members: 3,
      requiresClientCertificate: true,
      version: '3.5.16',
      leader: true,
      databaseBytes: 80 * 1024,
      databaseUsedBytes: 60 * 1024,
      alarms: ['NOSPACE'],
    },
  ],
  certificates: [],
  keys: [
    { key: 'leader', bytes: 3, value: 'pg1' },
    { key: 'config', bytes: 9000, value: `{"a":"${'long '.repeat(100)}\u001b[2J"}` },
  ],
  problems: [],
};

describe('the last change of the leader', () => {
  it.each([
    { more: {}, words: '2026-11-28 15:40:12 UTC, from pg3 to pg1, timeline 2 from 0/3000148 on' },
    { more: { from: undefined }, words: '2026-11-28 15:40:12 UTC, to pg1, timeline 2 from 0/3000148 on' },
    {
      more: { from: undefined, to: undefined, at: undefined, reason: 'before 2026' },
      words: 'timeline 2 from 0/3000148 on, before 2026',
    },
    { more: { from: 'pg1' }, words: '2026-11-28 15:40:12 UTC, to pg1 again, timeline 2 from 0/3000148 on' },
    { more: { at: 'some day' }, words: 'some day, from pg3 to pg1, timeline 2 from 0/3000148 on' },
  ])('is shown as $words', ({ more, words }) =>
    expect(promotionWords({ ...status.lastPromotion, ...more } as NonNullable<ClusterStatus['lastPromotion']>)).toBe(words),
  );
});

describe('replication', () => {
  it('is shown as the standby sees it and as its sender does, with other receivers', () => {
    expect(replicationEntries(status)).toEqual([
      {
        name: 'pg-2',
        good: true,
        text: 'receives: streaming from 10.0.0.1:5432, timeline 2, last message 3 s ago; pg1 sees streaming, sync, 0 B behind',
      },
      { name: 'pg3', good: false, text: 'receives nothing' },
      { name: 'pg1', good: true, text: 'sends to pg_receivewal at 10.0.0.9: streaming, async, 2 MiB not sent' },
    ]);
  });

  it('is unhealthy when either side says so, and shows times that matter', () => {
    const [target] = primary.sends as [ReplicationStatus['sends'][number]];
    const catching = { ...target, state: 'catchup', writeLagSeconds: 0.01, flushLagSeconds: 0.4, replayLagSeconds: 75 };
    const seen = replicationEntries({
      members,
      replication: [
        { ...primary, sends: [catching] },
        { ...standby, behindSeconds: 75 },
      ],
    });
    expect(seen).toEqual([
      {
        name: 'pg-2',
        good: false,
        text: 'receives: streaming from 10.0.0.1:5432, timeline 2, last message 3 s ago, replays what is 1 min 15 s old; pg1 sees catchup, sync, 0 B behind, lag: write <0.1 s, flush 0.4 s, replay 1 min 15 s',
      },
    ]);
    const waiting = replicationEntries({ members, replication: [{ ...standby, receives: { status: 'waiting' } }] });
    expect(waiting).toEqual([{ name: 'pg-2', good: false, text: 'receives: waiting' }]);
    expect(replicationEntries({ members })).toEqual([]);
  });

  it('is shown for a member whose host is off as its sender sees it', () => {
    const [target] = primary.sends as [ReplicationStatus['sends'][number]];
    expect(replicationEntries({ members, replication: [{ ...primary, sends: [target] }] })).toEqual([
      { name: 'pg1', good: true, text: 'sends to pg-2: streaming, sync, 0 B behind' },
    ]);
  });
});

describe('slots', () => {
  it('are shown with the WAL that they hold; those that a standby keeps for a failover are counted', () => {
    expect(slotEntries(status)).toEqual([
      { name: 'pg1', good: true, text: 'pg_2: physical, in use, holds 0 B' },
      { name: 'pg1', good: false, text: 'pg3: physical, not in use since 2026-11-28 15:40:12 UTC, holds 20 MiB, wal_status extended' },
      { name: 'pg-2', good: true, text: '2 slots kept for when it leads, each holding at most 1 MiB' },
    ]);
  });

  it('are no good on a standby without Patroni that nobody uses: they hold WAL, and it leads only by a switchover, which makes its own', () => {
    const slots = [slot('pg1', { active: false, heldBytes: MIB })];
    expect(slotEntries({ topology: 'streaming', members, replication: [{ ...standby, slots }] })).toEqual([
      { name: 'pg-2', good: false, text: 'pg1: physical, not in use, holds 1 MiB' },
    ]);
  });

  it('are shown for a standby as well when they are lost, invalid or not of a member', () => {
    const slots = [
      slot('pg1', { active: false, wal: 'lost' }),
      slot('rows', { type: 'logical', database: 'app', active: false, temporary: true, invalidated: 'wal_removed', safeBytes: -5 }),
    ];
    expect(slotEntries({ members, replication: [{ ...standby, slots }] })).toEqual([
      { name: 'pg-2', good: false, text: 'pg1: physical, not in use, holds 0 B, wal_status lost' },
      {
        name: 'pg-2',
        good: false,
        text: 'rows: temporary, logical in app, not in use, holds 0 B, loses WAL after 0 B more, invalidated: wal_removed',
      },
    ]);
  });
});

describe('a status with replication, slots and keys', () => {
  it('has sections, and keys only when asked for', () => {
    const blocks = renderStatus(status, { color: false }).split('\n\n');
    expect(blocks.slice(2, 6)).toEqual([
      'last change of the leader  2026-11-28 15:40:12 UTC, from pg3 to pg1, timeline 2 from 0/3000148 on',
      expect.stringMatching(/^replication\n✔ pg-2 {2}receives: .*\n! pg3 {3}receives nothing\n✔ pg1 {3}sends to pg_receivewal/u),
      expect.stringMatching(/^slots\n✔ pg1 {3}pg_2: .*\n! pg1 {3}pg3: /u),
      'etcd\n✔ pg1  healthy, 3 members, requires client certificates, leads, version 3.5.16, database 80 KiB with 60 KiB in use, alarm NOSPACE',
    ]);
    expect(blocks.join()).not.toContain('keys of');
    const keys = renderStatus(status, { color: false }, { keys: true })
      .split('\n\n')
      .find((block) => block.startsWith('keys of demo'));
    expect(keys?.split('\n').slice(1)).toEqual([
      expect.stringMatching(/^config +8\.8 KiB {2}\{"a":"long long [^\u001b]*…$/u),
      'leader            3 B  pg1',
    ]);
    const { keys: _keys, ...without } = status;
    expect(renderStatus(without, { color: false }, { keys: true })).toContain('nothing is stored under the scope demo');
  });

  it.each([48, 80])('fits a terminal of %d columns', (columns) => {
    for (const color of [true, false]) {
      const lines = renderStatus(status, { color, columns }, { keys: true }).split('\n');
      expect(lines.filter((line) => displayWidth(line) > columns)).toEqual([]);
    }
  });

  it('shows the lag in time only while something is left to replay', () => {
    const lag = (more: object): string | undefined =>
      renderStatus({ ...status, members: [{ ...member('pg2'), state: 'streaming', ...more }] }, { color: false })
        .split('\n')
        .find((line) => line.startsWith('pg2 '));
    expect(lag({ replayLagBytes: 2048, replayLagSeconds: 75 })).toContain('2 KiB, 1 min 15 s');
    expect(lag({ replayLagBytes: 0, replayLagSeconds: 75 })).not.toContain('1 min');
    expect(lag({ replayLagBytes: 2048, replayLagSeconds: 0.2 })).toMatch(/2 KiB$/u);
  });
});
