import type { ClusterStatus, EtcdStatus, MemberStatus } from '../lib/cluster-status.js';
import { pgprov } from '../lib/pgprov-command.js';

/** Everything that is wrong with a cluster, each in one clause; empty when it is healthy. */
export function problemsOf(status: ClusterStatus): string[] {
  if (status.absent === true) return [`there is no cluster yet: ${pgprov`apply ${status.inventory ?? 'INVENTORY'}`} makes it`];
  const identifiers = new Set(status.members.flatMap(({ systemIdentifier }) => systemIdentifier ?? []));
  const found = [
    ...(status.members.length > 0 && status.leader === undefined ? ['no member holds the leader lock'] : []),
    ...status.members.flatMap((member) => memberProblems(member)),
    ...(identifiers.size > 1 ? [`the members hold different databases (system identifiers ${[...identifiers].join(', ')})`] : []),
    ...status.etcd.flatMap((member) => etcdProblems(member)),
    ...status.certificates.flatMap(({ host, daysLeft }) => (daysLeft > 0 ? [] : [`${host}: its certificate has expired`])),
    ...(status.services ?? []).flatMap(({ host, role, text, level }) => (level === 'problem' ? [`${host}: ${role}: ${text}`] : [])),
    ...status.problems,
  ];
  return [...new Set(found)];
}

function memberProblems({ name, problem, checksums }: MemberStatus): string[] {
  return [...(problem === undefined ? [] : [`${name}: ${problem}`]), ...(checksums === false ? [`${name}: data checksums are off`] : [])];
}

function etcdProblems({ name, healthy, problem, requiresClientCertificate }: EtcdStatus): string[] {
  return [
    ...(problem !== undefined ? [`${name}: etcd: ${problem}`] : healthy ? [] : [`${name}: etcd is not healthy`]),
    ...(requiresClientCertificate === false ? [`${name}: etcd accepts clients without a certificate`] : []),
  ];
}
