import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestCluster } from './support/cluster.js';
import { must, patronictl, sql } from './support/outside.js';
import { longCase } from '../support/long-case.js';
import { patience } from '../support/patience.js';
import { pgprov } from './support/pgprov.js';

let cluster: TestCluster;

beforeAll(async () => {
  cluster = await TestCluster.converged();
});

afterAll(() => cluster.remove());

interface Found {
  findings: { diagnosis: string; level: string; host?: string; what: string; mend: string }[];
  well: string[];
}

async function doctor(): Promise<{ code: number | null; found: Found }> {
  const { code, stdout } = await pgprov('doctor', cluster.file, '--json');
  return { code, found: JSON.parse(stdout) as Found };
}

it('finds nothing on a healthy cluster', async () => {
  const { code, found } = await doctor();
  expect(found.findings).toEqual([]);
  expect(found.well.length).toBeGreaterThan(2);
  expect(code).toBe(0);
});

it('finds that nobody leads, and changes nothing', async () => {
  // The leader pg1 last: a standby that takes over meanwhile would begin a timeline that pg1, started first, begins once more.
  for (const host of [...cluster.hosts].reverse()) await must(host, 'systemctl stop patroni');
  const { code, found } = await doctor();
  expect(found.findings.map(({ diagnosis, level }) => [diagnosis, level])).toContainEqual(['no-leader', 'broken']);
  expect(code).toBe(1);
  for (const host of cluster.hosts) await must(host, 'systemctl start patroni');
  expect((await pgprov('status', cluster.file, '--until', 'healthy', '--timeout', '2m')).code).toBe(0);
});

