import { damageWords, defineDiagnosis, ETCD_MEMBER, pgprov, STORE_LEFT, type Evidence, type Examination, type Host } from '../../index.js';
import { etcdDataDirectory } from '../../../roles/shared/etcd/data-directory.js';
import { etcdDcs } from '../../../roles/shared/etcd/dcs.js';
import { etcdMembersSeen, type SeenMember } from '../../../roles/shared/etcd/members-seen.js';
import { damageLines } from '../../../roles/shared/etcd/told-lines.js';
import { joiningAnew } from '../../../roles/shared/etcd/joining-anew.js';
import { asEvidence } from '../shared/lines.js';

/** A member of etcd cannot go on with its own data, or has lost it: it says so itself, or a look into its directory tells. */
export default defineDiagnosis({
  name: 'store-damaged',
  looksAt: 'whether etcd’s members can read their data',
  role: 'etcd',
  asks: (context) => [etcdDcs.left(context)],
  find: (examination) => {
    const { view } = examination;
    const members = etcdMembersSeen(examination);
    return members.flatMap((member) => {
      const { host, healthy } = member;
      const why = whyOf(examination, member);
      if (why === undefined) return [];
      const others = members.some((other) => other !== member && other.healthy);
      return [
        {
          level: 'danger' as const,
          host: host.name,
          ...why,
          follows: followsOf(healthy, others),
          mend: others
            ? joiningAnew(view, host)
            : healthy
              ? `make a new etcd of its database: \`systemctl stop etcd\`, as root on ${host.name}; then ${pgprov`recover ${view.inventory}`}`
              : `start the members that can read theirs first; where they are too few for a quorum, ${pgprov`recover ${view.inventory}`} makes a new etcd of the newest data that can be read`,
          explains: ['store-member-down', 'unit-failed/etcd', 'unit-restarts/etcd', 'unit-stopped/etcd'],
        },
      ];
    });
  },
});

/** What is wrong with a member's data, and what tells that; undefined: nothing, as far as is known. */
function whyOf(
  examination: Examination,
  { host, healthy }: SeenMember,
): { what: string; since?: number; evidence: readonly Evidence[] } | undefined {
  const lines = healthy ? [] : damageLines(examination, host.name);
  const [first] = lines;
  const last = lines.at(-1);
  if (first !== undefined && last !== undefined)
    return {
      what: `its member of etcd cannot read its data, which is damaged (${damageWords(last.text)})`,
      since: first.at,
      evidence: lines.slice(-2).map(asEvidence),
    };
  if (
    !healthy &&
    examination.view.read(host.name, ETCD_MEMBER)?.hasData === false &&
    etcdDcs.memberNames(examination.view).includes(host.name)
  )
    return {
      what: 'its member of etcd has no data any more, and the others still list it',
      evidence: [{ host: host.name, source: 'its data directory', line: 'it has no member/' }],
    };
  const spoilt = etcdDcs.spoilt(examination.view, host.name);
  if (spoilt === undefined) return undefined;
  return { what: `its member of etcd cannot go on with its data: ${spoilt}`, evidence: looksOf(examination, host) };
}

/** What a look into a member's directory told. */
function looksOf({ view }: Examination, host: Host): Evidence[] {
  const platform = view.platform(host.name);
  const data = platform === undefined ? '' : `${etcdDataDirectory({ host, platform, inventory: view.inventory })}/`;
  if (view.read(host.name, ETCD_MEMBER)?.walGone === true)
    return [{ host: host.name, source: 'its data directory', line: `${data}member/wal has no file *.wal` }];
  return (view.read(host.name, STORE_LEFT)?.unread ?? []).map((line) => ({ host: host.name, source: 'its data directory', line }));
}

function followsOf(healthy: boolean, others: boolean): string {
  if (healthy) return 'it works until it is started again, and then has lost what it told the others';
  return others
    ? 'it is no part of the quorum, however often it is started; what it had the others have as well'
    : 'it cannot help the others to a quorum, however often it is started';
}
