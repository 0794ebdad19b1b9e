import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LabHost } from '../lab/index.js';
import { TestCluster } from './support/cluster.js';
import { controldata, etcdctl, must } from './support/outside.js';
import { start, type Finished } from './support/pgprov.js';
import { holdPackageLock, listen, traces } from './support/traces.js';

describe('an unsuitable host', () => {
  let cluster: TestCluster;
  let pg1: LabHost;
  let pg2: LabHost;

  beforeAll(async () => {
    cluster = await TestCluster.start('itpre', 'debian13', 3);
    [pg1, pg2] = cluster.hosts as [LabHost, LabHost];
    // For a firewall; from the lab's own archive.
    await must(pg2, 'apt-get -qq update && apt-get -qq -y install nftables 2>&1');
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  /** Applies while `spoil` holds; refused with these words, and nothing written on any host. */
  async function expectObjection(host: LabHost, spoil: string, mend: string, says: RegExp[], ...args: string[]): Promise<void> {
    await must(host, spoil);
    try {
      const before = await traces(...cluster.hosts);
      const plan = await cluster.run('plan', ...args);
      const apply = await cluster.run('apply', ...args);
      for (const run of [plan, apply]) {
        expect(run.code).toBe(1);
        for (const pattern of says) expect(run.all).toMatch(pattern);
        expect(run.all).toMatch(/^ *→ /mu);
      }
      expect(await traces(...cluster.hosts)).toEqual(before);
    } finally {
      await must(host, mend);
    }
  }

  it('is refused when it runs an unsupported system', async () => {
    await expectObjection(
      pg1,
      "rm /etc/os-release && printf 'ID=plan9\\nVERSION_ID=4\\nVERSION_CODENAME=fourth\\n' >/etc/os-release",
      'ln -sf ../usr/lib/os-release /etc/os-release',
      [/pg1.*runs plan9 4, which pgprov does not support/u, /→ supported are (?=.*Debian 12)(?=.*Debian 13)/u],
    );
  });

  it('is refused when it runs an unsupported version', async () => {
    await expectObjection(
      pg1,
      'rm /etc/os-release && printf \'ID=debian\\nVERSION_ID="10"\\nVERSION_CODENAME=buster\\n\' >/etc/os-release',
      'ln -sf ../usr/lib/os-release /etc/os-release',
      [/pg1.*runs debian 10, which pgprov does not support/u],
    );
  });

  it('is refused when it does not run systemd', async () => {
    await expectObjection(pg1, 'mv /run/systemd/system /run/systemd/away', 'mv /run/systemd/away /run/systemd/system', [
      /pg1.*does not run systemd/u,
      /boot the host with it/u,
    ]);
  });

  it('is refused when another program uses its ports', async () => {
    await listen(pg1, 5432, 'squatter');
    await listen(pg1, 2380, 'burrower');
    await expectObjection(pg1, ':', 'systemctl stop squatter burrower', [
      /pg1.*port 5432, meant for PostgreSQL, is held by perl \(squatter\.service\)/u,
      /pg1.*port 2380, meant for etcd peers, is held by perl \(burrower\.service\)/u,
      /→ stop it there, or give PostgreSQL another port/u,
    ]);
  });

  it('is refused when its clock is ahead', async () => {
    await expectObjection(
      pg2,
      `printf '#!/bin/sh\\nexec /usr/bin/date -d "+1 hour" "$@"\\n' >/usr/local/bin/date && chmod 755 /usr/local/bin/date`,
      'rm /usr/local/bin/date',
      [/the clocks of pg[13] and pg2 differ by at least 3(?:5\d\d|600)\.\d s, at most 5 s are allowed/u, /→ synchronise them/u],
    );
  });

  it('is refused when it has too little space for the data', async () => {
    const tmpfs = (path: string): [string, string] => [
      `mkdir -p ${path} && mount -t tmpfs -o size=64m tmpfs ${path}`,
      `umount ${path} && rmdir ${path}`,
    ];
    await expectObjection(pg1, ...tmpfs('/var/lib/postgresql'), [
      /pg1.*has only 6\d MiB free for \/var\/lib\/postgresql\/17\/main, at least 1024 are required/u,
      /→ make room, or lower base\.min_free_space/u,
    ]);
    await expectObjection(pg2, ...tmpfs('/var/lib/etcd'), [/pg2.*has only 6\d MiB free for \/var\/lib\/etcd/u]);
  });

  it('is refused when it has too little memory', async () => {
    await expectObjection(
      pg1,
      ':',
      ':',
      [/pg1.*has \d+ MiB of memory, at least 99999999 are required/u, /pg3.*MiB of memory/u, /→ give it more, or lower base\.min_memory/u],
      '--set',
      'base.min_memory=99999999',
    );
  });

  it('is refused when a firewall blocks it', async () => {
    await expectObjection(
      pg2,
      "nft 'add table inet lab; add chain inet lab in { type filter hook input priority 0; }; add rule inet lab in tcp dport { 2380, 5432 } drop'",
      'nft delete table inet lab',
      [
        /pg1.*pg2 \(\S+\) ports 5432 and 2380 do not answer \(filtered\?\)/u,
        /pg3.*pg2 \(\S+\) ports 5432 and 2380 do not answer/u,
        /→ allow the cluster members through the firewalls/u,
      ],
    );
  });

  it('is refused when the others cannot resolve its name', async () => {
    const hosts = Object.fromEntries(cluster.hosts.map(({ name, address }) => [name, address]));
    await cluster.write({ hosts: { ...hosts, pg2: { address: pg2.address, cluster_address: 'pg2.nowhere.invalid' } } });
    await expectObjection(pg1, ':', ':', [
      /pg1.*pg2 \(pg2\.nowhere\.invalid\) does not resolve/u,
      /→ give an IP address as cluster_address/u,
    ]);
    await cluster.write();
  });
});

describe('a host where something fails during the run', () => {
  let cluster: TestCluster;
  let host: LabHost;

  beforeAll(async () => {
    cluster = await TestCluster.start('itway', 'debian13', 1);
    host = cluster.host('pg1');
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  it('has no room for packages: apt’s message is shown, and the next run finishes', async () => {
    await must(host, 'mount -t tmpfs -o size=64k tmpfs /var/cache/apt/archives');
    const full = await cluster.run('apply', '--role', 'base');
    await must(host, 'umount /var/cache/apt/archives');
    expect(full.code).toBe(1);
    expect(full.all).toMatch(/pg1.*could not install curl/u);
    expect(full.all).toMatch(/enough free space|No space left/u);
    expect(full.all).toMatch(/→ .*fix the cause and run the same command again/u);
    expect(await must(host, 'ls /usr/sbin/policy-rc.d 2>/dev/null || :')).toBe('');
  });

  it('waits for another package manager, naming it, and continues', async () => {
    const lock = await holdPackageLock(host);
    const run = start(['apply', cluster.file, '--yes', '--role', 'base']);
    await run.printed(/waiting for the package manager's lock, held by process \d+ \(perl\) \([4-9] s\)/u);
    await lock.release();
    const done = await run.finished;
    expect(done.code).toBe(0);
    expect(await must(host, 'curl --version')).toContain('curl');
  });

  it('gives up waiting for it after a limit', async () => {
    await must(host, 'apt-get -qq -y purge curl 2>&1');
    const lock = await holdPackageLock(host);
    // The limit is five minutes and no setting; a host that does not sleep counts them faster.
    await must(host, "printf '#!/bin/sh\\n' >/usr/local/bin/sleep && chmod 755 /usr/local/bin/sleep");
    let run: Finished;
    try {
      run = await cluster.run('apply', '--role', 'base');
    } finally {
      await must(host, 'rm /usr/local/bin/sleep');
      await lock.release();
    }
    expect(run.code).toBe(1);
    expect(run.all).toMatch(/the package manager's lock is held by process \d+ \(perl\), still after 300 s/u);
    expect(run.all).toMatch(/→ .*run the same command again/u);
  });
});

describe('a host that has no room for the data', () => {
  let cluster: TestCluster;
  let host: LabHost;

  const words = ['--set', 'base.min_free_space=10'];
  let full: Finished;

  beforeAll(async () => {
    cluster = await TestCluster.start('itroom', 'debian13', 1, 'packages');
    host = cluster.host('pg1');
    await must(host, 'mkdir -p /var/lib/postgresql && mount -t tmpfs -o size=24m tmpfs /var/lib/postgresql');
    full = await cluster.run('apply', ...words);
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  it('fails with the reason', () => {
    expect(full.code).toBe(1);
    expect(full.all).toMatch(/→ .*fix the cause and run the same command again/u);
    expect(full.all).toMatch(/No space left on device/u);
  });

  it('is finished by the next run once it has room, even after Patroni was stopped during an attempt', async () => {
    await must(host, 'mount -o remount,size=1g /var/lib/postgresql');
    // Patroni leaves it when it is stopped while initdb runs, which pgprov's own stop hits now and then.
    await etcdctl(host, "put /service/demo/initialize ''");
    const again = await cluster.run('apply', ...words);
    expect(again.all).not.toContain('failed:');
    expect(again.code).toBe(0);
    expect(await controldata(host, 'Data page checksum version')).toBe('1');
    expect((await cluster.run('apply', ...words)).all).toContain('No changes');
  });
});
