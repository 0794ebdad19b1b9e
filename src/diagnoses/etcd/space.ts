import { defineDiagnosis, ETCD_DATABASE, formatBytes, type Finding, type Host, type View } from '../../index.js';
import { etcdctlOn } from '../../../roles/shared/etcd/etcdctl.js';
import { isLoose, NEAR_QUOTA, quotaOf } from '../../../roles/shared/etcd/database.js';

/** etcd’s database is full, nearly full, or much larger than what is in it. */
export default defineDiagnosis({
  name: 'store-space',
  looksAt: 'the size and alarms of etcd’s database',
  role: 'etcd',
  find: ({ view }) => [...alarms(view), ...view.hosts('etcd').flatMap((host) => sizes(view, host))],
});

/** Alarms are the cluster’s: every member that answers tells those of all. */
function alarms(view: View): Finding[] {
  const tellers = view.hosts('etcd').filter(({ name }) => (view.read(name, ETCD_DATABASE)?.alarms ?? []).length > 0);
  const [teller] = tellers;
  const told = teller === undefined ? undefined : view.read(teller.name, ETCD_DATABASE);
  if (teller === undefined || told === undefined) return [];
  const etcdctl = etcdctlOn(view, teller);
  const evidence = told.alarms.map(({ member, alarm }) => ({
    host: teller.name,
    source: 'etcdctl alarm list',
    line: `memberID:${member} alarm:${alarm}`,
  }));
  const full = told.alarms.some(({ alarm }) => alarm === 'NOSPACE');
  return [
    {
      level: 'broken',
      what: full
        ? 'etcd’s database has reached its quota (alarm NOSPACE)'
        : `etcd has raised the alarm ${[...new Set(told.alarms.map(({ alarm }) => alarm))].join(' and ')}`,
      evidence,
      follows: 'etcd takes no more writes: Patroni cannot renew its lease, so the leader becomes a standby and nobody can write',
      mend: full
        ? `free its space: ${compaction(etcdctl)}, then \`${etcdctl} --command-timeout=60s defrag --cluster && ${etcdctl} alarm disarm\`, as root on ${teller.name}; then raise etcd.quota_backend_bytes if it fills again`
        : `take the member out whose data differs, let it join with an empty data directory, then \`${etcdctl} alarm disarm\`, as root on ${teller.name}`,
      explains: ['no-leader', 'store-member-down'],
    },
  ];
}

function compaction(etcdctl: string): string {
  return `\`${etcdctl} compact $(${etcdctl} endpoint status -w json | sed 's/.*"revision":\\([0-9]*\\).*/\\1/')\``;
}

function sizes(view: View, host: Host): Finding[] {
  const database = view.read(host.name, ETCD_DATABASE);
  if (database === undefined || database.alarms.length > 0) return [];
  const { bytes, usedBytes = bytes } = database;
  const quota = quotaOf(host, database);
  const near = bytes >= NEAR_QUOTA * quota;
  if (!near && !isLoose(database)) return [];
  const etcdctl = etcdctlOn(view, host);
  const loose = usedBytes < bytes / 2;
  return [
    {
      level: near ? 'danger' : 'notice',
      host: host.name,
      what: near ? 'etcd’s database is near its quota' : 'etcd’s database is much larger than what is in it',
      evidence: [
        {
          host: host.name,
          source: 'etcdctl endpoint status',
          line: `${formatBytes(bytes)}, of which ${formatBytes(usedBytes)} are in use; the quota is ${formatBytes(quota)}`,
        },
      ],
      follows: near
        ? 'at its quota etcd takes no more writes, and nobody can write to PostgreSQL'
        : 'it takes room on the disk, and time when the member starts',
      mend:
        near && !loose
          ? `raise etcd.quota_backend_bytes in the inventory and apply it, or free space: ${compaction(etcdctl)}, then \`${etcdctl} --command-timeout=60s defrag\`, as root on ${host.name}`
          : `free it: \`${etcdctl} --command-timeout=60s defrag\`, as root on ${host.name}, the leader of etcd last: a member answers nobody meanwhile`,
    },
  ];
}
