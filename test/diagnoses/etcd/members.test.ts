import { expect, it } from 'vitest';
import damaged from '../../../src/diagnoses/etcd/damaged.js';
import handshakes from '../../../src/diagnoses/etcd/handshakes.js';
import identity from '../../../src/diagnoses/etcd/identity.js';
import memberDown from '../../../src/diagnoses/etcd/member-down.js';
import members from '../../../src/diagnoses/etcd/members.js';
import quorum from '../../../src/diagnoses/etcd/quorum.js';
import slow from '../../../src/diagnoses/etcd/slow.js';
import space from '../../../src/diagnoses/etcd/space.js';
import versions from '../../../src/diagnoses/etcd/versions.js';
import writes from '../../../src/diagnoses/etcd/writes.js';
import { ETCD_CLUSTER, type EtcdListed } from '../../../src/resources/etcd/cluster.js';
import { ETCD_DATABASE, type EtcdDatabase } from '../../../src/resources/etcd/database.js';
import { ETCD_MEMBER } from '../../../src/resources/etcd/member.js';
import { HOST_FACTS } from '../../../src/resources/host-facts.js';
import { STORE_LEFT } from '../../../src/resources/scope-copy.js';
import { serviceHandle } from '../../../src/resources/service.js';
import { STORE_WRITES, type StoreWrites } from '../../../src/resources/store-writes.js';
import { diagnosed } from '../../../src/report/diagnosed.js';
import { examinationOf, findings, found, NOW, seen, type ExaminedHost } from '../../support/examination.js';

interface Member {
  healthy?: boolean;
  active?: 'active' | 'inactive' | 'failed';
  listed?: readonly EtcdListed[];
  hasData?: false;
  /** The members that it lists. */
  names?: readonly string[];
  database?: Partial<EtcdDatabase>;
  log?: ExaminedHost['log'];
  walGone?: true;
  /** What cannot be read of its data while it is down. */
  unread?: readonly string[];
  writes?: StoreWrites;
}

const DATABASE: EtcdDatabase = { version: '3.5.16', id: '1', leader: false, bytes: 20_480, usedBytes: 20_480, alarms: [] };

function member({ healthy = true, active = 'active', listed, database = {}, log = [], ...rest }: Member = {}): ExaminedHost {
  const { walGone, unread, hasData = true, names = [], writes: answer = { asked: true, refused: undefined } } = rest;
  return {
    log,
    states: [
      seen(ETCD_MEMBER, {
        healthy,
        members: names.map((name) => ({ name, peerUrls: [] })),
        requiresClientCertificate: true,
        hasData,
        ...(walGone === undefined ? {} : { walGone }),
      }),
      seen(STORE_WRITES, healthy ? answer : { asked: false }),
      ...(unread === undefined ? [] : [seen(STORE_LEFT, { copies: [], unread, damaged: true })]),
      seen(serviceHandle('etcd'), { loaded: true, enabled: true, active, applied: undefined }),
      seen(ETCD_DATABASE, healthy || database.alarms !== undefined ? { ...DATABASE, ...database } : undefined),
      ...(listed === undefined ? [] : [seen(ETCD_CLUSTER, { members: [...listed], healthy: [], started: [], known: [] })]),
    ],
  };
}

const listed = (number: number, change: Partial<EtcdListed> = {}): EtcdListed => ({
  id: String(number),
  name: `pg${number}`,
  peerUrls: [`https://10.0.0.${number}:2380`],
  clientUrls: [`https://10.0.0.${number}:2379`],
  learner: false,
  ...change,
});

const LIST = [listed(1), listed(2), listed(3)];
const WELL = { pg1: member({ listed: LIST }), pg2: member(), pg3: member() };
const ALL = [damaged, handshakes, identity, memberDown, members, quorum, slow, space, versions, writes];

it('finds nothing while all members work, whatever they wrote while they came up', async () => {
  const log = [
    [
      'etcd',
      70,
      '{"level":"warn","msg":"rejected connection on peer endpoint","remote-addr":"10.0.0.1:57726","error":"remote error: tls: bad certificate"}',
    ],
    ['etcd', 69, '{"level":"info","logger":"raft","msg":"raft.node: 9703417611650334 lost leader b198c9e460fd1761 at term 5"}'],
    ['etcd', 60, '{"level":"warn","msg":"request cluster ID mismatch","local-member-id":"b198c9e460fd1761"}'],
    ['etcd', 50, '{"level":"warn","msg":"slow fdatasync","took":"1.2s","expected-duration":"1s"}'],
  ] as const;
  for (const diagnosis of ALL) expect(await found(diagnosis, { ...WELL, pg3: member({ log }) })).toEqual([]);
});

