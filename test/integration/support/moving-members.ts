import { cp, readFile, writeFile } from 'node:fs/promises';
import { expect } from 'vitest';
import { parse, stringify } from 'yaml';
import type { LabHost } from '../../lab/index.js';
import { patience } from '../../support/patience.js';
import { Writer, type ClientAccess } from '../../walk/writer.js';
import { TestCluster } from './cluster.js';
import { describeMembers, etcdctl, must, sql } from './outside.js';
import { pgprov } from './pgprov.js';
import { CLIENT, withClient } from './written-cluster.js';

type Mapping = Record<string, unknown>;

/** A host as the inventory is to have it. */
interface Called {
  /** Its name in the lab. */
  on: string;
  address: string;
}

/** What a cluster has besides members of PostgreSQL. */
interface Besides {
  /** Sections of the inventory; `called` tells what the inventory calls a host of the lab now. */
  sections?(called: (on: string) => string, cluster: TestCluster): Record<string, Mapping>;
  /** The roles of a host of the lab; default: the inventory's. */
  roles?(on: string): readonly string[] | undefined;
  /** Hosts of the lab that are no members. */
  others?: readonly string[];
  /** How the client gets in; default: by the members' addresses, former and later ones. */
  access?(cluster: TestCluster): Partial<ClientAccess>;
}

/** A cluster whose hosts get other names and addresses, with a client that writes all the while. pg2 keeps both, and is asked. */
export class MovingMembers {
  readonly cluster: TestCluster;
  readonly writer: Writer;
  /** What names and addresses nothing has any more. */
  readonly former: string[] = [];
  readonly #besides: Besides;
  #hosts: Record<string, Called>;

  private constructor(cluster: TestCluster, writer: Writer, besides: Besides, hosts: Record<string, Called>) {
    this.cluster = cluster;
    this.writer = writer;
    this.#besides = besides;
    this.#hosts = hosts;
  }

  static async start(name: string, count = 3, besides: Besides = {}): Promise<MovingMembers> {
    const cluster = await TestCluster.start(name, 'debian13', count, 'packages');
    const hosts = Object.fromEntries(cluster.hosts.map((host) => [host.name, { on: host.name, address: host.address }]));
    // What this machine learns of new addresses stays here.
    const base = parse(await readFile(cluster.file, 'utf8')) as { ssh: Mapping };
    const known = `${cluster.directory}/known_hosts`;
    await cp(String(base.ssh['known_hosts']), known);
    await writeFile(cluster.file, stringify({ ...base, ssh: { ...base.ssh, known_hosts: known, host_key_policy: 'accept-new' } }));
    await write(cluster, besides, hosts);
    const applied = await pgprov('apply', cluster.file, '--yes');
    expect(applied.code, applied.all).toBe(0);
    const { user, password } = CLIENT;
    await sql(cluster.host('pg1'), `CREATE ROLE ${user} LOGIN PASSWORD '${password}'; GRANT CREATE ON SCHEMA public TO ${user}`);
    const addresses = cluster.hosts.flatMap((host) => [host.address, laterAddress(host)]);
    const writer = await Writer.start({ addresses, ...CLIENT, ...besides.access?.(cluster) });
    return new MovingMembers(cluster, writer, besides, hosts);
  }

  async remove(): Promise<void> {
    await this.writer.stop();
    await this.cluster.remove();
  }

  host(on: string): LabHost {
    return this.cluster.host(on);
  }

