import { expect, it } from 'vitest';
import type { Fault } from '../integration/support/doctor.js';
import { doctorsCluster } from '../integration/support/doctors-cluster.js';
import { writeWal } from '../integration/support/lost-slot.js';
import { pgprov } from '../integration/support/pgprov.js';
import { placesOf } from '../integration/support/places.js';
import { patience } from '../support/patience.js';

/** What hands do to a cluster, each undone by the command that doctor advises. */
const at = doctorsCluster();

const { data: DATA, home: HOME } = placesOf('debian13');

it('finds what was changed of names, units, packages and file systems, and has it put right', async () => {
  const { doctor } = at;
  const { leader, one, other } = await doctor.members();
  await doctor.provoke(
    // It comes first: nothing is applied while it is masked.
    {
      diagnosis: 'unit-masked',
      level: 'danger',
      host: other,
      line: /^patroni\.service is masked/u,
      wrong: () => doctor.on(other, 'systemctl mask --runtime patroni'),
      advice: 'mends',
    },
    {
      diagnosis: 'names-wrong',
      level: 'danger',
      host: leader,
      line: new RegExp(`^10\\.9\\.9\\.9 ${other}$`, 'u'),
      wrong: () => doctor.on(leader, `sed 's/^.* ${other}$/10.9.9.9 ${other}/' /etc/hosts >/root/hosts; cat /root/hosts >/etc/hosts`),
      advice: 'mends',
    },
    {
      diagnosis: 'unit-not-at-boot',
      level: 'danger',
      host: one,
      line: /^etcd\.service is not enabled$/u,
      wrong: () => doctor.on(one, 'systemctl disable etcd'),
      advice: 'mends',
    },
    {
      diagnosis: 'packages-held',
      level: 'notice',
      host: one,
      line: /^patroni$/u,
      wrong: () => doctor.on(one, 'apt-mark hold patroni'),
      advice: 'mends',
    },
    {
      diagnosis: 'packages-unfinished',
      level: 'danger',
      host: one,
      line: /^iF curl$/u,
      wrong: () =>
        doctor.on(one, "sed -i '/^Package: curl$/,/^Status/s/^Status: .*/Status: install ok half-configured/' /var/lib/dpkg/status"),
      advice: 'mends',
    },
    {
      diagnosis: 'stray-services',
      level: 'danger',
      host: one,
      line: /^patroni-two\.service is active$/u,
      wrong: () =>
        doctor.on(
          one,
          "printf '[Service]\\nExecStart=/bin/sleep 1d\\n' >/run/systemd/system/patroni-two.service; systemctl start patroni-two",
        ),
      advice: 'mends',
      undo: () => doctor.on(one, 'rm /run/systemd/system/patroni-two.service; systemctl daemon-reload'),
    },
    {
      diagnosis: 'stray-services',
      level: 'danger',
      host: other,
      line: /^auto; data_directory \/srv\/old$/u,
      wrong: () =>
        doctor.on(
          other,
          `mkdir -p /etc/postgresql/17/main; echo "data_directory = '/srv/old'" >/etc/postgresql/17/main/postgresql.conf; install -d -o postgres -m 700 /srv/old`,
        ),
      advice: 'mends',
      undo: () => doctor.on(other, 'rm -rf /etc/postgresql/17/main /srv/old'),
    },
    {
      diagnosis: 'read-only',
      level: 'danger',
      host: other,
      line: /^\/var\/log has the option ro; it holds \/var\/log$/u,
      wrong: () => doctor.on(other, 'mount -t tmpfs -o ro,mode=755 tmpfs /var/log'),
      advice: 'mends',
      undo: () => doctor.on(other, 'umount -l /var/log'),
    },
  );
});

