import type { CertificateStatus, EtcdStatus, MemberStatus } from '../../lib/cluster-status.js';
import { formatBytes } from '../bytes.js';
import { GOOD_STATES, MUCH_LAG, SOON } from '../status-text.js';
import { problemsOf } from '../status.js';
import type { TimedEvent } from '../timed-steps.js';
import { ofType } from '../timings.js';
import { count } from '../words.js';

/** Something that is well or not, in words. */
interface Judged {
  name: string;
  text: string;
  good: boolean;
}

/** The cluster as a run last saw it. */
export interface ClusterView {
  cluster: string;
  scope: string;
  leader: string;
  members: readonly {
    name: string;
    address: string;
    role: string;
    state: string;
    good: boolean;
    lag: string;
    much: boolean;
    timeline: string;
    postgresql: string;
    patroni: string;
    checksums: string;
    pendingRestart: boolean;
  }[];
  etcd: readonly Judged[];
  certificates: readonly Judged[];
  problems: readonly string[];
  /** It was looked at after the last change. */
  afterwards: boolean;
  proofs: readonly { place: string; title: string; detail: string; ok: boolean }[];
  proofsFailed: number;
  proofsSummary: string;
}

/** What there is to say of the cluster; undefined when the run did not see it. */
export function viewCluster(events: readonly TimedEvent[]): ClusterView | undefined {
  const seen = ofType(events, 'cluster').at(-1);
  if (seen === undefined) return undefined;
  const { cluster, scope, leader, members, etcd, certificates } = seen.status;
  const proofs = ofType(events, 'checked').flatMap(({ results }) => results);
  const failed = proofs.filter(({ ok }) => !ok).length;
  return {
    cluster,
    scope,
    leader: leader ?? '',
    members: members.map(viewMember),
    etcd: etcd.map(viewEtcd),
    certificates: certificates.map(viewCertificate),
    problems: problemsOf(seen.status),
    afterwards: seen.afterwards,
    proofs: proofs.map(({ host, title, detail, ok }) => ({ place: host ?? '', title, detail, ok })),
    proofsFailed: failed,
    proofsSummary: failed > 0 ? `${failed} of ${count(proofs.length, 'proof fails', 'proofs fail')}` : count(proofs.length, 'proof holds', 'proofs hold'),
  };
}

function viewMember(member: MemberStatus): ClusterView['members'][number] {
  const { name, address, role, state, problem, lagBytes, timeline, postgresVersion, patroniVersion, checksums, pendingRestart } = member;
  return {
    name,
    address,
    role: role ?? '',
    state: problem ?? state ?? 'unknown',
    good: problem === undefined && GOOD_STATES.includes(state),
    lag: lagBytes === undefined ? '' : formatBytes(lagBytes),
    much: lagBytes !== undefined && lagBytes > MUCH_LAG,
    timeline: timeline === undefined ? '' : String(timeline),
    postgresql: postgresVersion ?? '',
    patroni: patroniVersion ?? '',
    checksums: checksums === undefined ? '' : checksums ? 'on' : 'off',
    pendingRestart,
  };
}

function viewEtcd({ name, healthy, members, problem, refusesStrangers }: EtcdStatus): Judged {
  const facts = [
    healthy ? 'healthy' : 'not healthy',
    ...(members === undefined ? [] : [count(members, 'member')]),
    ...(refusesStrangers === false ? ['lets in clients without a certificate'] : []),
    ...(problem === undefined ? [] : [problem]),
  ];
  return { name, text: facts.join(', '), good: healthy && problem === undefined && refusesStrangers !== false };
}

function viewCertificate({ host, notAfter, daysLeft }: CertificateStatus): Judged {
  const day = notAfter.slice(0, 10);
  return { name: host, text: daysLeft <= 0 ? `expired on ${day}` : `until ${day}, ${count(daysLeft, 'day')} left`, good: daysLeft >= SOON };
}
