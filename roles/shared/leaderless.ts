import { DATA_DIRECTORY, enumerate, type DataDirectoryState, type Host, type Objection, type View } from '../../src/index.js';
import { scopeOf } from './layout.js';
import { furthestOf, isEnabled, stepsToStart, whatWasFound, type MemberData } from './members-data.js';
import { variables } from './variables.js';

/**
 * A cluster that has data and no leader: a run may start its members, the one with the last commits first, and do nothing else.
 * Whatever keeps it from knowing that order, or from starting in it, is refused, for the first member that comes up takes the
 * lead whether or not it has the last commits.
 * @param members those whose data is this cluster's, or cannot be read
 */
export function guardLeaderless(view: View, members: readonly MemberData[]): Objection[] {
  const reason = whyNot(view, members);
  const [first] = members;
  if (reason === undefined || first === undefined) return [];
  return [
    {
      kind: 'refuse',
      message: `${scopeOf(view.inventory, first.host)} has no leader, and ${reason.why}${whatWasFound(members)}`,
      hint: reason.hint,
    },
  ];
}

interface Reason {
  /** A clause. */
  why: string;
  hint: string;
}

function whyNot(view: View, members: readonly MemberData[]): Reason | undefined {
  const broken = members.filter(({ data }) => data.control !== 'valid');
  const failing = members.filter(({ data, active }) => active && !data.running && data.control === 'valid');
  const stopped = members.filter(({ active }) => !active);
  const left = view.inventory.hosts.filter((host) => host.roles.includes('patroni') && !view.surveyed(host.name));
  const bare = view.hosts('patroni').filter((host) => isEnabled(view, host) && isBare(view, host));
  if (failing.length > 0) return notStarting(failing);
  if (stopped.length === 0) {
    return {
      why: 'Patroni runs on every member that has data: an election may be under way',
      hint: 'run this again in half a minute; if there is no leader then, `patronictl list` and the journal of patroni on the members say why',
    };
  }
  if (left.length > 0) {
    return { why: `this run leaves out ${names(left)}, which may have the last commits`, hint: `run it without --host; or ${stepsToStart(members)}` };
  }
  if (broken.length > 0) {
    return {
      why: `the data of ${names(broken.map(({ host }) => host))} cannot be read, which may have the last commits`,
      hint: `mend or restore it; if you know that another has the last commits, ${stepsToStart(members.filter((member) => !broken.includes(member)))}`,
    };
  }
  if (bare.length > 0) {
    return {
      why: `${names(bare)} had data and has none now, and may have had the last commits`,
      hint: `bring the data back (is its file system mounted?); if it is gone for good, say so by \`systemctl disable patroni\` there, and run this again`,
    };
  }
  return unordered(members);
}

/** The order of the members whose PostgreSQL is down. */
function unordered(members: readonly MemberData[]): Reason | undefined {
  const found = furthestOf(members);
  if (found?.kind === 'forked') {
    return { why: `${enumerate(found.hosts)} wrote two different histories of timeline ${found.timeline}`, hint: stepsToStart(members) };
  }
  // Without PostgreSQL's programs nothing can be told yet; they are installed before anything is started.
  const blind = members.some(({ data }) => data.position === undefined);
  if (found?.kind === 'unknown' && !blind) return { why: `it cannot be told who has the last commits: ${found.why}`, hint: stepsToStart(members) };
  const first = members.find(({ host }) => found?.kind === 'known' && host.name === found.host);
  if (first === undefined || !neverLeads(first.host) || members.length === 1) return undefined;
  return {
    why: `${first.host.name} has the last commits, and its tag nofailover keeps it from leading`,
    hint: `take the tag away until it leads, or start another member yourself if what only ${first.host.name} has may be lost`,
  };
}

/** The state after a setting that PostgreSQL does not start with: the first member that comes up takes the lead. */
function notStarting(failing: readonly MemberData[]): Reason {
  const hosts = names(failing.map(({ host }) => host));
  return {
    why: `Patroni runs on ${hosts}, but PostgreSQL does not`,
    hint: [
      'nothing is changed now, for the first member that comes up would take the lead, whether or not it has the last commits.',
      'See with `journalctl -u patroni` why PostgreSQL does not start. Stop Patroni on all members (`systemctl stop patroni`);',
      'if it is a setting in etcd, correct that one value in the key <namespace>/<scope>/config with `etcdctl get` and `etcdctl put`;',
      'then run this again: it starts the member with the last commits first',
    ].join(' '),
  };
}

/** No data, and not the beginnings of any. */
function isBare(view: View, host: Host): boolean {
  const kind = view.read<DataDirectoryState>(host.name, DATA_DIRECTORY)?.kind;
  return kind === 'absent' || kind === 'empty';
}

function neverLeads(host: Host): boolean {
  const { tags } = variables(host, 'patroni');
  return tags['nofailover'] === true || tags['failover_priority'] === 0;
}

function names(hosts: readonly Host[]): string {
  return enumerate(hosts.map(({ name }) => name));
}
