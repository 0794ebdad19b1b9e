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

/** One PostgreSQL host. */
interface MemberView {
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
}

/** A list of which only what matters is shown when it is long. */
interface Folded<Entry> {
  some: boolean;
  shown: readonly Entry[];
  folded: readonly Entry[];
  /** What is folded, in words. */
  summary: string;
}

/** Longer lists are folded. */
const MOST_ENTRIES = 24;

/** The cluster as a run last saw it. */
export interface ClusterView {
  cluster: string;
  scope: string;
  leader: string;
  members: Folded<MemberView>;
  etcd: Folded<Judged>;
  certificates: Folded<Judged>;
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
    members: fold(members.map(viewMember), ({ good, role, much }) => !good || much || role === 'leader', 'replica'),
    etcd: fold(etcd.map(viewEtcd), ({ good }) => !good, 'healthy member'),
    certificates: fold(certificates.map(viewCertificate), ({ good }) => !good, 'certificate'),
    problems: problemsOf(seen.status),
    afterwards: seen.afterwards,
    proofs: proofs.map(({ host, title, detail, ok }) => ({ place: host ?? '', title, detail, ok })),
    proofsFailed: failed,
    proofsSummary: failed > 0 ? `${failed} of ${count(proofs.length, 'proof fails', 'proofs fail')}` : count(proofs.length, 'proof holds', 'proofs hold'),
  };
}

function fold<Entry>(all: readonly Entry[], matters: (entry: Entry) => boolean, what: string): Folded<Entry> {
  const long = all.length > MOST_ENTRIES;
  const folded = long ? all.filter((entry) => !matters(entry)) : [];
  return { some: all.length > 0, shown: long ? all.filter(matters) : all, folded, summary: count(folded.length, `other ${what}`) };
}

function viewMember(member: MemberStatus): MemberView {
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

function viewEtcd({ name, healthy, members, problem, refusesStrangers, dropIns = [] }: EtcdStatus): Judged {
  const facts = [
    healthy ? 'healthy' : 'not healthy',
    ...(members === undefined ? [] : [count(members, 'member')]),
    ...(refusesStrangers === false ? ['lets in clients without a certificate'] : []),
    ...(dropIns.length === 0 ? [] : [`its unit is changed by ${dropIns.join(', ')}`]),
    ...(problem === undefined ? [] : [problem]),
  ];
  return { name, text: facts.join(', '), good: healthy && problem === undefined && refusesStrangers !== false };
}

function viewCertificate({ host, notAfter, daysLeft }: CertificateStatus): Judged {
  const day = notAfter.slice(0, 10);
  return { name: host, text: daysLeft <= 0 ? `expired on ${day}` : `until ${day}, ${count(daysLeft, 'day')} left`, good: daysLeft >= SOON };
}
