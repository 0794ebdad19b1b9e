import type { ClusterStatus, EtcdStatus, MemberStatus } from '../lib/cluster-status.js';
import { pgprov } from '../lib/pgprov-command.js';
import { withRefusal } from './apply-refused.js';
import { count } from './words.js';

/** Everything that speaks against calling a cluster healthy, each in one clause: what is wrong, and what could not be seen. */
export function problemsOf(status: ClusterStatus): string[] {
  return [...wrongWith(status), ...unseenOf(status)];
}

/** How the servers belong together, in words: `scope demo`, or that they stream without Patroni. */
export function kindWords({ topology, scope }: Pick<ClusterStatus, 'topology' | 'scope'>): string {
  return topology === 'streaming' ? 'streaming replication without Patroni' : `scope ${scope}`;
}

/** Whether a member is the one that takes writes. */
export function isLeading({ role }: Pick<MemberStatus, 'role'>): boolean {
  return role === 'leader' || role === 'primary';
}

/** Why hosts could not be asked, each reason once. */
export function unseenOf({ unseen = [] }: ClusterStatus): string[] {
  return [...new Set(unseen.map(({ reason }) => reason))];
}

/** How a cluster is, in a clause: `healthy`, `not healthy: 2 problems`, `not seen: no host could be asked`. */
export function verdictWords(status: ClusterStatus): string {
  const [wrong, { unseen = [] }] = [wrongWith(status), status];
  const hosts = `${count(unseen.length, 'host')} could not be asked`;
  if (status.allUnseen === true) return 'not seen: no host could be asked';
  if (wrong.length > 0) return `not healthy: ${[count(wrong.length, 'problem'), ...(unseen.length === 0 ? [] : [hosts])].join(', and ')}`;
  return unseen.length === 0 ? 'healthy' : `not known to be healthy: ${hosts}`;
}

/** Everything that was seen to be wrong with a cluster, each in one clause. */
export function wrongWith(status: ClusterStatus): string[] {
  if (status.absent === true) return membersWrong(status);
  const parts = [membersWrong, storeProblems, certificateProblems, serviceProblems];
  return [...new Set([...parts.flatMap((part) => part(status)), ...status.problems])];
}

/** What is wrong with the servers, and with how they belong together. */
export function membersWrong(status: ClusterStatus): string[] {
  if (status.absent === true)
    return [withRefusal(`there is no cluster yet: ${pgprov`apply ${status.inventory ?? 'INVENTORY'}`} makes it`, status)];
  const identifiers = new Set(status.members.flatMap(({ systemIdentifier }) => systemIdentifier ?? []));
  return [
    ...(status.members.length > 0 && status.leader === undefined && status.leaderUnknown !== true
      ? [status.topology === 'streaming' ? 'no server is the primary' : 'no member holds the leader lock']
      : []),
    ...status.members.flatMap((member) => memberProblems(member)),
    ...(identifiers.size > 1 ? [`the members hold different databases (system identifiers ${[...identifiers].join(', ')})`] : []),
  ];
}

/** How many members the store has that answer for themselves, and how many of them work; of one that is told as a service, none. */
export function storeMembers({ etcd }: Pick<ClusterStatus, 'etcd'>): { members: number; healthy: number } {
  return { members: etcd.length, healthy: etcd.filter(({ healthy }) => healthy === true).length };
}

/** What is wrong with the members of etcd. */
export function storeProblems({ etcd }: Pick<ClusterStatus, 'etcd'>): string[] {
  return etcd.flatMap((member) => etcdProblems(member));
}

/** The certificates that have expired. */
export function certificateProblems({ certificates }: Pick<ClusterStatus, 'certificates'>): string[] {
  return certificates.flatMap(({ host, daysLeft, given }) =>
    daysLeft > 0 ? [] : [`${host}: ${given === undefined ? 'its certificate' : `the certificate that is given for ${given}`} has expired`],
  );
}

/** What roles say is wrong with their services. */
export function serviceProblems({ services = [] }: Pick<ClusterStatus, 'services'>): string[] {
  return services.flatMap(({ host, role, text, level }) => (level === 'problem' ? [`${host}: ${role}: ${text}`] : []));
}

function memberProblems({ name, problem, checksums }: MemberStatus): string[] {
  return [...(problem === undefined ? [] : [`${name}: ${problem}`]), ...(checksums === false ? [`${name}: data checksums are off`] : [])];
}

function etcdProblems({ name, healthy, problem, requiresClientCertificate }: EtcdStatus): string[] {
  return [
    ...(problem !== undefined ? [`${name}: etcd: ${problem}`] : healthy !== false ? [] : [`${name}: etcd is not healthy`]),
    ...(requiresClientCertificate === false ? [`${name}: etcd accepts clients without a certificate`] : []),
  ];
}
