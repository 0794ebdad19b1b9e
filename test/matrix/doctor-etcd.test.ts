import { request } from 'node:https';
import { expect, it } from 'vitest';
import { doctorsCluster } from '../integration/support/doctors-cluster.js';
import { forgetJournal, HAS_CONTROLLERS, slowDisk } from '../integration/support/kernel.js';
import { etcdctl, patronictlConfig } from '../integration/support/outside.js';
import { placesOf } from '../integration/support/places.js';
import { patience } from '../support/patience.js';

const at = doctorsCluster();

const TLS = placesOf('debian13').etcdTls;
const DATA = '/var/lib/etcd/demo';
const DATABASE = `${DATA}/member/snap/db`;
const WAL = `${DATA}/member/wal`;
const GARBAGE = `dd if=/dev/urandom of=${DATABASE} bs=4096 count=8 conv=notrunc`;
const CUT = `truncate -s 12K ${DATABASE}`;

/** Etcdctl’s settings on a host, for several commands of one shell. */
const settingsOn = (name: string): string =>
  `export ETCDCTL_API=3 ETCDCTL_ENDPOINTS=https://${at.cluster.host(name).address}:2379 ETCDCTL_CACERT=${TLS}/ca.crt ETCDCTL_CERT=${TLS}/node.crt ETCDCTL_KEY=${TLS}/node.key`;

/** Ends a member, damages its data, and starts it, which fails. */
const damage = (name: string, how: string): Promise<string> =>
  at.doctor.on(name, `systemctl stop etcd; ${how} 2>/dev/null; timeout 20 systemctl start etcd 2>/dev/null || :`);

/** Makes a key and a certificate of nobody's authority, and gives both. */
async function strangersKeys(name: string): Promise<{ key: string; cert: string }> {
  const { doctor } = at;
  const make = 'openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=other -days 3';
  await doctor.on(name, `${make} -keyout /root/other.key -out /root/other.crt 2>&1`);
  return { key: await doctor.on(name, 'cat /root/other.key'), cert: await doctor.on(name, 'cat /root/other.crt') };
}

it('finds a member of nobody, one that is started over and over, and a stranger whom it refuses', async () => {
  const { cluster, doctor } = at;
  const { leader, one, other } = await doctor.members();
  const keys = await strangersKeys(one);
  const ask = (): unknown =>
    request({ ...keys, host: cluster.host(one).address, port: 2379, path: '/health', rejectUnauthorized: false, agent: false })
      .on('error', () => undefined)
      .end();
  let asking: NodeJS.Timeout | undefined;
  await doctor.provoke(
    {
      diagnosis: 'store-members',
      level: 'danger',
      line: /^[0-9a-f]+, unstarted, , https:\/\/192\.0\.2\.9:2380, , true$/u,
      wrong: () => etcdctl(cluster.host(leader), 'member add pg9 --learner --peer-urls=https://192.0.2.9:2380'),
      advice: 'mends',
    },
    {
      diagnosis: 'store-handshakes',
      level: 'notice',
      host: one,
      line: /"rejected connection on client endpoint","remote-addr":".*certificate signed by unknown authority/u,
      what: /^etcd refuses [\d.]+, which is no host of the cluster, because of certificates/u,
      wrong: () => Promise.resolve((asking = setInterval(ask, 500))),
      undo: () => Promise.resolve(clearInterval(asking)),
    },
    {
      diagnosis: 'unit-restarts',
      level: 'broken',
      host: other,
      line: /^etcd\.service: [3-9] restarts, now activ/u,
      // The last time is right before doctor looks: after half a minute of running it would be over.
      wrong: () => doctor.on(other, 'for n in 1 2 3; do kill -9 $(pgrep -x etcd); sleep 4; done'),
      advice: /etcd\.service: Main process exited, code=killed/u,
    },
  );
});

it('finds a certificate of another authority', async () => {
  const { doctor } = at;
  const { one } = await doctor.members();
  await strangersKeys(one);
  const [found] = await doctor.provoke({
    diagnosis: 'certificates',
    level: 'broken',
    host: one,
    line: /^none of the authorities in it signed that certificate$/u,
    wrong: () =>
      doctor.on(one, `cat /root/other.crt >${TLS}/node.crt; cat /root/other.key >${TLS}/node.key; timeout 9 systemctl restart etcd; :`),
    advice: 'mends',
  });
  expect(found?.what).toContain('is of an authority that');
});