it('finds files, accounts, slots and permissions that were changed, and has them put right', async () => {
  const { doctor } = at;
  const { leader, one, other } = await doctor.members();
  const reload = (name: string): Promise<string> => doctor.at(name, 'SELECT pg_reload_conf()');
  const broken: Omit<Fault, 'host' | 'line'> = { diagnosis: 'broken-files', level: 'danger', advice: 'mends' };
  await doctor.provoke(
    {
      ...broken,
      host: leader,
      line: /^postgresql\.conf line \d+: work_mem: /u,
      wrong: () => doctor.on(leader, `echo 'work_mem = elephant' >>${DATA}/postgresql.conf`),
    },
    {
      ...broken,
      host: one,
      line: /^postgresql\.auto\.conf line \d+: /u,
      wrong: () => doctor.on(one, `echo 'work_mem = elephant' >>${DATA}/postgresql.auto.conf`),
    },
    {
      diagnosis: 'accounts',
      level: 'danger',
      line: /^replicator: /u,
      wrong: () => doctor.at(leader, "ALTER ROLE replicator PASSWORD 'changed'"),
      advice: 'mends',
    },
    {
      diagnosis: 'slots',
      level: 'danger',
      host: leader,
      line: /^forgotten: physical, /u,
      wrong: async () => {
        await doctor.at(leader, "SELECT pg_create_physical_replication_slot('forgotten', true)");
        await doctor.at(leader, "ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'");
        await reload(leader);
        await writeWal(doctor, leader, 1);
      },
      advice: 'mends',
      undo: async () => {
        await doctor.at(leader, 'ALTER SYSTEM RESET max_slot_wal_keep_size');
        await reload(leader);
      },
    },
    {
      diagnosis: 'data-access',
      level: 'danger',
      host: one,
      line: new RegExp(`^${DATA}/base/of-root$`, 'u'),
      wrong: () => doctor.on(one, `chmod 0755 ${DATA}; touch ${DATA}/base/of-root`),
      advice: 'mends',
      undo: () => doctor.on(one, `rm ${DATA}/base/of-root`),
    },
    {
      diagnosis: 'postmaster-opts',
      level: 'notice',
      host: other,
      line: new RegExp(`^${DATA}/postmaster\\.opts: no such file$`, 'u'),
      wrong: () => doctor.on(other, `mv ${DATA}/postmaster.opts ${HOME}/`),
      undo: () => doctor.on(other, `mv ${HOME}/postmaster.opts ${DATA}/`),
    },
  );
  expect(await doctor.on(one, `stat -c %a ${DATA}`)).toBe('700');
});

it('finds a .pgpass that was changed on one member', async () => {
  const { doctor } = at;
  const { one } = await doctor.members();
  await doctor.provoke({
    diagnosis: 'accounts',
    level: 'danger',
    host: one,
    line: /password authentication failed for user "replicator"/u,
    what: /^its \.pgpass has another password for the replication role than the database$/u,
    wrong: () => doctor.on(one, `sed -i 's/:replicator:.*/:replicator:changed/' ${HOME}/.pgpass`),
    advice: 'mends',
  });
});

it('finds data of another cluster, and a Patroni of root, and has both mended', async () => {
  const { doctor } = at;
  const { one, other } = await doctor.members();
  const initdb = '/usr/lib/postgresql/17/bin/initdb';
  await doctor.provoke(
    {
      diagnosis: 'system-identifier',
      level: 'broken',
      host: other,
      line: /^initialize = "\d+"$/u,
      // Patroni ends at once when it finds the other identifier, maybe before systemd calls it started.
      wrong: () =>
        doctor.on(
          other,
          `systemctl stop patroni; mv ${DATA} ${HOME}/was; runuser -u postgres -- ${initdb} -k -D ${DATA} >/dev/null; systemctl start patroni || :`,
        ),
      advice: 'mends',
    },
    {
      diagnosis: 'patroni-root',
      level: 'broken',
      host: one,
      line: /^\d+ root .*patroni/u,
      wrong: () => doctor.on(one, 'systemctl stop patroni; cd /; setsid patroni /etc/patroni/config.yml >/dev/null 2>&1 & sleep 5'),
      advice: 'mends',
    },
  );
  expect(await doctor.on(other, `ls -d ${DATA}.other`)).toBe(`${DATA}.other`);
});

it('finds a control file that is damaged, and has its member rebuilt', async () => {
  const { doctor } = at;
  const { one } = await doctor.members();
  await doctor.provoke({
    diagnosis: 'control-damaged',
    level: 'broken',
    host: one,
    line: /FATAL: {2}incorrect checksum in control file/u,
    what: /the checksum of global\/pg_control does not match$/u,
    wrong: () =>
      doctor.on(
        one,
        `systemctl stop patroni; printf xxxxxxxx | dd of=${DATA}/global/pg_control bs=1 seek=40 conv=notrunc 2>/dev/null; systemctl start patroni || :`,
      ),
    advice: 'mends',
  });
  expect(await doctor.on(one, `ls -d ${DATA}.aside-*`)).toContain(DATA);
});

