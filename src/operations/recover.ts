import {
  dataBeside,
  dataOwnership,
  dataDirectoryOf,
  defineOperation,
  enumerate,
  localServer,
  pgprov,
  SAVED_KEYS,
  startTrial,
  unknownName,
  walKept,
  type CheckResult,
  type OperationObjection,
  type OperationStart,
  type OperationStep,
  type View,
} from '../index.js';
import { dcsOf } from '../../roles/shared/dcs-of.js';
import { membersOf, answerOf, listedBy, notStreamingWhy, storeOf, timelineOf } from './shared/members.js';
import { leftOver } from './shared/recover/left-over.js';
import { recoverObjections, sureness } from './shared/recover/guards.js';
import { leftMembers } from './shared/recover/members.js';
import { mendSteps } from './shared/recover/mend.js';
import {
  dataOf,
  firstOf,
  givenUp,
  identifierOf,
  isUp,
  standing,
  startsAtBoot,
  workingLeader,
  type RecoverOptions,
  type RecoverRun,
} from './shared/recover/seen.js';
import { correctionSteps } from './shared/recover/corrections.js';
import { followStep, startStep } from './shared/recover/starts.js';
import { lateStoreSteps, storeSteps } from './shared/recover/store.js';
import { snapshotSteps } from './shared/snapshot-steps.js';
import { memberRuns, stopped } from './shared/stopped.js';

/** Seconds for which an election, or a server that comes up, is waited for before it counts as a reason not to begin. */
const PATIENCE = 60;

export default defineOperation<RecoverOptions>({
  name: 'recover',
  description: 'bring a cluster back that does not come up: corrects what keeps it down, and starts the member with the last commits first',
  options: {
    without: {
      type: 'string',
      value: 'host',
      description:
        'go on without a host that is off or whose data is gone, and lose the commits that only it may have; several with commas',
    },
  },
  roles: ({ inventory }) => [dcsOf(inventory).role, 'patroni'],
  requiresConverged: false,
  // What is left of a broken cluster comes first, also where members of it are lost and gone from the inventory.
  bears: true,
  unreachable: 'go-on',
  holdsMembers: true,
  patience: PATIENCE,
  readsSnapshots: [SAVED_KEYS],
  observations: (context) => {
    const store = dcsOf(context.inventory);
    const left = context.host.roles.includes(store.role) ? [store.left(context), store.writes(context)] : [];
    const runs = memberRuns(context);
    if (runs.length === 0) return left;
    const { user, group } = context.platform.patroni;
    const path = dataDirectoryOf(context.host, context.platform);
    const former = store.formerConfigs(context);
    return [
      ...left,
      former,
      walKept(path),
      dataBeside(path),
      ...runs,
      startTrial(localServer(context.host, context.platform), path),
      dataOwnership({ path, user, group }),
    ];
  },
  problems: unknownHosts,
  guards: recoverObjections,
  remaining: (run) => {
    const leader = workingLeader(run.view);
    if (leader !== undefined) {
      const steps = [...mendSteps(run, leader), ...lateStoreSteps(run)];
      return { steps: steps.length === 0 ? steps : [...snapshotSteps(run), ...steps] };
    }
    const steps = leaderless(run);
    return firstOf(run.view) === undefined ? { steps, then: unknownOrder(run) } : { steps };
  },
  question: (run) => {
    const given = givenUp(run).filter((name) => membersOf(run.inventory).some((member) => member.name === name));
    const lost = given.length === 0 ? '' : `Commits that only ${enumerate(given)} may have are lost. `;
    return `${lost}Recover ${run.inventory.cluster}?`;
  },
  nothing: (run) => {
    const all = membersOf(run.inventory).every(({ name }) => run.view.surveyed(name)) && leftMembers(run).length === 0;
    return `${workingLeader(run.view)} leads, and ${all ? 'all members stream' : 'the others that can stream do so'} from it`;
  },
  checks: proofs,
  finished: (run) => {
    const leader = workingLeader(run.view);
    if (leader === undefined) return undefined;
    return `${leader} leads on timeline ${shownTimeline(run, leader)}`;
  },
  leaves: leftOver,
  broken: async (run) => {
    const down = run.view
      .hosts('patroni')
      .filter(({ name }) => !isUp(run.view, name) && !startsAtBoot(run.view, name))
      .map(({ name }) => name);
    const stays =
      down.length === 0 || workingLeader(run.view) !== undefined
        ? ''
        : `Patroni is stopped on ${enumerate(down)} and stays so, also when the hosts boot. `;
    return `${stays}Nothing was deleted; ${pgprov`recover ${run.inventory}`} goes on from what is there`;
  },
});

function unknownHosts(start: OperationStart<RecoverOptions>): OperationObjection[] {
  const names = start.inventory.hosts.map(({ name }) => name);
  const unknown = givenUp(start).find((name) => !names.includes(name));
  return unknown === undefined ? [] : [{ kind: 'input', error: 'aim/unknown-member', ...unknownName('host', unknown, names) }];
}

