import {
  enumerate,
  formatBytes,
  formatDuration,
  notWanted,
  pgprov,
  removal,
  SHARED,
  topologyOf,
  VERSION_IN_PATH,
  type OperationObjection,
} from '../../../index.js';
import { dataDirectoryOf, hostsWith } from '../../../../roles/shared/layout.js';
import { variables } from '../../../../roles/shared/variables.js';
import { notStreaming, storeOf } from '../members.js';
import { untilLed, untilUp } from '../passing.js';
import { busyObjection, maintenanceObjection } from '../quiet-cluster.js';
import { longestWait, poolObjections } from '../pause-pools.js';
import { writerOf } from '../servers.js';
import { expectedTime } from './expected.js';
import { lostBy } from './back.js';
import { backupsInTheWay } from './backups.js';
import { majorOf } from './majors.js';
import { bytesOf, configuredOn, dataOf, factsOf, isLetIn, members, notesOf, readsOf, runs, trialOf, type UpgradeRun } from './seen.js';

/** What a directory that was put aside is called; one that a person has called so could not be told from it. */
const ENDS_ASIDE = /\.aside-\d*T\d*$/u;

type Start = Pick<UpgradeRun, 'inventory' | 'options'>;

function refuse(message: string, hint: string): OperationObjection[] {
  return [{ kind: 'refuse', message, hint }];
}

/** What speaks against it before any host is connected to. */
export function upgradeProblems({ inventory, options }: Start): OperationObjection[] {
  const input = (message: string, hint: string): OperationObjection[] => [{ kind: 'input', error: 'upgrade/option', message, hint }];
  const { to, undo, finish, newer, pausePools } = options;
  if (inventory.hosts.every((host) => topologyOf(host) !== 'patroni'))
    return input(
      `${inventory.cluster} is no cluster that Patroni runs, and pgprov upgrades no other servers`,
      'docs/upgrade.md has the steps by hand',
    );
  if (undo === true && finish === true) return input('--undo and --finish are given, and only one of them can be done', 'leave out one');
  // What is taken back or finished may have been begun with it.
  if (pausePools === true && newer === undefined && (undo === true || finish === true))
    return input('--pause-pools is for the upgrade itself', 'leave it out');
  const [noPools] = poolObjections({ inventory, options });
  if (noPools !== undefined) return [noPools];
  if (to === undefined && finish !== true && newer === undefined)
    return input(
      `it is not said which major version ${inventory.cluster} is to have`,
      undo === true ? 'give the version to go back to: `--to 15`, say' : 'give it: `--to 17`, say',
    );
  const own = hostsWith(inventory, 'patroni').flatMap((host) => {
    const path = variables(host, 'postgresql').data_dir;
    return path === undefined || path.includes(VERSION_IN_PATH) ? [] : [`${path} of ${host.name}`];
  });
  if (own.length > 0)
    return input(
      `postgresql.data_dir says one directory for all versions (${enumerate(own)}), and the data of both is to be there until --finish`,
      `write the version in it as ${VERSION_IN_PATH}, so that the directory stays the one that it is: /data/15/main as /data/${VERSION_IN_PATH}/main, say. A path without the version has to be renamed first, by hand: docs/upgrade.md says how`,
    );
  return [];
}

/** Why an upgrade must not begin, or go on; asked before every step. */
export function upgradeObjections(run: UpgradeRun): OperationObjection[] {
  const { options } = run;
  if (options.finish === true) return finishing(run);
  if (options.undo === true) return [...undoing(run), ...leased(run)].slice(0, 1);
  if (isLetIn(run)) return [];
  const begun = leased(run);
  if (begun.length > 0) return begun;
  // Of what was stopped nothing is asked any more; that was so when it was stopped.
  if (members(run).some((host) => !runs(run, host)) && run.resumed === true) return [];
  if (run.done.has('stop-standbys') || run.done.has('stop-leader')) return [];
  return beginning(run).slice(0, 1);
}

/** The lease of a leader that was stopped is not over yet. */
function leased(run: UpgradeRun): OperationObjection[] {
  const leader = storeOf(run.view)?.leader ?? '';
  if (leader === '' || members(run).some((host) => runs(run, host))) return [];
  if (!run.inventory.hosts.some(({ name }) => name === leader))
    return refuse(
      `nobody of the inventory runs, and ${leader}, which ${notWanted(run.inventory, leader)}, has the lead`,
      removal(run.inventory, leader),
    );
  return [
    {
      kind: 'refuse',
      message: `nobody runs, and ${leader} still holds the lease of the lead`,
      hint: 'run this again when the lease is over',
      settles: true,
    },
  ];
}

