import {
  directory,
  enumerate,
  formerSpacesAside,
  isFormer,
  patroniSilent,
  scopeReset,
  upgradedGate,
  upgradeNoted,
  upgradeReads,
  upgradeRuns,
  upgradeSettledGate,
  upgradeSettling,
  upgradeTrial,
  type Foreseen,
  type Installation,
  type OperationStep,
  type Resource,
  type RoleContext,
  type UpgradeRunOptions,
} from '../../../index.js';
import { dcsOf } from '../../../../roles/shared/dcs-of.js';
import { dataDirectoryOf, hostsWith, localServer, restApiUrl } from '../../../../roles/shared/layout.js';
import { installed } from '../../../../roles/shared/packages.js';
import { configFile } from '../../../../roles/shared/patroni/config-file.js';
import { memberGate } from '../../../../roles/shared/patroni/start.js';
import { dataLabel } from '../../../../roles/shared/selinux.js';
import { variables } from '../../../../roles/shared/variables.js';
import { storeOf } from '../members.js';
import { patroniStarts } from '../patroni-starts.js';
import { pausedAcross } from '../pause-pools.js';
import { firstOf } from '../recover/seen.js';
import { copiedMembers } from '../copied-members.js';
import { lateWhy, writerOf } from '../servers.js';
import { stopped } from '../stopped.js';
import { backupsConfigured, copiesFromBackup, firstBackup, holdBackups, releaseBackups, stanzaFollows } from './backups.js';
import { expectedWords } from './expected.js';
import { conformStep, inventoryStep } from './landing.js';
import { contextAt, majorOf, majorsOf } from './majors.js';
import { configuredOn, dataOf, isLetIn, isUpgraded, mayRun, members, placeOf, readsOf, runs, trialOf, type UpgradeRun } from './seen.js';

/** From a cluster of the former major to one of the new, with the former data kept beside it. */
export function forwardSteps(run: UpgradeRun): Foreseen {
  return {
    steps: pausedAcross(run, allSteps(run), { from: ['stop-standbys', 'stop-leader'], until: 'lead' }),
  };
}

function allSteps(run: UpgradeRun): OperationStep[] {
  return [
    ...packageStep(run),
    ...trialStep(run),
    ...holdBackups(run),
    ...stopSteps(run),
    ...upgradeStep(run),
    ...configStep(run),
    ...storeStep(run, dataOf(run, run.options.member ?? '', run.options.newer)?.identifier ?? ''),
    ...leadSteps(run),
    ...stanzaFollows(run),
    ...settlingStep(run),
    ...(copiesFromBackup(run) ? [...firstBackup(run), ...othersSteps(run)] : [...othersSteps(run), ...firstBackup(run)]),
    ...settledStep(run),
    ...releaseBackups(run),
    ...conformStep(run),
    ...inventoryStep(run, run.options.newer ?? 0),
  ];
}

/** What a run of apply would install for it, ahead of anything that is stopped. */
function packageStep(run: UpgradeRun): OperationStep[] {
  const { newer = 0 } = run.options;
  const lacking = members(run).filter((host) => !placeOf(run, host).programs.includes(newer));
  if (lacking.length === 0) return [];
  const role = (name: string) => run.catalog.find((each) => each.name === name);
  const installation = (context: RoleContext): Installation | undefined => role('postgresql')?.install?.(context);
  return [
    {
      id: 'packages',
      title: `install PostgreSQL ${newer} on ${enumerate(lacking)}`,
      effect: 'beside that of the former version, which serves on',
      on: lacking,
      preparesOnly: true,
      resources: (context) => [
        ...(role('pgdg')?.stages(context) ?? []).flatMap(({ resources }) => resources),
        ...(installation(context)?.before ?? []),
        installed(context, { name: 'postgresql', packages: installation(context)?.packages ?? [] }),
      ],
    },
  ];
}

/** What pg_upgrade, and the new programs on any member, have against it is known before anything is stopped. */
function trialStep(run: UpgradeRun): OperationStep[] {
  const { member = '', older, newer = 0 } = run.options;
  const isTried = trialOf(run) !== undefined && members(run).every((host) => readsOf(run, host) !== undefined);
  if (isTried || isUpgraded(run) || run.done.has('trial') || dataOf(run, member, older)?.running !== true) return [];
  return [
    {
      id: 'trial',
      title: `try \`pg_upgrade --check\` on ${member}, against the server that runs, and have PostgreSQL ${newer} read settings and libraries on every member`,
      on: members(run),
      asks: (context) => [
        ...(context.host.name === member ? [upgradeTrial(majorsOf(context), newer, 'everyStep')] : []),
        upgradeReads(majorsOf(context), newer, 'everyStep'),
      ],
    },
  ];
}