it('finds a member that hangs, and a Patroni that hangs', async () => {
  const { doctor } = at;
  const { one, other } = await doctor.members();
  const signal = (name: string, program: string, what: string): Promise<string> =>
    doctor.on(name, `kill -${what} $(pgrep -o -x ${program})`);
  await doctor.provoke(
    {
      diagnosis: 'store-member-down',
      level: 'danger',
      host: one,
      line: /^2 of 3 members are healthy$/u,
      what: /^its member of etcd runs, and is not part of the quorum$/u,
      wrong: () => signal(one, 'etcd', 'STOP'),
      advice: /etcd/u,
      undo: () => signal(one, 'etcd', 'CONT'),
    },
    {
      diagnosis: 'member-down',
      level: 'danger',
      host: other,
      line: /^it does not answer$/u,
      what: /^Patroni does not answer, though its unit runs$/u,
      wrong: () => signal(other, 'patroni', 'STOP'),
      advice: /no action\. I am/u,
      undo: () => signal(other, 'patroni', 'CONT'),
    },
  );
});

it('finds a member that has lost its data, and one that was removed, and has them join anew', async () => {
  const { cluster, doctor } = at;
  const { leader, one, other } = await doctor.members();
  await doctor.provoke({
    diagnosis: 'store-identity',
    level: 'danger',
    host: one,
    line: /"error":"member \w+ has already been bootstrapped"/u,
    what: /^its member of etcd has lost its data/u,
    wrong: () =>
      doctor.on(one, `systemctl stop etcd; rm -r ${DATA}; install -d -o etcd -g etcd -m 700 ${DATA}; timeout 20 systemctl start etcd; :`),
    advice: 'mends',
  });
  await doctor.provoke({
    diagnosis: 'store-identity',
    level: 'danger',
    host: other,
    line: /permanently removed from the cluster/u,
    what: /^its member of etcd was removed from the list of members, and is still there$/u,
    wrong: async () => {
      const list = await etcdctl(cluster.host(leader), 'member list');
      const [id = ''] =
        list
          .split('\n')
          .find((line) => line.includes(`, ${other}, `))
          ?.split(',') ?? [];
      // etcd removes nobody until it has counted all members as well for some seconds.
      const remove = (): Promise<string> => etcdctl(cluster.host(leader), `member remove ${id}`).catch(String);
      await expect.poll(remove, { timeout: patience(30_000), interval: 1000 }).toMatch(/removed from cluster|member not found/u);
    },
    advice: 'mends',
  });
});

it.each<[string, { line: RegExp; what: RegExp; wrong: (name: string) => Promise<string> }]>([
  [
    'data is damaged',
    {
      line: /"msg":"failed to open database".*"error":"invalid database"/u,
      what: /^its member of etcd cannot read its data, which is damaged \(invalid database\)$/u,
      wrong: (name) => damage(name, GARBAGE),
    },
  ],
  [
    'WAL is gone before it is started without it',
    {
      line: /\/member\/wal has no file \*\.wal$/u,
      what: /^its member of etcd cannot go on with its data: its WAL \(member\/wal\) is gone/u,
      wrong: (name) => at.doctor.on(name, `systemctl stop etcd; rm -r ${WAL}`),
    },
  ],
  [
    'data is gone before it is started without it',
    {
      line: /^it has no member\/$/u,
      what: /^its member of etcd has no data any more, and the others still list it$/u,
      wrong: (name) => at.doctor.on(name, `systemctl stop etcd; rm -r ${DATA}/member`),
    },
  ],
])('finds a member whose %s, and has it join anew', async (_, { line, what, wrong }) => {
  const { doctor } = at;
  const { one } = await doctor.members();
  await doctor.provoke({
    diagnosis: 'store-damaged',
    level: 'danger',
    host: one,
    line,
    what,
    wrong: () => wrong(one),
    advice: 'mends',
  });
});