/** What must be so before anything is stopped. */
function beginning(run: UpgradeRun): OperationObjection[] {
  return [
    ...busyObjection(run),
    ...maintenanceObjection(run),
    ...unled(run),
    ...versions(run),
    ...earlier(run),
    ...occupied(run),
    ...losses(run),
    ...spaces(run),
    ...room(run),
    ...backupsInTheWay(run),
    ...tried(run),
    ...waits(run),
  ];
}

function unled(run: UpgradeRun): OperationObjection[] {
  const { view, inventory } = run;
  const leader = writerOf(view);
  const hint = `${pgprov`status ${inventory}`} shows the cluster; bring it in order first`;
  if (leader === undefined) return untilLed(view, refuse('the cluster has no leader', hint));
  const late = notStreaming(view, leader).map(({ name }) => name);
  if (late.length === 0) return [];
  return untilUp(view, late, refuse(`${enumerate(late)} ${late.length === 1 ? 'does' : 'do'} not stream from ${leader}`, hint));
}

/** From an earlier major to a later one, and all members have the same. */
function versions(run: UpgradeRun): OperationObjection[] {
  const { older, newer = 0 } = run.options;
  if (older === undefined)
    return refuse(
      'the data that Patroni runs is not where the packages of any major version have theirs',
      `nothing was changed; ${pgprov`status ${run.inventory}`} says where it is`,
    );
  if (older === newer)
    return [
      {
        kind: 'input',
        message: `${run.inventory.cluster} runs PostgreSQL ${newer} already`,
        hint: isNoted(run)
          ? `${pgprov`upgrade ${run.inventory} --finish`} removes the data of the former version`
          : 'nothing is to be done',
      },
    ];
  if (older > newer)
    return [
      {
        kind: 'input',
        message: `${run.inventory.cluster} runs PostgreSQL ${older}, and no major version goes back to ${newer}`,
        hint: isNoted(run)
          ? `${pgprov`upgrade ${run.inventory} --undo --to ${[String(newer)]}`} takes back an upgrade that was made`
          : 'dump it, and restore the dump into a new cluster',
      },
    ];
  const others = members(run).filter((host) => configuredOn(run, host) !== older);
  if (others.length === 0) return [];
  return refuse(
    `Patroni on ${enumerate(others)} runs another major version than ${older}`,
    `bring the members in order first: ${pgprov`status ${run.inventory}`}`,
  );
}

function isNoted(run: UpgradeRun): boolean {
  return notesOf(run).length > 0;
}

/** One way back at a time. */
function earlier(run: UpgradeRun): OperationObjection[] {
  const [note] = notesOf(run);
  if (note === undefined) return [];
  return refuse(
    `the upgrade from ${note.from} to ${note.to} still has its way back: the data of ${note.from} is kept`,
    `nothing was changed; give it up first with ${pgprov`upgrade ${run.inventory} --finish`}`,
  );
}

/** What is in the place for the new data is somebody's. */
function occupied(run: UpgradeRun): OperationObjection[] {
  const found = members(run).filter((host) => (factsOf(run, host)?.occupied ?? '') !== '');
  if (found.length === 0) return [];
  const { host, platform } = run.contextOf(found[0] ?? '');
  const path = dataDirectoryOf(host, platform);
  return refuse(
    `${path} on ${enumerate(found)} is not empty (${factsOf(run, found[0] ?? '')?.occupied}), and PostgreSQL ${run.options.newer} is to have its data there`,
    'nothing was changed; pgprov never deletes data: move it aside yourself',
  );
}

/** What pg_upgrade does not carry over, or an upgrade would cut off. */
function losses(run: UpgradeRun): OperationObjection[] {
  const { member = '' } = run.options;
  const says = factsOf(run, member)?.says;
  if (says === undefined) return refuse(`the server on ${member} does not say what it has`, 'look at its log, then run this again');
  const { slots, prepared, subscriptions, long } = says;
  if (slots.length > 0)
    return refuse(
      `${slots.length === 1 ? 'a logical replication slot' : 'logical replication slots'} on ${member} would be lost: ${enumerate(slots)}`,
      'nothing was changed; have their subscribers catch up, and drop them with pg_drop_replication_slot(); they are made anew afterwards',
    );
  if (subscriptions > 0)
    return refuse(
      `${member} has ${subscriptions} subscriptions, whose positions would be lost`,
      'nothing was changed; drop them (DROP SUBSCRIPTION), and make them anew afterwards',
    );
  if (prepared.length > 0)
    return refuse(
      `${member} has prepared transactions, which pg_upgrade does not take: ${enumerate(prepared)}`,
      'nothing was changed; end each with COMMIT PREPARED or ROLLBACK PREPARED',
    );
  if (long.length > 0)
    return refuse(
      `a transaction on ${member} has been open for more than an hour, and would be lost: ${enumerate(long)}`,
      'nothing was changed; wait for it, or end it with pg_terminate_backend()',
    );
  return [];
}