/** Who takes writes last, so that nobody takes over; none starts at a boot. */
function stopSteps(run: UpgradeRun): OperationStep[] {
  const { member = '', older = 0 } = run.options;
  if (isLetIn(run)) return [];
  const up = members(run).filter((host) => mayRun(run, host));
  const standbys = up.filter((host) => host !== member);
  const expected = expectedWords(run);
  const resources = (context: RoleContext): Resource[] => [stopped(contextAt(context, older), true) as Resource];
  return [
    ...(standbys.length === 0
      ? []
      : [
          {
            id: 'stop-standbys',
            title: `stop Patroni and PostgreSQL on ${enumerate(standbys)}`,
            effect: `connections to ${standbys.length === 1 ? 'it' : 'them'} are cut`,
            on: standbys,
            resources,
          },
        ]),
    ...(up.includes(member)
      ? [
          {
            id: 'stop-leader',
            title: `stop Patroni and PostgreSQL on ${member}, the leader`,
            effect: `the database is down until ${member} leads with the new version${expected === undefined ? '' : `, ${expected}`}`,
            measuresWriteGap: { until: 'lead' },
            on: [member],
            resources,
          },
        ]
      : []),
  ];
}

/** What pg_upgrade is to do. */
function upgrading(run: UpgradeRun, context: RoleContext): UpgradeRunOptions {
  const { older = 0, newer = 0, initdb = [], preload = '', transfer = 'copy' } = run.options;
  const { user: owner, group, unit } = context.platform.patroni;
  return {
    from: majorOf(context, older),
    to: majorOf(context, newer),
    ownership: { owner, group, mode: '0700' },
    initdb,
    preload,
    transfer,
    unit,
  };
}

function upgradeStep(run: UpgradeRun): OperationStep[] {
  const { member = '', older, newer, transfer = 'copy' } = run.options;
  if (isUpgraded(run) || isLetIn(run)) return [];
  return [
    {
      id: 'upgrade',
      title: `have pg_upgrade make data of PostgreSQL ${newer} from that of ${older} on ${member}`,
      effect:
        transfer === 'clone'
          ? 'its files are cloned; the former data stays as it is'
          : 'its files are copied; the former data stays as it is',
      on: [member],
      // What initdb makes inherits the label of the directory that it is given.
      resources: (context) => [...dataLabel(context.host, context.platform), upgradeRuns(upgrading(run, context))],
      gates: (context) => [upgradedGate(upgrading(run, context))],
    },
  ];
}

/** patroni.yml names the programs and the data of the new major. */
function configStep(run: UpgradeRun): OperationStep[] {
  const { newer } = run.options;
  const others = members(run).filter((host) => configuredOn(run, host) !== newer);
  return [...(others.length === 0 ? [] : [writeStep(others, newer ?? 0)]), ...backupsConfigured(run, newer ?? 0)];
}

/** Has Patroni's file name another major. */
export function writeStep(hosts: readonly string[], version: number): OperationStep & { on: readonly string[] } {
  return {
    id: 'configure',
    title: `have Patroni on ${enumerate(hosts)} run PostgreSQL ${version}`,
    on: hosts,
    resources: (context) => [configFile(contextAt(context, version))],
  };
}

/** Patroni knows the cluster by the identifier of its data, which pg_upgrade gives anew. */
export function storeStep(run: UpgradeRun, identifier: string): (OperationStep & { on: readonly string[] })[] {
  const { view, inventory, options } = run;
  const store = storeOf(view);
  if (store === undefined || (options.undo !== true && isLetIn(run))) return [];
  const isSame = store.initialize === identifier;
  if (isSame && !(store.keys ?? []).some(({ key }) => isFormer(key, isSame))) return [];
  const { name } = dcsOf(inventory);
  return [
    {
      id: 'store',
      title: `take what ${name} knows of the former leader out of it, and give it the system identifier of the data`,
      effect: 'the dynamic configuration stays',
      on: [options.member ?? ''],
      resources: (context) => [
        scopeReset({
          keys: dcsOf(inventory).keys(context),
          identifier,
          unless: patroniSilent(hostsWith(inventory, 'patroni').map(restApiUrl)),
        }) as Resource,
      ],
    },
  ];
}

