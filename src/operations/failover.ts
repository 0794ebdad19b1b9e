import {
  defineOperation,
  enumerate,
  patroniSwitchover,
  pgprov,
  type CheckResult,
  type OperationObjection,
  type OperationRun,
  type OperationStep,
} from '../index.js';
import { dcsOf } from '../../roles/shared/dcs-of.js';
import { accountsOf, restApiUrl } from '../../roles/shared/layout.js';
import { bestCandidate, candidateObjections, isMerelyAsynchronous, unable, untagging } from './shared/candidates.js';
import { electionGate } from './shared/election-gate.js';
import { lossText } from './shared/failover-loss.js';
import {
  answerOf,
  anyAnswering,
  dynamicOf,
  leaderOf,
  listedBy,
  listedLeader,
  membersOf,
  notStreamingWhy,
  storeOf,
  timelineOf,
  unknownMember,
} from './shared/members.js';
import { doubtText, ownWal } from './shared/own-wal.js';
import { untilUp } from './shared/passing.js';
import { positionOf } from './shared/positions.js';
import { maintenanceObjection, quorumObjection } from './shared/quiet-cluster.js';
import { streamingFailover } from './shared/streaming/failover.js';
import { withStreaming } from './shared/streaming/procedure.js';
import { streamingGate } from './shared/streaming-gate.js';
import { unattended } from './shared/unattended.js';

interface FailoverOptions {
  /** The member that is to lead. */
  to?: string;
  /** Bytes of WAL that another member has and that may be lost. */
  lose?: number;
  /** The named member may be one that was no synchronous standby. */
  asynchronous?: boolean;
  /** Chosen: who led before; '' where nobody knows. Absent where a member led when it began. */
  former?: string;
  /** Chosen: members whose PostgreSQL ran then, which have to stream from the new leader. */
  followers?: readonly string[];
}

type Run = OperationRun<FailoverOptions>;

/** Seconds that an election takes beside Patroni's own waits: its members ask each other, and one of them is promoted. */
const ELECTION = 15;

const patroniFailover = defineOperation<FailoverOptions>({
  name: 'failover',
  description: 'make a member the leader where nobody leads or the leader is lost; says what would be lost, and asks',
  options: {
    to: { type: 'string', value: 'host', description: 'the member that is to lead; default: the one that is the most advanced' },
    lose: {
      type: 'integer',
      value: 'bytes',
      minimum: 1,
      description: 'take a member that is up to so many bytes of WAL behind the most advanced one, and lose them',
    },
    asynchronous: {
      type: 'boolean',
      description: 'where commits waited for standbys: take a member that may lack some of them, and lose what it lacks',
    },
  },
  roles: ({ inventory }) => [dcsOf(inventory).role, 'patroni'],
  requiresConverged: false,
  // A lost leader has to be made good also where a member is gone from the inventory, be it the leader itself.
  bears: true,
  unreachable: 'go-on',
  patience: 60,
  problems: ({ inventory, options: { to } }) => unknownMember(inventory, to),
  guards,
  choose,
  remaining: (run) => {
    const leader = workingLeader(run.view);
    return leader === undefined ? { steps: election(run), then: returning(run) } : { steps: follow(run, leader) };
  },
  question: (run) => {
    const { to, former = '' } = run.options;
    const told = doubts(run).map((doubt) => `${doubt}. `);
    return `${told.join('')}What ${to} does not have is lost. Fail over to ${to}${former === '' ? '' : ` in place of ${former}`}?`;
  },
  nothing: (run) => {
    const leader = workingLeader(run.view);
    return run.options.former === undefined
      ? `${leader} leads already: there is nothing to fail over from`
      : `${leader} leads, and all members that were up stream from it`;
  },
  checks: proofs,
  finished: (run) => {
    const { to, former } = run.options;
    const leader = workingLeader(run.view);
    if (leader === former)
      return `${leader} is back and leads, on timeline ${shownTimeline(run, leader)}: there was nothing to fail over from`;
    const chose = leader === to ? '' : '; Patroni chose it by itself';
    return `${leader} leads on timeline ${shownTimeline(run, leader)}${chose}. ${returning(run).replace(/^when/u, 'When')}`;
  },
});

export default withStreaming<FailoverOptions>(patroniFailover, streamingFailover);

