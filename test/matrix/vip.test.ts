import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestCluster } from '../integration/support/cluster.js';
import { describeMembers, must, sql } from '../integration/support/outside.js';
import { pgprov } from '../integration/support/pgprov.js';
import { CLIENT, withClient } from '../integration/support/written-cluster.js';
import type { LabHost, System } from '../lab/index.js';
import { SELINUX_MODE } from '../lab/selinux.js';
import { patience } from '../support/patience.js';
import { Writer } from '../walk/writer.js';

const ROLES = ['base', 'firewall', 'pgdg', 'postgresql', 'replication', 'etcd', 'patroni'];

/** Has nftables turn away all that no rule lets in. */
const CLOSED = [
  'nft add rule inet filter input ct state established,related accept',
  'nft add rule inet filter input iif lo accept',
  'nft add rule inet filter input tcp dport 22 accept',
  "nft chain inet filter input '{ policy drop; }'",
].join(' && ');

/** Three members of which some have more roles, with the address that they share. */
class Addressed {
  readonly cluster: TestCluster;
  /** An address of the hosts' network that none of them has, as `10.0.0.200/24`. */
  readonly wanted: string;
  readonly address: string;
  readonly #more: (host: string) => string[];

  private constructor(cluster: TestCluster, wanted: string, more: (host: string) => string[]) {
    this.cluster = cluster;
    this.wanted = wanted;
    this.address = wanted.split('/')[0] ?? '';
    this.#more = more;
  }

