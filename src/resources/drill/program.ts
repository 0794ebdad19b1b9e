import { asDatabaseUser, psql, socketOptions, type LocalServer } from '../psql.js';
import { DEFINE_SCRATCH, DRILL_AT, DRILL_END, DRILL_LAST, DRILL_MARKER, DRILL_PROGRAM, DRILL_UNIT, WATCHED } from './scratch.js';
import { PRIVATE_ACCESS, privateSettings } from '../restore/private-server.js';
import { walFetched } from '../restore/wal-fetched.js';
import { joinScripts, sh, type Script } from '../../shell/quote.js';

/** What a drill restores, where to, and what is asked of it. */
export interface DrillOptions {
  /** Tells it from others. */
  id: string;
  cluster: string;
  stanza: string;
  /** The directory that it makes, and removes. */
  scratch: string;
  /** The server whose programs and port it uses. */
  server: LocalServer;
  /** Major version of PostgreSQL. */
  version: number;
  /** pgBackRest's options: which backup, and where its recovery ends. */
  words: readonly string[];
  /** Bytes of the backup's database. */
  size: number;
  /** A query of its user's own, and the database that it is asked in. */
  query?: string;
  database: string;
}

/** Where its server has its socket, and its log: only PostgreSQL's user and root can enter it. */
export const DRILL_WORK = `/run/${DRILL_UNIT}`;

/** What of the room that is free in the beginning stays free. */
const STAYS_FREE = 0.1;

/** Seconds for which stopping its server is waited for. */
const STOPS_WITHIN = 3600;

/** Where the restored data is. */
export function drillData({ scratch }: Pick<DrillOptions, 'scratch'>): string {
  return `${scratch}/data`;
}

/**
 * What the drill's server has besides what every private server has. Its configuration is its own, because that of the cluster names files of the
 * cluster's server, and takes its memory. No worker of an extension runs, so none connects to anything.
 */
function settingsOf(options: DrillOptions): string[] {
  const { scratch, server, version } = options;
  return privateSettings(
    { socketDirectory: DRILL_WORK, access: `${scratch}/pg_hba.conf`, port: server.port },
    {
      data_directory: drillData(options),
      config_file: `${scratch}/postgresql.conf`,
      ident_file: `${scratch}/pg_ident.conf`,
      external_pid_file: `${scratch}/postmaster.pid`,
      archive_mode: 'off',
      archive_cleanup_command: '',
      recovery_end_command: '',
      primary_conninfo: '',
      primary_slot_name: '',
      max_worker_processes: '0',
      shared_buffers: '128MB',
      huge_pages: 'off',
      dynamic_shared_memory_type: 'mmap',
      max_connections: '20',
      // As many as the data may have of them.
      max_prepared_transactions: '1000',
      max_replication_slots: '1000',
      ...(version >= 18 ? { max_active_replication_origins: '1000' } : {}),
    },
  );
}

/** Its server as clients reach it. */
function reachedAt({ server }: DrillOptions): LocalServer {
  return { ...server, socketDirectory: DRILL_WORK };
}

/** A program of PostgreSQL's in the database `$database`, whatever that is called. */
function inDatabase(options: DrillOptions, program: string, words: readonly string[]): Script {
  const server = reachedAt(options);
  return asDatabaseUser(
    server,
    sh`PGDATABASE="$database" ${`${server.binDirectory}/${program}`} ${[...words, ...socketOptions(server)].map(String)}`,
  );
}

/** pgBackRest, and the server that runs it, have spool and locks of their own: what the cluster's server archives and fetches is not touched. */
function apart({ scratch }: DrillOptions): Script {
  return sh`${[`PGBACKREST_SPOOL_PATH=${scratch}/spool`, `PGBACKREST_LOCK_PATH=${scratch}/lock`]}`;
}

/** What the drill's unit runs, as root; it tells in `DRILL_LAST` what it reaches, and is not over before it has served, or failed. */
export function drillProgram(options: DrillOptions): Script {
  return joinScripts([
    begins(options),
    restores(options),
    recovers(options),
    tellsRecovery(options),
    connects(options),
    checksRelations(options),
    asksQuery(options),
    comparesPages(options),
  ]);
}

