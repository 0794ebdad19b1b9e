import { describe, expect, it } from 'vitest';
import historyFork from '../../../src/diagnoses/cluster/history-fork.js';
import initializeKey from '../../../src/diagnoses/cluster/initialize-key.js';
import noLeader from '../../../src/diagnoses/cluster/no-leader.js';
import pause from '../../../src/diagnoses/cluster/pause.js';
import synchronous from '../../../src/diagnoses/cluster/synchronous.js';
import secondWriter from '../../../src/diagnoses/cluster/second-writer.js';
import versions from '../../../src/diagnoses/cluster/versions.js';
import { HOST_FACTS } from '../../../src/resources/host-facts.js';
import { SERVER_HEALTH } from '../../../src/resources/server-health.js';
import { TIMELINE_BEGIN } from '../../../src/resources/timeline-begin.js';
import { leaderOf } from '../../../src/diagnoses/shared/leading.js';
import { examined, found, NOW, only } from '../examined.js';

const DOWN = { leader: null, own: { pg1: { state: 'start failed' }, pg2: { state: 'start failed' }, pg3: null } };

describe('who leads', () => {
  it('is nobody: told with what each member says, since the last one worked', () => {
    const finding = only(noLeader, {
      ...DOWN,
      logs: { pg2: [[240, 'patroni', 'INFO: no action. I am (pg2), a secondary, and following a leader (pg1)']] },
    });
    expect(finding.level).toBe('broken');
    expect(finding.since).toBe(NOW - 240_000);
    expect(finding.evidence.map(({ host, line }) => `${host} ${line}`)).toEqual([
      'pg1 replica, start failed, timeline 4',
      'pg2 replica, start failed, timeline 4',
      'pg3 it does not answer',
    ]);
    expect(finding.mend).toMatch(/^`pgprov recover /u);
  });

  it('may be elected just now', () => {
    const worked = [10, 'patroni', 'INFO: no action. I am (pg2), a secondary, and following a leader (pg1)'] as const;
    expect(only(noLeader, { ...DOWN, logs: { pg2: [worked] } }).mend).toMatch(/^an election may be under way/u);
  });
});

describe('a second server that takes writes', () => {
  const PROMOTED = { own: { pg2: { role: 'leader', timeline: 5 } }, listed: { pg2: { state: 'running', timeline: 5 } } } as const;
  const facts = Object.fromEntries(['pg1', 'pg2', 'pg3'].map((name) => [name, { [HOST_FACTS.id]: { os: 'debian', version: '13' } }]));

  it('is told of the one that does not hold the key, which gets the leader’s data anew and keeps its own', () => {
    const finding = only(secondWriter, {
      ...PROMOTED,
      config: { pause: true },
      more: facts,
      logs: { pg2: [[30, 'postgresql', 'LOG:  selected new timeline ID: 5']] },
    });
    expect(finding).toMatchObject({ level: 'broken', host: 'pg2', since: NOW - 30_000, what: 'it takes writes beside pg1, which leads' });
    expect(finding.evidence.map(({ host, line }) => `${host} ${line}`)).toEqual([
      'pg1 pg_is_in_recovery() is false, timeline 4, and it holds the leader’s key',
      'pg2 pg_is_in_recovery() is false, timeline 5',
      'pg2 LOG:  selected new timeline ID: 5',
    ]);
    expect(finding.mend).toMatch(
      /`systemctl stop patroni; runuser -u postgres -- \/usr\/lib\/postgresql\/17\/bin\/pg_ctl -D \S+ -m fast stop`, as root on pg2; then `pgprov resume [^`]*`; then `pgprov rebuild [^`]* --host pg2 --give-up-commits`$/u,
    );
    expect(only(secondWriter, { ...PROMOTED, more: facts }).mend).not.toContain('pgprov resume');
  });

  it('is seen by what the server says, also where its Patroni is down', () => {
    const health = (standby: boolean): object => ({ [SERVER_HEALTH.id]: { standby } });
    const servers = (pg2: boolean): object => ({ pg1: health(false), pg2: health(pg2), pg3: health(true) });
    expect(found(secondWriter, { own: { pg2: null }, more: servers(false) as never })).toEqual([
      'broken pg2: it takes writes beside pg1, which leads',
    ]);
    expect(found(secondWriter, { own: { pg2: { role: 'leader' } }, more: servers(true) as never })).toEqual([]);
  });

  it('is for a person to judge where nobody holds the key', () => {
    expect(found(secondWriter, { ...PROMOTED, own: { ...PROMOTED.own, pg1: { role: 'leader' } }, leader: null })).toEqual([
      'broken all: pg1 and pg2 take writes, and none of them holds the leader’s key',
    ]);
  });

  it('is not taken for the leader', () => {
    expect(leaderOf(examined({ ...PROMOTED, leader: 'pg3', own: { pg2: { role: 'leader' }, pg1: { role: 'leader' } } }))).toBe('pg3');
  });
});

describe('the identity of the cluster', () => {
  it.each([
    [undefined, 'lost the identity'],
    ['', 'empty identity'],
    ['8', 'identity of another cluster (8) than the data of every member (7)'],
  ])('%j in the store is told', (initialize, words) => {
    const finding = only(initializeKey, { store: { initialize } });
    expect(finding.level).toBe('danger');
    expect(finding.what).toContain(words);
  });

  it('is put back by a person where it is of another cluster, with Patroni stopped while nobody leads', () => {
    const foreign = { store: { initialize: '8' } };
    expect(only(initializeKey, foreign).mend).toMatch(
      /the data is the right one: on a member that works; `etcdctl put \/service\/demo\/initialize 7`$/u,
    );
    const down = only(initializeKey, { ...DOWN, ...foreign });
    expect(down.level).toBe('broken');
    expect(down.mend).toMatch(/: `systemctl stop patroni`, as root on every host; then .*`etcdctl put \S+ 7`; then `pgprov recover /u);
  });

  it('of one member alone is not the store’s fault', () => {
    expect(found(initializeKey, { data: { pg3: { systemIdentifier: '8' } } })).toEqual([]);
  });
});

