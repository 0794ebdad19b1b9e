import { describe, expect, it } from 'vitest';
import diverged from '../../../src/diagnoses/postgresql/diverged.js';
import lag from '../../../src/diagnoses/postgresql/lag.js';
import replayPaused from '../../../src/diagnoses/postgresql/replay-paused.js';
import slots from '../../../src/diagnoses/postgresql/slots.js';
import walAhead from '../../../src/diagnoses/postgresql/wal-ahead.js';
import walRemoved from '../../../src/diagnoses/postgresql/wal-removed.js';
import walUnfit from '../../../src/diagnoses/postgresql/wal-unfit.js';
import type { SlotStatus } from '../../../src/lib/cluster-status.js';
import { SERVER_REPLICATION, type ServerReplication } from '../../../src/resources/server-replication.js';
import { cutOffMember, found, NOW, only } from '../examined.js';

const server = (differs: Partial<ServerReplication>) => ({
  more: { pg1: { [SERVER_REPLICATION.id]: { standby: false, sends: [], slots: [], usualWalBytes: 2 ** 30, ...differs } } },
});

describe('a standby with WAL that its leader never wrote', () => {
  const said =
    '2025-07-15 16:50:13.401 KST [39717] FATAL: could not receive data from WAL stream: ERROR: requested starting point 0/6000000 is ahead of the WAL flush position of this server 0/5050660';
  it('is told: seed 003, case 3', () => {
    const finding = only(walAhead, { ...cutOffMember('pg3'), logs: { pg3: [[30, 'postgresql', said]] } });
    expect(finding).toMatchObject({ level: 'danger', host: 'pg3', since: NOW - 30_000 });
    expect(finding.evidence.at(-1)?.line).toBe(said);
    expect(finding.mend).toContain('--give-up-commits');
  });
  it('is past where it streams', () => {
    expect(found(walAhead, { logs: { pg3: [[30, 'postgresql', said]] } })).toEqual([]);
  });
});

describe('a timeline that parted', () => {
  const forked = 'LOG:  new timeline 3 forked off current database system timeline 2 before current recovery point 0/500C0B8';
  it('is told with why it was not rewound', () => {
    const finding = only(diverged, {
      ...cutOffMember('pg3'),
      logs: {
        pg3: [
          [30, 'postgresql', forked],
          [20, 'patroni', 'INFO: pg_rewind exit code=1'],
          [20, 'patroni', 'INFO:  stderr=pg_rewind: error: could not find previous WAL record at 0/3000060'],
        ],
      },
    });
    expect(finding.what).toBe('its timeline 4 has parted from that of pg1, and pg_rewind fails');
    expect(finding.evidence).toHaveLength(4);
  });
  it('may be rewound by Patroni in the next minute, which is told before the command that gives up its commits', () => {
    const after = (seconds: number): string =>
      only(diverged, { ...cutOffMember('pg3'), logs: { pg3: [[seconds, 'postgresql', forked]] } }).mend;
    expect(after(5)).toMatch(
      /^look again in a minute, as Patroni rewinds a member by itself where it may; if it did not, `pgprov rebuild /u,
    );
    expect(after(90)).toMatch(/^`pgprov rebuild /u);
  });
  it('was rewound', () => {
    expect(
      found(diverged, {
        ...cutOffMember('pg3'),
        logs: {
          pg3: [
            [30, 'postgresql', forked],
            [20, 'patroni', 'INFO: pg_rewind exit code=0'],
          ],
        },
      }),
    ).toEqual([]);
  });
});

