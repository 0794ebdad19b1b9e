import {
  archiveGaps,
  backupInfo,
  backupTimers,
  dataCopy,
  dataDirectoryOf,
  defineOperation,
  enumerate,
  localServer,
  pgprov,
  restorePlace,
  topologyOf,
  type CheckResult,
  type Observation,
  type RoleContext,
} from '../index.js';
import { pgbackrestUser } from '../../roles/shared/backup/pgbackrest.js';
import { backupHosts, writtenBy } from '../../roles/shared/backup/repositories.js';
import { stanzaOf } from '../../roles/shared/backup/stanza.js';
import { dcsOf } from '../../roles/shared/dcs-of.js';
import { answerOf, leaderOf, listedBy, notStreamingWhy, storeOf } from './shared/members.js';
import { backupsSince } from './shared/restore/backup.js';
import { restoreObjections, restoreProblems, restoreQuestion } from './shared/restore/guards.js';
import { landingSteps } from './shared/restore/landing.js';
import {
  allMembers,
  asideOf,
  chosenOf,
  holding,
  isLetIn,
  isRecovered,
  isUntouched,
  members,
  placeOf,
  type RestoreOptions,
  type RestoreRun,
} from './shared/restore/seen.js';
import { preparingSteps } from './shared/restore/steps.js';
import { aimWords, TIME_PATTERN } from './shared/restore/target.js';
import { undoSteps } from './shared/restore/undo.js';
import { memberRuns } from './shared/stopped.js';

/** Seconds for which what passes by itself is waited for: a backup that ends, the lease of a leader that is gone. */
const PATIENCE = 60;

export default defineOperation<RestoreOptions>({
  name: 'restore',
  description: 'bring the whole cluster back to an earlier moment from its backups; what is there now is kept',
  options: {
    time: {
      type: 'string',
      value: 'moment',
      pattern: TIME_PATTERN,
      expects: 'a time such as 2026-03-04T22:00:00+01:00; without an offset it is in UTC',
      description: 'to this time: what was committed later is not in it',
    },
    lsn: {
      type: 'string',
      value: 'location',
      pattern: '[0-9A-Fa-f]{1,8}/[0-9A-Fa-f]{1,8}',
      expects: 'a WAL location such as 0/5005420',
      description: 'to this location in the WAL',
    },
    xid: {
      type: 'string',
      value: 'number',
      pattern: '\\d{1,20}',
      expects: 'the number of a transaction',
      description: 'to this transaction',
    },
    name: { type: 'string', value: 'name', description: 'to this restore point, made by pg_create_restore_point' },
    latest: { type: 'boolean', description: 'to the last commit that is archived' },
    backup: {
      type: 'string',
      value: 'label',
      pattern: '[0-9FDI_-]{1,40}',
      expects: 'the label of a backup, as in the list of backups',
      description: 'begin with this backup; alone, to its end',
    },
    timeline: { type: 'integer', minimum: 1, description: 'follow this timeline; default: the one that the cluster is on' },
    approve: { type: 'boolean', answers: true, description: 'let clients in to the restored data, which has been looked at' },
    undo: { type: 'boolean', answers: true, description: 'bring back what was there before, as long as no client was let in' },
  },
  choosesHosts: true,
  roles: ({ inventory }) => [
    dcsOf(inventory).role,
    'patroni',
    ...['backup', 'backup-repository'].filter((role) => inventory.hosts.some(({ roles }) => roles.includes(role))),
  ],
  requiresConverged: false,
  unreachable: 'go-on',
  patience: PATIENCE,
  observations: observed,
  problems: restoreProblems,
  choose: chosenOf,
  guards: restoreObjections,
  remaining: (run) => {
    if (run.options.undo === true && !isLetIn(run)) return undoSteps(run);
    if (isLetIn(run)) return { steps: landingSteps(run) };
    const preparing = preparingSteps(run);
    if (run.options.approve === true) return { steps: [...preparing, ...landingSteps(run)] };
    return {
      steps: preparing,
      then: `it then waits until somebody has looked at the data and lets clients in: ${pgprov`restore ${run.inventory} --approve`}`,
    };
  },
  question: restoreQuestion,
  nothing: finished,
  checks: proofs,
  finished,
  broken: async (run) => {
    const { inventory } = run;
    if (isLetIn(run)) return `the restored data is in place; ${pgprov`restore ${inventory}`} finishes what is left`;
    if (isRecovered(run) && placeOf(run).server === 'open')
      return `the restore of ${inventory.cluster} is not finished; all its members are down`;
    const state = isUntouched(run) ? 'no data is out of its place' : 'nothing was deleted, and no client is let in';
    return `${state}; ${pgprov`restore ${inventory}`} goes on from what is there, and ${pgprov`restore ${inventory} --undo`} brings back what was there`;
  },
});