function choose({ view, inventory, options }: Run): FailoverOptions {
  if (workingLeader(view) !== undefined) return options;
  const members = membersOf(inventory).map(({ name }) => name);
  const former = listedLeader(view) ?? storeOf(view)?.sync?.leader ?? storeOf(view)?.lastPromotion?.to ?? '';
  const to = options.to ?? bestCandidate(view, members, former) ?? '';
  const followers = members.filter((name) => name !== former && positionOf(view, name) !== undefined);
  return { ...options, to, former, followers };
}

/** The member that leads, unless its PostgreSQL does not run, as while it recovers from a crash. */
function workingLeader(view: Run['view']): string | undefined {
  const leader = leaderOf(view);
  return leader !== undefined && answerOf(view, leader)?.state === 'running' ? leader : undefined;
}

function guards(run: Run): OperationObjection[] {
  const { view, inventory, done, options } = run;
  const { to = '', former } = options;
  const status = pgprov`status ${inventory}`;
  const leader = workingLeader(view);
  const refuse = (message: string, hint: string): OperationObjection[] => [{ kind: 'refuse', message, hint }];
  if (former === undefined) {
    // A leader says that it leads until its Patroni has found out, and longer with failsafe_mode.
    const lost = quorumObjection(run);
    if (lost !== undefined) return [{ ...lost, message: `${lost.message}; ${leader} still leads` }];
    // The same command again, after it was done.
    if (to !== '' && to === leader) return [];
    return refuse(`${leader} leads, so there is nothing to fail over from`, `hand the lead over with ${pgprov`switchover ${inventory}`}`);
  }
  if (leader !== undefined) return [];
  const listed = listedLeader(view);
  const own = listed === undefined ? undefined : answerOf(view, listed);
  // Hosts answer at different times, and Patroni may have elected a leader in between.
  if (own?.role === 'replica' && own.state === 'running')
    return refuse(`${listed} has the lead, and does not say so itself yet`, `see ${status}`).map((objection) => ({
      ...objection,
      settles: true,
    }));
  const noQuorum = quorumObjection(run);
  if (noQuorum !== undefined) return [noQuorum];
  const asked = anyAnswering(view);
  if (asked === undefined)
    return untilUp(
      view,
      view.hosts('patroni').map(({ name }) => name),
      refuse('no member’s Patroni answers, so none can take the lead', `start the members with ${pgprov`apply ${inventory}`}`),
    );
  const inTheWay = [...maintenanceObjection(run), ...unattended(run)];
  if (inTheWay.length > 0) return inTheWay.slice(0, 1);
  if (done.has('wait') && former !== '' && listedLeader(view) === former && answerOf(view, former) === undefined)
    return refuse(
      `${former} renews its lease in ${dcsOf(inventory).name}: it still leads, though it does not answer here`,
      `make its host reachable and use ${pgprov`switchover ${inventory}`}; where its Patroni has to go, stop it there`,
    );
  if (to === '') {
    const reasons = membersOf(inventory).map(({ name }) =>
      name === former
        ? `${name} led before, and is lost`
        : [`${name} ${unable(view, name, former) ?? 'could'}`, ...doubtText(view, name)].join(', but '),
    );
    const doubted = doubts(run).length > 0 ? '; to take one all the same, name it with --to' : '';
    const lacking = membersOf(inventory).some(({ name }) => name !== former && isMerelyAsynchronous(view, name, former));
    const others = membersOf(inventory).flatMap(({ name }) => (name === former ? [] : [name]));
    const [untagged] = others.flatMap((name) => untagging(view, name) ?? []);
    const way = lacking ? '; to take one that was no synchronous standby, and lose what it lacks: --to HOST --asynchronous' : doubted;
    const ways = untagged === undefined ? way : `${way}; ${untagged}`;
    return untilUp(
      view,
      others,
      refuse(['no member can take the lead:', ...reasons].join('\n  '), `nothing was changed; see ${status}${ways}`),
    );
  }
  const { lose, asynchronous: mayLack } = options;
  const allowed = { ...(lose === undefined ? {} : { lose }), ...(mayLack === undefined ? {} : { asynchronous: mayLack }) };
  return candidateObjections(view, inventory, { to, former, ...allowed });
}

/** What is to be told of members whose WAL may not be the cluster's: of who is to lead, and of those that cannot be compared with it. */
function doubts({ view, inventory, options: { former } }: Run): string[] {
  return membersOf(inventory).flatMap(({ name }) => (name === former ? [] : doubtText(view, name)));
}

