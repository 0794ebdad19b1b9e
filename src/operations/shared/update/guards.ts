import { enumerate, pgprov, upstreamVersion, type OperationObjection } from '../../../index.js';
import { answerOf, leaderOf } from '../members.js';
import { poolObjections } from '../pause-pools.js';
import { busyObjection, maintenanceObjection, scheduledRestartObjection } from '../quiet-cluster.js';
import { noLeader, notReady } from '../ready-members.js';
import { unhealthyStore } from '../restart/units.js';
import { wantedVersion } from '../../../../roles/shared/programs.js';
import { choiceObjections } from './choice.js';
import { chosenRoles, memberNames, rolesOn, titleOf, updatableRoles, type UpdateRun, type UpdateStart } from './options.js';
import { isDown, isStoreDown } from './steps.js';

/** What speaks against it by what was given. */
export function updateProblems(start: UpdateStart): OperationObjection[] {
  const { options, inventory } = start;
  const { packages, to } = options;
  const input = (error: string, message: string, hint: string): OperationObjection[] => [
    { kind: 'input', error: `update/${error}`, message, hint },
  ];
  if (!inventory.hosts.some(({ roles }) => roles.includes('postgresql')))
    return input(
      'none',
      `no host of ${inventory.cluster} has the role postgresql`,
      'update the packages with the system’s package manager',
    );
  const known = updatableRoles(inventory);
  const unknown = (packages ?? '').split(',').filter((name) => packages !== undefined && !known.includes(name.trim()));
  if (unknown.length > 0) return input('packages', `--packages knows no ${enumerate(unknown)}`, `give some of ${known.join(', ')}`);
  if (to !== undefined && chosenRoles(start).length !== 1)
    return input('to', '--to is the version of one program', `name one with --packages: ${known.join(', ')}`);
  const [role = ''] = chosenRoles(start);
  const other = inventory.hosts
    .filter((host) => rolesOn(start, host).includes(role))
    .find((host) => {
      const wanted = wantedVersion({ host, inventory }, role);
      return to !== undefined && wanted !== undefined && wanted !== upstreamVersion(to) && wanted !== to;
    });
  if (other !== undefined)
    return input(
      'pinned',
      `the inventory has ${titleOf(inventory, role)} in version ${wantedVersion({ host: other, inventory }, role)}, and --to says ${to}`,
      'change it in the inventory, and leave out --to',
    );
  return poolObjections(start);
}

/** Why it must not begin, or go on. */
export function updateObjections(run: UpdateRun): OperationObjection[] {
  const { view, done } = run;
  const isBegun = done.size > 0 || run.resumed === true;
  const leader = leaderOf(view);
  const isMended = (name: string): boolean => isBegun && isDown(run, name);
  const paused = maintenanceObjection(run);
  if (leader === undefined) return paused.length > 0 || memberNames(run.inventory).some(isMended) ? paused : noLeader(run);
  const isFollowing = done.has('hand-over') && !done.has('follow');
  return [
    ...paused,
    ...busyObjection(run),
    ...scheduledRestartObjection(run, leader),
    ...unhealthyStore(run, (name) => isBegun && isStoreDown(run, name)),
    ...(isFollowing ? [] : notReady(run, leader, isMended)),
    ...(isBegun ? [] : [...choiceObjections(run), ...pendingObjections(run)]),
  ].slice(0, 1);
}

/** A setting that waits for a restart would come with the update, and where that fails nobody knew which of the two it was. */
function pendingObjections({ view, inventory }: UpdateRun): OperationObjection[] {
  const pending = memberNames(inventory).filter((name) => answerOf(view, name)?.pendingRestart === true);
  if (pending.length === 0) return [];
  return [
    {
      kind: 'refuse',
      message: `PostgreSQL on ${enumerate(pending)} waits for a restart that brings settings, which would come with the new version`,
      hint: `run ${pgprov`restart ${inventory} --pending`} first, so that it is known what a failure came from`,
    },
  ];
}
