import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LabHost, startHost } from '../lab/index.js';
import { TestCluster } from '../integration/support/cluster.js';
import { must } from '../integration/support/outside.js';
import type { Finished } from '../integration/support/pgprov.js';
import { patience } from '../support/patience.js';

const PORT = 5432;

/** What somebody set up by hand: only SSH gets in. */
const NFTABLES = `#!/usr/sbin/nft -f
flush ruleset
table inet filter {
	chain input {
		type filter hook input priority filter; policy drop;
		ct state established,related accept
		iif "lo" accept
		tcp dport 22 accept
		tcp dport 9999 accept comment "theirs"
	}
}`;

/** Succeeds when a TCP connection from one host to PostgreSQL on another comes about. */
async function gets(from: LabHost, to: LabHost): Promise<boolean> {
  return (await from.exec(`timeout ${patience(2)} bash -c ': </dev/tcp/${to.address}/${PORT}'`)).code === 0;
}

describe('firewalls of three kinds: firewalld on Rocky 9, ufw and nftables on Debian 12', () => {
  let cluster: TestCluster;
  let stranger: LabHost;
  let rocky: LabHost;
  let withUfw: LabHost;
  let withNftables: LabHost;
  let plan: Finished;
  let first: Finished;

  beforeAll(async () => {
    cluster = await TestCluster.startMixed('itfw', ['rocky9', 'debian12', 'debian12']);
    stranger = await startHost({ name: 'stranger', os: 'debian12', network: 'itfw' });
    [rocky, withUfw, withNftables] = cluster.hosts as [LabHost, LabHost, LabHost];
    await must(rocky, 'firewall-cmd -q --permanent --add-port=9999/tcp && firewall-cmd -q --reload');
    await must(withNftables, 'apt-get -qq update && apt-get -qq install nftables >/dev/null');
    expect((await withNftables.exec('cat >/etc/nftables.conf && systemctl -q enable --now nftables', { input: NFTABLES })).code).toBe(0);
    await write();
    plan = await cluster.run('plan');
    first = await cluster.run('apply');
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  /** ufw is not there yet; the others have what is in force. */
  async function write(firewall: Record<string, unknown> = {}): Promise<void> {
    await cluster.write({
      postgresql: { version: 15 },
      firewall,
      hosts: { pg2: { address: withUfw.address, firewall: { backend: 'ufw' } } },
    });
  }

  /** Whether the members, and whether the stranger, reach PostgreSQL on every host. */
  async function reach(): Promise<{ members: boolean[]; stranger: boolean[] }> {
    const pairs = cluster.hosts.flatMap((from) => cluster.hosts.filter((to) => to !== from).map((to) => gets(from, to)));
    return {
      members: [...new Set(await Promise.all(pairs))],
      stranger: [...new Set(await Promise.all(cluster.hosts.map((to) => gets(stranger, to))))],
    };
  }

  /** The rules of others, as each firewall knows them. */
  function foreign(): Promise<string[]> {
    return Promise.all([
      must(rocky, 'cat /etc/firewalld/zones/*.xml; firewall-cmd --list-ports'),
      must(withUfw, 'ufw show added | grep -v pgprov'),
      must(withNftables, "nft list ruleset | grep -v pgprov | grep -v 'ip saddr'; grep -v pgprov /etc/nftables.conf"),
    ]);
  }

  it('are described in the plan', () => {
    expect(plan.code).toBe(0);
    const members = cluster.hosts.map(({ address }) => address).join(', ');
    for (const words of [
      'install ufw',
      'start ufw, with SSH (22) allowed',
      ...['firewalld', 'ufw', 'nftables'].map((name) => `open 2379, 2380, ${PORT}, 8008 from ${members} in ${name}`),
    ]) {
      expect(plan.all).toContain(words);
    }
  });

  it('are opened in one go, though the hosts cannot reach each other before', () => {
    expect(first.all).not.toContain('failed:');
    expect(first.code).toBe(0);
    expect(first.all).toMatch(/pg1 +check +ok: the members reach its ports \(5432, 2379, 2380, 8008 reached from pg2, pg3\)/u);
  });

  it('let members in, and nobody else', async () => {
    expect(await reach()).toEqual({ members: [true], stranger: [false] });
    expect(await must(withUfw, 'ufw status')).toMatch(/^Status: active/u);
  });

  it('are not changed by another run', async () => {
    const files = (host: LabHost): Promise<string> => must(host, "find /etc -type f -printf '%p %T@ %i\\n' | sort");
    const before = await Promise.all(cluster.hosts.map(files));
    const run = await cluster.run('apply');
    expect(run.all).toContain('No changes');
    expect(await Promise.all(cluster.hosts.map(files))).toEqual(before);
  });

  it('do the same after a reboot', async () => {
    await Promise.all(cluster.hosts.map((host) => host.stop()));
    await Promise.all(cluster.hosts.map((host) => host.start()));
    await expect.poll(reach, { timeout: patience(30_000) }).toEqual({ members: [true], stranger: [false] });
    expect((await cluster.run('apply')).all).toContain('No changes');
  });

  it('let clients in while the inventory says so, and keep foreign rules', async () => {
    const before = await foreign();
    await write({ client_networks: [`${stranger.address}/32`] });
    expect((await cluster.run('apply')).code).toBe(0);
    expect(await reach()).toEqual({ members: [true], stranger: [true] });
    await write();
    const run = await cluster.run('apply');
    expect(run.all).toContain(`close ${PORT}, 8008 from ${stranger.address} in firewalld`);
    expect(await reach()).toEqual({ members: [true], stranger: [false] });
    expect(await foreign()).toEqual(before);
  });

  it('are corrected when somebody removed rules that were in force', async () => {
    await must(
      rocky,
      'firewall-cmd -q --policy pgprov-demo --remove-rich-rule "$(firewall-cmd --policy pgprov-demo --list-rich-rules | head -n 1)"',
    );
    await must(withUfw, `rule=$(ufw show added | grep -F 'from ${rocky.address} ' | head -n 1); eval "ufw --force delete \${rule#ufw }"`);
    await must(withNftables, 'nft flush chain inet filter input');
    await must(
      withNftables,
      "nft 'add rule inet filter input ct state established,related accept; add rule inet filter input tcp dport 22 accept'",
    );
    const run = await cluster.run('apply');
    expect(run.code).toBe(0);
    expect(await reach()).toEqual({ members: [true], stranger: [false] });
  });

  it('keep their former rules when they reject the new configuration', async () => {
    await must(rocky, "echo '<zone><bogus' >/etc/firewalld/zones/theirs.xml");
    const before = await must(rocky, 'cat /etc/firewalld/policies/*.xml');
    await write({ client_networks: ['10.99.0.0/24'] });
    const run = await cluster.run('apply', '--host', 'pg1', '--role', 'firewall');
    expect(run.code).toBe(1);
    expect(run.all).toMatch(/firewalld does not accept its configuration; the former rules are back:\s+Error: \S+/u);
    expect(await must(rocky, 'cat /etc/firewalld/policies/*.xml')).toBe(before);
    expect(await reach()).toEqual({ members: [true], stranger: [false] });
    await must(rocky, 'rm /etc/firewalld/zones/theirs.xml');
    expect((await cluster.run('apply')).code).toBe(0);
  });

  it('are refused when two of them would conflict', async () => {
    await write({ backend: 'nftables' });
    const run = await cluster.run('plan');
    expect(run.code).toBe(1);
    expect(run.all).toMatch(/pg1: firewalld is in force, and firewall\.backend says nftables/u);
  });
});
