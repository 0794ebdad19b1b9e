import { promisify } from 'node:util';
import { execFile } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lastArchived, pgbackrest } from '../integration/support/backups.js';
import type { TestCluster } from '../integration/support/cluster.js';
import { MovingMembers } from '../integration/support/moving-members.js';
import { must } from '../integration/support/outside.js';
import { killAtEach, pgprov } from '../integration/support/pgprov.js';
import { CLIENT } from '../integration/support/written-cluster.js';
import { patience } from '../support/patience.js';

const MEMBER = ['base', 'firewall', 'pgdg', 'postgresql', 'replication', 'etcd', 'patroni', 'haproxy', 'pgbouncer', 'vip', 'backup'];

/** What a host has that is no member. */
const APART = ['base', 'firewall', 'pgdg'];

/** An address of the hosts' network that none of them has, with its prefix. */
function virtual(cluster: TestCluster): string {
  return `${cluster.host('pg1').address.replace(/\d+$/u, '250')}/24`;
}

/**
 * Members with a virtual address, HAProxy and PgBouncer on each, and backups on the member pg3, or on pg4. The client writes through PgBouncer on the
 * host that has the address.
 */
describe.each([
  { where: 'a member', on: 'pg3' },
  { where: 'a host of its own', on: 'pg4' },
])('members that move beside proxies, pools, a virtual address and backups on $where', ({ on: repository }) => {
  let moving: MovingMembers;
  let file = '';
  let address = '';
  const gaps: Record<string, number> = {};

  /** Asks who takes writes through a port of a host. */
  const asked = async (host: string, port: number): Promise<string> => {
    const { user, password } = CLIENT;
    const words = [`host=${host} port=${port} user=${user} dbname=postgres connect_timeout=3`, '-XAtc', 'select pg_is_in_recovery()'];
    const env = { PATH: process.env['PATH'], PGPASSWORD: password };
    return promisify(execFile)('psql', words, { env, timeout: 20_000 }).then(
      ({ stdout }) => stdout.trim(),
      (error: unknown) => String(error),
    );
  };
  /** Beside the members: all ways in lead to the leader, the address is on one host, each knows the others, and backups go on. */
  const isWhole = async (): Promise<void> => {
    await moving.isWhole();
    const hosts = moving.members();
    const addresses = hosts.map(([, host]) => host.address);
    for (const host of [...addresses, address])
      for (const port of [5000, 6432])
        await expect.poll(async () => [host, port, await asked(host, port)], { timeout: patience(30_000) }).toEqual([host, port, 'f']);
    const holders: string[] = [];
    for (const [name, { on, address: own }] of hosts) {
      if ((await must(moving.host(on), 'ip -o -4 addr show')).includes(` ${address}/`)) holders.push(name);
      const keepalived = await must(moving.host(on), 'cat /etc/keepalived/keepalived.conf');
      const peers = /unicast_peer \{([^}]*)\}/u.exec(keepalived)?.[1]?.trim().split(/\s+/u) ?? [];
      expect([name, peers.sort()]).toEqual([name, addresses.filter((each) => each !== own).sort()]);
      const proxied = await must(
        moving.host(on),
        "sed -n 's/^ *server \\([^ ]*\\) \\([^ ]*\\) .*/\\1 \\2/p' /etc/haproxy/haproxy.cfg | sort -u",
      );
      expect(proxied.split('\n')).toEqual(hosts.map(([each, host]) => `${each} ${host.address}:5432`).sort());
    }
    expect(holders).toHaveLength(1);
    await pgbackrest(moving.host(repository), '--stanza=demo check');
    expect(await lastArchived(moving.host(repository))).not.toBe('');
    const status = await pgprov('status', file);
    expect(status.code, status.all).toBe(0);
    const applied = await pgprov('apply', file, '--yes');
    expect([applied.code, applied.all]).toEqual([0, expect.stringContaining('No changes')]);
  };
  const during = async (what: string, run: () => Promise<void>): Promise<void> => {
    moving.writer.longestGap = 0;
    await run();
    gaps[what] = moving.writer.longestGap / 1000;
  };

  beforeAll(async () => {
    moving = await MovingMembers.start(`moves${repository}`, 4, {
      others: ['pg4'],
      roles: (on) => {
        const more = on === repository ? ['backup-repository'] : [];
        return on === 'pg4' ? [...APART, ...more] : [...MEMBER, ...more];
      },
      sections: (called, cluster) => ({
        vip: { address: virtual(cluster) },
        backup: { repositories: { store: { host: called(repository) } } },
      }),
      access: (cluster) => ({ addresses: [virtual(cluster).split('/')[0] ?? ''], port: 6432 }),
    });
    file = moving.cluster.file;
    address = virtual(moving.cluster).split('/')[0] ?? '';
  });

  afterAll(async () => {
    console.log(`seconds without a write through the virtual address: ${JSON.stringify(gaps)}`);
    await moving?.remove();
  });

  it('take another name', async () => {
    await isWhole();
    const leads = await moving.leader();
    if (leads === 'pg3') await moving.lead('pg1');
    await moving.call('pg3', 'db3');
    await during('rename of a standby', async () => {
      const renamed = await pgprov('rename', file, '--host', 'pg3', '--to', 'db3', '--yes');
      expect(renamed.code, renamed.all).toBe(0);
    });
    moving.former.push('pg3');
    await isWhole();
  });

  it('take another name where they lead, by the same command where pgprov was killed at steps of it', async () => {
    await moving.lead('pg1');
    await moving.call('pg1', 'db1');
    const rename = ['rename', file, '--host', 'pg1', '--to', 'db1', '--yes', '--output', 'plain'];
    await during('rename of the leader', async () => {
      await killAtEach(rename, [
        /rename\/hand-over/u,
        /rename\/stop /u,
        /base\//u,
        /patroni\/start/u,
        /backup\/serve/u,
        /haproxy\/serve/u,
        /rename\/slots/u,
      ]);
      const renamed = await pgprov(...rename);
      expect(renamed.code, renamed.all).toBe(0);
    });
    moving.former.push('pg1');
    await isWhole();
  });

  it('take another address', async () => {
    if ((await moving.leader()) === 'db3') await moving.lead('db1');
    const before = moving.host('pg3').address;
    await moving.put('db3', moving.later('pg3'));
    await during('readdress of a standby', async () => {
      await moving.give('pg3');
      const readdressed = await pgprov('readdress', file, '--host', 'db3', '--from', before, '--yes');
      expect(readdressed.code, readdressed.all).toBe(0);
    });
    await moving.leave('pg3');
    await isWhole();
  });

  it('take another address where they lead, by the same command where pgprov was killed at steps of it', async () => {
    await moving.lead('db1');
    const before = moving.host('pg1').address;
    await moving.put('db1', moving.later('pg1'));
    const readdress = ['readdress', file, '--host', 'db1', '--from', before, '--yes', '--output', 'plain'];
    await during('readdress of the leader', async () => {
      await moving.give('pg1');
      await killAtEach(readdress, [
        /readdress\/hand-over/u,
        /readdress\/stop /u,
        /readdress\/tell-store/u,
        /etcd\/start/u,
        /patroni\/start/u,
        /vip\/serve/u,
      ]);
      const readdressed = await pgprov(...readdress);
      expect(readdressed.code, readdressed.all).toBe(0);
    });
    await moving.leave('pg1');
    await isWhole();
  });

  it('are told how a host besides them is called and where it is, by apply', async () => {
    await moving.call('pg4', 'store');
    const named = await pgprov('apply', file, '--yes');
    expect(named.code, named.all).toBe(0);
    moving.former.push('pg4');
    await isWhole();
    await moving.give('pg4');
    await moving.put('store', moving.later('pg4'));
    const moved = await pgprov('apply', file, '--yes');
    expect(moved.code, moved.all).toBe(0);
    await moving.leave('pg4');
    await isWhole();
  });
});
