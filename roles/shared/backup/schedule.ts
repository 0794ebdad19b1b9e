import {
  BACKUPS_HELD_NOTE,
  backupRuns,
  file,
  holdEnded,
  joinScripts,
  onlyThoroughly,
  sh,
  socketOptions,
  timer,
  topologyOf,
  type BackupInfo,
  type Observation,
  type Resource,
  type RoleContext,
  type Script,
  type Stage,
} from '../../../src/index.js';
import { localServer, restApiUrl } from '../layout.js';
import { backupSettings, stanzaOf } from './stanza.js';
import { writtenBy } from './repositories.js';

/** The kinds of backups, each of which has a timer and may be started by hand. */
export const BACKUP_TYPES = ['full', 'diff', 'incr'] as const;

/** One of them. */
export type BackupType = (typeof BACKUP_TYPES)[number];

/** The types that are at least as good as another: a full backup is as good as any. */
export function asGoodAs(type: BackupType): BackupType[] {
  return BACKUP_TYPES.slice(0, BACKUP_TYPES.indexOf(type) + 1);
}

/**
 * A run that failed is made good by a later backup at least as good, in every repository that its host writes to. One that cannot be read has a
 * trouble of its own, and does not tell.
 */
export function isMadeGood(
  began: number,
  type: BackupType,
  { backups, repositories, problem }: Pick<BackupInfo, 'backups' | 'repositories' | 'problem'>,
  numbers: readonly number[],
): boolean {
  const types: readonly string[] = asGoodAs(type);
  const isRead = (number: number): boolean =>
    problem === undefined && repositories.every(({ repository, status }) => repository !== number || status !== 'failed');
  return numbers
    .filter(isRead)
    .every((number) =>
      backups.some((backup) => backup.repository === number && types.includes(backup.type) && !backup.error && backup.stop > began),
    );
}

/** The unit that takes a backup, without `.service`. */
export function backupUnit(type: BackupType): string {
  return `pgprov-backup@${type}`;
}

/** How the units of a host fared that writes backups. */
export function asksRuns({ host, inventory }: Pick<RoleContext, 'host' | 'inventory'>): Observation[] {
  return writtenBy(inventory, host).length === 0 ? [] : [onlyThoroughly(backupRuns(BACKUP_TYPES.map((type) => backupUnit(type))))];
}

/** The file that a backup locks while it is made: one that begins meanwhile waits for it. */
export function backupLock({ pgbackrest }: RoleContext['platform']): string {
  return `${pgbackrest.logDirectory}/pgprov-backup.lock`;
}

/** What the unit runs. */
const PROGRAM = '/usr/local/sbin/pgprov-backup';

const UNITS = '/etc/systemd/system';

/** The unit that takes backups, and the timers that start it. */
export function scheduled(context: RoleContext): Stage {
  const { inventory, platform, template } = context;
  const { schedule, time_limit } = backupSettings(inventory);
  const { cluster } = inventory;
  // Members ask who leads at the same moment, or after a failover in between none or two of them would take a backup.
  const delay = writtenBy(inventory, context.host).every(({ host }) => host !== undefined) ? 300 : 0;
  const service = file({
    path: `${UNITS}/pgprov-backup@.service`,
    content: template('backup/backup.service', {
      cluster,
      held: BACKUPS_HELD_NOTE,
      program: PROGRAM,
      user: platform.pgbackrest.user,
      hours: time_limit,
    }),
  });
  const timers = BACKUP_TYPES.flatMap((type): Resource[] => {
    const when = schedule[type];
    const unit = `${backupUnit(type)}.timer`;
    const runs = when !== 'none';
    const text = runs ? [file({ path: `${UNITS}/${unit}`, content: template('backup/backup.timer', { cluster, type, when, delay }) })] : [];
    return [...text, timer({ unit, runs, files: [service, ...text] })];
  });
  return {
    name: 'schedule',
    title: 'schedule backups',
    crossing: 'independent',
    resources: [
      file({
        path: PROGRAM,
        mode: '0755',
        content: `#!/bin/sh\n# Managed by pgprov: takes a backup of the type that it is given.\n${backupProgram(context).text}\n`,
      }),
      service,
      // Whoever held them has given up, where apply may run.
      holdEnded(),
      ...timers,
    ],
  };
}

