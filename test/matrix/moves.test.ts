import { cp, readFile, writeFile } from 'node:fs/promises';
import { parse, stringify } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestCluster } from '../integration/support/cluster.js';
import { describeMembers, etcdctl, must, sql } from '../integration/support/outside.js';
import { killAtEach, pgprov } from '../integration/support/pgprov.js';
import { CLIENT, withClient } from '../integration/support/written-cluster.js';
import type { LabHost } from '../lab/index.js';
import { patience } from '../support/patience.js';
import { Writer } from '../walk/writer.js';

/** A member as the inventory is to have it. */
interface Member {
  /** Its host in the lab. */
  on: string;
  address: string;
}

/** A cluster whose members get other names and addresses, with a client that writes all the while. pg2 keeps both, and is asked. */
describe('members that move', () => {
  let cluster: TestCluster;
  let writer: Writer;
  let members: Record<string, Member> = {};
  /** What names and addresses nothing has any more. */
  const former: string[] = [];

  const host = (name: string): LabHost => cluster.host(name);
  const elsewhere = (name: string): string => host(name).address.replace(/\d+$/u, (last) => String(Number(last) + 100));
  const write = async (): Promise<void> => {
    const base = parse(await readFile(cluster.file, 'utf8')) as Record<string, unknown>;
    const hosts = Object.fromEntries(Object.entries(members).map(([name, { address }]) => [name, address]));
    await writeFile(cluster.file, stringify({ ...base, ...withClient(), hosts }));
  };
  /** The inventory has a member by another name. */
  const call = async (name: string, other: string): Promise<void> => {
    members = Object.fromEntries(Object.entries(members).map(([each, member]) => [each === name ? other : each, member]));
    await write();
  };
  /** The inventory has a member at another address. */
  const put = async (name: string, address: string): Promise<void> => {
    members = { ...members, [name]: { ...(members[name] as Member), address } };
    await write();
  };
  /** The machine has both addresses, and connects to others from the new one. */
  const give = (on: string): Promise<string> =>
    must(
      host(on),
      `ip addr add ${elsewhere(on)}/24 dev eth0; ip addr del ${host(on).address}/24 dev eth0; ip addr add ${elsewhere(on)}/24 dev eth0 2>/dev/null; ip addr add ${host(on).address}/24 dev eth0`,
    );
  const leader = async (): Promise<string> =>
    (await describeMembers(host('pg2'))).find((line) => line.includes(' Leader '))?.split(' ')[0] ?? '';
  /** The cluster is these members, by the word of etcd, Patroni and PostgreSQL, and knows no former name or address; its plan is empty. */
  const isWhole = async (): Promise<void> => {
    const names = Object.keys(members).sort();
    const seen = (): Promise<string[]> => describeMembers(host('pg2')).catch(() => []);
    await expect
      .poll(async () => (await seen()).filter((line) => /(?:Leader running|Replica streaming)$/u.test(line)).length, {
        timeout: patience(120_000),
      })
      .toBe(names.length);
    expect((await seen()).map((line) => line.split(' ')[0]).sort()).toEqual(names);
    const listed = (await etcdctl(host('pg2'), 'member list')).split('\n').map((line) => line.split(', ').slice(2, 4).join(' '));
    expect(listed.sort()).toEqual(names.map((name) => `${name} https://${members[name]?.address}:2380`));
    expect(await etcdctl(host('pg2'), 'endpoint health --cluster')).not.toContain('unhealthy');
    const leads = await leader();
    const slots = await sql(host(members[leads]?.on ?? ''), 'select slot_name from pg_replication_slots order by 1');
    expect(slots.split('\n').filter(Boolean)).toEqual(names.filter((name) => name !== leads));
    for (const { on } of Object.values(members))
      for (const gone of former)
        expect([
          on,
          await must(
            host(on),
            `grep -rlwF ${gone} /etc/patroni /etc/postgresql /var/lib/postgresql/.pgpass 2>/dev/null; sed -n '/^# BEGIN pgprov/,/^# END/p' /etc/hosts | grep -wF ${gone}; true`,
          ),
        ]).toEqual([on, '']);
    const plan = await pgprov('plan', cluster.file);
    expect([plan.code, plan.all]).toEqual([0, expect.stringContaining('No changes.')]);
    expect(await writer.lost([])).toEqual([]);
  };
  /** A run of apply changes nothing, and names the command. */
  const isRefused = async (command: RegExp): Promise<void> => {
    const applied = await pgprov('apply', cluster.file, '--yes');
    expect([applied.code, applied.all]).toEqual([4, expect.stringMatching(command)]);
    expect(applied.all).toContain('Nothing was changed.');
  };
  const began = (on: string): Promise<string> => must(host(on), 'stat -c %Y /var/lib/postgresql/*/main/PG_VERSION');

  beforeAll(async () => {
    cluster = await TestCluster.start('moves', 'debian13', 3, 'packages');
    members = Object.fromEntries(cluster.hosts.map(({ name, address }) => [name, { on: name, address }]));
    // What this machine learns of new addresses stays here.
    const base = parse(await readFile(cluster.file, 'utf8')) as { ssh: Record<string, unknown> };
    const known = `${cluster.directory}/known_hosts`;
    await cp(String(base.ssh['known_hosts']), known);
    await writeFile(cluster.file, stringify({ ...base, ssh: { ...base.ssh, known_hosts: known, host_key_policy: 'accept-new' } }));
    await write();
    const applied = await pgprov('apply', cluster.file, '--yes');
    expect(applied.code, applied.all).toBe(0);
    await sql(
      host('pg1'),
      `CREATE ROLE ${CLIENT.user} LOGIN PASSWORD '${CLIENT.password}'; GRANT CREATE ON SCHEMA public TO ${CLIENT.user}`,
    );
    const addresses = [...cluster.hosts.map(({ address }) => address), elsewhere('pg1'), elsewhere('pg3')];
    writer = await Writer.start({ addresses, ...CLIENT });
  });

  afterAll(async () => {
    await writer?.stop();
    await cluster?.remove();
  });

  it('take another name with their data, by the same command where pgprov was killed at each step of it', async () => {
    const made = await began('pg3');
    await call('pg3', 'db3');
    await isRefused(/pgprov rename \S+ --host pg3 --to db3/u);
    const rename = ['rename', cluster.file, '--host', 'pg3', '--to', 'db3', '--yes', '--output', 'plain'];
    await killAtEach(rename, [/rename\/stop /u, /base\//u, /patroni\/start/u, /rename\/slots/u]);
    const renamed = await pgprov(...rename);
    expect(renamed.code, renamed.all).toBe(0);
    former.push('pg3');
    await isWhole();
    expect(await began('pg3')).toBe(made);
    const again = await pgprov(...rename);
    expect([again.code, again.all]).toEqual([0, expect.stringContaining('the member is db3 already')]);
  });

  it('take another name where they lead, once another one leads', async () => {
    const leads = await leader();
    const other = leads === 'pg2' ? 'pg1' : leads;
    if (leads === 'pg2') expect((await pgprov('switchover', cluster.file, '--to', 'pg1', '--yes')).code).toBe(0);
    const name = `${other}x`;
    await call(other, name);
    const renamed = await pgprov('rename', cluster.file, '--host', other, '--to', name, '--yes');
    expect(renamed.code, renamed.all).toBe(0);
    expect(renamed.all).toMatch(/writes paused for/u);
    former.push(other);
    await isWhole();
  });

  it('take another address with their data, by the same command where pgprov was killed at each step of it', async () => {
    const leads = await leader();
    const [name, { on }] = Object.entries(members).find(([each, member]) => each !== leads && member.on !== 'pg2') as [string, Member];
    const made = await began(on);
    const before = host(on).address;
    await must(host(on), `ip addr add ${elsewhere(on)}/24 dev eth0`);
    await put(name, elsewhere(on));
    await isRefused(new RegExp(`pgprov readdress \\S+ --host ${name} --from ${before}`, 'u'));
    const early = await pgprov('readdress', cluster.file, '--host', name, '--from', before, '--yes');
    expect([early.code, early.all]).toEqual([4, expect.stringContaining('from its former address')]);
    await give(on);
    const readdress = ['readdress', cluster.file, '--host', name, '--from', before, '--yes', '--output', 'plain'];
    await killAtEach(readdress, [/readdress\/stop /u, /readdress\/tell-store/u, /etcd\/start/u, /patroni\/start/u]);
    const readdressed = await pgprov(...readdress);
    expect(readdressed.code, readdressed.all).toBe(0);
    await must(host(on), `ip addr del ${before}/24 dev eth0`);
    former.push(before);
    await isWhole();
    expect(await began(on)).toBe(made);
    const again = await pgprov(...readdress);
    expect([again.code, again.all]).toEqual([0, expect.stringContaining('already')]);
  });

  it('take another address where they lead, once another one leads', async () => {
    const [name, { on }] = Object.entries(members).find(
      ([, member]) => member.on !== 'pg2' && member.address === host(member.on).address,
    ) as [string, Member];
    if ((await leader()) !== name) expect((await pgprov('switchover', cluster.file, '--to', name, '--yes')).code).toBe(0);
    await give(on);
    const before = host(on).address;
    await put(name, elsewhere(on));
    const readdressed = await pgprov('readdress', cluster.file, '--host', name, '--from', before, '--yes');
    expect(readdressed.code, readdressed.all).toBe(0);
    await must(host(on), `ip addr del ${before}/24 dev eth0`);
    former.push(before);
    await isWhole();
  });

  it('are refused where another host is down, or a name is not given, and nothing is changed', async () => {
    const [name = ''] = Object.keys(members).filter((each) => each !== 'pg2');
    const wrong = await pgprov('rename', cluster.file, '--host', name, '--to', 'pg2', '--yes');
    expect([wrong.code, wrong.all]).toEqual([2, expect.stringContaining(`the inventory still has a host ${name}`)]);
    await call('pg2', 'db2');
    await must(host(members[name]?.on ?? ''), 'systemctl stop etcd');
    const refused = await pgprov('rename', cluster.file, '--host', 'pg2', '--to', 'db2', '--yes');
    expect([refused.code, refused.all]).toEqual([4, expect.stringContaining('would work for a quorum')]);
    await must(host(members[name]?.on ?? ''), 'systemctl start etcd');
    await call('db2', 'pg2');
    await isWhole();
  });
});