describe('Patroni and PostgreSQL', () => {
  const DATA = '/var/lib/postgresql/17/main';

  /** Level, diagnosis and host of what is found, with what merely follows from it left out. */
  async function found(): Promise<string[]> {
    const { findings } = (await doctor()).found;
    return findings.map(({ level, diagnosis, host = 'all' }) => `${level} ${diagnosis} ${host}`);
  }

  async function troubles(): Promise<string[]> {
    return (await found()).filter((each) => !each.startsWith('notice'));
  }

  /** Who leads now. */
  async function leading(): Promise<string> {
    const { members } = JSON.parse((await pgprov('status', cluster.file, '--json')).stdout) as {
      members: { name: string; role?: string }[];
    };
    return members.find(({ role }) => role === 'leader')?.name ?? '';
  }

  async function standbys(): Promise<string[]> {
    const leader = await leading();
    return cluster.hosts.map(({ name }) => name).filter((name) => name !== leader);
  }

  async function healthy(): Promise<void> {
    expect((await pgprov('status', cluster.file, '--until', 'healthy', '--timeout', '3m')).code).toBe(0);
  }

  it('finds permissions and owners, files with errors, a changed password and a slot that holds too much', async () => {
    const leader = cluster.host(await leading());
    const [one = '', other = ''] = await standbys();
    await must(cluster.host(one), `chmod 0755 ${DATA}; touch ${DATA}/base/of-root`);
    await must(leader, `echo 'host all all nonsense' >>${DATA}/pg_hba.conf; echo 'work_mem = elephant' >>${DATA}/postgresql.conf`);
    await sql(leader, "ALTER ROLE replicator PASSWORD 'changed'");
    await must(cluster.host(other), `rm ${DATA}/postmaster.opts`);
    await sql(leader, "SELECT pg_create_physical_replication_slot('forgotten', true)");
    await sql(leader, "ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'");
    await sql(leader, 'SELECT pg_reload_conf()');
    for (let round = 0; round < 2; round += 1) {
      await sql(leader, 'SELECT txid_current()');
      await sql(leader, 'SELECT pg_switch_wal()');
    }
    try {
      expect(await found()).toEqual(
        expect.arrayContaining([
          `danger data-access ${one}`,
          `danger broken-files ${leader.name}`,
          'danger accounts all',
          `danger slots ${leader.name}`,
          `notice postmaster-opts ${other}`,
        ]),
      );
    } finally {
      await must(cluster.host(one), `rm ${DATA}/base/of-root; chmod 0700 ${DATA}`);
      await must(leader, `sed -i '/nonsense/d' ${DATA}/pg_hba.conf; sed -i '/elephant/d' ${DATA}/postgresql.conf`);
      await sql(leader, "SELECT pg_drop_replication_slot('forgotten')");
      await sql(leader, 'ALTER SYSTEM RESET max_slot_wal_keep_size');
      await sql(leader, 'SELECT pg_reload_conf()');
      await must(cluster.host(other), `touch ${DATA}/postmaster.opts; chown postgres: ${DATA}/postmaster.opts`);
    }
    const applied = await pgprov('apply', cluster.file, '--yes');
    expect(applied.code, applied.all).toBe(0);
    await expect.poll(found, { timeout: patience(60_000) }).toEqual([]);
  });

  it('finds who is refused by pg_hba.conf, and does not call it wrong', async () => {
    const leader = cluster.host(await leading());
    const [one = ''] = await standbys();
    await must(cluster.host(one), `! psql -w "host=${leader.address} user=nobody dbname=nothing connect_timeout=5" -c 'select 1'`);
    const { code, found: answer } = await doctor();
    expect(answer.findings.map(({ diagnosis, level, host }) => [diagnosis, level, host])).toContainEqual([
      'access-refused',
      'notice',
      leader.name,
    ]);
    expect(answer.findings.find(({ diagnosis }) => diagnosis === 'access-refused')?.what).toContain('nobody from ');
    expect(code).toBe(0);
  });

  it('finds a fork of a timeline and data of another cluster', async () => {
    const [one = '', other = ''] = await standbys();
    const history = (await must(cluster.host(one), `ls ${DATA}/pg_wal/*.history 2>/dev/null | tail -n 1`)).trim();
    if (history !== '') await must(cluster.host(one), `cp -p ${history} /root/history; sed -i 's#\t0/#\t1/#' ${history}`);
    const made = '/var/lib/postgresql/made';
    const another = `runuser -u postgres -- /usr/lib/postgresql/17/bin/initdb -D ${made} >/dev/null; cp -p ${made}/global/pg_control ${DATA}/global/`;
    const changed = `systemctl stop patroni; cp -p ${DATA}/global/pg_control /root/control; ${another}; rm -r ${made}`;
    // It ends at once when it finds the other identifier, maybe before systemd calls it started.
    await must(cluster.host(other), `${changed}; systemctl start patroni || :`);
    const forks = history === '' ? [] : [`broken history-fork ${one}`];
    try {
      expect(await found()).toEqual(expect.arrayContaining([`broken system-identifier ${other}`, ...forks]));
    } finally {
      if (history !== '') await must(cluster.host(one), `cp -p /root/history ${history}`);
      await must(
        cluster.host(other),
        `systemctl stop patroni; cp -p /root/control ${DATA}/global/pg_control; systemctl reset-failed patroni; systemctl start patroni`,
      );
    }
    await healthy();
  });

  longCase('a Patroni of root', 'finds why PostgreSQL does not start, and a Patroni of root', async () => {
    const leader = cluster.host(await leading());
    const [one = '', other = ''] = await standbys();
    await must(cluster.host(one), `echo "shared_preload_libraries = 'nothere'" >>${DATA}/postgresql.auto.conf`);
    await patronictl(leader, `restart --force demo ${one}`).catch(() => '');
    await must(cluster.host(other), `systemctl stop patroni; (timeout 60 patroni /etc/patroni/config.yml >/dev/null 2>&1 & ) ; sleep 2`);
    try {
      const { findings } = (await doctor()).found;
      const told = findings.map(({ level, diagnosis, host = 'all' }) => `${level} ${diagnosis} ${host}`);
      expect(told).toContain(`broken start-failed ${one}`);
      expect(findings.find(({ diagnosis }) => diagnosis === 'start-failed')?.what).toContain('nothere');
      expect(told).toContain(`broken patroni-root ${other}`);
    } finally {
      await must(cluster.host(one), `sed -i /nothere/d ${DATA}/postgresql.auto.conf`);
      await must(cluster.host(other), `pkill -x patroni; sleep 1; chown -R postgres: ${DATA}; systemctl restart patroni`);
    }
    await healthy();
    await expect.poll(troubles, { timeout: patience(60_000) }).toEqual([]);
  });

  longCase(
    'what keeps all members down',
    'finds maintenance mode, a server without its Patroni, and what keeps all members down',
    async () => {
      const leader = cluster.host(await leading());
      const [one = '', other = ''] = await standbys();
      await patronictl(leader, 'pause --wait demo');
      await must(cluster.host(one), 'systemctl stop patroni');
      const paused = await found();
      expect(paused).toContain('notice pause all');
      expect(paused).toContain(`danger without-patroni ${one}`);
      await must(cluster.host(one), 'systemctl start patroni');
      await patronictl(leader, 'resume --wait demo');
      await healthy();

      await patronictl(leader, 'edit-config --force -p shared_buffers=500GB demo');
      await must(leader, 'sleep 3');
      for (const name of [one, other, leader.name]) await patronictl(leader, `restart --force demo ${name}`).catch(() => '');
      const { findings } = (await doctor()).found;
      const cause = findings.find(({ diagnosis }) => diagnosis === 'shared-memory');
      expect(cause?.level).toBe('broken');
      expect(cause?.what).toContain('509.4 GiB');
      expect(cause?.mend).toContain('pgprov recover');
      const recovered = await pgprov('recover', cluster.file, '--yes');
      expect(recovered.code, recovered.all).toBe(0);
      await healthy();
      await expect.poll(troubles, { timeout: patience(60_000) }).toEqual([]);
    },
  );
});