/** A host that takes no backups, and may have taken some before. */
export function unscheduled(): Stage {
  return {
    name: 'schedule',
    title: 'schedule backups',
    crossing: 'independent',
    resources: BACKUP_TYPES.map((type) => timer({ unit: `${backupUnit(type)}.timer`, runs: false })),
  };
}

/** What the unit does with the type of backup that it is given. */
export function backupProgram(context: RoleContext): Script {
  const { host, inventory, platform } = context;
  const { from_standby } = backupSettings(inventory);
  const written = writtenBy(inventory, host);
  const isRepositoryHost = written.some((repository) => repository.host !== undefined);
  const lock = backupLock(platform);
  return joinScripts([
    sh`type=$1
shift $#`,
    ...(isRepositoryHost || topologyOf(host) === 'single'
      ? []
      : [topologyOf(host) === 'patroni' ? onlyLeader(context) : onlyPrimary(context)]),
    // One that begins while another runs comes after it.
    sh`exec 9>>${lock}
flock 9`,
    ...(isRepositoryHost && from_standby === 'prefer'
      ? [sh`if pgbackrest help backup backup-standby 2>/dev/null | grep -q prefer; then set -- --backup-standby=prefer; fi`]
      : []),
    sh`failed=0
for repository in ${written.map(({ number }) => number)}; do
${expireFirst(stanzaOf(inventory))}
pgbackrest --stanza=${stanzaOf(inventory)} --repo="$repository" --type="$type" --log-level-console=info --log-level-stderr=off "$@" backup || failed=$?
done
exit "$failed"`,
  ]);
}

/**
 * A full repository takes no backup, and pgBackRest expires only at the end of one: so who has lowered the retention gets the room before it begins.
 * It is silent, because what pgBackRest says in the unit tells how the backup fares. A run after which nothing is to expire has the variable set.
 */
function expireFirst(stanza: string): Script {
  return sh`[ "$PGBACKREST_EXPIRE_AUTO" = n ] || pgbackrest --stanza=${stanza} --repo="$repository" --log-level-console=off --log-level-stderr=off expire || :`;
}

/** Seconds for which a member waits for a leader: after a power failure of all hosts its missed timer fires before there is one. */
const LEADS_WITHIN = 1800;

/** Every server has the timers, so that there is one whichever is the primary; without Patroni each knows itself what it is. */
function onlyPrimary({ host, platform }: RoleContext): Script {
  const { binDirectory, ...server } = localServer(host, platform);
  const query = ['-XAtqw', ...socketOptions({ binDirectory, ...server }), '-d', 'postgres', '-c', 'SELECT pg_is_in_recovery()'];
  return sh`waited=0
while :; do
case "$(${`${binDirectory}/psql`} ${query} 2>/dev/null)" in
f) break ;;
t) echo ${`${host.name} is a standby, so the backup is for the primary`}; exit 0 ;;
esac
if [ "$waited" -ge ${LEADS_WITHIN} ]; then
echo ${`PostgreSQL on ${host.name} does not answer, so the backup is for the primary`}; exit 0
fi
sleep 10
waited=$((waited + 10))
done`;
}

/** Every member has the timers, so that there is one whoever leads; Patroni knows who does. */
function onlyLeader({ host }: RoleContext): Script {
  const api = restApiUrl(host);
  return sh`waited=0
while :; do
answer=$(curl -s -m 10 -o /dev/null -w '%{http_code}' ${`${api}/primary`}) || :
if [ "$answer" = 200 ]; then break; fi
if curl -s -m 10 ${`${api}/cluster`} | grep -Eq '"role": *"[a-z_]*leader"'; then echo ${`${host.name} does not lead, so the backup is for the member that does`}; exit 0; fi
if [ "$waited" -ge ${LEADS_WITHIN} ]; then
if [ "$answer" = 000 ]; then echo ${`Patroni on ${host.name} does not answer, so the backup is for the member that leads`}; exit 0; fi
echo ${`ERROR: no member leads, and only the one that leads takes backups (waited for ${LEADS_WITHIN / 60} minutes)`}; exit 1
fi
sleep 10
waited=$((waited + 10))
done`;
}
