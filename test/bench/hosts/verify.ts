import type { LabHost } from '../../lab/index.js';

/** How long `patronictl list` may still show what was; members write their state into etcd once a loop. */
const PATIENCE = 30_000;

interface Member {
  Role: string;
  State: string;
}

/**
 * Looks at a cluster past SSH and past every contender.
 * @throws Error with what is not as it should be
 */
export async function verifyCluster(hosts: readonly LabHost[]): Promise<void> {
  const recovery = await Promise.all(hosts.map((host) => sql(host, 'select pg_is_in_recovery()')));
  const leader = hosts[recovery.indexOf('f')];
  if (leader === undefined || recovery.filter((answer) => answer === 't').length !== hosts.length - 1) {
    throw new Error(`not one leader and ${hosts.length - 1} replicas: pg_is_in_recovery() is ${recovery.join(', ')}`);
  }
  await expect(
    leader,
    'streaming replicas',
    String(hosts.length - 1),
    sql(leader, "select count(*) from pg_stat_replication where state = 'streaming'"),
  );
  await expect(leader, 'data_checksums', 'on', sql(leader, 'show data_checksums'));
  await expect(
    leader,
    'roles replicator and rewind_user',
    '2',
    sql(leader, "select count(*) from pg_roles where rolname in ('replicator', 'rewind_user')"),
  );
  await verifyMembers(leader, hosts.length);
  for (const host of hosts) await verifyHost(host, leader);
}

async function verifyMembers(host: LabHost, count: number): Promise<void> {
  const end = Date.now() + PATIENCE;
  for (;;) {
    const members = JSON.parse(await must(host, 'patronictl -c /etc/patroni/config.yml list -f json')) as Member[];
    const well = members.filter(({ State }) => State === 'running' || State === 'streaming');
    if (well.length === count && well.filter(({ Role }) => Role === 'Leader').length === 1) return;
    if (Date.now() > end) throw new Error(`patronictl shows ${members.map(({ Role, State }) => `${Role} ${State}`).join(', ')}`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

/** What every contender was asked for besides a running cluster. */
async function verifyHost(host: LabHost, leader: LabHost): Promise<void> {
  const tls = '--cacert=/etc/etcd/tls/ca.crt --cert=/etc/etcd/tls/node.crt --key=/etc/etcd/tls/node.key';
  await must(host, `ETCDCTL_API=3 etcdctl --endpoints=https://${host.address}:2379 ${tls} endpoint health 2>&1`);
  await must(host, 'test "$(stat -c %U:%a /var/lib/postgresql/.pgpass)" = postgres:600');
  await must(host, 'test "$(stat -c %U:%a /etc/patroni/config.yml)" = postgres:600');
  await must(host, 'systemctl is-enabled -q etcd patroni');
  await must(
    host,
    'grep -qx "Signed-By: /etc/apt/keyrings/pgdg.asc" /etc/apt/sources.list.d/pgdg.sources && apt-cache policy patroni | grep -q apt.postgresql.org',
  );
  await must(host, 'getent hosts pg1 pg2 pg3 >/dev/null');
  await must(
    host,
    `runuser -u postgres -- psql -wXAtqc 'IDENTIFY_SYSTEM' 'host=${leader.address} user=replicator dbname=replication replication=true'`,
  );
}

/** A setting of PostgreSQL as every host has it in force. */
export async function settingOf(hosts: readonly LabHost[], name: string): Promise<string[]> {
  return Promise.all(hosts.map((host) => sql(host, `show ${name}`)));
}

async function expect(host: LabHost, what: string, wanted: string, got: Promise<string>): Promise<void> {
  const value = await got;
  if (value !== wanted) throw new Error(`${host.name}: ${what}: ${value} instead of ${wanted}`);
}

/** SQL as the operating-system user postgres. */
export function sql(host: LabHost, statement: string): Promise<string> {
  return must(host, `runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 -c "${statement}"`);
}

/** Runs a command on a host. @throws Error with its words when it fails */
export async function must(host: LabHost, command: string): Promise<string> {
  const { code, stdout, stderr } = await host.exec(command);
  if (code !== 0) throw new Error(`${host.name}: \`${command}\` ended with ${code}: ${stdout}${stderr}`);
  return stdout.trim();
}
