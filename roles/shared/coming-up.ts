import {
  DATA_DIRECTORY,
  DCS,
  holdsLeaderLock,
  partedStandby,
  PATRONI_MEMBER,
  recoveryWords,
  serviceHandle,
  stuckConfigHandle,
  streamsTo,
  type Host,
  type PatroniMemberState,
  type Settling,
  type View,
} from '../../src/index.js';
import { dcsOf } from './dcs-of.js';
import { hostsWith, scopeOf } from './layout.js';
import { standsForElection } from './leader-in-store.js';
import { runsPatroni } from './members-data.js';
import { isPaused } from './patroni/checks.js';
import { quorumOf } from './quorum.js';
import { isSynchronous, isSynchronousStandby } from './synchronous.js';
import { variables } from './variables.js';

/** Patroni's words for a member whose last start or stop has failed: it tries again in its next round, mostly to fail again. */
const FAILED = / failed\b/u;

/** Seconds in which Patroni answers that was started a moment ago. */
const ANSWERS_WITHIN = 60;

/** Seconds in which Patroni has seen to a server that went down, besides a round of its loop. */
const SEES_WITHIN = 30;

/** Seconds in which members of Patroni's store that run have chosen a leader. */
const STORE_ELECTS_WITHIN = 20;

/** Something that is on its way by itself. */
interface Move {
  clause: string;
  within: number;
  variable?: string;
}

/**
 * What of these members is on its way up by itself: a server that recovers, takes no connections or does not stream yet, one that Patroni is
 * about to start, a Patroni that was started and does not answer yet, a store that runs and has no quorum yet. Undefined where nothing moves: what failed to start,
 * what is stopped, what maintenance mode holds down, and what waits for a Patroni whose loop has stopped.
 */
export function comingUp(view: View, members: readonly Host[] = view.hosts('patroni')): Settling | undefined {
  const store = storeOnItsWay(view);
  const seen = members.flatMap((host): [string, Move][] => {
    const move = memberOnItsWay(view, host);
    return move === undefined ? [] : [[host.name, move]];
  });
  return settling(view, store === undefined ? seen : [['', store], ...seen]);
}

/** That a leader is being chosen, or will be once what is on its way is up; undefined where none can be. */
export function electing(view: View): Settling | undefined {
  if (isPaused(view) || isMalformed(view)) return undefined;
  const up = comingUp(view);
  if (up !== undefined) return up;
  const standing = view.hosts('patroni').filter(({ name }) => standsForElection(view, name));
  const [first] = standing;
  if (first === undefined) return undefined;
  const { ttl, loop_wait } = variables(first, 'patroni');
  return settling(view, [['', { clause: 'Patroni elects a leader', within: ttl + loop_wait }]]);
}

function settling(view: View, seen: readonly [string, Move][]): Settling | undefined {
  const [longest] = seen.map(([, move]) => move).sort((a, b) => b.within - a.within);
  if (longest === undefined) return undefined;
  const { within, variable } = longest;
  const failed = view.hosts('patroni').flatMap(({ name }) => (hasFailed(view, name) ? [name] : []));
  return {
    within,
    ...(variable === undefined ? {} : { variable }),
    moves: new Map(seen.map(([host, { clause }]) => [host, clause])),
    failed,
  };
}

function hasFailed(view: View, host: string): boolean {
  const member = view.read(host, PATRONI_MEMBER);
  return member?.answers === true && FAILED.test(member.state);
}

/**
 * Whether the dynamic configuration stops the loop of every Patroni, so that what Patroni says is past. Once it is corrected the members whose
 * PostgreSQL runs elect a leader: a primary that runs keeps the others from it, and of standbys the one with the last commits is taken.
 */
export function isMalformed(view: View): boolean {
  return view.hosts('patroni').some((host) => view.read(host.name, stuckConfigHandle(scopeOf(view.inventory, host)))?.malformed === true);
}

function memberOnItsWay(view: View, host: Host): Move | undefined {
  const { name } = host;
  // A unit that systemd is starting again and again is `activating` in between.
  const unit = view.read(name, serviceHandle(view.platform(name)?.patroni.unit ?? ''))?.active;
  if (unit !== 'active' || !runsPatroni(view, host) || isMalformed(view)) return undefined;
  const data = view.read(name, DATA_DIRECTORY);
  const member = view.read(name, PATRONI_MEMBER);
  const recovers = recoveryWords(data, member);
  const { start_timeout, loop_wait } = variables(host, 'patroni');
  if (recovers !== undefined)
    return { clause: `PostgreSQL on ${name} ${recovers}`, within: start_timeout, variable: 'patroni.start_timeout' };
  if (member === undefined) return undefined;
  if (!member.answers) return { clause: `Patroni on ${name} runs and does not answer yet`, within: ANSWERS_WITHIN };
  if (data?.kind !== 'cluster' || data.copy !== 'none' || hasFailed(view, name) || isPaused(view)) return undefined;
  if (data.running && standsForElection(view, name)) return joining(view, host, member);
  if (data.running && member.state === 'in archive recovery') return undefined;
  return { clause: `Patroni on ${name} is about to start PostgreSQL (it calls it “${member.state}”)`, within: loop_wait + SEES_WITHIN };
}

/**
 * A standby that runs and that its leader does not list yet as one that streams, with a lag and on the leader's timeline: what Patroni lists is as old
 * as the member's last round. With synchronous replication Patroni also has to choose the synchronous standby. One that parted from the leader never will be.
 */
function joining(view: View, host: Host, member: Extract<PatroniMemberState, { answers: true }>): Move | undefined {
  for (const { name } of view.hosts('patroni')) {
    const leading = view.read(name, PATRONI_MEMBER);
    if (name === host.name || leading?.answers !== true || !holdsLeaderLock(leading, name)) continue;
    if (partedStandby(member, name, leading) !== undefined) return undefined;
    const within = variables(host, 'patroni').loop_wait + SEES_WITHIN;
    const listed = leading.cluster.find((one) => one.name === host.name);
    if (listed?.lag === undefined || !streamsTo(leading, host.name))
      return { clause: `PostgreSQL on ${host.name} does not stream from ${name} yet`, within };
    if (listed.timeline !== undefined && leading.timeline !== undefined && listed.timeline !== leading.timeline)
      return { clause: `Patroni lists ${host.name} on timeline ${listed.timeline} yet, and ${name} leads on ${leading.timeline}`, within };
    return isSynchronous(view) && !leading.cluster.some(isSynchronousStandby)
      ? { clause: 'Patroni has not chosen a synchronous standby yet', within }
      : undefined;
  }
  return undefined;
}

/** Enough members of the store run for a quorum, and it has none: they choose a leader within seconds. */
function storeOnItsWay(view: View): Move | undefined {
  const hosts = view.hosts('patroni');
  const states = hosts.flatMap(({ name }) => view.read(name, DCS) ?? []);
  if (states.length === 0 || states.some(({ reachable }) => reachable)) return undefined;
  const { name, role, unit } = dcsOf(view.inventory);
  const all = hostsWith(view.inventory, role);
  const running = all.filter((host) => view.read(host.name, serviceHandle(unit))?.active === 'active');
  return all.length === 0 || running.length < quorumOf(all.length)
    ? undefined
    : { clause: `${name} runs and has no quorum yet`, within: STORE_ELECTS_WITHIN };
}