  /** What the inventory calls a host of the lab now. */
  called(on: string): string {
    return calledIn(this.#hosts, on);
  }

  /** A host by the name that the inventory has for it now. */
  at(name: string): Called {
    const found = this.#hosts[name];
    if (found === undefined) throw new Error(`the inventory has no host ${name}`);
    return found;
  }

  /** The members by the names that the inventory has now, with the hosts of the lab that they are on. */
  members(): [name: string, host: Called][] {
    return Object.entries(this.#hosts).filter(([, { on }]) => this.#besides.others?.includes(on) !== true);
  }

  /** The inventory has a host by another name. */
  async call(name: string, other: string): Promise<void> {
    this.#hosts = Object.fromEntries(Object.entries(this.#hosts).map(([each, host]) => [each === name ? other : each, host]));
    await write(this.cluster, this.#besides, this.#hosts);
  }

  /** The inventory has a host at another address. */
  async put(name: string, address: string): Promise<void> {
    this.#hosts = { ...this.#hosts, [name]: { ...this.at(name), address } };
    await write(this.cluster, this.#besides, this.#hosts);
  }

  /** The address that a host of the lab gets. */
  later(on: string): string {
    return laterAddress(this.host(on));
  }

  /** The machine has both addresses, and connects to others from the new one. */
  async give(on: string): Promise<void> {
    const before = this.host(on).address;
    await must(
      this.host(on),
      `ip addr add ${this.later(on)}/24 dev eth0; ip addr del ${before}/24 dev eth0; ip addr add ${this.later(on)}/24 dev eth0 2>/dev/null; ip addr add ${before}/24 dev eth0`,
    );
  }

  /** The machine has its former address no more, and nothing else may have it either. */
  async leave(on: string): Promise<void> {
    const before = this.host(on).address;
    await must(this.host(on), `ip addr del ${before}/24 dev eth0`);
    this.former.push(before);
  }

  async leader(): Promise<string> {
    return (await describeMembers(this.host('pg2'))).find((line) => line.includes(' Leader '))?.split(' ')[0] ?? '';
  }

  /** Has a member lead. */
  async lead(name: string): Promise<void> {
    if ((await this.leader()) === name) return;
    const switched = await pgprov('switchover', this.cluster.file, '--to', name, '--yes');
    expect(switched.code, switched.all).toBe(0);
  }

  /** When the data on a host was made. */
  began(on: string): Promise<string> {
    return must(this.host(on), 'stat -c %Y /var/lib/postgresql/*/main/PG_VERSION');
  }

  /** A run of apply changes nothing, and names the command. */
  async isRefused(command: RegExp): Promise<void> {
    const applied = await pgprov('apply', this.cluster.file, '--yes');
    expect([applied.code, applied.all]).toEqual([4, expect.stringMatching(command)]);
    expect(applied.all).toContain('Nothing was changed.');
  }

  /** The cluster is its members, by the word of etcd, Patroni and PostgreSQL, and knows no former name or address; its plan is empty. */
  async isWhole(): Promise<void> {
    const asked = this.host('pg2');
    const members = this.members();
    const names = members.map(([name]) => name).sort();
    const seen = (): Promise<string[]> => describeMembers(asked).catch(() => []);
    await expect
      .poll(async () => (await seen()).filter((line) => /(?:Leader running|Replica streaming)$/u.test(line)).length, {
        timeout: patience(120_000),
      })
      .toBe(names.length);
    expect((await seen()).map((line) => line.split(' ')[0]).sort()).toEqual(names);
    const listed = (await etcdctl(asked, 'member list')).split('\n').map((line) => line.split(', ').slice(2, 4).join(' '));
    expect(listed.sort()).toEqual(names.map((name) => `${name} https://${this.at(name).address}:2380`));
    expect(await etcdctl(asked, 'endpoint health --cluster')).not.toContain('unhealthy');
    const leads = await this.leader();
    const slots = await sql(this.host(this.at(leads).on), 'select slot_name from pg_replication_slots order by 1');
    expect(slots.split('\n').filter(Boolean)).toEqual(names.filter((name) => name !== leads));
    for (const { name: on } of this.cluster.hosts)
      for (const gone of this.former) expect([on, gone, await this.#places(on, gone)]).toEqual([on, gone, '']);
    const plan = await pgprov('plan', this.cluster.file);
    expect([plan.code, plan.all]).toEqual([0, expect.stringContaining('No changes.')]);
    expect(await this.writer.lost([])).toEqual([]);
  }

  /** The files of a host that have a former name or address; `pg3-` is how pgBackRest counts. */
  #places(on: string, gone: string): Promise<string> {
    const word = `(^|[^[:alnum:]_.-])${gone.replaceAll('.', '\\.')}([^[:alnum:]_.-]|$)`;
    return must(
      this.host(on),
      `grep -rlE '${word}' /etc/patroni /etc/postgresql /etc/haproxy /etc/keepalived /etc/pgbouncer /etc/pgbackrest* /var/lib/postgresql/.pgpass 2>/dev/null; sed -n '/^# BEGIN pgprov/,/^# END/p' /etc/hosts | grep -wF ${gone}; true`,
    );
  }
}

function laterAddress({ address }: LabHost): string {
  return address.replace(/\d+$/u, (last) => String(Number(last) + 100));
}

function calledIn(hosts: Record<string, Called>, on: string): string {
  return Object.entries(hosts).find(([, host]) => host.on === on)?.[0] ?? on;
}

async function write(cluster: TestCluster, besides: Besides, called: Record<string, Called>): Promise<void> {
  const base = parse(await readFile(cluster.file, 'utf8')) as Mapping;
  const hosts = Object.entries(called).map(([name, { on, address }]): [string, unknown] => {
    const roles = besides.roles?.(on);
    return [name, roles === undefined ? address : { address, roles }];
  });
  const sections = besides.sections?.((on) => calledIn(called, on), cluster) ?? {};
  await writeFile(cluster.file, stringify({ ...base, ...withClient(sections), hosts: Object.fromEntries(hosts) }));
}
