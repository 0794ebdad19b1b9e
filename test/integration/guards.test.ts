import { cp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { ensurePackages, startHost, type LabHost } from '../lab/index.js';
import { TestCluster } from './support/cluster.js';
import { controldata, describeMembers, etcdctl, must, sql } from './support/outside.js';
import { pgprov } from './support/pgprov.js';
import { lastingTraces, traces } from './support/traces.js';
import { longCase } from '../support/long-case.js';
import { patience } from '../support/patience.js';

const DATA = '/var/lib/postgresql/17/main';

/** Writes the inventory of a cluster with these hosts and no others. */
async function writeHosts(
  cluster: TestCluster,
  hosts: readonly LabHost[],
  changes: Record<string, unknown> = {},
  file: string = cluster.file,
): Promise<void> {
  await cluster.write(changes, file);
  const inventory = parse(await readFile(file, 'utf8')) as Record<string, unknown>;
  await writeFile(file, stringify({ ...inventory, hosts: Object.fromEntries(hosts.map(({ name, address }) => [name, address])) }));
}

/** `plan` and `apply` both refuse, with these words and advice, and no host is written to. */
async function refusedBy(
  cluster: TestCluster,
  says: readonly (RegExp | string)[],
  look: (...hosts: LabHost[]) => Promise<string[]>,
  code = 4,
): Promise<void> {
  const before = await look(...cluster.hosts);
  for (const command of ['plan', 'apply']) {
    const run = await cluster.run(command);
    for (const words of says)
      expect(run.all).toMatch(words instanceof RegExp ? words : new RegExp(words.replaceAll(/[.*+?^${}()|[\]\\]/gu, '\\$&'), 'u'));
    expect([command, run.code]).toEqual([command, code]);
    expect(run.all).toMatch(/^ *→ \S/mu);
  }
  expect(await look(...cluster.hosts)).toEqual(before);
}

describe('foreign data, before the first apply', () => {
  let cluster: TestCluster;
  let pg1: LabHost;
  let pg2: LabHost;
  let pg3: LabHost;

  beforeAll(async () => {
    cluster = await TestCluster.start('itgua', 'debian13', 3, 'packages');
    [pg1, pg2, pg3] = cluster.hosts as [LabHost, LabHost, LabHost];
    // As they are where no package has been installed.
    for (const host of cluster.hosts) await must(host, 'rm -rf /var/lib/postgresql /etc/default/etcd');
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  const expectRefusal = (says: readonly (RegExp | string)[], look: (...hosts: LabHost[]) => Promise<string[]>): Promise<void> =>
    refusedBy(cluster, says, look);

  it('is left alone: files in the data directory', async () => {
    await must(pg2, `mkdir -p ${DATA}/photos && echo dear >${DATA}/letters.txt`);
    await expectRefusal(
      [
        /pg2.*the data directory is not empty and holds no PostgreSQL cluster \(found letters\.txt, photos\)/u,
        /pgprov never deletes data/u,
      ],
      traces,
    );
    await must(pg2, 'rm -r /var/lib/postgresql');
  });

  it('is left alone: data of another major version', async () => {
    await must(pg3, `mkdir -p ${DATA}/global && echo 16 >${DATA}/PG_VERSION && head -c 8192 /dev/urandom >${DATA}/global/pg_control`);
    await expectRefusal(
      [/pg3.*holds a PostgreSQL 16 cluster, the inventory says 17/u, /→ set postgresql\.version to what is there/u],
      traces,
    );
    await must(pg3, 'rm -r /var/lib/postgresql');
  });

  it('is left alone: a file at the path of the data directory', async () => {
    await must(pg1, 'mkdir -p /var/lib/postgresql/17 && echo >/var/lib/postgresql/17/main');
    await expectRefusal([/pg1.*not a directory/u], traces);
    await must(pg1, 'rm -r /var/lib/postgresql');
  });

  it('is left alone: an etcd with a foreign configuration', async () => {
    await must(pg2, 'printf \'ETCD_NAME="theirs"\\nETCD_INITIAL_CLUSTER_TOKEN="production"\\n\' >/etc/default/etcd');
    await expectRefusal(
      [/pg2 is configured as a member of an etcd cluster that pgprov did not make \(ETCD_NAME=theirs\)/u, /→ leave that etcd alone/u],
      traces,
    );
    await must(pg2, 'rm /etc/default/etcd');
  });

  it('is left alone: a cluster made by Debian’s own tools', async () => {
    await must(pg1, 'install -d -o postgres -g postgres /var/lib/postgresql && pg_createcluster 17 main >/dev/null');
    const identifier = await controldata(pg1, 'Database system identifier');
    await expectRefusal(
      [
        `system identifier ${identifier}`,
        /pg1.*holds a PostgreSQL cluster .* that etcd does not know as this cluster’s/u,
        /→ pgprov does not take over data it did not make/u,
      ],
      traces,
    );
    await must(pg1, 'pg_ctlcluster 17 main start');
    await expectRefusal([`system identifier ${identifier}`], (...hosts) => traces(...hosts.filter(({ name }) => name !== 'pg1')));
    await must(pg1, 'pg_dropcluster --stop 17 main');
  });
});

describe('foreign data, on a cluster that was applied', () => {
  let cluster: TestCluster;
  let pg1: LabHost;
  let pg2: LabHost;
  let pg3: LabHost;
  /** A machine that is not in the inventory until a test puts it there. */
  let pg4: LabHost;
  let members: LabHost[];
  let identifier: string;

  beforeAll(async () => {
    cluster = await TestCluster.converged();
    [pg1, pg2, pg3] = cluster.hosts as [LabHost, LabHost, LabHost];
    members = [pg1, pg2, pg3];
    pg4 = await startHost({ name: 'pg4', os: 'debian13', network: cluster.name, image: await ensurePackages('debian13') });
    identifier = await controldata(pg1, 'Database system identifier');
    await sql(pg1, 'create table proof as select 42 as answer');
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  const write = (hosts: readonly LabHost[], changes?: Record<string, unknown>, file?: string): Promise<void> =>
    writeHosts(cluster, hosts, changes, file);
  const expectRefusal = (
    says: readonly (RegExp | string)[],
    look: (...hosts: LabHost[]) => Promise<string[]>,
    code?: number,
  ): Promise<void> => refusedBy(cluster, says, look, code);

  /** After the cause is taken back, another apply succeeds and the cluster is well. */
  async function expectWell(): Promise<void> {
    const run = await cluster.run('apply');
    expect(run.all).not.toContain('failed:');
    expect(run.code).toBe(0);
    const states = async (): Promise<string[]> => (await describeMembers(pg1)).map((line) => line.slice('pgN '.length)).sort();
    await expect.poll(states, { timeout: patience(60_000) }).toEqual(['Leader running', 'Replica streaming', 'Replica streaming']);
    for (const host of members) expect(await sql(host, 'select answer from proof')).toBe('42');
  }

  /** Stops Patroni everywhere, the leader last, so that nobody else is promoted on the way. */
  async function stopAll(): Promise<void> {
    const leader = (await describeMembers(pg1)).find((line) => line.includes(' Leader '))?.slice(0, 3);
    for (const host of members) if (host.name !== leader) await must(host, 'systemctl stop patroni');
    await must(cluster.host(leader ?? ''), 'systemctl stop patroni');
  }

  it('is protected: another inventory for the same hosts is refused', async () => {
    const file = join(cluster.directory, 'other.yml');
    await write(members, { cluster: 'shop' }, file);
    const before = await lastingTraces(...members);
    for (const command of ['plan', 'apply']) {
      const run = await pgprov(command, file);
      expect(run.code).toBe(4);
      expect(run.all).toMatch(/pg1.*is a member of the cluster demo, made by pgprov from another inventory; this one is shop/u);
    }
    expect(await lastingTraces(...members)).toEqual(before);
  });

  it('is protected: a store without the keys and passwords is refused, with the advice to bring them back', async () => {
    const store = join(cluster.directory, '.pgprov');
    await rename(store, `${store}.away`);
    try {
      await expectRefusal(
        [/pg1.*another certificate authority than the one beside this inventory/u, /→ bring the directory \.pgprov\/demo\//u],
        lastingTraces,
      );
    } finally {
      await rm(store, { recursive: true, force: true });
      await rename(`${store}.away`, store);
    }
    await expectWell();
  });

  it('is protected: keys of another cluster of the same name are refused', async () => {
    const store = join(cluster.directory, '.pgprov');
    await cp(store, `${store}.away`, { recursive: true });
    try {
      await rm(join(store, 'demo'), { recursive: true });
      await expectRefusal([/pg[123].*another certificate authority/u], lastingTraces);
      // What the refused run made there must not be taken for the cluster's own next time.
      await expectRefusal([/pg[123].*another certificate authority/u], lastingTraces);
    } finally {
      await rm(store, { recursive: true, force: true });
      await rename(`${store}.away`, store);
    }
  });

  it('is protected: an etcd member that the inventory lacks is refused', async () => {
    await write([pg1, pg2]);
    await expectRefusal(
      [
        /etcd has formed a cluster already, with other members than the inventory: pg3 \(\S+\) is not in the inventory/u,
        /→ .*pgprov remove/u,
      ],
      lastingTraces,
      1,
    );
    await write(members);
  });

  it('is protected: a host that is to join etcd and has data of an etcd member is refused', async () => {
    await must(pg4, 'mkdir -p /var/lib/etcd/demo/member');
    await write([...members, pg4]);
    await expectRefusal(
      [/pg4 is to join etcd, which does not list it, and has data of an etcd member already/u, /→ .*move it aside/u],
      lastingTraces,
      1,
    );
    await must(pg4, 'rm -r /var/lib/etcd');
    await write(members);
  });

  it('is protected: a member name that another address has is refused', async () => {
    await must(pg3, 'systemctl stop patroni');
    const member = JSON.stringify({
      conn_url: 'postgres://10.99.0.7:5432/postgres',
      api_url: 'http://10.99.0.7:8008/patroni',
      state: 'running',
      role: 'replica',
      version: '4.0.0',
    });
    await etcdctl(pg1, `put /service/demo/members/pg3 '${member}'`);
    await expectRefusal(
      [/the cluster already has a member pg3, at 10\.99\.0\.7:5432; the inventory has it at \S+:5432/u, /→ give the host another name/u],
      lastingTraces,
    );
    await etcdctl(pg1, 'del /service/demo/members/pg3');
    await expectWell();
  });

  it('is protected: a member with another cluster’s data is refused', async () => {
    const name = (await describeMembers(pg1)).find((line) => line.includes('Replica'))?.slice(0, 3) ?? '';
    const replica = cluster.host(name);
    await must(
      replica,
      `systemctl stop patroni && mv ${DATA} ${DATA}.ours && runuser -u postgres -- /usr/lib/postgresql/17/bin/initdb -k -D ${DATA} >/dev/null`,
    );
    const other = await controldata(replica, 'Database system identifier');
    await expectRefusal(
      [
        new RegExp(`${name}.*holds a cluster with system identifier ${other}, but etcd knows demo as ${identifier}`, 'u'),
        /→ .*move its data directory aside yourself/u,
      ],
      async (...hosts) => [
        ...(await lastingTraces(...hosts)),
        await must(replica, `find ${DATA} ${DATA}.ours -printf '%p %s %T@\\n' | sort | sha256sum`),
      ],
    );
    await must(replica, `rm -r ${DATA} && mv ${DATA}.ours ${DATA}`);
    await expectWell();
  });

  it('makes room for a new copy when it was moved aside, as the advice says', async () => {
    const name = (await describeMembers(pg1)).find((line) => line.includes('Replica'))?.slice(0, 3) ?? '';
    const replica = cluster.host(name);
    await must(replica, `systemctl stop patroni && mv ${DATA} ${DATA}.old`);
    await expectWell();
    expect(await controldata(replica, 'Database system identifier')).toBe(identifier);
    await must(replica, `rm -r ${DATA}.old`);
  });

  longCase('another cluster in etcd', 'is protected: another cluster in etcd under the same name is refused', async () => {
    await stopAll();
    await etcdctl(pg1, 'put /service/demo/initialize 7000000000000000001');
    await expectRefusal(
      [
        new RegExp(`pg1.*holds a cluster with system identifier ${identifier}, but etcd knows demo as 7000000000000000001`, 'u'),
        /pg3.*holds a cluster/u,
      ],
      lastingTraces,
    );
    await etcdctl(pg1, `put /service/demo/initialize ${identifier}`);
    await expectWell();
  });

  it('is protected: an etcd that does not know the cluster is refused', async () => {
    await stopAll();
    await etcdctl(pg1, 'del /service/demo/initialize');
    await expectRefusal(
      [
        'etcd does not know the PostgreSQL cluster that is the data of demo',
        new RegExp(`pg2: system identifier ${identifier}, timeline`, 'u'),
        /→ .*nothing needs to be moved.*systemctl start patroni/u,
      ],
      lastingTraces,
    );
    await etcdctl(pg1, `put /service/demo/initialize ${identifier}`);
    await expectWell();
  });

  it('is protected: an etcd that knows the cluster is refused when all data is gone', async () => {
    await stopAll();
    for (const host of members) await must(host, `mv ${DATA} ${DATA}.gone`);
    await expect.poll(() => etcdctl(pg1, 'get --keys-only /service/demo/leader'), { timeout: patience(60_000) }).toBe('');
    await expectRefusal(
      [
        new RegExp(
          `etcd knows the cluster demo with system identifier ${identifier}, but it has no leader and none of the hosts has its data`,
          'u',
        ),
        /→ restore the data, or, if that cluster is gone for good, run `patronictl -c \S+ remove demo`/u,
      ],
      lastingTraces,
    );
    for (const host of members) await must(host, `rm -rf ${DATA} && mv ${DATA}.gone ${DATA}`);
    await expectWell();
  });
});
