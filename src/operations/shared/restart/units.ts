import {
  enumerate,
  unitRestart,
  unitStartHandle,
  pgprov,
  type CheckResult,
  type HostStep,
  type OperationObjection,
  type RoleContext,
} from '../../../index.js';
import { dcsOf } from '../../../../roles/shared/dcs-of.js';
import { hostsWith } from '../../../../roles/shared/layout.js';
import { quorumOf } from '../../../../roles/shared/quorum.js';
import { isPaused } from '../../../../roles/shared/patroni/checks.js';
import { memberGate } from '../../../../roles/shared/patroni/start.js';
import { notRecognized } from '../../../../roles/shared/second-member.js';
import { leaderOf, membersBut } from '../members.js';
import { followStep, handOverStep } from '../hand-over.js';
import { leaderGate, standbyGate } from '../member-gate.js';
import { unreadableFiles } from '../patroni-file.js';
import { busyObjection, scheduledRestartObjection } from '../quiet-cluster.js';
import { noLeader, notReady } from '../ready-members.js';
import { candidateOf } from '../leader-restart.js';
import { leftToRaise } from './postgresql.js';
import { isSelected, selectedOf, type Restarting, type RestartRun } from './options.js';

/** Patroni's unit on the members. */
export const patroniRestarting: Restarting = {
  hosts: ({ inventory }) => hostsWith(inventory, 'patroni'),
  startOf: (run, host) => run.view.read(host, unitStartHandle(run.contextOf(host).platform.patroni.unit)),
};

/** The unit of Patroni's store on its members. */
export const storeRestarting: Restarting = {
  hosts: ({ inventory }) => hostsWith(inventory, dcsOf(inventory).role),
  startOf: ({ view, inventory }, host) => view.read(host, unitStartHandle(dcsOf(inventory).unit)),
};

/** Selected hosts whose unit runs since before the operation, or does not run; first the one that it left down. */
function left(run: RestartRun, { hosts, startOf }: Restarting): string[] {
  const { began = {} } = run.options;
  const names = hosts(run)
    .map(({ name }) => name)
    .filter((name) => isSelected(run, name) && ['', began[name]].includes(startOf(run, name) ?? ''));
  const down = names.filter((name) => isLeftDown(run, { startOf }, name));
  return [...down, ...names.filter((name) => !down.includes(name))];
}

/** The unit ran when the operation began and does not run now, so its restart is what brings it back. */
function isLeftDown(run: RestartRun, { startOf }: Pick<Restarting, 'startOf'>, name: string): boolean {
  return isSelected(run, name) && startOf(run, name) === '' && (run.options.began?.[name] ?? '') !== '';
}

/** Members whose Patroni the operation left down. */
function leftDown(run: RestartRun): string[] {
  return left(run, patroniRestarting).filter((name) => isLeftDown(run, patroniRestarting, name));
}

/** Why Patroni must not be restarted now. In maintenance mode it may be: PostgreSQL keeps running. */
export function patroniObjections(run: RestartRun): OperationObjection[] {
  const { view, done } = run;
  const unreadable = unreadableFiles(run, left(run, patroniRestarting));
  if (unreadable.length > 0) return unreadable;
  const leader = leaderOf(view);
  // A member that the operation left down may be who is to lead.
  if (leader === undefined) return leftDown(run).length > 0 ? [] : noLeader(run);
  const isFollowing = done.has('hand-over') && !done.has('follow');
  return [
    ...left(run, patroniRestarting).flatMap((name) => notRecognized(view, name) ?? []),
    ...busyObjection(run),
    ...scheduledRestartObjection(run, leader),
    ...(isFollowing
      ? []
      : [
          ...notReady(run, leader, (name) => isLeftDown(run, patroniRestarting, name)),
          ...(isPaused(view) ? [] : leftToRaise(run, leader, left(run, patroniRestarting))),
        ]),
  ].slice(0, 1);
}