it('finds that there is no quorum, and who is missing', async () => {
  const hosts = {
    pg1: member({ healthy: false }),
    pg2: member({ healthy: false, active: 'inactive' }),
    pg3: member({ healthy: false, active: 'failed' }),
  };
  const [finding] = await findings(quorum, hosts);
  expect(finding).toMatchObject({ level: 'broken', what: 'etcd has no quorum: of its 3 members pg2 and pg3 do not run' });
  expect(finding?.mend).toBe('start the missing ones: `systemctl start --no-block etcd`, as root on pg2 and pg3');
  expect(await found(memberDown, hosts)).toEqual([]);
});

it('does not guess about a quorum of hosts that it could not ask', async () => {
  const unseen = 'timed out';
  expect(await found(quorum, { pg1: member({ healthy: false, active: 'inactive' }), pg2: { unseen }, pg3: { unseen } })).toEqual([]);
  const [finding] = await findings(quorum, { pg1: member({ healthy: false }), pg2: { unseen }, pg3: { unseen } });
  expect(finding?.mend).toMatch(/^bring back pg2 and pg3; if their data is lost, `pgprov recover /);
});

it('finds a member that is down while the others work', async () => {
  const [finding] = await findings(memberDown, { ...WELL, pg3: member({ healthy: false, active: 'failed' }) });
  expect(finding).toMatchObject({ level: 'danger', host: 'pg3', what: 'its member of etcd does not run' });
  expect(finding?.follows).toBe('etcd works on, and with the next member that fails nobody can write');
});

// Lines of etcd 3.5.16 on Debian 13.
const LOST =
  '{"level":"warn","ts":"2026-11-29T03:28:07.624955Z","caller":"etcdmain/etcd.go:146","msg":"failed to start etcd","error":"member 9703417611650334 has already been bootstrapped"}';
const REMOVED =
  '{"level":"warn","ts":"2026-11-29T03:28:56.168212Z","caller":"etcdserver/server.go:1154","msg":"server error","error":"the member has been permanently removed from the cluster"}';
const MISMATCH =
  '{"level":"warn","ts":"2026-11-29T03:28:28.710079Z","caller":"rafthttp/stream.go:653","msg":"request sent was ignored by remote peer due to cluster ID mismatch","remote-peer-id":"7aa784512842da41","remote-peer-cluster-id":"164d2eb87de9ef25","local-member-id":"997dcb261d6de5f0","local-member-cluster-id":"a47fc3a3b88aaf12","error":"cluster ID mismatch"}';

it('finds a member that lost its data, was removed, or has that of another etcd', async () => {
  const of = (text: string, active: 'active' | 'inactive'): Record<string, ExaminedHost> => ({
    ...WELL,
    pg3: member({ healthy: false, active, log: [['etcd', 20, text]] }),
  });
  expect(await found(identity, of(LOST, 'inactive'))).toEqual([
    'danger pg3 its member of etcd has lost its data, and the others still count on the one it was',
  ]);
  expect(await found(identity, of(REMOVED, 'inactive'))).toEqual([
    'danger pg3 its member of etcd was removed from the list of members, and is still there',
  ]);
  expect(await found(identity, of(MISMATCH, 'active'))).toEqual([
    'danger pg3 its member of etcd has the data of another etcd (cluster ID mismatch)',
  ]);
});

// Lines of etcd 3.5.16 that was started with a database of other bytes, with zeros in it, and with a WAL of other bytes.
const INVALID =
  '{"level":"panic","ts":"2026-11-29T03:28:50.354632Z","caller":"backend/backend.go:201","msg":"failed to open database","path":"/var/lib/etcd/demo/member/snap/db","error":"invalid database","stacktrace":"go.etcd.io"}';
const ZEROS = 'panic: assertion failed: Page expected to be: 4, but self identifies as 0';
const TORN =
  '{"level":"fatal","ts":"2026-11-29T03:29:05.528050Z","caller":"etcdmain/etcd.go:204","msg":"discovery failed","error":"walpb: crc mismatch","stacktrace":"go.etcd.io"}';

it('finds a member that cannot read its data, and has it join the others anew', async () => {
  for (const [line, words] of [
    [INVALID, 'invalid database'],
    [ZEROS, 'assertion failed: Page expected to be: 4, but self identifies as 0'],
    [TORN, 'walpb: crc mismatch'],
  ] as const) {
    const [finding] = await findings(damaged, { ...WELL, pg3: member({ healthy: false, active: 'failed', log: [['etcd', 20, line]] }) });
    expect(finding).toMatchObject({ level: 'danger', host: 'pg3', since: NOW - 20_000, evidence: [{ host: 'pg3', line }] });
    expect(finding?.what).toBe(`its member of etcd cannot read its data, which is damaged (${words})`);
    expect(finding?.mend).toMatch(
      /^let it join anew: as root on pg1, a member that works: .*member remove.*`systemctl stop etcd; .* mv .*, as root on pg3; then `pgprov apply .*` has it join as a learner$/u,
    );
  }
});

