import {
  enumerate,
  fetchDigest,
  packagesSwitched,
  packagesToFetch,
  unitRestart,
  unitStartHandle,
  type HostStep,
  type RoleContext,
  type Versions,
} from '../../../index.js';
import { dcsOf } from '../../../../roles/shared/dcs-of.js';
import { hostsWith } from '../../../../roles/shared/layout.js';
import { lockTimeout } from '../../../../roles/shared/packages.js';
import { memberGate } from '../../../../roles/shared/patroni/start.js';
import { quorumOf } from '../../../../roles/shared/quorum.js';
import { variables } from '../../../../roles/shared/variables.js';
import { followStep, handOverStep } from '../hand-over.js';
import { leaderGate, standbyGate } from '../member-gate.js';
import { leaderOf, membersBut, unfit } from '../members.js';
import { restartedMember } from '../restarted-member.js';
import {
  changeWords,
  fetchedOn,
  formerOf,
  memberNames,
  missing,
  notHeld,
  programOn,
  targetsOf,
  titleOf,
  toHold,
  updatableHosts,
  type UpdateRun,
} from './options.js';

/** How a member is restarted: with Patroni's unit, or PostgreSQL alone, by Patroni. */
type MemberRestart = 'patroni' | 'postgresql';

/** What is left to do, in order: all downloads; hosts without PostgreSQL; standbys; then the leader, which has handed over the lead. */
export function updateSteps(run: UpdateRun): HostStep[] {
  const { view, inventory, done } = run;
  const leader = leaderOf(view);
  const members = memberNames(inventory);
  const alone = updatableHosts(inventory).flatMap(({ name }) => (members.includes(name) ? [] : [name]));
  const first = [...fetchStep(run), ...alone.flatMap((name) => hostSteps(run, name, 'standby'))];
  // Who is down may be who is to lead.
  if (leader === undefined)
    return [...first, ...members.filter((name) => isDown(run, name)).map((name) => memberStep(run, name, 'patroni', 'unknown'))];
  const standbys = members.filter((name) => name !== leader).flatMap((name) => hostSteps(run, name, 'standby'));
  if (done.has('hand-over') && !done.has('follow')) return [followStep(leader, membersBut(inventory, leader)), ...first, ...standbys];
  const candidate = heirOf(run, leader);
  const isAsStandby = candidate !== undefined && memberRestart(run, leader) !== undefined;
  const leading = hostSteps(run, leader, isAsStandby ? 'standby' : 'leader');
  if (!isAsStandby) return [...first, ...standbys, ...leading];
  return [
    ...first,
    ...standbys,
    handOverStep(leader, candidate, { title: `, before ${leader} is updated`, effect: `; ${candidate} leads from then on` }),
    followStep(candidate, membersBut(inventory, candidate)),
    ...leading,
  ];
}

/** Whom the leader hands the lead to. */
export function heirOf({ view, inventory }: Pick<UpdateRun, 'view' | 'inventory'>, leader: string): string | undefined {
  return memberNames(inventory).find((name) => name !== leader && unfit(view, leader, name) === undefined);
}

/** Whether something of the update is left on a host. */
export function isLeft(run: UpdateRun, host: string): boolean {
  return missing(run, host, targetsOf(run, host)).length > 0 || isStoreOld(run, host) || memberRestart(run, host) !== undefined;
}

/** Whether a host's Patroni, which the update is about, does not run. */
export function isDown(run: UpdateRun, host: string): boolean {
  const unit = run.contextOf(host).platform.patroni.unit;
  return hasTarget(run, host, ['patroni', 'postgresql']) && run.view.read(host, unitStartHandle(unit)) === '';
}

/** Whether a host's member of the store, which the update is about, does not run. */
export function isStoreDown(run: UpdateRun, host: string): boolean {
  const { role, unit } = dcsOf(run.inventory);
  return hasTarget(run, host, [role]) && run.view.read(host, unitStartHandle(unit)) === '';
}

/** Whether the update is about one of these roles' programs on a host. */
export function hasTarget({ options: { targets } }: UpdateRun, host: string, roles: readonly string[]): boolean {
  return roles.some((role) => targets?.[host]?.[role] !== undefined);
}

/** Whether a role's program is older than what is installed, or will be once that is. */
export function isOld(run: UpdateRun, host: string, role: string): boolean {
  const versions = run.options.targets?.[host]?.[role];
  if (versions === undefined) return false;
  return programOn(run, host, role)?.old === true || missing(run, host, versions).length > 0;
}

function isStoreOld(run: UpdateRun, host: string): boolean {
  return isOld(run, host, dcsOf(run.inventory).role) || isStoreDown(run, host);
}

/** How the member on a host has to be restarted; undefined: it has not. */
function memberRestart(run: UpdateRun, host: string): MemberRestart | undefined {
  if (isOld(run, host, 'patroni') || isDown(run, host)) return 'patroni';
  return isOld(run, host, 'postgresql') ? 'postgresql' : undefined;
}

function hostSteps(run: UpdateRun, host: string, as: 'standby' | 'leader'): HostStep[] {
  const how = memberRestart(run, host);
  return [
    ...installStep(run, host),
    ...(isStoreOld(run, host) ? [storeStep(run, host)] : []),
    ...(how === undefined ? [] : [memberStep(run, host, how, as)]),
  ];
}