/** Nobody leads: what is wrong is put right while all servers are down, then the member with the last commits is started alone. */
function leaderless(run: RecoverRun): OperationStep[] {
  const { view } = run;
  const first = firstOf(view);
  const others = view
    .hosts('patroni')
    .map(({ name }) => name)
    .filter((name) => name !== first && !leftMembers(run).some(({ host }) => host === name));
  return [
    ...snapshotSteps(run),
    ...stopStep(run),
    ...storeSteps(run),
    ...correctionSteps(run),
    ...(first === undefined ? [] : [startAlone(run, first), ...startStep(others, first), ...followStep(run, first, others)]),
    ...lateStoreSteps(run),
  ];
}

/** All members at once; none of them starts at boot until it is started again, so that no boot in the middle makes another one lead. */
function stopStep(run: RecoverRun): OperationStep[] {
  const { view } = run;
  const up = view
    .hosts('patroni')
    .map(({ name }) => name)
    .filter((name) => isUp(view, name) || startsAtBoot(view, name));
  if (up.length === 0) return [];
  const running = dataOf(view)
    .filter(({ data }) => data.running)
    .map(({ host }) => host.name);
  return [
    {
      id: 'stop',
      title: `stop Patroni on ${enumerate(up)}, and see that no PostgreSQL runs`,
      ...(running.length === 0
        ? {}
        : { effect: `PostgreSQL on ${enumerate(running)} serves nobody until it is started again${voting(view)}` }),
      on: up,
      resources: (context) => [stopped(context, true)],
    },
  ];
}

/** With a host given up Patroni is not waited for: it has had its time, or may not choose whom it has. */
function voting(view: View): string {
  const members = standing(view);
  return members.length === 0 ? '' : `, and the election that Patroni holds among ${enumerate(members)} is ended`;
}

function startAlone(run: RecoverRun, first: string): OperationStep {
  const away = givenUp(run).filter((name) => membersOf(run.inventory).some((member) => member.name === name));
  const [step] = startStep([first], first);
  return {
    ...(step as OperationStep),
    id: 'start-first',
    title: `start ${first}, which has the last commits, alone, and wait until it leads`,
    effect: [
      sureness(run.view, first),
      'a new timeline begins, and what another member has beyond it is taken back (pg_rewind)',
      ...(away.length === 0 ? [] : [`commits that only ${enumerate(away)} may have are lost`]),
    ].join('; '),
    pointOfNoReturn: true,
  };
}

function unknownOrder({ view }: RecoverRun): string {
  const running = dataOf(view)
    .filter(({ data }) => data.running)
    .map(({ host }) => host.name);
  const why = running.length === 0 ? '' : `, which cannot be told while PostgreSQL runs on ${enumerate(running)}`;
  return `then pg_controldata and the WAL of all members say which one has the last commits${why}; it is started alone, and the others when it leads`;
}

function shownTimeline({ view }: RecoverRun, leader: string): string {
  return String(timelineOf(view, leader) ?? '?');
}

function proofs(run: RecoverRun): CheckResult[] {
  const { view, inventory } = run;
  const leader = workingLeader(view);
  const leading = view
    .hosts('patroni')
    .filter(({ name }) => answerOf(view, name)?.role === 'leader')
    .map(({ name }) => name);
  const one: CheckResult = {
    title: 'one member leads',
    ok: leader !== undefined && leading.length === 1,
    detail: leader === undefined ? 'nobody does' : `${enumerate(leading)}, timeline ${shownTimeline(run, leader)}`,
  };
  if (leader === undefined) return [one];
  const left = leftMembers(run).map(({ host }) => host);
  const histories = new Map(dataOf(view).map(({ host, data }) => [host.name, data.history]));
  const own = histories.get(leader);
  const identifier = answerOf(view, leader)?.systemIdentifier;
  const streams = view.hosts('patroni').flatMap(({ name }): CheckResult[] => {
    if (name === leader || left.includes(name)) return [];
    const history = histories.get(name);
    const differs =
      history !== undefined && own !== undefined && history.timeline === own.timeline && history.forks.join() !== own.forks.join();
    const why = notStreamingWhy(view, leader, name);
    const timeline = String(listedBy(view, leader, name)?.timeline ?? '?');
    return [
      {
        host: name,
        title: 'it streams on the leader’s timeline, with the same history',
        ...(differs ? {} : { settles: true as const }),
        ok: why === undefined && timeline === shownTimeline(run, leader) && !differs,
        detail: differs
          ? `its history of timeline ${own?.timeline} is another one`
          : why === undefined
            ? `timeline ${timeline}`
            : `it ${why}`,
      },
    ];
  });
  const known = storeOf(view)?.initialize;
  return [
    one,
    ...streams,
    {
      title: `${dcsOf(inventory).name} knows the cluster by the identifier of its data`,
      ok: known !== undefined && known === (identifier ?? identifierOf(view)),
      detail: known ?? 'it has none',
    },
  ];
}