describe('a fork of a timeline', () => {
  it('shows in unlike history files of one number, though the standby streams', () => {
    const finding = only(historyFork, {
      data: { pg3: { history: { timeline: 4, forks: ['1 0/50000D8', '2 0/5050FE0', '3 0/58BCDC0'] } } },
      store: {
        timelineEnds: [{ timeline: 3, at: 93_047_136, reason: 'no recovery target specified', time: undefined, leader: undefined }],
      },
    });
    expect([finding.level, finding.host]).toEqual(['broken', 'pg3']);
    expect(finding.evidence.map(({ line }) => line)).toEqual([
      '1 0/50000D8, 2 0/5050FE0, 3 0/6000000; Patroni says timeline 4',
      '1 0/50000D8, 2 0/5050FE0, 3 0/58BCDC0; Patroni says timeline 4',
      'timeline 3 was left without a time and a name: no recovery target specified',
    ]);
    expect(finding.mend).toContain('--give-up-commits');
  });

  it('is none where a standby has not been on the newest timeline yet', () => {
    expect(found(historyFork, { data: { pg3: { history: { timeline: 3, forks: ['1 0/50000D8', '2 0/5050FE0'] } } } })).toEqual([]);
  });

  it('shows in promotions of other times where both were begun at the same place', () => {
    const begun = (time: string) => ({
      [TIMELINE_BEGIN.id]: { timeline: 4, promotion: `END_OF_RECOVERY tli 4; prev tli 3; time 2026-11-29 ${time} UTC` },
    });
    const [early, late] = [begun('06:13:59.007792'), begun('06:14:04.313969')];
    const finding = only(historyFork, { more: { pg1: late, pg2: late, pg3: early } });
    expect(finding).toMatchObject({ level: 'broken', host: 'pg3' });
    expect(finding.what).toContain('both were begun at the same place');
    expect(finding.evidence.map(({ host, line }) => `${host ?? ''} ${line}`)).toEqual([
      'pg1 END_OF_RECOVERY tli 4; prev tli 3; time 2026-11-29 06:14:04.313969 UTC',
      'pg3 END_OF_RECOVERY tli 4; prev tli 3; time 2026-11-29 06:13:59.007792 UTC',
    ]);
    expect(found(historyFork, { more: { pg1: late, pg2: late } })).toEqual([]);
  });

  it('shows in the logs of both, where the standby has overwritten how its own began', () => {
    const begun = (ago: number) => [ago, 'postgresql', 'UTC [2049] LOG:  selected new timeline ID: 4'] as const;
    const [pg1, pg3] = [[begun(50)], [begun(54)]];
    const finding = only(historyFork, { logs: { pg1, pg3 } });
    expect(finding).toMatchObject({ level: 'broken', host: 'pg3', since: NOW - 50_000 });
    expect(finding.what).toContain('each has begun it by itself');
    expect(finding.evidence.map(({ host }) => host)).toEqual(['pg1', 'pg3']);
    const anew = [40, 'patroni', 'INFO: replica has been created using basebackup'] as const;
    expect(found(historyFork, { logs: { pg1, pg3: [...pg3, anew] } })).toEqual([]);
    expect(found(historyFork, { logs: { pg1 } })).toEqual([]);
  });

  it('shows in a standby that has confirmed more than its leader has written', () => {
    const health = {
      checksumFailures: [],
      transactions: [],
      prepared: [],
      collations: [],
      standby: false,
      archiver: { on: false, failures: 0 },
    };
    const ahead = [{ name: 'pg3', position: '0/58BCE38', own: '0/58BC960' }];
    expect(found(historyFork, { more: { pg1: { [SERVER_HEALTH.id]: { ...health, ahead } } } })).toEqual([
      'broken pg3: it streams and has WAL that pg1, which leads on the same timeline, never wrote',
    ]);
  });
});