  static async start(os: System, more: (host: string) => string[]): Promise<Addressed> {
    const cluster = await TestCluster.converged(os);
    if (os === 'rocky9') for (const host of cluster.hosts) await must(host, `echo Enforcing >${SELINUX_MODE}`);
    const own = await must(cluster.host('pg1'), `ip -o -4 addr show to ${cluster.host('pg1').address} | awk '{ print $4 }'`);
    return new Addressed(cluster, own.replace(/\.\d+\//u, '.200/'), more);
  }

  write(vip: Record<string, unknown> = {}, sections: Record<string, Record<string, unknown>> = {}): Promise<string> {
    const hosts = Object.fromEntries(
      this.cluster.hosts.map(({ name, address }) => [name, { address, roles: [...ROLES, ...this.#more(name)] }]),
    );
    return this.cluster.write(
      withClient({ hosts, patroni: { synchronous_mode: true }, vip: { address: this.wanted, ...vip }, ...sections }),
    );
  }

  /** Applies, which must succeed. */
  async apply(): Promise<string> {
    const applied = await this.cluster.run('apply');
    expect(applied.code, applied.all).toBe(0);
    return applied.all;
  }

  /** The hosts that have the address, as they say themselves; one that is off has none. */
  async holders(address: string = this.address): Promise<string[]> {
    const seen = await Promise.all(
      this.cluster.hosts.map(async (host) => ({ name: host.name, told: (await host.exec('ip -o -4 addr show')).stdout })),
    );
    return seen.filter(({ told }) => told.includes(` ${address}/`)).map(({ name }) => name);
  }

  /** Waits until one host alone has it, another one than that. */
  async settled(but?: string): Promise<string> {
    let holder = '';
    await expect
      .poll(
        async () => {
          const all = await this.holders();
          holder = all[0] ?? '';
          return all.length === 1 && holder !== but;
        },
        { timeout: patience(60_000) },
      )
      .toBe(true);
    return holder;
  }

  async leader(): Promise<string> {
    const host = this.cluster.hosts.find(({ name }) => name !== 'pg1') as LabHost;
    for (const asked of [this.cluster.host('pg1'), host]) {
      const listed = await describeMembers(asked).catch(() => []);
      const leader = listed.find((line) => line.endsWith('Leader running'))?.split(' ')[0];
      if (leader !== undefined) return leader;
    }
    return '';
  }

  async statusLines(): Promise<string[]> {
    const { stdout } = await this.cluster.run('status', '--json');
    const { services } = JSON.parse(stdout) as { services: { host: string; role: string; text: string }[] };
    return services.filter(({ role }) => role === 'vip').map(({ host, text }) => `${host} ${text}`);
  }

  async whole(): Promise<void> {
    const streaming = async (): Promise<number> =>
      (await describeMembers(this.cluster.host('pg1')).catch(() => [])).filter((line) => line.endsWith('streaming')).length;
    await expect.poll(streaming, { timeout: patience(120_000) }).toBe(2);
  }

  async client(): Promise<void> {
    const { user, password } = CLIENT;
    await sql(this.cluster.host('pg1'), `CREATE ROLE ${user} LOGIN PASSWORD '${password}'; GRANT CREATE ON SCHEMA public TO ${user}`);
  }
}

/** Does something under writes, and waits until rows come through again; seconds without one. */
async function whileWriting(writer: Writer, what: () => Promise<unknown>): Promise<number> {
  writer.longestGap = 0;
  await what();
  const before = writer.acknowledged.length;
  await expect.poll(() => writer.acknowledged.length, { timeout: patience(120_000) }).toBeGreaterThan(before + 3);
  expect(await writer.lost([])).toEqual([]);
  return writer.longestGap / 1000;
}

describe.each<System>(['debian13', 'rocky9'])('a virtual address on two proxies, %s', (os) => {
  let addressed: Addressed;
  const gaps: Record<string, number> = {};

  beforeAll(async () => {
    addressed = await Addressed.start(os, (host) => (host === 'pg1' ? [] : ['haproxy', 'vip']));
    await addressed.write();
  });

  afterAll(async () => {
    console.log(`${os}, seconds without a write through the proxies’ address: ${JSON.stringify(gaps)}`);
    await addressed?.cluster.remove();
  });

  it('is refused while another machine has it', async () => {
    const { cluster, address, wanted } = addressed;
    // pg1 has not the role, and is asked like any other machine of the network.
    await must(cluster.host('pg1'), `ip addr add ${wanted} dev eth0`);
    const refused = await cluster.run('apply');
    expect(refused.code).toBe(1);
    expect(refused.all).toMatch(new RegExp(`${address} \\(vip\\.address\\) is in use already: something answers`, 'u'));
    expect((await cluster.host('pg2').exec('command -v keepalived')).code).not.toBe(0);
    // A firewall that keeps silent does not hide it.
    await must(cluster.host('pg1'), `ip addr del ${wanted} dev eth0`);
    await must(cluster.host('pg2'), `ip addr add ${wanted} dev eth0`);
    const own = await cluster.run('plan');
    expect(own.code).toBe(1);
    expect(own.all).toContain(`pg2: it has ${address} (vip.address) already, and not from pgprov`);
    await must(cluster.host('pg2'), `ip addr del ${wanted} dev eth0`);
    await addressed.write({ address: '192.0.2.77/24' });
    const outside = await cluster.run('plan');
    expect(outside.code).toBe(1);
    expect(outside.all).toContain('is outside of the network of eth0');
    await addressed.write();
  });

  it('goes to one of them, with a second apply that changes nothing', async () => {
    const { cluster, address } = addressed;
    await addressed.apply();
    await addressed.client();
    const holder = await addressed.settled();
    const other = holder === 'pg2' ? 'pg3' : 'pg2';
    expect((await addressed.statusLines()).sort()).toEqual(
      [`${holder} has ${address}, on eth0`, `${other} would take ${address} over from ${holder}`].sort(),
    );
    const { stdout } = await pgprov('dsn', cluster.file, '--user', CLIENT.user);
    expect(stdout).toBe(`postgresql://${CLIENT.user}@${address}:5000/postgres?target_session_attrs=read-write&connect_timeout=3\n`);
    const asked = `PGPASSWORD=${CLIENT.password} psql -XAtc 'select pg_is_in_recovery()' '${stdout.trim()}'`;
    await expect.poll(async () => (await cluster.host('pg1').exec(asked)).stdout.trim(), { timeout: patience(20_000) }).toBe('f');
    expect(await addressed.apply()).toContain('No changes');
  });

  it('moves from a proxy that is stopped and from a host that loses power, and stays when they are back', async () => {
    const { cluster, address } = addressed;
    const writer = await Writer.start({ addresses: [address], port: 5000, ...CLIENT });
    try {
      const first = await addressed.settled();
      // systemd starts it again at once, so the address need not move.
      gaps['HAProxy killed'] = await whileWriting(writer, () => must(cluster.host(first), 'pkill -9 haproxy'));
      await expect
        .poll(async () => (await cluster.host(first).exec('systemctl is-active haproxy')).stdout.trim(), { timeout: patience(20_000) })
        .toBe('active');
      const second = await addressed.settled();
      gaps['HAProxy stopped'] = await whileWriting(writer, () => must(cluster.host(second), 'systemctl stop haproxy'));
      const third = await addressed.settled(second);
      await must(cluster.host(second), 'systemctl start haproxy');
      // A member's loss too where it led, so the lead goes elsewhere first.
      if ((await addressed.leader()) !== 'pg1') {
        const back = await pgprov('switchover', cluster.file, '--to', 'pg1', '--yes');
        expect(back.code, back.all).toBe(0);
      }
      gaps['holder without power'] = await whileWriting(writer, () => cluster.host(third).kill());
      expect(await addressed.settled(third)).toBe(second);
      await cluster.host(third).start();
      await addressed.whole();
      expect(await addressed.settled()).toBe(second);
      gaps['keepalived killed'] = await whileWriting(writer, () => must(cluster.host(second), 'pkill -9 "keepalived|pgprov-"'));
      await addressed.settled();
      expect(await writer.lost([])).toEqual([]);
    } finally {
      await writer.stop();
    }
    expect(await addressed.apply()).toContain('No changes');
  });

  it('says of a host whose interface is gone that it cannot take it over, and brings keepalived to the new one', async () => {
    const { cluster, address } = addressed;
    const holder = await addressed.settled();
    const other = cluster.host(holder === 'pg2' ? 'pg3' : 'pg2');
    const renamed = (from: string, to: string): Promise<string> =>
      must(other, `ip link set ${from} down && ip link set ${from} name ${to} && ip link set ${to} up`);
    const line = async (): Promise<string> => (await addressed.statusLines()).find((one) => one.startsWith(other.name)) ?? '';
    await renamed('eth0', 'lan0');
    try {
      await expect
        .poll(line, { timeout: patience(60_000) })
        .toMatch(
          new RegExp(
            `^${other.name} cannot take ${address} over: its network interface eth0 is gone, and keepalived is in the state FAULT; its cluster address is on lan0`,
            'u',
          ),
        );
      expect((await cluster.run('status')).code).toBe(1);
      await addressed.whole();
      expect(await addressed.apply()).toContain('keepalived');
      await expect.poll(line, { timeout: patience(60_000) }).toBe(`${other.name} would take ${address} over from ${holder}`);
      await must(cluster.host(holder), 'systemctl stop haproxy');
      await addressed.settled(holder);
      await expect
        .poll(async () => (await addressed.statusLines()).find((one) => one.startsWith(holder)), { timeout: patience(60_000) })
        .toMatch(/cannot take \S+ over: keepalived is in the state FAULT: HAProxy does not answer there/u);
      await must(cluster.host(holder), 'systemctl start haproxy');
    } finally {
      await renamed('lan0', 'eth0');
    }
    await addressed.whole();
    await addressed.apply();
    await addressed.settled();
  });

  it('takes every variable while it runs', async () => {
    const { cluster, address, wanted } = addressed;
    const held = await addressed.settled();
    await addressed.write({ check_interval: 2, advert_interval: 1000, interface: 'eth0' });
    const all = await addressed.apply();
    expect(all).toContain('reload keepalived');
    const config = await must(cluster.host('pg2'), 'cat /etc/keepalived/keepalived.conf');
    expect(config).toMatch(/interval 2\n[^]*virtual_router_id 51\n[^]*advert_int 1\.00\n/u);
    expect(await addressed.settled()).toBe(held);
    await addressed.write({ router_id: 77, address: wanted.replace(/\/\d+$/u, '/32') });
    await addressed.apply();
    const holder = await addressed.settled();
    expect(await must(cluster.host(holder), 'ip -o -4 addr show')).toContain(` ${address}/32 `);
    const moved = address.replace(/\d+$/u, '201');
    await addressed.write({ router_id: 77, address: wanted.replace(address, moved) });
    await addressed.apply();
    expect(await addressed.holders()).toEqual([]);
    expect(await addressed.holders(moved)).toHaveLength(1);
    await addressed.write();
    await addressed.apply();
    await addressed.settled();
  });

  it('leaves alone what keepalived refuses, and tells of two that have the address', async () => {
    const { cluster, address, wanted } = addressed;
    const holder = await addressed.settled();
    const other = holder === 'pg2' ? 'pg3' : 'pg2';
    await must(cluster.host(other), `ip addr add ${wanted} dev eth0`);
    const split = await cluster.run('status');
    expect(split.code).toBe(1);
    expect(split.all).toContain(`has ${address}, and so has ${holder}`);
    await must(cluster.host(other), `ip addr del ${wanted} dev eth0`);
    await must(cluster.host(other), 'systemctl stop keepalived');
    const down = await cluster.run('status');
    expect(down.code).toBe(1);
    expect(down.all).toMatch(new RegExp(`${other}.*keepalived does not run`, 'u'));
    expect((await cluster.run('doctor')).all).toContain('keepalived');
    await addressed.apply();
    expect(await addressed.settled()).toBe(holder);
  });
});

describe.each<System>(['debian13', 'rocky9'])('a virtual address on the leader, %s', (os) => {
  let addressed: Addressed;
  const gaps: Record<string, number> = {};

  beforeAll(async () => {
    addressed = await Addressed.start(os, () => ['vip']);
    // Rocky has firewalld; Debian's own configuration turns nothing away until the test has it do so.
    const nftables = 'apt-get -qq update && apt-get -qq install nftables >/dev/null && systemctl -q enable --now nftables';
    if (os === 'debian13') for (const host of addressed.cluster.hosts) await must(host, nftables);
    await addressed.write({}, { postgresql: { tls: true } });
  });

  afterAll(async () => {
    console.log(`${os}, seconds without a write through the leader’s address: ${JSON.stringify(gaps)}`);
    await addressed?.cluster.remove();
  });

  it('follows the lead through a switchover and the loss of the leader’s host', async () => {
    const { cluster, address } = addressed;
    await addressed.apply();
    await addressed.client();
    if (os === 'debian13') await Promise.all(cluster.hosts.map(async (host) => must(host, CLOSED)));
    expect(await addressed.settled()).toBe('pg1');
    const { stdout } = await pgprov('dsn', cluster.file, '--user', CLIENT.user);
    expect(stdout).toContain(`@${address}:5432/postgres?target_session_attrs=read-write&connect_timeout=3&sslmode=verify-full`);
    const writer = await Writer.start({ addresses: [address], ...CLIENT });
    try {
      gaps['switchover'] = await whileWriting(writer, async () => {
        const switched = await pgprov('switchover', cluster.file, '--yes');
        expect(switched.code, switched.all).toBe(0);
        expect(switched.all).toContain(`the leader has ${address}`);
      });
      const leader = await addressed.leader();
      expect(leader).not.toBe('pg1');
      expect(await addressed.settled('pg1')).toBe(leader);
      expect(await addressed.statusLines()).toContain(`${leader} has ${address}, on eth0`);
      gaps['leader without power'] = await whileWriting(writer, () => cluster.host(leader).kill());
      const next = await addressed.settled(leader);
      expect(await addressed.leader()).toBe(next);
      await cluster.host(leader).start();
      await addressed.whole();
      expect(await addressed.settled()).toBe(next);
      expect(await writer.lost([])).toEqual([]);
    } finally {
      await writer.stop();
    }
    expect(await addressed.apply()).toContain('No changes');
  });

  it('is nobody’s while nobody leads', async () => {
    const { cluster } = addressed;
    await Promise.all(cluster.hosts.map((host) => must(host, 'systemctl stop patroni')));
    await expect.poll(() => addressed.holders(), { timeout: patience(20_000) }).toEqual([]);
    expect((await addressed.statusLines()).every((line) => line.includes('no host that answered has'))).toBe(true);
    await Promise.all(cluster.hosts.map((host) => must(host, 'systemctl start patroni')));
    await addressed.whole();
    expect(await addressed.settled()).toBe(await addressed.leader());
  });
});
