import {
  backupArchive,
  asksBackupsHeld,
  backupInfo,
  defineOperation,
  drillPlace,
  drillRoom,
  DRILL_UNIT,
  formatBytes,
  formatDuration,
  localServer,
  walWritten,
  type Observation,
  type RoleContext,
} from '../index.js';
import { pgbackrestUser } from '../../roles/shared/backup/pgbackrest.js';
import { backupHosts, writtenBy } from '../../roles/shared/backup/repositories.js';
import { stanzaOf } from '../../roles/shared/backup/stanza.js';
import { backupRoles } from './shared/backup/asked.js';
import { drillObjections, drillProblems } from './shared/drill/guards.js';
import { drillChecks, drillOf } from './shared/drill/outcome.js';
import { chosenOf, holding, notesOf, placeOf, usualParent, type DrillChoices, type DrillRun } from './shared/drill/seen.js';
import { drillSteps } from './shared/drill/steps.js';
import { TIME_PATTERN } from './shared/restore/target.js';

/** Seconds for which what passes by itself is waited for: a backup that ends, another drill that nobody watches any more. */
const PATIENCE = 60;

export default defineOperation<DrillChoices>({
  name: 'drill restore',
  description:
    'restore a backup into a directory of its own on a host, start it there, check it, tell RTO and RPO, and remove it; the cluster is not touched',
  options: {
    on: { type: 'string', value: 'host', description: 'the host that restores; default: the standby with the most room' },
    time: {
      type: 'string',
      value: 'moment',
      pattern: TIME_PATTERN,
      expects: 'a time such as 2026-03-04T22:00:00+01:00; without an offset it is in UTC',
      description: 'recover it to this time; default: to the last commit that is archived',
    },
    backup: {
      type: 'string',
      value: 'label',
      pattern: '[0-9FDI_-]{1,40}',
      expects: 'the label of a backup, as in the list of backups',
      description: 'restore this backup; without --time, to its end',
    },
    check: { type: 'string', value: 'sql', description: 'a query that must give something, and not false; its answer is shown' },
    database: { type: 'string', value: 'name', description: 'where --check is asked; default: postgres' },
    json: { type: 'boolean', description: 'print what came of it as JSON, and nothing else' },
    directory: { type: 'string', value: 'path', description: 'where its directory is made; default: beside the data directory' },
  },
  roles: ({ inventory }) => backupRoles(inventory),
  requiresConverged: false,
  unreachable: 'go-on',
  changesNothing: true,
  streaming: true,
  patience: PATIENCE,
  observations: observed,
  problems: drillProblems,
  choose: chosenOf,
  guards: drillObjections,
  remaining: (run) => ({ steps: drillSteps(run) }),
  checks: drillChecks,
  finished: numbers,
  answer: (run) => (notesOf(run) === undefined ? undefined : drillOf(run)),
  broken: async (run) => left(run),
});

function observed(context: RoleContext): Observation[] {
  const { host, inventory, platform } = context;
  const info = { stanza: stanzaOf(inventory), server: pgbackrestUser(context) };
  const isBackupHost = backupHosts(inventory).some(({ name }) => name === host.name);
  const restores = host.roles.includes('backup');
  const server = restores ? localServer(host, platform) : undefined;
  const parent = restores ? usualParent(context) : '';
  return [
    ...(server === undefined ? [] : [drillPlace(parent, server.binDirectory), drillRoom(parent), walWritten(server)]),
    // What a member sees of the repositories decides only whether it can restore.
    { ...backupInfo(info), ...(isBackupHost ? {} : { when: 'start' as const }) },
    ...(isBackupHost
      ? [
          asksBackupsHeld(),
          backupArchive(
            info,
            writtenBy(inventory, host).map(({ number }) => number),
          ),
        ]
      : []),
  ];
}

/** What a drill is made for. */
function numbers(run: DrillRun): string {
  const { on, backup, size, rtoSeconds = 0, restoreSeconds = 0, rpoSeconds, walBehind, walReplayed } = drillOf(run);
  const recovery = walReplayed === undefined ? '' : `, replayed ${formatBytes(walReplayed)} of WAL`;
  const lost =
    rpoSeconds === undefined
      ? ''
      : rpoSeconds === 0
        ? '\nRPO: 0 s, all that the cluster had written was in the repository'
        : `\nRPO: ${formatDuration(rpoSeconds * 1000)} at most, by the last commit that was found${walBehind === undefined ? '' : `; the cluster had written ${formatBytes(walBehind)} of WAL since`}`;
  return `RTO: ${formatDuration(rtoSeconds * 1000)} on ${on}, which restored ${formatBytes(size)} of backup ${backup} in ${formatDuration(restoreSeconds * 1000)}${recovery}, and served it${lost}`;
}

/** What becomes of a drill that nobody waits for any more. */
function left(run: DrillRun): string {
  const { on = '' } = run.options;
  const held = holding(run);
  const backups =
    held.length === 0
      ? ''
      : `; backups on ${held.join(', ')} wait for some hours at most, or until \`systemctl stop ${DRILL_UNIT}-hold\` there`;
  if (notesOf(run) === undefined || !placeOf(run).running) return `the cluster was not touched${backups}`;
  return `the drill goes on on ${on}, and removes what it has made when it is over; \`systemctl stop ${DRILL_UNIT}\` there ends it${backups}`;
}