/** On all hosts that are to install something, so that none finds out late that it cannot have it. */
export function fetchStep(run: UpdateRun): HostStep[] {
  const on = updatableHosts(run.inventory).flatMap(({ name }) => {
    const changing = Object.keys(formerOf(run, name)).length > 0 && missing(run, name, targetsOf(run, name)).length > 0;
    return changing && fetchedOn(run, name)?.digest !== fetchDigest(fetchOf(run, name)) ? [name] : [];
  });
  if (on.length === 0) return [];
  return [
    {
      id: 'download',
      title: `download the packages on ${enumerate(on)}, and keep those that they replace`,
      on,
      resources: ({ host, platform }) => [
        packagesToFetch({ manager: platform.packageManager, ...fetchOf(run, host.name), ...lockTimeout(host) }),
      ],
    },
  ];
}

function fetchOf(run: UpdateRun, host: string): { versions: Versions; former: Versions } {
  const former = formerOf(run, host);
  const versions = Object.entries(targetsOf(run, host)).filter(([name]) => former[name] !== undefined);
  return { versions: Object.fromEntries(versions), former };
}

/** The packages of a host that are not there yet. */
export function installStep(run: UpdateRun, host: string): HostStep[] {
  const targets = targetsOf(run, host);
  const names = missing(run, host, targets);
  if (names.length === 0) return holdStep(run, host);
  return [
    {
      id: `install-${host}`,
      title: `install on ${host}: ${changeWords(formerOf(run, host), targets, names).join(', ')}; what runs goes on meanwhile`,
      on: [host],
      resources: (context) => [switching(context, fetchOf(run, host).versions, { hold: toHold(run, host) })],
    },
  ];
}

/** An update that was cut off may have left packages without the hold that apt takes from those that it brings on. */
function holdStep(run: UpdateRun, host: string): HostStep[] {
  const names = notHeld(run, host);
  if (names.length === 0) return [];
  return [
    {
      id: `hold-${host}`,
      title: `put ${names.join(', ')} on hold again on ${host}`,
      on: [host],
      resources: (context) => [switching(context, {}, { hold: names })],
    },
  ];
}

/** How packages are brought to other versions, besides which. */
interface Switching {
  /** The versions are those that were kept. */
  back?: true;
  /** Packages that are on hold afterwards. */
  hold: readonly string[];
}

/** The packages of a host in these versions, while what runs goes on. */
export function switching(context: RoleContext, versions: Versions, how: Switching): ReturnType<typeof packagesSwitched> {
  const { host, inventory, platform } = context;
  const { unit } = dcsOf(inventory);
  const { version, name } = variables(host, 'postgresql');
  return packagesSwitched({
    manager: platform.packageManager,
    versions,
    units: [unit, platform.patroni.unit, platform.postgresql(version).unit(name)],
    ...how,
    ...lockTimeout(host),
  });
}

/** Restarts a host's member of the store, and waits until all work. */
export function storeStep({ view, inventory }: UpdateRun, host: string, id = 'restart-store'): HostStep {
  const { name: store, unit, restart, role } = dcsOf(inventory);
  const members = hostsWith(inventory, role).length;
  return {
    id: `${id}-${host}`,
    title: `restart ${store} on ${host}`,
    effect:
      members - 1 >= quorumOf(members)
        ? `none: the other ${members - 1} members are a quorum`
        : `${store} has no quorum until it is back; Patroni keeps its leader if that is within retry_timeout`,
    on: [host],
    resources: (context) => [unitRestart({ unit, before: view.read(host, unitStartHandle(unit)) ?? '', unless: restart.unless(context) })],
    gates: (context) => restart.gates(context),
  };
}

/** Restarts a member, and waits until it streams or leads. */
export function memberStep(
  run: UpdateRun,
  host: string,
  how: MemberRestart,
  as: 'standby' | 'leader' | 'unknown',
  id = 'restart',
): HostStep {
  const { view, inventory } = run;
  const others = membersBut(inventory, host);
  const what = how === 'patroni' ? titleOf(inventory, 'patroni') : 'PostgreSQL';
  const with_ = how === 'patroni' ? `PostgreSQL on ${host} restarts with it: ` : '';
  return {
    id: `${id}-${host}`,
    title: `restart ${what} on ${host}${as === 'leader' ? ', the leader' : ''}`,
    effect:
      as === 'leader'
        ? `${with_}every connection to it is cut, and writes fail until it is up again`
        : `${with_}clients that read from ${host} are cut; writes continue`,
    on: [host],
    ...(as === 'leader' ? { measuresWriteGap: true as const } : {}),
    resources: (context) => {
      const { unit } = context.platform.patroni;
      if (how === 'patroni') {
        const before = view.read(host, unitStartHandle(unit)) ?? '';
        return [unitRestart({ unit, before, downWithIt: `PostgreSQL on ${host} is down with it, until Patroni starts` })];
      }
      return [restartedMember(view, context, { onlyAsReplica: as !== 'leader', takeBack: '' })];
    },
    gates: (context) =>
      as === 'unknown' ? [memberGate(context)] : as === 'leader' ? [leaderGate(context, others)] : [standbyGate(context)],
  };
}