/** Who is started first: the member that was upgraded or, where others have copied its data since, who has the last commits. */
function firstMembers(run: UpgradeRun): string[] {
  const { view, options } = run;
  const { member = '', newer } = options;
  const copied = isLetIn(run) ? members(run).filter((host) => dataOf(run, host, newer) !== undefined) : [];
  if (copied.every((host) => host === member)) return [member];
  const first = firstOf(view);
  return first === undefined ? copied : [first];
}

/** Clients are let in. */
function leadSteps(run: UpgradeRun): OperationStep[] {
  const { view, options } = run;
  const { older = 0, newer = 0, id = '', member = '', identifier = '', was = {} } = options;
  const first = firstMembers(run);
  if (isLetIn(run) && (writerOf(view) !== undefined || first.some((host) => runs(run, host)))) return [];
  const note: OperationStep = {
    id: 'note',
    title: `have ${enumerate(members(run))} note that clients are let in to PostgreSQL ${newer}`,
    effect: `nothing goes back to ${older} by itself from here on; --undo still does, without what is written after this`,
    on: members(run),
    resources: ({ host }) => [upgradeNoted({ from: older, to: newer, id, member, identifier, identity: was[host.name] ?? '-' })],
  };
  return [
    ...(isLetIn(run) ? [] : [note]),
    {
      id: 'lead',
      title: `start Patroni on ${enumerate(first)}${first.length === 1 ? ' alone, and wait until it leads' : ', and wait until one of them leads'}`,
      effect: `clients reach PostgreSQL ${newer} from here on`,
      on: first,
      resources: (context) => [patroniStarts(context)],
      gates: (context) => [memberGate(context)],
    },
  ];
}

function isSettled(run: UpgradeRun): boolean {
  return members(run).some((host) => placeOf(run, host).settled.includes(run.options.id ?? ''));
}

/** Extensions and statistics, while standbys are copied. */
function settlingStep(run: UpgradeRun): OperationStep[] {
  const { view, options } = run;
  const { id = '', newer = 0, member = '' } = options;
  if (isSettled(run) || members(run).some((host) => placeOf(run, host).settling)) return [];
  const leader = (isLetIn(run) ? writerOf(view) : undefined) ?? member;
  return [
    {
      id: 'settle',
      title: `update extensions and gather statistics on ${leader}, in stages`,
      effect: 'queries may be slow until the first stage is over',
      on: [leader],
      resources: ({ host, platform }) => [upgradeSettling({ id, server: localServer(host, platform), version: newer })],
    },
  ];
}

function settledStep(run: UpgradeRun): OperationStep[] {
  const { view, options } = run;
  const { id = '', member = '' } = options;
  if (isSettled(run)) return [];
  const at = members(run).find((host) => placeOf(run, host).settling) ?? (isLetIn(run) ? writerOf(view) : undefined) ?? member;
  return [
    {
      id: 'settled',
      title: `wait until extensions are updated and statistics gathered on ${at}`,
      on: [at],
      gates: () => [upgradeSettledGate({ id })],
    },
  ];
}

/** The other members copy the new data; what they had stays in its place. */
function othersSteps(run: UpgradeRun): OperationStep[] {
  const { view } = run;
  const [first = ''] = firstMembers(run);
  const leader = (isLetIn(run) ? writerOf(view) : undefined) ?? first;
  const late = members(run).filter((host) => host !== leader && (!isLetIn(run) || lateWhy(view, leader, host) !== undefined));
  return copiedMembers(run, { leader, late, startsEmpty: (context) => startsEmpty(run, context) });
}

/** Patroni runs, and has a directory to copy to, the one above it included, and empty directories for tablespaces. */
function startsEmpty(run: UpgradeRun, context: RoleContext): Resource[] {
  const { host, platform } = context;
  const { older = 0, was = {} } = run.options;
  const { user: owner, group } = platform.patroni;
  const path = dataDirectoryOf(host, platform);
  const isOwn = variables(host, 'postgresql').data_dir !== undefined;
  return [
    formerSpacesAside(majorOf(context, older).path, was[host.name] ?? ''),
    // The one above a directory of somebody's choice is theirs.
    ...(isOwn ? [] : [directory({ path: path.slice(0, path.lastIndexOf('/')), owner, group, orMode: '0700' }) as Resource]),
    directory({ path, owner, group, mode: '0700', orMode: '0750' }) as Resource,
    ...dataLabel(host, platform),
    patroniStarts(context),
  ];
}