it('finds that etcd takes no writes since its members were started without their WAL, and has a new one made', async () => {
  const { cluster, doctor } = at;
  const names = cluster.hosts.map(({ name }) => name);
  const { leader } = await doctor.members();
  const config = await patronictlConfig(cluster.host(leader));
  const [found] = await doctor.provoke({
    diagnosis: 'store-writes',
    level: 'broken',
    line: /timed out/u,
    what: /^etcd answers on pg1, pg2 and pg3 and takes no writes$/u,
    wrong: async () => {
      await Promise.all(names.map((name) => doctor.on(name, `systemctl stop etcd; rm -r ${WAL}`)));
      // As on hosts that made this etcd together.
      const begins = 'sed -i \'s/^ETCD_INITIAL_CLUSTER_STATE=.*/ETCD_INITIAL_CLUSTER_STATE="new"/\' /etc/default/etcd';
      await Promise.all(names.map((name) => doctor.on(name, `${begins}; systemctl start etcd`)));
      const follows = (): Promise<string> => doctor.at(leader, 'select pg_is_in_recovery()').catch(String);
      await expect.poll(follows, { timeout: patience(90_000) }).toBe('t');
    },
    advice: 'mends',
  });
  expect(found?.consequences.map(({ diagnosis }) => diagnosis)).toContain('no-leader');
  expect(await patronictlConfig(cluster.host((await doctor.members()).leader))).toBe(config);
});