/** Time for Patroni, then the failover; whoever leads after the first of them needs no second. */
function election(run: Run): OperationStep[] {
  const { view, inventory, done, options } = run;
  const { to = '', former = '' } = options;
  const host = membersOf(inventory).find(({ name }) => name === former);
  const seconds = patience(view);
  const doubted = membersOf(inventory).flatMap(({ name }) => (name !== to && name !== former && ownWal(view, name) ? [name] : []));
  const wait: OperationStep = {
    id: 'wait',
    title: `give Patroni up to ${seconds} s to choose a leader by itself`,
    ...(doubted.length === 0 ? {} : { effect: `Patroni goes by positions alone, so it may choose ${enumerate(doubted)}` }),
    on: [to],
    gates: (context) => [electionGate(context, { former, formerUrl: host === undefined ? undefined : restApiUrl(host), seconds })],
  };
  const failOver: OperationStep = {
    id: 'fail-over',
    title: `make ${to} the leader${former === '' ? '' : ` in place of ${former}`}, if Patroni has chosen none`,
    effect: lossText({ view, inventory, to, former }),
    on: [to],
    pointOfNoReturn: true,
    resources: (context) => {
      const { restApi } = accountsOf(context);
      return [patroniSwitchover({ url: restApiUrl(context.host), candidate: to, user: restApi.name, password: restApi.password })];
    },
  };
  return [...(done.has('wait') ? [] : [wait]), failOver, ...follow(run, to)];
}

/** How long Patroni may take: until the lease of the former leader is over, where it still holds, and for the election. */
function patience(view: Run['view']): number {
  const { ttl, loop_wait: loop } = dynamicOf(view);
  const seconds = (value: unknown, otherwise: number): number => (typeof value === 'number' ? value : otherwise);
  return (listedLeader(view) === undefined ? 0 : seconds(ttl, 30)) + seconds(loop, 10) + ELECTION;
}

function follow(run: Run, leader: string): OperationStep[] {
  const { view, done } = run;
  const all = followersOf(run, leader);
  const others = workingLeader(view) === leader ? all.filter((name) => notStreamingWhy(view, leader, name) !== undefined) : all;
  if (others.length === 0 || done.has('follow')) return [];
  return [
    {
      id: 'follow',
      title: `wait until ${enumerate(others)} ${others.length === 1 ? 'streams' : 'stream'} from the new leader`,
      on: [leader],
      gates: (context) => [streamingGate(context, all)],
    },
  ];
}

/** The members that were up and do not lead, as far as they can still be reached. */
function followersOf({ view, options: { followers = [] } }: Run, leader: string): string[] {
  return followers.filter((name) => name !== leader && view.surveyed(name));
}

/** What becomes of the former leader. */
function returning({ options: { former = '' }, inventory: { file } }: Run): string {
  const who = former === '' ? 'the former leader' : former;
  return `when ${who} comes back, Patroni rewinds it to the new timeline (pg_rewind), which takes away what only it has, and it streams; ${pgprov`status ${file}`} shows it`;
}

function shownTimeline({ view }: Run, leader: string | undefined): string {
  return leader === undefined ? '?' : String(timelineOf(view, leader) ?? '?');
}

function proofs(run: Run): CheckResult[] {
  const { view, inventory, options } = run;
  const leader = workingLeader(view);
  const detail = leader === undefined ? 'nobody leads' : `${leader}, timeline ${shownTimeline(run, leader)}`;
  const leading: CheckResult = { title: 'a member leads', ok: leader !== undefined, detail };
  if (leader === undefined) return [leading];
  const waited = followersOf(run, leader);
  const streaming = waited.map((name): CheckResult => {
    const member = listedBy(view, leader, name);
    return {
      host: name,
      title: 'it streams on the new timeline',
      settles: true,
      ok: notStreamingWhy(view, leader, name) === undefined && String(member?.timeline) === shownTimeline(run, leader),
      detail: member === undefined ? 'it is not in the cluster' : `${member.state}, timeline ${member.timeline ?? '?'}`,
    };
  });
  const others = membersOf(inventory)
    .map(({ name }) => name)
    .filter((name) => name !== leader && !waited.includes(name))
    .map(
      (name): CheckResult => ({
        host: name,
        title: name === options.former ? 'it led before, and its return is not waited for' : 'it was down, and was not waited for',
        ok: true,
        detail: `it ${notStreamingWhy(view, leader, name) ?? 'streams now'}`,
      }),
    );
  return [leading, ...streaming, ...others];
}