function observed(context: RoleContext): Observation[] {
  const { host, inventory, platform } = context;
  const stanza = stanzaOf(inventory);
  const isMember = topologyOf(host) === 'patroni';
  const reaches = host.roles.includes('backup') || host.roles.includes('backup-repository');
  const isBackupHost = backupHosts(inventory).some(({ name }) => name === host.name);
  const server = pgbackrestUser(context);
  const path = isMember ? dataDirectoryOf(host, platform) : '';
  return [
    ...memberRuns(context),
    ...(isMember ? [dataCopy(path), restorePlace(path, localServer(host, platform))] : []),
    // What a member sees of the repositories decides only whether it can restore.
    ...(reaches ? [{ ...backupInfo({ stanza, server }), ...(isBackupHost ? {} : { when: 'start' as const }) }] : []),
    ...(isBackupHost
      ? [backupTimers(), archiveGaps({ stanza, repositories: writtenBy(inventory, host).map(({ number }) => number), server })]
      : []),
  ];
}

function finished(run: RestoreRun): string {
  const { options, view } = run;
  const leader = leaderOf(view) ?? '';
  if (options.undo === true) return `what was there before is back, and ${leader} leads; data that was restored is kept beside it`;
  const kept = members(run).flatMap((host) => {
    const path = asideOf(run, host);
    return path === undefined ? [] : [`${path} on ${host}`];
  });
  const where = kept.length === 0 ? '' : `. What was there before is in ${enumerate(kept)}; remove it when nobody needs it`;
  const away = allMembers(run).filter((host) => !view.surveyed(host));
  const left =
    away.length === 0
      ? ''
      : `. ${enumerate(away)} could not be reached: ${pgprov`start ${run.inventory}`} has it copy the data when it is back`;
  return `${leader} leads with what was restored to ${aimWords(options)}, on timeline ${listedBy(view, leader, leader)?.timeline ?? '?'}${where}${left}`;
}

function proofs(run: RestoreRun): CheckResult[] {
  const { view, options, inventory } = run;
  const leader = leaderOf(view);
  const timeline = leader === undefined ? undefined : listedBy(view, leader, leader)?.timeline;
  const { newest = 0, identifier = '', former = '', undo } = options;
  const expected = undo === true ? former : identifier;
  const known = storeOf(view)?.initialize ?? '';
  const own = leader === undefined ? undefined : answerOf(view, leader)?.systemIdentifier;
  const leads: CheckResult = {
    title: undo === true ? 'one member leads' : 'one member leads, on a timeline that there was not before',
    settles: true,
    ok: leader !== undefined && (undo === true || (timeline ?? 0) > newest),
    detail: leader === undefined ? 'nobody does' : `${leader}, timeline ${timeline ?? '?'}`,
  };
  const stream = members(run).flatMap((host): CheckResult[] => {
    if (host === leader) return [];
    const why = leader === undefined ? 'has no leader' : notStreamingWhy(view, leader, host);
    const its = leader === undefined ? undefined : listedBy(view, leader, host)?.timeline;
    return [
      {
        host,
        title: 'it streams on the leader’s timeline',
        settles: true,
        ok: why === undefined && its === timeline,
        detail: why === undefined ? `timeline ${its ?? '?'}` : `it ${why}`,
      },
    ];
  });
  const knows: CheckResult = {
    title: `${dcsOf(inventory).name} knows the cluster by the identifier of its data`,
    ok: known !== '' && known === own && (expected === '' || known === expected),
    detail: known === '' ? 'it has none' : known,
  };
  const scheduled: CheckResult = {
    title: 'no scheduled backup is held',
    ok: holding(run).length === 0,
    detail: holding(run).join(', ') || 'none is',
  };
  if (undo === true) return [leads, ...stream, knows, scheduled];
  const backups = backupsSince(run);
  return [
    leads,
    ...stream,
    knows,
    {
      title: 'there is a full backup of what was restored',
      ok: backups !== undefined,
      detail: backups?.map(({ label }) => label).join(', ') ?? 'there is none',
      mend: `${pgprov`restore ${inventory}`} tries it again; until there is one, nothing later than the restore can be restored`,
    },
    scheduled,
  ];
}
