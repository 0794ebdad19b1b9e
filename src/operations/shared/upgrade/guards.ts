import { enumerate, formatBytes, pgprov, topologyOf, type OperationObjection } from '../../../index.js';
import { dataDirectoryOf, hostsWith } from '../../../../roles/shared/layout.js';
import { variables } from '../../../../roles/shared/variables.js';
import { notStreaming, storeOf } from '../members.js';
import { untilLed, untilUp } from '../passing.js';
import { busyObjection, maintenanceObjection } from '../quiet-cluster.js';
import { writerOf } from '../servers.js';
import { backupsInTheWay } from './backups.js';
import { configuredOn, dataOf, factsOf, isLetIn, members, notesOf, runs, trialOf, type UpgradeRun } from './seen.js';

type Start = Pick<UpgradeRun, 'inventory' | 'options'>;

function refuse(message: string, hint: string): OperationObjection[] {
  return [{ kind: 'refuse', message, hint }];
}

/** What speaks against it before any host is connected to. */
export function upgradeProblems({ inventory, options }: Start): OperationObjection[] {
  const input = (message: string, hint: string): OperationObjection[] => [{ kind: 'input', error: 'upgrade/option', message, hint }];
  const { to, undo, finish, newer } = options;
  if (inventory.hosts.every((host) => topologyOf(host) !== 'patroni'))
    return input(
      `${inventory.cluster} is no cluster that Patroni runs, and pgprov upgrades no other servers`,
      'docs/upgrade.md has the steps by hand',
    );
  if (undo === true && finish === true) return input('--undo and --finish are given, and only one of them can be done', 'leave out one');
  if (to === undefined && finish !== true && newer === undefined)
    return input(
      `it is not said which major version ${inventory.cluster} is to have`,
      undo === true ? 'give the version to go back to: `--to 15`, say' : 'give it: `--to 17`, say',
    );
  const own = hostsWith(inventory, 'patroni').filter((host) => variables(host, 'postgresql').data_dir !== undefined);
  if (own.length > 0)
    return input(
      `postgresql.data_dir is given for ${enumerate(own.map(({ name }) => name))}, and one directory cannot have the data of both majors`,
      'pgprov upgrades only data in the places of the packages, which have the version in their names; docs/upgrade.md has the steps by hand',
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
    ...room(run),
    ...backupsInTheWay(run),
    ...tried(run),
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
  const { slots, prepared, subscriptions, tablespaces, long } = says;
  if (tablespaces.length > 0)
    return refuse(
      `${member} has tablespaces outside its data directory (${enumerate(tablespaces)}), and pgprov upgrades none of these yet`,
      'nothing was changed; docs/upgrade.md has the steps by hand',
    );
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

/** Bytes that the new data takes at most, with what is written while it is made. */
function needed(run: UpgradeRun): number {
  const { member = '', older = 0 } = run.options;
  return Math.ceil((factsOf(run, member)?.bytes[older] ?? 0) * 1.1);
}

/** Both majors' data are there on every member; cloned files take no room on the member that is upgraded. */
function room(run: UpgradeRun): OperationObjection[] {
  const { member, transfer } = run.options;
  const tight = members(run).filter((host) => {
    const facts = factsOf(run, host);
    return facts !== undefined && facts.free < needed(run) && !(host === member && transfer === 'clone');
  });
  if (tight.length === 0) return [];
  const free = tight.map((host) => `${formatBytes(factsOf(run, host)?.free ?? 0)} on ${host}`);
  return refuse(
    `there is no room for the new data beside the former: ${formatBytes(needed(run))} is needed on every member, and ${enumerate(free)} ${free.length === 1 ? 'is' : 'are'} free`,
    'nothing was changed; make room there, then run this again',
  );
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
  const settings = Object.entries(trial.settings);
  if (settings.length === 0) return [];
  return refuse(
    `PostgreSQL ${newer} does not take every setting of ${member}:${settings.map(([name, why]) => `\n  ${name}: ${why}`).join('')}`,
    `take them out of the inventory, or of the dynamic configuration (${pgprov`config edit ${run.inventory}`}), and have them in force with ${pgprov`apply ${run.inventory}`} first`,
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
      ? `Go back to PostgreSQL ${older}? What was written to ${cluster} since ${newer} was started is lost to it; it stays in the data that is put aside.`
      : `Go back to PostgreSQL ${older}? Nothing was written with ${newer} yet.`;
  const size = factsOf(run, member)?.bytes[older ?? 0] ?? 0;
  return `Upgrade ${cluster} from PostgreSQL ${older} to ${newer}? Until --finish both versions’ data take room on every member, about ${formatBytes(size)} each.`;
}
