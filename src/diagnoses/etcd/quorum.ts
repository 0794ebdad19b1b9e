import { defineDiagnosis, enumerate, ETCD_DATABASE, pgprov } from '../../index.js';
import { etcdMembersSeen, hasQuorum, type SeenMember } from '../../../roles/shared/etcd/members-seen.js';
import { isSpoilt } from '../../../roles/shared/etcd/spoilt.js';
import { asEvidence } from '../shared/lines.js';

/** What a member writes when it loses the others. */
const ALONE = /lost leader|no leader|failed to reach the peer|peer became inactive|prober detected unhealthy/u;

/** Fewer members of etcd work than must agree. */
export default defineDiagnosis({
  name: 'store-quorum',
  looksAt: 'the quorum of etcd',
  role: 'etcd',
  find: (examination) => {
    const members = etcdMembersSeen(examination);
    // With an alarm no member calls itself healthy, whatever its quorum.
    if (members.some(({ host }) => (examination.view.read(host.name, ETCD_DATABASE)?.alarms ?? []).length > 0)) return [];
    const seen = members.filter((member) => member.seen);
    const majority = Math.floor(members.length / 2) + 1;
    // A majority of hosts that were not asked may well be one.
    if (hasQuorum(members) || seen.length === 0 || (seen.length < majority && !seen.some(({ runs }) => runs))) return [];
    const missing = members.filter(({ runs }) => !runs);
    const lines = seen
      .flatMap(({ host }) => examination.log(host.name, 'etcd').filter(({ text }) => ALONE.test(text)))
      .sort((a, b) => a.at - b.at);
    const spoilt = members.filter((member) => isSpoilt(examination, member));
    const lost = lines.findLast(({ text }) => /lost leader/u.test(text));
    return [
      {
        level: 'broken' as const,
        what:
          missing.length === 0
            ? `etcd has no quorum, though all its ${members.length} members run`
            : `etcd has no quorum: of its ${members.length} members ${enumerate(missing.map(({ host }) => host.name))} ${missing.length === 1 ? 'does not run' : 'do not run'}`,
        ...(lost === undefined ? {} : { since: lost.at }),
        evidence: [
          ...members.map((member) => ({ host: member.host.name, source: 'etcd', line: wordsOf(member) })),
          ...lines.slice(-2).map(asEvidence),
        ],
        follows:
          'Patroni cannot keep its lease: without failsafe mode the leader becomes a standby, and nobody can write; nobody fails over',
        mend: mendOf(examination.view.inventory, { missing, spoilt, enough: members.length - spoilt.length >= majority }),
        explains: ['store-damaged', 'store-member-down', 'unit-stopped/etcd', 'no-leader', 'store-handshakes', 'failsafe'],
      },
    ];
  },
});

function wordsOf({ seen, runs }: SeenMember): string {
  if (!seen) return 'the host could not be asked';
  return runs ? 'the member runs, and is not part of a quorum' : 'the member does not run';
}

/** Members that do not run, those that cannot go on with their data, and whether the others can be a quorum. */
interface Out {
  missing: readonly SeenMember[];
  spoilt: readonly SeenMember[];
  enough: boolean;
}

function mendOf(inventory: { file: string }, { missing, spoilt, enough }: Out): string {
  const broken = namesOf(spoilt);
  if (!enough)
    return `${enumerate(broken)} cannot go on with ${broken.length === 1 ? 'its' : 'their'} data: ${pgprov`recover ${inventory}`} makes a new etcd of the newest data that can be read, or of a snapshot`;
  const startable = namesOf(missing.filter(({ seen }) => seen)).filter((name) => !broken.includes(name));
  // Without --no-block systemctl waits for the quorum, which may not come before the next one is started.
  if (startable.length > 0) return `start the missing ones: \`systemctl start --no-block etcd\`, as root on ${enumerate(startable)}`;
  if (missing.length > 0)
    return `bring back ${enumerate(namesOf(missing))}; if their data is lost, ${pgprov`recover ${inventory}`} makes a quorum of what is left`;
  return `let them reach each other: ${pgprov`logs ${inventory} --unit etcd`} shows what they say of each other`;
}

function namesOf(members: readonly SeenMember[]): string[] {
  return members.map(({ host }) => host.name);
}