/** Tablespaces that pg_upgrade or a standby's copy would stumble over, or that could not go aside. */
function spaces(run: UpgradeRun): OperationObjection[] {
  const { member = '', older = 0, newer = 0 } = run.options;
  const own = [older, newer].map((version) => majorOf(run.contextOf(member), version).path);
  const odd = (factsOf(run, member)?.says?.tablespaces ?? []).filter(
    ({ location }) => !location.startsWith('/') || ENDS_ASIDE.test(location) || own.some((path) => location.startsWith(`${path}/`)),
  );
  if (odd.length > 0)
    return refuse(
      `${member} has tablespaces that cannot be upgraded where they are: ${enumerate(odd.map(({ name, location }) => `${name} (${location === '' ? 'its path has a line break or a tab' : location})`))}`,
      'nothing was changed; move what is in them to a tablespace in a directory of its own, outside the data directory, and drop them',
    );
  for (const host of members(run)) {
    const facts = factsOf(run, host);
    const [taken] = facts?.occupiedSpaces ?? [];
    if (taken !== undefined)
      return refuse(
        `${taken} on ${host} is there already, and PostgreSQL ${newer} is to have a tablespace there`,
        'nothing was changed; pgprov never deletes data: move it aside yourself',
      );
    const fixed = (facts?.spaces[older] ?? []).find((space) => space.fixed !== undefined && !(host === member && space.fixed === SHARED));
    if (fixed !== undefined)
      return refuse(
        `the directory of a tablespace on ${host}, ${fixed.location}, ${fixed.fixed}, so what is there cannot go aside for a copy of the new data`,
        'nothing was changed; a directory of its own below a mount point can: move the tablespace there, then run this again',
      );
  }
  return [];
}

/** Bytes that new data takes at most, with what is written while it is made. */
function needed(bytes: number): number {
  return Math.ceil(bytes * 1.1);
}

/** Both majors' data are there on every member; cloned files take no room on the member that is upgraded. */
function room(run: UpgradeRun): OperationObjection[] {
  const { member = '', older = 0, transfer } = run.options;
  const upgraded = factsOf(run, member);
  const tight = members(run).flatMap((host) => {
    const facts = factsOf(run, host);
    if (facts === undefined || (host === member && transfer === 'clone')) return [];
    const parts = [
      { disk: facts.disk, bytes: upgraded?.bytes[older] ?? 0 },
      ...(facts.spaces[older] ?? []).map(({ location, disk }) => ({
        disk,
        bytes: upgraded?.spaces[older]?.find((theirs) => theirs.location === location)?.bytes ?? 0,
      })),
    ];
    const short = parts
      .map(({ disk }) => ({ disk, bytes: needed(sum(parts.filter((part) => part.disk.device === disk.device))) }))
      .find(({ disk, bytes }) => disk.free < bytes);
    return short === undefined ? [] : [`${formatBytes(short.bytes)} is needed on ${host}, and ${formatBytes(short.disk.free)} is free`];
  });
  if (tight.length === 0) return [];
  return refuse(
    `there is no room for the new data beside the former: ${tight.join('; ')}`,
    'nothing was changed; make room there, then run this again',
  );
}

function sum(parts: readonly { bytes: number }[]): number {
  return parts.reduce((total, { bytes }) => total + bytes, 0);
}

/** What pg_upgrade said of the server that runs. */
function tried(run: UpgradeRun): OperationObjection[] {
  const { member = '', newer, older } = run.options;
  const trial = trialOf(run);
  if (trial === undefined)
    return run.done.has('trial') ? refuse(`pg_upgrade could not be tried on ${member}`, 'nothing was stopped; run this again') : [];
  if (trial.objections.length > 0)
    return refuse(
      `pg_upgrade cannot upgrade ${member} from PostgreSQL ${older} to ${newer}:${trial.objections.map((line) => `\n  ${line}`).join('')}`,
      'put right what it says, on the cluster that serves on; a library that is missing comes with the extension’s package for the new version, on every member. Then run this again',
    );
  return [...readBy(run)].slice(0, 1);
}

