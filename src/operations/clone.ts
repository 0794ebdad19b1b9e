import {
  BACKUP_INFO,
  backupInfo,
  backupTimers,
  dataCopy,
  dataDirectoryOf,
  dataOrigin,
  defineOperation,
  DATA_ORIGIN,
  enumerate,
  localServer,
  restorePlace,
  type CheckResult,
  type Observation,
  type OperationStart,
  type RoleContext,
} from '../index.js';
import { pgbackrestUser } from '../../roles/shared/backup/pgbackrest.js';
import { backupHosts } from '../../roles/shared/backup/repositories.js';
import { originOf, readingMember } from '../../roles/shared/backup/source.js';
import { stanzaOf } from '../../roles/shared/backup/stanza.js';
import { dcsOf } from '../../roles/shared/dcs-of.js';
import { backupRoles } from './shared/backup/asked.js';
import { archives, archivesOwn } from './shared/clone/archives.js';
import { content, contentOf } from './shared/clone/content.js';
import { cloneObjections, cloneProblems } from './shared/clone/guards.js';
import type { CloneOptions, CloneRun } from './shared/clone/seen.js';
import { cloneSteps, cloneUndone } from './shared/clone/steps.js';
import { finished, proofs } from './shared/restore/end.js';
import { AIM_OPTIONS, UNDO_OPTION } from './shared/restore/options.js';
import { chosenOf, isLetIn, isUntouched } from './shared/restore/seen.js';
import { sourceObservations } from './shared/restore/source.js';
import { aimWords, newestTimeline, stanzaIdentifier } from './shared/restore/target.js';
import { goOn, takeBack } from './shared/restore/words.js';
import { hasPatroni, serverRole, serverRuns, writerOf } from './shared/servers.js';

/** Seconds for which what passes by itself is waited for: WAL that is archived, the lease of a leader that is gone. */
const PATIENCE = 60;

export default defineOperation<CloneOptions>({
  name: 'clone',
  description: 'make a cluster of another name from the backups of this one, which is not touched',
  takesSource: true,
  sourceClient: readingMember,
  options: {
    ...AIM_OPTIONS,
    approve: { type: 'boolean', description: 'the data that the other cluster has is put aside, where it is not empty' },
    undo: UNDO_OPTION,
  },
  choosesHosts: true,
  roles: ({ inventory }) => [...(hasPatroni(inventory) ? [dcsOf(inventory).role] : []), serverRole(inventory), ...backupRoles(inventory)],
  requiresConverged: false,
  unreachable: 'go-on',
  holdsMembers: true,
  streaming: true,
  patience: PATIENCE,
  observations: observed,
  problems: cloneProblems,
  choose: chosen,
  guards: cloneObjections,
  remaining: (run) => (run.options.undo === true && !isLetIn(run) ? cloneUndone(run) : { steps: cloneSteps(run) }),
  question: (run) => {
    const { options, inventory, source } = run;
    if (options.undo === true) return `Bring back what ${inventory.cluster} had before the clone?`;
    const { has = [] } = options;
    const aside = has.length === 0 ? '' : `, and put aside what it has: ${enumerate(has)}`;
    return `Make ${inventory.cluster} a clone of ${source?.inventory.cluster ?? ''}, as it was at ${aimWords(options)}${aside}?`;
  },
  nothing: told,
  checks: (run) => [...proofs(run), ...(run.options.undo === true ? [] : [...archivesOwn(run), ...origins(run)])],
  finished: told,
  broken: async (run) => {
    if (isLetIn(run)) return `the cloned data is in place; ${goOn(run)} finishes what is left`;
    const state = isUntouched(run) ? 'no data is out of its place' : 'nothing was deleted, and no client is let in';
    return `${state}; ${goOn(run)} goes on from what is there, and ${takeBack(run)} brings back what was there`;
  },
});

/** A clone gets a timeline that its own stanza has not either, where it was cloned from the same cluster before. */
function chosen(run: CloneRun): CloneOptions {
  const { view, inventory } = run;
  const made = chosenOf(run);
  const own = inventory.hosts.flatMap(({ name }) => view.read(name, BACKUP_INFO) ?? []);
  const same = own.filter((info) => stanzaIdentifier(info) === made.identifier);
  return { ...made, newest: Math.max(made.newest ?? 0, ...same.map(newestTimeline)), has: contentOf(run) };
}

function observed(context: RoleContext, start: Pick<OperationStart<CloneOptions>, 'chosenHosts' | 'options' | 'source'>): Observation[] {
  const { host, inventory, platform } = context;
  const isMember = host.roles.includes(serverRole(inventory));
  const isBackupHost = backupHosts(inventory).some(({ name }) => name === host.name);
  const path = isMember ? dataDirectoryOf(host, platform) : '';
  return [
    ...serverRuns(context),
    ...(isMember
      ? [
          dataCopy(path),
          restorePlace(path, localServer(host, platform)),
          dataOrigin(path),
          content(localServer(host, platform)),
          archives(localServer(host, platform)),
          ...sourceObservations(context, start),
        ]
      : []),
    ...(isBackupHost ? [backupTimers(), backupInfo({ stanza: stanzaOf(inventory), server: pgbackrestUser(context) })] : []),
  ];
}

function told(run: CloneRun): string {
  const { source, options } = run;
  if (options.undo === true) return finished(run);
  return `${finished(run)}. It is a clone of ${source?.inventory.cluster ?? ''}, with its system identifier`;
}

/** It can be told from its source, also by those who take its data for their own. */
function origins(run: CloneRun): CheckResult[] {
  const { view, source } = run;
  const leader = writerOf(view);
  if (source === undefined || leader === undefined) return [];
  const { cluster, stanza } = originOf(source.inventory);
  const known = view.read(leader, DATA_ORIGIN) ?? [];
  return [
    {
      host: leader,
      title: 'its data says whose clone it is, which keeps it from the backups of that cluster',
      ok: known.some((origin) => origin.cluster === cluster && origin.stanza === stanza),
      detail: known.map((origin) => origin.cluster).join(', ') || 'it says nothing',
    },
  ];
}
