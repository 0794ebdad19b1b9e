import {
  DATA_DIRECTORY,
  enumerate,
  isRecognized,
  PATRONI_MEMBER,
  streamsTo,
  patroniMember,
  pgprov,
  POSTMASTER_DELAY,
  postmasterDelay,
  type Host,
  type Objection,
  type PatroniMemberState,
  type RoleContext,
  type UnitGuard,
  type UnitMove,
  type View,
} from '../../src/index.js';
import { dataDirectoryOf, hostsWith, restApiUrl } from './layout.js';
import { isPaused } from './patroni/checks.js';

type Answering = Extract<PatroniMemberState, { answers: true }>;

/** States in which a member's PostgreSQL serves. */
const WORKING = new Set(['running', 'streaming']);

/**
 * A member of Patroni is restarted only while all others work: a standby that is the last, the synchronous one, or being built is then
 * never the second that is down.
 */
export function patroniUnitGuard({ host, platform }: RoleContext): UnitGuard {
  return {
    asks: [patroniMember(restApiUrl(host)), postmasterDelay(dataDirectoryOf(host, platform))],
    objection: (view, move) =>
      heldDown(view, move) ?? (move.action === 'restart' ? (notRecognized(view, move.host) ?? secondDown(view, move)) : undefined),
  };
}

/**
 * In maintenance mode PostgreSQL runs on while Patroni restarts. A Patroni that takes it for stopped then lets its lease go: nobody leads, and the
 * mode keeps others from taking over.
 */
export function notRecognized(view: View, host: string): Objection | undefined {
  const delay = view.read(host, POSTMASTER_DELAY);
  if (!isPaused(view) || isRecognized(delay)) return undefined;
  return {
    kind: 'refuse',
    host,
    message: `${host}: PostgreSQL’s process and its postmaster.pid have start times that are ${Math.abs(delay ?? 0).toFixed(0)} s apart: a restarted Patroni would take it for stopped`,
    hint: `end maintenance mode with ${pgprov`resume ${view.inventory}`}; a restart of Patroni then restarts PostgreSQL as well`,
  };
}

/** In maintenance mode Patroni starts no PostgreSQL that is down, so waiting for the member would never end. */
function heldDown(view: View, { host }: UnitMove): Objection | undefined {
  const data = view.read(host, DATA_DIRECTORY);
  if (!isPaused(view) || data?.kind !== 'cluster' || data.running) return undefined;
  return {
    kind: 'refuse',
    host,
    message: `${host}: PostgreSQL is down, and Patroni does not start it in maintenance mode`,
    hint: `end it with ${pgprov`resume ${view.inventory}`}, then run this again`,
  };
}

function secondDown(view: View, { host, before }: UnitMove): Objection | undefined {
  const answering = view.hosts('patroni').flatMap(({ name }): Answering[] => {
    const member = view.read(name, PATRONI_MEMBER);
    return member?.answers === true ? [member] : [];
  });
  const listing =
    answering.find(({ role, cluster }) => role === 'leader' && cluster.length > 0) ?? answering.find(({ cluster }) => cluster.length > 0);
  // Where nobody answers nothing is known to work that a restart could take down.
  if (listing === undefined || troubleOf(host, listing, answering) !== undefined) return undefined;
  const others = hostsWith(view.inventory, 'patroni').filter(({ name }) => name !== host && !before.has(name));
  const troubles = others.flatMap(({ name }: Host) => troubleOf(name, listing, answering) ?? []);
  if (troubles.length === 0) return undefined;
  return {
    kind: 'refuse',
    host,
    message: `${host}: ${enumerate(troubles)}: a restart here would take down a second member of the cluster`,
    hint: `wait until every member leads or streams, as ${pgprov`status ${view.inventory}`} shows it, or fix what keeps it from that; then run again`,
  };
}

/** What is wrong with a member, with its name; undefined: it leads or streams. */
function troubleOf(name: string, { cluster }: Answering, answering: readonly Answering[]): string | undefined {
  const member = cluster.find((listed) => listed.name === name);
  if (member === undefined) return `${name} is not among Patroni’s members`;
  if (!WORKING.has(member.state)) return `${name} is ${member.state}`;
  const leader = answering.find(({ role }) => role === 'leader');
  const follows = !/leader|master|primary/u.test(member.role);
  const streams = leader === undefined || streamsTo(leader, name);
  return follows && !streams ? `${name} does not stream` : undefined;
}