function begins({ scratch, server, id, cluster }: DrillOptions): Script {
  const marker = `${scratch}/${DRILL_MARKER}`;
  return sh`set -u
cd /
umask 0077
log=${`${DRILL_WORK}/log`}
server=${`${DRILL_WORK}/server`}
tell() { printf '%s\n' "$1" >>${DRILL_LAST}; }
reached() { tell "$1=$(date +%s.%N)"; }
tellAll() { cut -c 1-500 | tr -d '\r' | sed "s/^/$1=/" >>${DRILL_LAST}; }
serves=
stopAtOnce() {
[ -z "$serves" ] || ${asDatabaseUser(server, sh`${`${server.binDirectory}/pg_ctl`} stop -s -D ${`${scratch}/data`} -m immediate`)} >/dev/null 2>&1 || :
}
failed() {
tell "failed=$1"
tail -n 15 "$log" | tellAll error
stopAtOnce
exit 0
}
trap 'tell ended=stopped; stopAtOnce; exit 0' TERM INT HUP
rm -rf ${DRILL_WORK}
mkdir -m 0700 ${DRILL_WORK}
chown ${server.user} ${DRILL_WORK}
: >"$log"
reached began
mkdir ${scratch} >>"$log" 2>&1 || failed scratch
{ printf '%s\n' ${`made by pgprov drill restore of ${cluster} (${id}), which removes it`} >${marker} && sync ${marker}; } 2>>"$log" || failed scratch
mkdir ${[`${scratch}/data`, `${scratch}/spool`, `${scratch}/lock`, `${scratch}/tablespaces`]} 2>>"$log" || failed scratch
: >${`${scratch}/postgresql.conf`}
: >${`${scratch}/pg_ident.conf`}
printf %s ${PRIVATE_ACCESS} >${`${scratch}/pg_hba.conf`}
chown -R ${server.user} ${scratch}
free() {
set -- $(stat -f -c '%a %S' ${scratch})
echo $(($1 * $2))
}
floor=$(free | awk '{ printf "%.0f", $1 * ${STAYS_FREE} }')
( while sleep 2; do
now=$(free)
[ "$now" -lt "$floor" ] || continue
tell failed=room
tell "error=$((now / 1048576)) MiB were left where the scratch directory is"
systemctl stop --no-block ${DRILL_UNIT}
break
done ) >/dev/null 2>&1 &`;
}

function restores(options: DrillOptions): Script {
  const { scratch, server, stanza, words } = options;
  const own = [
    `--stanza=${stanza}`,
    `--pg1-path=${drillData(options)}`,
    '--archive-mode=off',
    `--tablespace-map-all=${scratch}/tablespaces`,
  ];
  const fetched = walFetched({ stanza, path: drillData(options) });
  return sh`${asDatabaseUser(server, sh`${apart(options)} pgbackrest ${[...own, '--log-level-console=info', '--log-level-file=off', ...words, fetched]} restore`)} >>"$log" 2>&1 &
wait "$!" || failed restore
reached restored`;
}

function recovers(options: DrillOptions): Script {
  const { server } = options;
  const data = drillData(options);
  const postgres = `${server.binDirectory}/postgres`;
  return sh`log=$server
libraries=$(${psql(server, ['-c', 'SHOW shared_preload_libraries'])} 2>/dev/null) ||
libraries=$(${asDatabaseUser(server, sh`${postgres} -D ${data} -C shared_preload_libraries`)} 2>/dev/null) || libraries=
${asDatabaseUser(server, sh`${apart(options)} ${postgres} -D ${data} ${settingsOf(options)} -c "shared_preload_libraries=$libraries"`)} >"$server" 2>&1 &
serves=$!
until [ ! -e ${`${data}/recovery.signal`} ] && [ "$(${psql(reachedAt(options), ['-c', 'SELECT pg_is_in_recovery()'])} 2>/dev/null)" = f ]; do
kill -0 "$serves" 2>/dev/null || failed recover
sleep 0.5 &
wait "$!"
done
reached recovered`;
}

const COMMIT = 'SELECT extract(epoch FROM pg_last_xact_replay_timestamp())';
const NAMES = 'SELECT datname FROM pg_database WHERE datallowconn ORDER BY datname';
const BYTES = 'SELECT pg_database_size(current_database())';