it('finds no damage in what a member overcame, and none where it merely may not read its files', async () => {
  const denied =
    '{"level":"panic","msg":"failed to open database","path":"/var/lib/etcd/demo/member/snap/db","error":"open db: permission denied"}';
  for (const log of [
    [
      ['etcd', 20, INVALID],
      ['etcd', 10, '{"level":"info","msg":"ready to serve client requests"}'],
    ],
    [['etcd', 20, denied]],
  ] as const)
    expect(await found(damaged, { ...WELL, pg3: member({ healthy: false, active: 'failed', log }) })).toEqual([]);
});

it('has a quorum started of the members that can read their data, or a new etcd made where these are too few', async () => {
  const broken = member({ healthy: false, active: 'failed', log: [['etcd', 20, INVALID]] });
  const stopped = member({ healthy: false, active: 'inactive' });
  const [one] = await findings(quorum, { pg1: member({ healthy: false }), pg2: stopped, pg3: broken });
  expect(one?.mend).toBe('start the missing ones: `systemctl start --no-block etcd`, as root on pg2');
  const [two] = await findings(quorum, { pg1: stopped, pg2: broken, pg3: broken });
  expect(two?.mend).toMatch(
    /^pg2 and pg3 cannot go on with their data: `pgprov recover .*` makes a new etcd of the newest data that can be read, or of a snapshot$/u,
  );
  expect(two?.explains).toContain('store-damaged');
});