it('has a new etcd made of the data of the one member that can read its own', async () => {
  const { cluster, doctor } = at;
  const { leader, one, other } = await doctor.members();
  await etcdctl(cluster.host(leader), 'put /service/demo/proof old');
  // The members write what they have together into their files every tenth of a second.
  await etcdctl(cluster.host(leader), 'put /service/demo/proof new; sleep 1');
  const [found] = await doctor.provoke({
    diagnosis: 'store-quorum',
    level: 'broken',
    line: /^the member does not run$/u,
    wrong: () => Promise.all([damage(one, GARBAGE), damage(other, CUT)]),
    advice: 'mends',
  });
  expect(found?.mend).toContain('cannot go on with their data: `pgprov recover ');
  const told = found?.consequences.filter(({ diagnosis }) => diagnosis === 'store-damaged').map(({ host, what }) => [host, what]);
  expect(told?.sort()).toEqual(
    [
      [one, 'its member of etcd cannot read its data, which is damaged (invalid database)'],
      [other, expect.stringMatching(/which is damaged \(unexpected fault address 0x/u)],
    ].sort(),
  );
  expect(await etcdctl(cluster.host(leader), 'get /service/demo/proof --print-value-only')).toBe('new');
  expect(await doctor.on(one, `ls -d ${DATA}.aside-*/member`)).toContain('/member');
});

it('has a new etcd made of the newest snapshot where no member can read its data', async () => {
  const { cluster, doctor } = at;
  const { leader, one, other } = await doctor.members();
  await etcdctl(cluster.host(leader), 'put /service/demo/proof saved');
  expect((await cluster.run('snapshot')).code).toBe(0);
  const config = await patronictlConfig(cluster.host(leader));
  await doctor.provoke({
    diagnosis: 'store-quorum',
    level: 'broken',
    line: /^the member does not run$/u,
    what: /^etcd has no quorum: of its 3 members pg1, pg2 and pg3 do not run$/u,
    // Of a member that was not started since only its file tells.
    wrong: () => Promise.all([damage(one, GARBAGE), damage(other, CUT), doctor.on(leader, `systemctl stop etcd; ${CUT}`)]),
    advice: 'mends',
  });
  expect(await etcdctl(cluster.host(leader), 'get /service/demo/proof --print-value-only')).toBe('saved');
  expect(await patronictlConfig(cluster.host(leader))).toBe(config);
});

it('finds that there is no quorum, which a leader in failsafe mode outlives', async () => {
  const { doctor } = at;
  await doctor.configure('-s failsafe_mode=true');
  const { leader, one, other } = await doctor.members();
  const [found] = await doctor.provoke({
    diagnosis: 'store-quorum',
    level: 'broken',
    line: /^the member runs, and is not part of a quorum$/u,
    wrong: async () => {
      await Promise.all([one, other].map((name) => doctor.on(name, 'systemctl stop etcd')));
      const said = "journalctl -u patroni --since -60s | grep -c 'failsafe mode is enabled and all members are accessible' || :";
      await expect.poll(() => doctor.on(leader, said), { timeout: patience(60_000) }).not.toBe('0');
    },
    advice: 'mends',
  });
  const failsafe = found?.consequences.find(({ diagnosis }) => diagnosis === 'failsafe');
  expect(failsafe).toMatchObject({ host: leader, level: 'danger' });
  expect(failsafe?.evidence[0]?.line).toContain('continue to run as a leader because failsafe mode is enabled');
  expect(await doctor.at(leader, 'select pg_is_in_recovery()')).toBe('f');
  await doctor.configure('-s failsafe_mode=null');
});

it('finds that no member of etcd runs, which costs the leader its lease', async () => {
  const { cluster, doctor } = at;
  const { leader } = await doctor.members();
  const [found] = await doctor.provoke({
    diagnosis: 'store-quorum',
    level: 'broken',
    line: /^the member does not run$/u,
    wrong: async () => {
      await Promise.all(cluster.hosts.map(({ name }) => doctor.on(name, 'systemctl stop etcd')));
      const follows = (): Promise<string> => doctor.at(leader, 'select pg_is_in_recovery()').catch(String);
      await expect.poll(follows, { timeout: patience(60_000) }).toBe('t');
    },
    advice: 'mends',
  });
  const below = found?.consequences.map(({ diagnosis }) => diagnosis);
  expect(below).toEqual(expect.arrayContaining(['no-leader', 'unit-stopped']));
});

it.skipIf(!HAS_CONTROLLERS)('finds that the disk of a member is slow, and shows how busy it is', async () => {
  const { cluster, doctor } = at;
  const leads = new Map<string, boolean>();
  for (const host of cluster.hosts) leads.set(host.name, (await etcdctl(host, 'endpoint status')).split(', ')[4] === 'true');
  const [one = ''] = [...leads].flatMap(([name, does]) => (does ? [] : [name]));
  const [leader = ''] = [...leads].flatMap(([name, does]) => (does ? [name] : []));
  let end = (): Promise<void> => Promise.resolve();
  await doctor.provoke({
    diagnosis: 'store-slow',
    level: 'notice',
    host: one,
    line: /"msg":"slow fdatasync","took":"[1-9]\d*\./u,
    what: /^the disk under etcd is slow: \d+ writes took more than a second in the last 15 minutes$/u,
    wrong: async () => {
      end = await slowDisk(cluster.host(one), 'etcd');
      await doctor.on(leader, `${settingsOn(leader)}; for n in $(seq 12); do etcdctl put busy $n; sleep 2; done`);
    },
    advice: /avg10=|%util/u,
    undo: async () => {
      await end();
      await doctor.on(leader, `${settingsOn(leader)}; etcdctl del busy`);
      await forgetJournal(cluster.host(one));
    },
  });
});

it('finds that the quota is reached', async () => {
  const { cluster, doctor } = at;
  const names = cluster.hosts.map(({ name }) => name);
  const { leader } = await doctor.members();
  const quota = 's/^ETCD_QUOTA_BACKEND_BYTES=.*/ETCD_QUOTA_BACKEND_BYTES=3000000/';
  await doctor.provoke({
    diagnosis: 'store-space',
    level: 'broken',
    line: /^memberID:\d+ alarm:NOSPACE$/u,
    wrong: async () => {
      for (const name of names)
        await doctor.on(name, `cp -p /etc/default/etcd /root/etcd; sed -i '${quota}' /etc/default/etcd; systemctl restart etcd; sleep 2`);
      const fill = `head -c 100000 /dev/zero | tr '\\0' x >/root/big; for n in $(seq 60); do etcdctl put big <root/big || break; done`;
      await doctor.on(leader, `${settingsOn(leader)}; cd /; ${fill}; etcdctl del big; :`);
    },
    advice: 'mends',
    undo: async () => {
      for (const name of names) await doctor.on(name, 'cp -p /root/etcd /etc/default/etcd; systemctl restart etcd; sleep 2');
      await doctor.on(leader, `${settingsOn(leader)}; etcdctl del big`);
    },
  });
});