describe('a standby that tries again and again', () => {
  const tries = [40, 35, 30].flatMap((ago) => [
    [ago, 'postgresql', 'LOG:  restarted WAL streaming at 0/37000000 on timeline 4'] as const,
    [ago, 'postgresql', 'LOG:  replication terminated by primary server'] as const,
    [
      ago,
      'postgresql',
      'LOG:  new timeline 5 forked off current database system timeline 4 before current recovery point 0/37026140',
    ] as const,
  ]);
  const again = [25, 'postgresql', 'LOG:  restarted WAL streaming at 0/37000000 on timeline 4'] as const;
  it('has parted since its first try, also while it begins the next one', () => {
    expect(only(diverged, { ...cutOffMember('pg3'), logs: { pg3: [...tries, again] } }).since).toBe(NOW - 40_000);
  });
  it('has not once it was copied anew, though it is cut off again', () => {
    const copied = [20, 'patroni', 'INFO: replica has been created using basebackup'] as const;
    expect(found(diverged, { ...cutOffMember('pg3'), logs: { pg3: [...tries, again, copied] } })).toEqual([]);
  });
});

describe('WAL that does not continue what a standby has', () => {
  const own = {
    pg1: { wal: { paused: false, location: 0x7638850 } },
    pg3: { wal: { paused: false, replayed: 0x7017760, received: 0x7638850 } },
  };
  const said = (ago: number, where = '0/7017760') =>
    [ago, 'postgresql', `2026-11-29 12:56:${ago} UTC [3054] LOG:  record with incorrect prev-link 6007/5 at ${where}`] as const;
  it('is told where it tries again and again, since it first did', () => {
    const finding = only(walUnfit, { own, logs: { pg3: [said(75, '0/7000000'), said(25), said(20), said(15)] } });
    expect(finding).toMatchObject({ level: 'danger', host: 'pg3', since: NOW - 25_000 });
    expect(finding.what).toContain('from 0/7017760');
    expect(finding.mend).toContain('--give-up-commits');
  });
  it('is not where it says so once, at the end of what is on its own disk, or has all that there is', () => {
    expect(found(walUnfit, { own, logs: { pg3: [said(25)] } })).toEqual([]);
    expect(found(walUnfit, { own, logs: { pg3: [said(400), said(395), said(390)] } })).toEqual([]);
    const idle = { ...own, pg3: { wal: { paused: false, replayed: 0x7638850, received: 0x7638850 } } };
    expect(found(walUnfit, { own: idle, logs: { pg3: [said(25), said(20), said(15)] } })).toEqual([]);
  });
});

describe('WAL that a standby needs', () => {
  const said =
    'FATAL:  could not receive data from WAL stream: ERROR:  requested WAL segment 000000030000000000000008 has already been removed';
  const streams = 'LOG:  started streaming WAL from primary at 0/8000000 on timeline 3';
  it('is gone, though the receiver says each time that it streams', () => {
    expect(
      found(walRemoved, {
        ...cutOffMember('pg3'),
        logs: {
          pg3: [
            [7, 'postgresql', streams],
            [7, 'patroni', said],
            [2, 'postgresql', streams],
          ],
        },
      }),
    ).toEqual(['danger pg3: it needs WAL that pg1 has already removed']);
  });
  it('was found elsewhere since', () => {
    expect(
      found(walRemoved, {
        ...cutOffMember('pg3'),
        logs: {
          pg3: [
            [700, 'postgresql', said],
            [500, 'postgresql', streams],
          ],
        },
      }),
    ).toEqual([]);
  });
});