it('finds a member whose WAL is gone, and never has it started', async () => {
  const gone = member({ healthy: false, active: 'inactive', walGone: true });
  const [one] = await findings(damaged, { ...WELL, pg3: gone });
  expect(one).toMatchObject({
    level: 'danger',
    host: 'pg3',
    what: 'its member of etcd cannot go on with its data: its WAL (member/wal) is gone, without which etcd answers and takes no writes',
    evidence: [{ host: 'pg3', line: '/var/lib/etcd/demo/member/wal has no file *.wal' }],
  });
  expect(one?.mend).toMatch(/^let it join anew: as root on pg1, a member that works: /u);
  expect(one?.explains).toEqual(expect.arrayContaining(['unit-stopped/etcd', 'store-member-down']));
  // While it runs it has its files open, and says that it is healthy.
  const [running] = await findings(damaged, { ...WELL, pg3: member({ walGone: true }) });
  expect(running?.follows).toBe('it works until it is started again, and then has lost what it told the others');
  // Started without their WAL they would answer, and take no writes.
  const [all] = await findings(quorum, { pg1: gone, pg2: gone, pg3: gone });
  expect(all?.mend).toMatch(/^pg1, pg2 and pg3 cannot go on with their data: `pgprov recover /u);
});

it('never has a member started that the others list and whose data is gone', async () => {
  const gone = member({ healthy: false, active: 'inactive', hasData: false });
  const names = ['pg1', 'pg2', 'pg3'];
  const [one] = await findings(damaged, { ...WELL, pg1: member({ names }), pg3: gone });
  expect(one).toMatchObject({ host: 'pg3', what: 'its member of etcd has no data any more, and the others still list it' });
  expect(one?.mend).toMatch(/^let it join anew: as root on pg1, a member that works: /u);
  // One that was never a member, and an etcd without any quorum.
  expect(await found(damaged, { ...WELL, pg1: member({ names: ['pg1', 'pg2'] }), pg3: gone })).toEqual([]);
  expect(await found(damaged, { pg1: gone, pg2: gone, pg3: gone })).toEqual([]);
});

it('tells once of a member that lost all its data, of which etcd has begun a database without a WAL', async () => {
  const lost = member({ healthy: false, active: 'inactive', walGone: true, log: [['etcd', 20, LOST]] });
  const { findings: told } = diagnosed([damaged, identity], await examinationOf({ ...WELL, pg3: lost }), []);
  expect(told.map(({ diagnosis, consequences }) => [diagnosis, consequences.map((below) => below.diagnosis)])).toEqual([
    ['store-identity', ['store-damaged']],
  ]);
});

it('finds damaged data of a member that was not started since, by a look into its file', async () => {
  const unread = ['the database in /var/lib/etcd/demo cannot be read: the page 0 is none'];
  const stopped = member({ healthy: false, active: 'inactive' });
  const hosts = { pg1: stopped, pg2: member({ healthy: false, active: 'inactive', unread }), pg3: stopped };
  const [finding] = await findings(damaged, hosts);
  expect(finding).toMatchObject({
    host: 'pg2',
    what: 'its member of etcd cannot go on with its data: its data is damaged',
    evidence: [{ line: unread[0] }],
  });
  expect((await findings(quorum, hosts))[0]?.mend).toBe(
    'start the missing ones: `systemctl start --no-block etcd`, as root on pg1 and pg3',
  );
});

it('finds that etcd answers and takes no writes, but for an alarm that says why', async () => {
  const deaf = member({ writes: { asked: true, refused: 'etcdserver: request timed out' } });
  const [finding] = await findings(writes, { pg1: deaf, pg2: deaf, pg3: deaf });
  expect(finding).toMatchObject({ level: 'broken', what: 'etcd answers on pg1, pg2 and pg3 and takes no writes' });
  expect(finding?.mend).toMatch(
    /`systemctl stop etcd; mv (\S+)\/member\/wal \1\/member\/wal\.\$\(date \+%s\)`, as root on pg1, pg2 and pg3; then `pgprov recover /u,
  );
  expect(await found(writes, { pg1: deaf, pg2: deaf, pg3: member() })).toEqual([]);
  const database = { alarms: [{ member: '1', alarm: 'NOSPACE' }] };
  expect(await found(writes, { pg1: deaf, pg2: deaf, pg3: member({ healthy: false, database }) })).toEqual([]);
  const denied = member({ writes: { asked: true, refused: 'etcdserver: user name is empty' } });
  expect((await findings(writes, { pg1: denied, pg2: denied, pg3: denied }))[0]?.mend).toMatch(/^see why: `pgprov logs /u);
});

it('never advises to give up data while there is no quorum, nor for what is over', async () => {
  const log = [['etcd', 20, MISMATCH]] as const;
  const none = { pg1: member({ healthy: false, log }), pg2: member({ healthy: false, log }), pg3: member({ healthy: false, log }) };
  expect(await found(identity, none)).toEqual([]);
  const over = [...log, ['etcd', 10, '{"level":"info","msg":"ready to serve client requests"}'] as const];
  expect(await found(identity, { ...WELL, pg3: member({ healthy: false, log: over }) })).toEqual([]);
  expect(await found(identity, { ...WELL, pg3: member({ healthy: false, log: [['etcd', 600, MISMATCH]] }) })).toEqual([]);
});

it('finds learners, strangers, members that never started, and hosts that are not in the list', async () => {
  const list = async (...all: readonly EtcdListed[]): Promise<string[]> => found(members, { ...WELL, pg1: member({ listed: all }) });
  expect(await list(listed(1), listed(2), listed(3, { learner: true }))).toEqual(['danger the member pg3 is a learner, which has no vote']);
  expect(await list(...LIST, listed(4))).toEqual([
    'danger etcd counts on a member that is not in the inventory: pg4 (https://10.0.0.4:2380)',
  ]);
  expect(await list(listed(1), listed(2), listed(3, { name: '', clientUrls: [] }))).toEqual([
    'danger the member that was added for pg3 has never started',
  ]);
  expect(await list(listed(1), listed(2))).toEqual(['danger pg3 it is not in etcd’s list of members']);
});

it('finds the alarm of a full database once, and neither a lost quorum nor members with other data beside it', async () => {
  const database = { alarms: [{ member: '17749227712954271461', alarm: 'NOSPACE' }] };
  const log = [['etcd', 20, MISMATCH]] as const;
  const full = {
    pg1: member({ healthy: false, database, log }),
    pg2: member({ healthy: false, database, log }),
    pg3: member({ healthy: false, database }),
  };
  const [finding] = await findings(space, full);
  expect(finding).toMatchObject({ level: 'broken', what: 'etcd’s database has reached its quota (alarm NOSPACE)' });
  expect(finding?.mend).toMatch(/ compact .* defrag --cluster && .* alarm disarm`, as root on pg1/u);
  for (const other of [quorum, identity, memberDown]) expect(await found(other, full)).toEqual([]);
});