describe('synchronous replication without a synchronous standby', () => {
  const store = { lastPromotion: { timeline: 4, at: '2026-11-29T03:00:00Z', reason: '', lsn: '0/1' } };
  it('endangers commits, and stops them in strict mode', () => {
    expect(found(synchronous, { config: { synchronous_mode: true }, store })).toEqual([
      'danger all: synchronous replication is on, and no standby is synchronous',
    ]);
    expect(only(synchronous, { config: { synchronous_mode: 'quorum', synchronous_mode_strict: true }, store }).level).toBe('broken');
  });

  it('is normal right after a change of leader, and where there is one', () => {
    const fresh = { lastPromotion: { ...store.lastPromotion, at: '2026-11-29T03:29:30Z' } };
    expect(found(synchronous, { config: { synchronous_mode: true }, store: fresh })).toEqual([]);
    expect(
      found(synchronous, { config: { synchronous_mode: true }, store: { ...store, sync: { leader: 'pg1', standbys: ['pg2'] } } }),
    ).toEqual([]);
  });
});

describe('maintenance mode', () => {
  const paused = (ago: number) => ({
    config: { pause: true },
    logs: {
      pg1: [
        [ago + 10, 'patroni', 'INFO: no action. I am (pg1), the leader with the lock'],
        [ago, 'patroni', 'INFO: PAUSE: no action. I am (pg1), the leader with the lock'],
        [1, 'patroni', 'INFO: PAUSE: no action. I am (pg1), the leader with the lock'],
      ] as const,
    },
  });
  it('is worth a word at first, and a danger when it was forgotten', () => {
    expect(only(pause, paused(600))).toMatchObject({ level: 'notice', since: NOW - 600_000 });
    expect(found(pause, paused(4 * 3600))).toEqual(['danger all: the cluster is in maintenance mode for 4 h']);
  });
});

describe('versions', () => {
  it('of members that differ are told, major ones as a danger', () => {
    expect(found(versions, { own: { pg3: { serverVersion: 170_010 } } })).toEqual([
      'notice all: members run different versions of PostgreSQL: 17.6, 17.10',
    ]);
    expect(found(versions, { own: { pg3: { version: '3.3.2' } } })).toEqual([
      'danger all: members run different versions of Patroni: 4.0.7, 3.3.2',
    ]);
  });

  it('become one by a restart of what has another', () => {
    expect(only(versions, { own: { pg3: { version: '4.0.6' } } }).mend).toMatch(/then `pgprov restart \S+ --service patroni` restarts/u);
    expect(only(versions, { own: { pg3: { serverVersion: 170_010 } } }).mend).toMatch(/then `pgprov restart \S+` restarts/u);
  });

  it('that come with the systems of the hosts are worth a word only', () => {
    const on = (os: string, version: string) => ({ [HOST_FACTS.id]: { os, version } });
    const [rocky, other] = [on('rocky', '9.5'), on('rocky', '9.4')];
    const own = { pg3: { version: '3.0.2' } };
    expect(found(versions, { own, more: { pg1: rocky, pg2: other, pg3: on('debian', '12') } })).toEqual([
      'notice all: members run different versions of Patroni, as their systems have them: 4.0.7, 3.0.2',
    ]);
    expect(found(versions, { own, more: { pg1: rocky, pg2: other, pg3: rocky } })[0]).toMatch(/^danger /u);
  });
});