describe('a slot', () => {
  const slot: SlotStatus = { name: 'forgotten', type: 'physical', active: false, temporary: false, wal: 'reserved', heldBytes: 0 };
  it.each([
    [{ wal: 'lost' }, {}, 'has lost WAL that its user needs'],
    [{ invalidated: 'rows_removed' }, {}, 'is of no use any more (rows_removed)'],
    [{ wal: 'unreserved' }, {}, 'is about to lose WAL that its user needs'],
    [{ heldBytes: 50_000_000 }, { slotLimitBytes: 1_048_576 }, 'holds 47.7 MiB of WAL, of 1 MiB that max_slot_wal_keep_size allows'],
    [{ heldBytes: 3 * 2 ** 30 }, {}, 'is used by nobody and holds 3 GiB of WAL'],
  ])('with %j', (differs, limits, what) => {
    expect(found(slots, server({ slots: [{ ...slot, ...differs }], ...limits }))).toEqual([
      `danger pg1: the replication slot forgotten ${what}`,
    ]);
  });
  it('that was invalidated while its standby is away is no longer kept for one that streams again', () => {
    const useless = { ...slot, name: 'pg3', active: true, wal: 'unreserved', invalidated: 'wal_removed' } as const;
    const finding = only(slots, server({ slots: [useless] }));
    expect(finding.what).toBe('the replication slot pg3 is of no use any more (wal_removed), though its user streams');
    expect(finding.mend).toMatch(
      /^let Patroni make it anew, with pg3 down for a moment: `pgprov stop .* --host pg3`, then `pgprov psql .*`, then `pgprov start /u,
    );
  });
  it('that a member has lost has the member copied anew, since the server said so', () => {
    const said = '2026-11-29 06:10:35.229 UTC [17177] LOG:  invalidating obsolete replication slot "pg3"';
    const finding = only(slots, {
      ...server({ slots: [{ ...slot, name: 'pg3', wal: 'lost', invalidated: 'wal_removed', inactiveSince: '2026-11-29T03:29:59Z' }] }),
      logs: { pg1: [[40, 'postgresql', said]] },
    });
    expect(finding).toMatchObject({ since: NOW - 40_000 });
    expect(finding.mend).toMatch(/^`pgprov rebuild .* --host pg3` copies/u);
  });
  it('that the leader and the other standby keep for a member who is away is told once', () => {
    const held = { ...slot, name: 'pg3', heldBytes: 50_000_000 };
    const state = (own: SlotStatus): Readonly<Record<string, unknown>> => server({ slots: [own], slotLimitBytes: 1_048_576 }).more.pg1;
    const both = { more: { pg1: state(held), pg2: state(held) } };
    // So what status says of pg2's is not told beside it.
    expect(only(slots, both)).toMatchObject({ host: 'pg1', affects: ['pg2'] });
    expect(only(slots, { more: { pg1: state({ ...held, heldBytes: 0 }), pg2: state(held) } }).host).toBe('pg2');
  });
  it('that a standby keeps for another member is well: Patroni moves it in its next loop', () => {
    const held = { ...slot, name: 'pg1', heldBytes: 50_000_000 };
    expect(found(slots, server({ standby: true, slots: [held], slotLimitBytes: 1_048_576 }))).toEqual([]);
    expect(found(slots, server({ standby: true, slots: [{ ...held, wal: 'lost' }], slotLimitBytes: 1_048_576 }))).toHaveLength(1);
  });
  it('of a member that is away for a while is well', () => {
    expect(found(slots, server({ slots: [{ ...slot, heldBytes: 2 ** 29 }] }))).toEqual([]);
  });
});

it('finds a paused replay', () => {
  const said = '2026-11-29 03:20:16.036 UTC [155] LOG:  recovery has paused';
  const wal = { received: 0x5050770, replayed: 0x5050738, paused: true };
  const finding = only(replayPaused, { own: { pg2: { wal } }, logs: { pg2: [[44, 'postgresql', said]] } });
  expect(finding).toMatchObject({ level: 'danger', host: 'pg2', since: NOW - 44_000 });
  expect(finding.evidence[0]?.line).toBe('paused; received 0/5050770, replayed 0/5050738, so 56 B wait');
});

it('finds a standby that is far behind, and not one that is so for a moment', () => {
  const sends = (unsent: number, unreplayed: number) =>
    server({ sends: [{ name: 'pg3', state: 'streaming', sync: 'async', sentLagBytes: unsent, replayLagBytes: unreplayed }] });
  expect(found(lag, sends(0, 2 ** 26))).toEqual([]);
  expect(found(lag, sends(0, 2 ** 30))).toEqual(['danger pg3: it is 1 GiB of WAL behind pg1']);
  expect(only(lag, sends(2 ** 30, 2 ** 30)).mend).toMatch(/^look at the network/u);
});
