import {
  BACKUP_VERIFIED,
  backupVerified,
  defineOperation,
  enumerate,
  formatBytes,
  pgprov,
  type BackupStatus,
  type CheckResult,
  type OperationObjection,
  type OperationRun,
  type OperationStep,
} from '../index.js';
import { pgbackrestUser } from '../../roles/shared/backup/pgbackrest.js';
import { backupAdvice, briefly } from '../../roles/shared/backup/trouble.js';
import { stanzaOf } from '../../roles/shared/backup/stanza.js';
import { backupRoles, noBackups } from './shared/backup/asked.js';
import { asksBackups, backupState, problemsOf } from './shared/backup/state.js';

type Run = OperationRun<object>;

export default defineOperation<object>({
  name: 'backup verify',
  description:
    'have pgBackRest read all backups and all WAL and compare checksums, look for WAL that is missing, and at the age; changes nothing',
  options: {},
  roles: ({ inventory }) => backupRoles(inventory),
  requiresConverged: false,
  unreachable: 'tell',
  streaming: true,
  changesNothing: true,
  observations: asksBackups,
  problems: ({ inventory }): OperationObjection[] => noBackups(inventory),
  remaining: (run) => ({ steps: verifying(run) }),
  checks: proofs,
  finished: (run) =>
    readable(run).length === 0 ? undefined : `${enumerate(readable(run).map(({ name }) => name))}: all that is there was read`,
});

function stateOf({ inventory, view }: Run): BackupStatus {
  return backupState(inventory, view, new Date());
}

/** The repositories in which there is something to be read. */
function readable(run: Run): BackupStatus['repositories'][number][] {
  return stateOf(run).repositories.filter(({ status }) => status === 'ok');
}

/** A step for each host that is asked, which has its repositories read one after the other. */
function verifying(run: Run): OperationStep[] {
  const { inventory, done } = run;
  const repositories = readable(run);
  return [...new Set(repositories.map(({ host }) => host))].flatMap((host) => {
    const id = `verify-${host}`;
    if (done.has(id)) return [];
    const own = repositories.filter((repository) => repository.host === host);
    const bytes = own.flatMap(({ backups }) => backups.map(({ stored }) => stored)).reduce((sum, stored) => sum + stored, 0);
    const names = enumerate(own.map(({ name }) => name));
    return [
      {
        id,
        title: `read what is in ${names}, and compare checksums`,
        tells: `pgBackRest on ${host} reads ${formatBytes(bytes)} of backups, and all WAL, in ${names}`,
        on: [host],
        asks: (context) => [
          backupVerified(
            { stanza: stanzaOf(inventory), server: pgbackrestUser(context) },
            own.map(({ number }) => number),
          ),
        ],
      },
    ];
  });
}

function proofs(run: Run): CheckResult[] {
  const { inventory, view } = run;
  const now = new Date();
  const state = backupState(inventory, view, now);
  const verified = state.repositories
    .filter(({ status }) => status === 'ok')
    .map(({ host, name, number }): CheckResult => {
      const seen = view.read(host, BACKUP_VERIFIED)?.find(({ repository }) => repository === number);
      const words = seen?.problem === undefined ? (seen?.wrong.join('; ') ?? '') : briefly(seen.problem);
      return {
        host,
        title: `all checksums in ${name} match`,
        ok: seen !== undefined && words === '',
        detail: seen === undefined ? 'pgBackRest was not asked' : words === '' ? `backups: ${seen.backups}, WAL files: ${seen.wal}` : words,
        ...(words === '' ? {} : { mend: seen?.problem === undefined ? DAMAGED : backupAdvice(seen.problem, inventory) }),
      };
    });
  // That a host could not be asked is told as such, and is nothing that is wrong with backups.
  const seen = state.repositories.filter(({ status }) => status !== 'unseen');
  if (seen.length === 0) return [];
  const problems = problemsOf({ ...state, repositories: seen }, inventory, now);
  return [
    ...verified,
    ...(problems.length === 0
      ? [{ title: IN_ORDER, ok: true, detail: `backup.max_age is ${state.maxAgeHours} hours` }]
      : problems.map((problem) => ({
          title: IN_ORDER,
          ok: false,
          detail: problem,
          mend: `${pgprov`backup ${inventory}`} takes one that needs nothing older`,
        }))),
  ];
}

const IN_ORDER = 'the last good backup is young enough, and no WAL is missing';

const DAMAGED = 'what is damaged cannot be restored: take a full backup at once, and look at the disks where the repository is';
