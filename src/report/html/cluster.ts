import { DEFAULT_DCS } from '../../model/default-dcs.js';
import {
  maintenanceWords,
  scheduledWords,
  type CertificateStatus,
  type EtcdStatus,
  type MemberStatus,
  type ServiceStatus,
} from '../../lib/cluster-status.js';
import { formatBytes } from '../../lib/bytes.js';
import { databaseFacts, GOOD_STATES, lagWords, MUCH_LAG, SOON } from '../status-text.js';
import { promotionWords, replicationEntries, slotEntries, type Judged } from '../status-replication.js';
import { isLeading, kindWords, wrongWith } from '../status.js';
import type { TimedEvent } from '../timed-steps.js';
import { ofType } from '../timings.js';
import { count } from '../words.js';

/** One PostgreSQL host. */
interface MemberView {
  name: string;
  address: string;
  role: string;
  state: string;
  good: boolean;
  /** Of what it has received. */
  lag: string;
  much: boolean;
  /** Of what queries on it see. */
  replay: string;
  /** Replay is paused, or far behind. */
  late: boolean;
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
  /** How the servers belong together. */
  kind: string;
  /** There is no cluster yet. */
  absent: boolean;
  leader: string;
  /** Without a leader: who leads was not seen. */
  leaderUnknown: boolean;
  /** What maintenance mode means; '' when the cluster is not in it. */
  maintenance: string;
  /** The switchover that is to come; '' where none is. */
  scheduled: string;
  members: Folded<MemberView>;
  /** When the lead changed last; '' where nobody tells. */
  lastPromotion: string;
  replication: Folded<Judged>;
  slots: Folded<Judged>;
  /** What the store is called. */
  store: string;
  etcd: Folded<Judged>;
  certificates: Folded<Judged>;
  services: Folded<Judged>;
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
  const streams = seen.status.topology === 'streaming';
  const { cluster, leader, maintenance, scheduled, lastPromotion, certificates, services = [] } = seen.status;
  const absent = seen.status.absent === true;
  // Before a cluster is made nothing is wrong with what is not there yet.
  const members = absent ? [] : seen.status.members;
  const etcd = absent ? seen.status.etcd.filter(({ healthy }) => healthy === true) : seen.status.etcd;
  const proofs = ofType(events, 'checked').flatMap(({ results }) => results);
  const failed = proofs.filter(({ ok }) => !ok).length;
  return {
    cluster,
    kind: kindWords(seen.status),
    absent,
    leader: leader ?? '',
    leaderUnknown: seen.status.leaderUnknown === true,
    maintenance: maintenance === true ? maintenanceWords(seen.status.inventory) : '',
    scheduled: scheduled === undefined ? '' : scheduledWords(scheduled, seen.status.inventory),
    members: fold(
      members.map(viewMember),
      ({ good, role, much, late }) => !good || much || late || isLeading({ role }),
      streams ? 'standby' : 'replica',
    ),
    lastPromotion: lastPromotion === undefined ? '' : promotionWords(lastPromotion),
    replication: fold(replicationEntries(seen.status), ({ good }) => !good, 'standby that streams', 'standbys that stream'),
    slots: fold(slotEntries(seen.status), ({ good }) => !good, 'slot'),
    store: seen.status.store ?? DEFAULT_DCS,
    etcd: fold(etcd.map(viewEtcd), ({ good }) => !good, 'healthy member'),
    certificates: fold(certificates.map(viewCertificate), ({ good }) => !good, 'certificate'),
    services: fold(services.map(viewService), ({ good }) => !good, 'service'),
    problems: absent ? [] : wrongWith(seen.status),
    afterwards: seen.afterwards,
    proofs: proofs.map(({ host, title, detail, ok }) => ({ place: host ?? '', title, detail, ok })),
    proofsFailed: failed,
    proofsSummary:
      failed > 0
        ? `${failed} of ${count(proofs.length, 'proof fails', 'proofs fail')}`
        : count(proofs.length, 'proof holds', 'proofs hold'),
  };
}

function fold<Entry>(all: readonly Entry[], matters: (entry: Entry) => boolean, what: string, several?: string): Folded<Entry> {
  const long = all.length > MOST_ENTRIES;
  const folded = long ? all.filter((entry) => !matters(entry)) : [];
  return {
    some: all.length > 0,
    shown: long ? all.filter(matters) : all,
    folded,
    summary: count(folded.length, `other ${what}`, several && `other ${several}`),
  };
}

function viewMember(member: MemberStatus): MemberView {
  const { name, address, role, state, problem, timeline, postgresVersion, patroniVersion, checksums, pendingRestart } = member;
  const { lagBytes, replayLagBytes, replayPaused } = member;
  return {
    name,
    address,
    role: role ?? '',
    state: problem ?? state ?? 'unknown',
    good: problem === undefined && GOOD_STATES.includes(state),
    lag: lagBytes === undefined ? '' : formatBytes(lagBytes),
    much: lagBytes !== undefined && lagBytes > MUCH_LAG,
    replay: [...lagWords(member), ...(replayPaused === true ? ['paused'] : [])].join(', '),
    late: replayPaused === true || (replayLagBytes !== undefined && replayLagBytes > MUCH_LAG),
    timeline: timeline === undefined ? '' : String(timeline),
    postgresql: postgresVersion ?? '',
    patroni: patroniVersion ?? '',
    checksums: checksums === undefined ? '' : checksums ? 'on' : 'off',
    pendingRestart,
  };
}

function viewEtcd(member: EtcdStatus): Judged {
  const { name, healthy, members, problem, requiresClientCertificate, dropIns = [] } = member;
  const facts = [
    healthy === true ? 'healthy' : 'not healthy',
    ...(members === undefined || members === 0 ? [] : [count(members, 'member')]),
    ...(requiresClientCertificate === false ? ['accepts clients without a certificate'] : []),
    ...databaseFacts(member),
    ...(dropIns.length === 0 ? [] : [`drop-ins of its unit: ${dropIns.join(', ')}`]),
    ...(problem === undefined ? [] : [problem]),
  ];
  return { name, text: facts.join(', '), good: healthy === true && problem === undefined && requiresClientCertificate !== false };
}

function viewCertificate({ host, notAfter, daysLeft, given }: CertificateStatus): Judged {
  const day = notAfter.slice(0, 10);
  const of = given === undefined ? '' : `given for ${given}: `;
  return {
    name: host,
    text: of + (daysLeft <= 0 ? `expired on ${day}` : `until ${day}, ${count(daysLeft, 'day')} left`),
    good: daysLeft >= SOON,
  };
}

function viewService({ host, role, text, level }: ServiceStatus): Judged {
  return { name: host, text: `${role}: ${text}`, good: level === 'ok' };
}