it('finds a library that keeps a standby from starting, and memory that another one asks for in vain', async () => {
  const { doctor } = at;
  const { leader, one, other } = await doctor.members();
  await doctor.provoke({
    diagnosis: 'start-failed',
    level: 'broken',
    host: one,
    line: /FATAL: {2}could not access file "nothere": No such file or directory/u,
    what: /^PostgreSQL does not start because of a library that is to be preloaded and is not there \(nothere\)$/u,
    wrong: async () => {
      await doctor.on(one, `echo "shared_preload_libraries = 'nothere'" >>${DATA}/postgresql.auto.conf`);
      await doctor.patronictl(leader, `restart --force demo ${one}`).catch(() => '');
    },
    advice: 'mends',
  });
  const [memory] = await doctor.provoke({
    diagnosis: 'shared-memory',
    level: 'broken',
    host: other,
    line: /FATAL: {2}could not map anonymous shared memory: Cannot allocate memory/u,
    wrong: async () => {
      await doctor.configure('-p shared_buffers=500GB');
      await doctor.patronictl(leader, `restart --force demo ${other}`).catch(() => '');
    },
    advice: 'mends',
  });
  expect(memory?.mend).toContain('--remove postgresql.parameters.shared_buffers');
});

it('finds maintenance mode, and a server without its Patroni, and has both ended', async () => {
  const { doctor } = at;
  const { leader, one } = await doctor.members();
  await doctor.provoke(
    {
      diagnosis: 'pause',
      level: 'notice',
      line: /PAUSE/u,
      wrong: () => doctor.patronictl(leader, 'pause --wait demo'),
      advice: 'mends',
    },
    {
      diagnosis: 'without-patroni',
      level: 'danger',
      host: one,
      line: new RegExp(`^postmaster of ${DATA} on port 5432, in `, 'u'),
      wrong: () => doctor.on(one, 'systemctl stop patroni'),
      advice: 'mends',
    },
    { diagnosis: 'unit-stopped', level: 'broken', host: one, line: /^patroni\.service is inactive$/u },
  );
  await expect.poll(() => doctor.on(one, 'systemctl is-active patroni || :'), { timeout: patience(20_000) }).toBe('active');
});

it('names the tags that keep every member from leading, and has them taken out, with the last leader’s host on and off', async () => {
  const { cluster, doctor } = at;
  const config = '/etc/patroni/config.yml';
  const tagged = (name: string): Promise<string> => doctor.on(name, `grep -c 'nofailover: true' ${config} || :`);
  const tag = async (name: string): Promise<void> => {
    for (const host of cluster.hosts)
      await doctor.on(host.name, `sed -i '/^tags:/d' ${config}; echo 'tags: {nofailover: true}' >>${config}; systemctl reload patroni`);
    const listed = `curl -sf http://${cluster.host(name).address}:8008/cluster | grep -o '"nofailover": *true' | wc -l`;
    await expect.poll(() => doctor.on(name, listed), { timeout: patience(30_000) }).toBe('3');
  };
  const tags = { diagnosis: 'no-leader', level: 'broken', line: /^tags \{"nofailover":true\}$/u } as const;
  const { leader } = await doctor.members();
  await doctor.provoke({
    ...tags,
    what: /^no member leads: the tag nofailover keeps pg1, pg2 and pg3 from it$/u,
    wrong: async () => {
      await tag(leader);
      await doctor.on(leader, 'systemctl restart patroni');
    },
    advice: 'mends',
  });
  expect(await Promise.all(cluster.hosts.map(({ name }) => tagged(name)))).toEqual(['0', '0', '0']);

  const { leader: last, one, other } = await doctor.members();
  await tag(last);
  await cluster.host(last).kill();
  const held = `the tag nofailover keeps ${one} and ${other} from it`;
  await expect
    .poll(async () => (await doctor.findings()).map(({ what }) => what), { timeout: patience(90_000), interval: 3000 })
    .toContain(`no member leads: ${held}`);
  const refused = await pgprov('recover', cluster.file, '--yes');
  expect([refused.code, refused.all]).toEqual([4, expect.stringContaining(`nobody leads (${held}), and ${last}, which cannot be reached`)]);
  const failover = await pgprov('failover', cluster.file, '--check');
  expect([failover.code, failover.all]).toEqual([4, expect.stringContaining(`--without ${last}`)]);
  const without = await pgprov('recover', cluster.file, '--without', last, '--yes');
  expect(without.code, without.all).toBe(0);
  await cluster.host(last).start();
  const whole = await pgprov('recover', cluster.file, '--yes');
  expect(whole.code, whole.all).toBe(0);
  expect([await tagged(one), await tagged(other), await tagged(last)]).toEqual(['0', '0', '1']);
  const applied = await pgprov('apply', cluster.file, '--yes');
  expect(applied.code, applied.all).toBe(0);
  await doctor.isWell();
});
