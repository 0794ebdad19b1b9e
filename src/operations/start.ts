import {
  DATA_DIRECTORY,
  defineOperation,
  enabledHandle,
  enumerate,
  pgprov,
  type CheckResult,
  type OperationObjection,
  type OperationRun,
  type OperationStep,
  type View,
} from '../index.js';
import { dcsOf } from '../../roles/shared/dcs-of.js';
import { hostsWith } from '../../roles/shared/layout.js';
import { leaderInStore } from '../../roles/shared/leader-in-store.js';
import { isStopped, membersData, whatWasFound } from '../../roles/shared/members-data.js';
import { guardCluster } from '../../roles/shared/patroni-guards.js';
import { isPaused } from './shared/maintenance.js';
import { answerOf, leaderOf, listedBy, names, notStreaming, notStreamingWhy, timelineOf } from './shared/members.js';
import { untilLed } from './shared/passing.js';
import { patroniStarts } from './shared/patroni-starts.js';
import { memberRuns, runningOf } from './shared/stopped.js';
import { streamingGate } from './shared/streaming-gate.js';
import { withStreaming } from './shared/streaming/procedure.js';
import { streamingStart } from './shared/streaming/start.js';

type Run = OperationRun<object>;

const underPatroni = defineOperation({
  name: 'start',
  description: 'start what was stopped: the member with the last commits first, whoever the inventory names, then the others',
  options: {},
  choosesHosts: true,
  roles: ({ inventory }) => [dcsOf(inventory).role, 'patroni'],
  requiresConverged: false,
  unreachable: 'go-on',
  keptInStore: true,
  observations: (context) => memberRuns(context),
  guards: (run) => (run.planned === undefined ? objections(run) : moreThanStarts(run)),
  remaining: (run) => {
    const steps = isPart(run) ? startPart(run) : startAll(run);
    return steps.length === 0 ? { steps } : { steps, ...already(run) };
  },
  nothing: (run) => `all members run already, and stream from ${leaderOf(run.view) ?? 'their leader'}`,
  checks: (run) => proofs(run),
});

export default withStreaming(underPatroni, streamingStart);

/** The members that are to run, among those that can be reached. */
function targets({ view, chosenHosts }: Run): string[] {
  return view
    .hosts('patroni')
    .map(({ name }) => name)
    .filter((name) => chosenHosts === undefined || chosenHosts.includes(name));
}

function isPart(run: Run): boolean {
  return run.chosenHosts !== undefined && targets(run).length < hostsWith(run.inventory, 'patroni').length;
}

function isDown(view: View, host: string): boolean {
  return runningOf(view, host)?.patroni === false;
}

/** Whether a stop keeps Patroni from starting at boot there. */
function isPutOffOn(view: View, host: string): boolean {
  return view.read(host, enabledHandle(view.platform(host)?.patroni.unit ?? ''))?.putOff === true;
}

function objections(run: Run): OperationObjection[] {
  const { view, inventory } = run;
  const refuse = (message: string, hint: string): OperationObjection[] => [{ kind: 'refuse', message, hint }];
  const held = targets(run).filter((name) => isServerDown(view, name));
  if (isPaused(view) === true && held.length > 0) {
    return refuse(
      `the cluster is in maintenance mode, in which Patroni starts no PostgreSQL that is down (${enumerate(held)})`,
      `end it first (${pgprov`resume ${inventory}`}), then run this again`,
    );
  }
  const down = targets(run).filter((name) => isDown(view, name));
  if (down.length === 0) return [];
  const members = view.hosts('patroni').map(({ name }) => name);
  const leader = leaderOf(view) ?? leaderInStore(view, members, (host) => isStopped(view, host));
  if (leader !== undefined) return isPart(run) ? guardCluster(view) : [];
  const away = hostsWith(inventory, 'patroni').filter(({ name }) => !view.surveyed(name));
  const data = membersData(view);
  if (away.length > 0) {
    return untilLed(
      view,
      refuse(
        `nobody leads, and ${names(away)}, which cannot be reached, may have the last commits${whatWasFound(data)}`,
        `bring ${away.length === 1 ? 'it' : 'them'} back and run this again. To go on without what only ${names(away)} may have: ${pgprov`recover ${inventory} --without ${away.map(({ name }) => name).join(',')}`}`,
      ),
    );
  }
  if (!isPart(run)) return [];
  return untilLed(
    view,
    refuse(
      `nobody leads, and a member that is left out may have the last commits${whatWasFound(data)}`,
      `start all members: ${pgprov`start ${inventory}`} finds out which one has the last commits, and starts it first`,
    ),
  );
}