function tellsRecovery(options: DrillOptions): Script {
  const data = drillData(options);
  return sh`grep -E 'redo starts at |redo done at |recovery stopping |last completed transaction was at log time' "$server" | tellAll said
for history in ${`${data}/pg_wal/`}????????.history; do
[ ! -f "$history" ] || awk 'NF > 1 && $1 + 0 > 0 { end = $1 " " $2 } END { if (end != "") print "end=" end }' "$history"
done | tail -n 1 >>${DRILL_LAST}
${psql(reachedAt(options), ['-c', COMMIT])} 2>/dev/null | tellAll commit`;
}

function connects(options: DrillOptions): Script {
  return sh`log=${`${DRILL_WORK}/log`}
: >"$log"
names=$(${psql(reachedAt(options), ['-c', NAMES])} 2>>"$log") || failed connect
printf '%s\n' "$names" >${`${DRILL_WORK}/names`}
while IFS= read -r database; do
bytes=$(${inDatabase(options, 'psql', ['-XAtqw', '-c', BYTES])} 2>>"$log" </dev/null) || failed connect
tell "database=$bytes $database"
done <${`${DRILL_WORK}/names`}
set -- $(du -sB1 ${drillData(options)})
tell "bytes=$1"`;
}

const HAS_AMCHECK = `SELECT count(*) FROM pg_available_extensions WHERE name = 'amcheck'`;

/** Of PostgreSQL 14 and later, which has a program that knows how to look through all databases. */
function checksRelations(options: DrillOptions): Script {
  const { server } = options;
  const amcheck = `${server.binDirectory}/pg_amcheck`;
  return sh`: >"$log"
if [ -x ${amcheck} ] && [ "$(${psql(reachedAt(options), ['-c', HAS_AMCHECK])} 2>/dev/null)" = 1 ]; then
${asDatabaseUser(server, sh`${['PGOPTIONS=-c default_transaction_read_only=off']} ${amcheck} ${['--all', '--install-missing', '-w', ...socketOptions(reachedAt(options)).map(String)]}`)} >>"$log" 2>&1 &
wait "$!"
case "$?" in 0) tell amcheck=ok ;; 2) tell amcheck=damaged ;; *) tell amcheck=failed ;; esac
head -n 10 "$log" | tellAll finding
else
tell amcheck=none
fi`;
}

function asksQuery(options: DrillOptions): Script {
  const { query, database } = options;
  if (query === undefined) return sh`reached checked`;
  const file = `${DRILL_WORK}/query`;
  return sh`: >"$log"
printf '%s\n' ${query} >${file}
database=${database}
${inDatabase(options, 'psql', ['-XAtqw', '-v', 'ON_ERROR_STOP=1', '-f', '-'])} <${file} >"$log" 2>&1 &
if wait "$!"; then tell query=ok; else tell query=failed; fi
head -n 20 "$log" | tellAll answer
reached checked`;
}

function comparesPages(options: DrillOptions): Script {
  const { server } = options;
  const data = drillData(options);
  return sh`: >"$log"
${asDatabaseUser(server, sh`${`${server.binDirectory}/pg_ctl`} stop -s -D ${data} -m fast -w -t ${STOPS_WITHIN}`)} >>"$log" 2>&1 &
wait "$!" || failed stop
serves=
: >"$log"
${asDatabaseUser(server, sh`${`${server.binDirectory}/pg_checksums`} --check -D ${data}`)} >>"$log" 2>&1 &
if wait "$!"; then tell checksums=ok
elif grep -q 'checksums are not enabled' "$log"; then tell checksums=none
elif grep -q 'checksum verification failed' "$log"; then tell checksums=damaged; grep 'verification failed' "$log" | head -n 10 | tellAll page
else tell checksums=failed; head -n 10 "$log" | tellAll page
fi
reached compared`;
}

/** What systemd runs when the drill is at its end, however it came to that. */
export function drillEnd({ scratch }: DrillOptions): Script {
  return sh`cd /
${DEFINE_SCRATCH}
tell() { printf '%s\n' "$1" >>${DRILL_LAST}; }
if said=$(remove_scratch ${scratch} 2>&1); then rm -f ${DRILL_AT}
else tell "left=$(printf '%s\n' "$said" | tail -n 1)"; fi
rm -rf ${[DRILL_WORK, DRILL_PROGRAM, DRILL_END, WATCHED]}
[ "$SERVICE_RESULT" = success ] || tell "ended=$SERVICE_RESULT"
tell "over=$(date +%s.%N)"`;
}