it('finds a database near its quota, and one that is mostly empty', async () => {
  const of = (database: Partial<EtcdDatabase>): Promise<string[]> => found(space, { ...WELL, pg2: member({ database }) });
  const MIB = 1024 * 1024;
  expect(await of({ bytes: 90 * MIB, usedBytes: 85 * MIB, quotaBytes: 100 * MIB })).toEqual([
    'danger pg2 etcd’s database is near its quota',
  ]);
  expect(await of({ bytes: 90 * MIB, usedBytes: 5 * MIB, quotaBytes: 2048 * MIB })).toEqual([
    'notice pg2 etcd’s database is much larger than what is in it',
  ]);
});

const SLOW =
  '{"level":"warn","ts":"2026-11-29T03:20:00.1Z","caller":"wal/wal.go:805","msg":"slow fdatasync","took":"1.912345678s","expected-duration":"1s"}';

it('finds a slow disk, and calls it a danger once the leader changed', async () => {
  const log = [1, 2, 3, 4, 5].map((minute) => ['etcd', 600 - minute, SLOW] as const);
  expect(await found(slow, { ...WELL, pg2: member({ log }) })).toEqual([
    'notice pg2 the disk under etcd is slow: 5 writes took more than a second in the last 15 minutes',
  ]);
  const lost = [
    'etcd',
    597,
    '{"level":"info","logger":"raft","msg":"raft.node: 9703417611650334 lost leader b198c9e460fd1761 at term 5"}',
  ] as const;
  expect((await found(slow, { ...WELL, pg2: member({ log: [...log, lost] }) }))[0]).toMatch(
    /^danger pg2 .*the members had to choose a leader anew$/u,
  );
  // At another time it was lost for another reason.
  const other = ['etcd', 300, lost[2]] as const;
  expect((await found(slow, { ...WELL, pg2: member({ log: [...log, other] }) }))[0]).toMatch(/^notice pg2 /u);
});

it('finds members of different versions', async () => {
  const of = (version: string): Promise<string[]> => found(versions, { ...WELL, pg3: member({ database: { version } }) });
  expect(await of('3.5.21')).toEqual(['notice the members of etcd are of different versions: 3.5.16 and 3.5.21']);
  expect(await of('3.6.0')).toEqual(['danger the members of etcd are of different versions: 3.5.16 and 3.6.0']);
});

it('calls versions that come with the systems of the hosts no unended upgrade', async () => {
  const on = (os: string, release: string, version: string): ExaminedHost => {
    const facts = { os, version: release, architecture: 'x86_64', clock: 0, systemd: true, memory: 1 };
    const { log = [], states = [] } = member({ database: { version } });
    return { log, states: [...states, seen(HOST_FACTS, facts)] };
  };
  const mixed = { pg1: on('rocky', '9.4', '3.5.16'), pg2: on('debian', '12', '3.4.23'), pg3: on('rocky', '9.5', '3.5.16') };
  expect(await found(versions, mixed)).toEqual([
    'notice the members of etcd are of different versions, as their systems are: 3.4.23 and 3.5.16',
  ]);
  expect((await found(versions, { ...mixed, pg3: on('rocky', '9.5', '3.4.23') }))[0]).toMatch(/^danger /u);
});

it('finds a member that is refused for its certificate, and tells it of that member once', async () => {
  const refusal =
    '{"level":"warn","ts":"2026-11-29T03:41:22.188262Z","caller":"embed/config_logging.go:170","msg":"rejected connection on peer endpoint","remote-addr":"10.0.0.3:44836","server-name":"","error":"tls: failed to verify certificate: x509: certificate signed by unknown authority"}';
  const log = [9, 5, 1].map((ago) => ['etcd', ago, refusal] as const);
  const hosts = { pg1: member({ log }), pg2: member({ log }), pg3: member({ healthy: false }) };
  expect(await found(handshakes, hosts)).toEqual([
    'broken pg3 etcd refuses connections because of certificates: tls: failed to verify certificate: x509: certificate signed by unknown authority',
  ]);
  const mended = [...log, ['etcd', 0.5, '{"level":"info","msg":"established TCP streaming connection with remote peer"}'] as const];
  expect(await found(handshakes, { pg1: member({ log: mended }), pg2: member(), pg3: member() })).toEqual([]);
});