/** Standbys one after the other; then the leader, which has handed the lead over before. */
export function patroniSteps(run: RestartRun): HostStep[] {
  const { view, inventory, done } = run;
  const leader = leaderOf(view);
  if (leader === undefined)
    return leftDown(run)
      .slice(0, 1)
      .map((name) => restartPatroni(run, name, (context) => [memberGate(context)]));
  const members = hostsWith(inventory, 'patroni').map(({ name }) => name);
  const others = (name: string): string[] => members.filter((each) => each !== name);
  const names = left(run, patroniRestarting);
  const standby = (name: string): HostStep => restartPatroni(run, name, (context) => [standbyGate(context)]);
  const standbys = names.filter((name) => name !== leader).map(standby);
  if (done.has('hand-over') && !done.has('follow')) return [followStep(leader, membersBut(inventory, leader)), ...standbys];
  if (!names.includes(leader)) return standbys;
  const candidate = isPaused(view) ? undefined : candidateOf(run, leader);
  if (candidate === undefined)
    return [...standbys, restartPatroni(run, leader, (context) => [leaderGate(context, others(leader))], ', the leader')];
  return [
    ...standbys,
    handOverStep(leader, candidate, { effect: `; ${candidate} leads from then on` }),
    followStep(candidate, membersBut(inventory, candidate)),
    standby(leader),
  ];
}

function restartPatroni(run: RestartRun, name: string, gates: HostStep['gates'], what = ''): HostStep {
  const stops =
    what === '' ? `clients that read from ${name} are cut` : 'every connection to it is cut, and writes fail until it leads again';
  return {
    id: `restart-${name}`,
    title: `restart Patroni on ${name}${what}`,
    effect: isPaused(run.view)
      ? 'the cluster is in maintenance mode, so PostgreSQL keeps running'
      : `PostgreSQL on ${name} restarts with it: ${stops}`,
    on: [name],
    resources: (context) => [
      unitRestart({
        unit: context.platform.patroni.unit,
        before: patroniRestarting.startOf(run, name) ?? '',
        ...(isPaused(run.view) ? {} : { downWithIt: `PostgreSQL on ${name} is down with it, until Patroni starts` }),
      }),
    ],
    ...(gates === undefined ? {} : { gates }),
  };
}

/** Why a member of Patroni's store must not be restarted now: all must work, so that the others are a quorum. */
export function storeObjections(run: RestartRun): OperationObjection[] {
  return unhealthyStore(run, (name) => isLeftDown(run, storeRestarting, name));
}

/**
 * The same for any operation that restarts members of the store.
 * @param isMended says of a member that the next step brings it back
 */
export function unhealthyStore(
  { view, inventory }: Pick<RestartRun, 'view' | 'inventory'>,
  isMended: (name: string) => boolean,
): OperationObjection[] {
  const { name: store, isHealthy, memberNames } = dcsOf(inventory);
  const hosts = storeRestarting.hosts({ inventory }).map(({ name }) => name);
  const ill = hosts.filter((name) => isHealthy(view, name) !== true);
  const down = ill.length === 1 && ill.every(isMended) ? [] : ill;
  const members = Math.max(new Set(memberNames(view)).size, hosts.length);
  if (down.length === 0) return [];
  return [
    {
      kind: 'refuse',
      message: `${store} on ${enumerate(down)} is not healthy: a restart of another member would leave ${hosts.length - down.length - 1} of ${members}, and a quorum needs ${quorumOf(members)}`,
      hint: `bring ${enumerate(down)} up first: \`journalctl -u ${dcsOf(inventory).unit}\` there says why it is not; ${pgprov`status ${inventory}`} shows the members`,
      settles: true,
    },
  ];
}

/** Members one after the other, the one that leads them last. */
export function storeSteps(run: RestartRun): HostStep[] {
  const { view, inventory } = run;
  const { name: store, unit, restart } = dcsOf(inventory);
  const members = storeRestarting.hosts(run).length;
  const names = left(run, storeRestarting);
  const ordered = [...names.filter((name) => !restart.leads(view, name)), ...names.filter((name) => restart.leads(view, name))];
  return ordered.map((name) => ({
    id: `restart-${name}`,
    title: `restart ${store} on ${name}${restart.leads(view, name) ? `, the leader of ${store}` : ''}`,
    effect:
      members - 1 >= quorumOf(members)
        ? `none: the other ${members - 1} members are a quorum`
        : `${store} has no quorum until it is back; Patroni keeps its leader if that is within retry_timeout`,
    on: [name],
    resources: (context: RoleContext) => [
      unitRestart({ unit, before: storeRestarting.startOf(run, name) ?? '', unless: restart.unless(context) }),
    ],
    gates: (context: RoleContext) => restart.gates(context),
  }));
}

/** That every unit has another start, and that all work. */
export function unitChecks(run: RestartRun, service: Restarting): CheckResult[] {
  const remaining = left(run, service);
  return selectedOf(run).map((host) => ({
    host,
    title: 'it was restarted',
    ok: !remaining.includes(host),
    detail: remaining.includes(host) ? 'it runs since before, or does not run' : 'it has a new start',
  }));
}