function isServerDown(view: View, host: string): boolean {
  const data = view.read(host, DATA_DIRECTORY);
  return data?.kind === 'cluster' && !data.running;
}

/** Starting brings no new configuration with it. */
function moreThanStarts({ planned = [], inventory }: Run): OperationObjection[] {
  const more = planned.filter(({ action }) => action !== 'start' && action !== 'enable');
  if (more.length === 0) return [];
  const shown = more
    .slice(0, 5)
    .map(({ host, summary }) => `\n  ${host}: ${summary}`)
    .join('');
  return [
    {
      kind: 'preflight',
      error: 'start/other-changes',
      message: `more is to be changed than to start what is down:${shown}${more.length > 5 ? `\n  and ${more.length - 5} more` : ''}`,
      hint: `nothing was changed; ${pgprov`apply ${inventory}`} makes these changes, and starts the members in the same order`,
    },
  ];
}

function startAll(run: Run): OperationStep[] {
  const { view, inventory, done } = run;
  const members = view.hosts('patroni').map(({ name }) => name);
  const store = dcsOf(inventory);
  const down = members.filter((name) => isDown(view, name) || isPutOffOn(view, name));
  const storeDown = view.hosts(store.role).flatMap(({ name }) => (store.isHealthy(view, name) === true ? [] : [name]));
  const parts = [
    ...(storeDown.length === 0 ? [] : [[store.name, storeDown] as const]),
    ...(down.length === 0 ? [] : [['Patroni', down] as const]),
  ];
  const first: OperationStep[] =
    parts.length === 0 || done.has('start')
      ? []
      : [
          {
            id: 'start',
            title: `start ${parts.map(([what, hosts]) => `${what} on ${enumerate(hosts)}`).join(', and ')}`,
            changes: [...new Set(parts.flatMap(([, hosts]) => hosts))],
            converge: { roles: [store.role, 'patroni'] },
          },
        ];
  return [...first, ...(first.length === 0 ? follow(run, members) : [])];
}

/** What is left as it is, because it runs. */
function already(run: Run): { then?: string } {
  const { view } = run;
  const up = targets(run).filter((name) => !isDown(view, name));
  return up.length === 0 ? {} : { then: `${enumerate(up)} ${up.length === 1 ? 'runs' : 'run'} already` };
}

/** Somebody leads, so the others need no order. */
function startPart(run: Run): OperationStep[] {
  const { view } = run;
  const meant = targets(run);
  const down = meant.filter((name) => isDown(view, name));
  if (down.length === 0) return follow(run, meant);
  return [
    {
      id: 'start-members',
      title: `start Patroni on ${enumerate(down)}`,
      on: down,
      resources: (context) => [patroniStarts(context)],
    },
    ...follow(run, meant),
  ];
}

function follow({ view, done }: Run, meant: readonly string[]): OperationStep[] {
  const leader = leaderOf(view);
  if (leader === undefined || done.has('follow')) return [];
  const late = notStreaming(view, leader).filter(({ name }) => meant.includes(name));
  if (late.length === 0) return [];
  return [
    {
      id: 'follow',
      title: `wait until ${names(late)} ${late.length === 1 ? 'streams' : 'stream'} from ${leader}`,
      on: [leader],
      gates: (context) => [
        streamingGate(
          context,
          late.map(({ name }) => name),
        ),
      ],
    },
  ];
}

function proofs(run: Run): CheckResult[] {
  const { view } = run;
  const leader = leaderOf(view);
  const timeline = leader === undefined ? undefined : timelineOf(view, leader);
  const others = targets(run).filter((name) => name !== leader);
  return [
    {
      title: 'one member leads',
      ok: leader !== undefined,
      detail: leader === undefined ? 'nobody does' : `${leader}, timeline ${timeline ?? '?'}`,
    },
    ...others.map((host): CheckResult => {
      const member = leader === undefined ? undefined : listedBy(view, leader, host);
      const seen = member?.state ?? answerOf(view, host)?.state;
      return {
        host,
        title: 'it streams on the leader’s timeline',
        settles: true,
        ok: leader !== undefined && notStreamingWhy(view, leader, host) === undefined && member?.timeline === timeline,
        detail: seen === undefined ? 'it is not in the cluster' : `${seen}, timeline ${member?.timeline ?? '?'}`,
      };
    }),
  ];
}