const refusalOf = (address: string, error: string): ExaminedHost['log'] => {
  const said = `{"level":"warn","msg":"rejected connection on client endpoint","remote-addr":"${address}:45530","server-name":"","error":"${error}"}`;
  return [9, 5, 1].map((ago) => ['etcd', ago, said] as const);
};

it('tells once of a member whose certificate the others do not take, though its own etcd works', async () => {
  const log = refusalOf('10.0.0.1', 'tls: failed to verify certificate: x509: certificate signed by unknown authority');
  const [finding, ...more] = await findings(handshakes, { pg1: member(), pg2: member({ log }), pg3: member({ log }) });
  expect(finding).toMatchObject({ level: 'danger', host: 'pg1' });
  expect(more).toEqual([]);
  // It is the one whose own certificate the others refuse.
  const refused = refusalOf('10.0.0.1', 'remote error: tls: expired certificate');
  expect((await findings(handshakes, { pg1: member(), pg2: member({ log: refused }), pg3: member() })).map(({ host }) => host)).toEqual([
    'pg2',
  ]);
});

it('blames a member for its certificate by whatever the others call it', async () => {
  const error = '"error":"Get \\"https://10.0.0.3:2380/version\\": tls: failed to verify certificate: x509: cannot validate certificate"';
  const said = [
    `{"level":"warn","msg":"failed to reach the peer URL","address":"https://10.0.0.3:2380/version","remote-member-id":"9",${error}}`,
    `{"level":"warn","msg":"failed to get version","remote-member-id":"3",${error}}`,
    '{"level":"warn","msg":"peer became inactive (message send to peer failed)","peer-id":"3","error":"failed to dial 3 on stream MsgApp v2 (tls: failed to verify certificate: x509: cannot validate certificate for 10.0.0.3 because it doesn\'t contain any IP SANs)"}',
  ];
  const log = [9, 5, 1].flatMap((ago) => said.map((text) => ['etcd', ago, text] as const));
  const hosts = { pg1: member({ log, listed: LIST }), pg2: member(), pg3: member({ healthy: false, active: 'failed' }) };
  const [finding, ...more] = await findings(handshakes, hosts);
  expect(finding?.host).toBe('pg3');
  expect(finding?.what).toMatch(/because it doesn't contain any IP SANs$/u);
  expect(more).toEqual([]);
});

it('calls a stranger who is refused no danger, and says who it is', async () => {
  const log = refusalOf('10.0.0.9', 'tls: failed to verify certificate: x509: certificate signed by unknown authority');
  const [finding] = await findings(handshakes, { pg1: member(), pg2: member({ log }), pg3: member() });
  expect(finding).toMatchObject({ level: 'notice', host: 'pg2' });
  expect(finding?.what).toMatch(/^etcd refuses 10\.0\.0\.9, which is no host of the cluster, because of certificates: /u);
  expect(finding?.mend).toMatch(/^find out who 10\.0\.0\.9 is/u);
});

it('blames the member that others cannot verify, by the number that they know it by', async () => {
  const said =
    '{"level":"warn","msg":"prober detected unhealthy status","round-tripper-name":"ROUND_TRIPPER_SNAPSHOT","remote-peer-id":"3","rtt":"1.8ms","error":"tls: failed to verify certificate: x509: cannot validate certificate for 10.0.0.3 because it doesn\'t contain any IP SANs"}';
  const log = [
    ['etcd', 3, said],
    ['etcd', 2, said],
    ['etcd', 1, said],
  ] as const;
  const hosts = { pg1: member({ log, listed: LIST }), pg2: member({ log }), pg3: member({ healthy: false, active: 'failed' }) };
  expect((await findings(handshakes, hosts)).map(({ host }) => host)).toEqual(['pg3']);
});

it('does not count a learner of nobody for the majority', async () => {
  const stranger = listed(9, { name: '', learner: true, clientUrls: [], peerUrls: ['https://192.0.2.9:2380'] });
  const [finding] = await findings(members, { pg1: member({ listed: [...LIST, stranger] }), pg2: member(), pg3: member() });
  expect(finding?.follows).toMatch(/^it has no vote, and etcd takes no other learner meanwhile/u);
});