/** What the programs of the new version on each member said of its settings and libraries. */
function readBy(run: UpgradeRun): OperationObjection[] {
  const { newer } = run.options;
  const all = members(run);
  const silent = all.filter((host) => readsOf(run, host) === undefined);
  if (silent.length > 0 && run.done.has('trial'))
    return refuse(
      `PostgreSQL ${newer} could not be asked on ${enumerate(silent)} whether it takes what runs there`,
      'nothing was stopped; run this again',
    );
  const told = (what: 'settings' | 'libraries'): [string, string[]][] =>
    all.flatMap((host): [string, string[]][] => {
      const lines = Object.entries(readsOf(run, host)?.[what] ?? {}).map(([name, why]) => `\n  ${name}: ${why}`);
      return lines.length === 0 ? [] : [[host, lines]];
    });
  return [
    ...told('settings').flatMap(([host, lines]) =>
      refuse(
        `PostgreSQL ${newer} does not take every setting of ${host}:${lines.join('')}`,
        `take them out of the inventory, or of the dynamic configuration (${pgprov`config edit ${run.inventory}`}), and have them in force with ${pgprov`apply ${run.inventory}`} first`,
      ),
    ),
    ...told('libraries').flatMap(([host, lines]) =>
      refuse(
        `PostgreSQL ${newer} on ${host} cannot load every library that is used there:${lines.join('')}`,
        `nothing was stopped; install what it lacks on ${host}: a library comes with the extension’s package for PostgreSQL ${newer}. Then run this again`,
      ),
    ),
  ];
}

/** What is expected is an estimate: that much longer it may take. */
const MAY_TAKE = 1.5;

/** Clients of pools wait for as long as PgBouncer lets them, and an upgrade may take longer. */
function waits(run: UpgradeRun): OperationObjection[] {
  const { options, inventory } = run;
  if (options.pausePools !== true || trialOf(run) === undefined) return [];
  const expected = expectedTime(run);
  const limit = longestWait(run);
  if (expected === undefined)
    return refuse(
      'the trial could not measure for how long nothing would be served, and so not whether clients of paused pools would wait for it',
      'nothing was stopped; leave out --pause-pools',
    );
  const most = Math.ceil(expected.seconds * MAY_TAKE);
  if (most <= limit) return [];
  return refuse(
    `clients of paused pools wait for ${limit} s at most, and the upgrade may take ${formatDuration(most * 1000)} (${formatDuration(expected.seconds * 1000)} by what the trial took, and half as much again)`,
    `nothing was stopped; leave out --pause-pools, or set pgbouncer.query_wait_timeout to ${most + 5} or more first, with ${pgprov`apply ${inventory}`}`,
  );
}

/** Going back takes the former data. */
function undoing(run: UpgradeRun): OperationObjection[] {
  const { older, was = {}, member = '' } = run.options;
  if (older === undefined || member === '')
    return refuse(
      `no member of ${run.inventory.cluster} notes an upgrade from PostgreSQL ${run.options.to} that could be taken back`,
      'once it is finished with --finish, or the data of the former version is gone, nothing goes back',
    );
  const lost = Object.entries(was).flatMap(([host, identity]) => (dataOf(run, host, older)?.identity === identity ? [] : [host]));
  if (!lost.includes(member)) return [];
  return refuse(
    `the data that ${member} had of PostgreSQL ${older} is not in its place any more, so it cannot come back`,
    `bring it back to its place, or leave the cluster as it is`,
  );
}

function finishing(run: UpgradeRun): OperationObjection[] {
  const { older, newer = 0 } = run.options;
  if (older === undefined) return [];
  const others = members(run).filter((host) => configuredOn(run, host) !== newer || dataOf(run, host, newer)?.running !== true);
  if (others.length === 0) return [];
  return refuse(
    `PostgreSQL ${newer} does not run on ${enumerate(others)}, so what was there before is not removed`,
    `bring the members in order first: ${pgprov`status ${run.inventory}`}`,
  );
}

/** What a person is asked. */
export function upgradeQuestion(run: UpgradeRun): string {
  const { inventory, options } = run;
  const { older, newer, member = '' } = options;
  const { cluster } = inventory;
  if (options.finish === true)
    return `Remove the data of PostgreSQL ${older} of ${cluster} for good? There is no way back to ${older} then.`;
  if (options.undo === true)
    return isLetIn(run)
      ? `Go back to PostgreSQL ${older} with ${cluster}? Mind that ${lostBy(older ?? 0, newer ?? 0)}.`
      : `Go back to PostgreSQL ${older}? Nothing was written with ${newer} yet.`;
  const size = bytesOf(run, member, older);
  return `Upgrade ${cluster} from PostgreSQL ${older} to ${newer}? Until --finish both versions’ data take room on every member, about ${formatBytes(size)} each.`;
}