describe('hosts and etcd', () => {
  /** What was found, as `diagnosis level host`; a finding about the cluster has no host. */
  async function inShort(): Promise<string[]> {
    const { found } = await doctor();
    return found.findings.map(({ diagnosis, level, host }) => [diagnosis, level, host].filter((word) => word !== undefined).join(' '));
  }

  /** Does what is wrong, looks, and undoes it whatever was seen. */
  async function provoked(wrong: () => Promise<unknown>, mend: () => Promise<unknown>): Promise<string[]> {
    try {
      await wrong();
      return await inShort();
    } finally {
      await mend();
    }
  }

  it('finds what is wrong with file systems, names, packages and what starts at boot', async () => {
    const [pg1, pg2, pg3] = [cluster.host('pg1'), cluster.host('pg2'), cluster.host('pg3')];
    const found = await provoked(
      async () => {
        await must(pg1, "cp /etc/hosts /root/hosts; sed 's/^.* pg3$/10.9.9.9 pg3/' /root/hosts >/etc/hosts");
        await must(pg2, 'systemctl disable etcd; apt-mark hold patroni');
        await must(pg2, "sed -i '/^Package: curl$/,/^Status/s/^Status: .*/Status: install ok half-configured/' /var/lib/dpkg/status");
        await must(pg2, `mkdir -p /etc/postgresql/17/main; echo "data_directory = '/srv/old'" >/etc/postgresql/17/main/postgresql.conf`);
        await must(
          pg2,
          "printf '[Service]\nExecStart=/bin/sleep 1d\n' >/run/systemd/system/patroni-two.service; systemctl start patroni-two",
        );
        await must(pg3, 'mkdir -p /var/lib/etcd; mount -t tmpfs -o size=4k,nr_inodes=1 tmpfs /tmp; mount -t tmpfs -o ro tmpfs /var/log');
        await must(pg3, 'systemctl mask --runtime patroni');
      },
      async () => {
        await must(pg1, 'cat /root/hosts >/etc/hosts; rm /root/hosts');
        await must(pg2, 'systemctl enable etcd; apt-mark unhold patroni; dpkg --configure -a; rm -r /etc/postgresql/17/main');
        await must(pg2, 'systemctl stop patroni-two; rm /run/systemd/system/patroni-two.service; systemctl daemon-reload');
        await must(pg3, 'umount /tmp /var/log; systemctl unmask --runtime patroni');
      },
    );
    // Who was refused in an earlier test is told for five minutes.
    expect(found.filter((each) => !each.startsWith('access-refused ')).sort()).toEqual([
      'disk-full danger pg3',
      'inodes-spent danger pg3',
      'names-wrong danger pg1',
      'packages-held notice pg2',
      'packages-unfinished danger pg2',
      'read-only danger pg3',
      'stray-services danger pg2',
      'stray-services danger pg2',
      'unit-masked danger pg3',
      'unit-not-at-boot danger pg2',
    ]);
  });

  it('finds a way between two members that is closed in one direction', async () => {
    const [pg1, pg3] = [cluster.host('pg1'), cluster.host('pg3')];
    const rule = `ipproto tcp sport 8008 to ${pg1.address} blackhole`;
    const found = await provoked(
      () => must(pg3, `ip rule add ${rule}`),
      () => must(pg3, `ip rule del ${rule}`),
    );
    expect(found).toContain('way-closed broken pg1');
  });
});
