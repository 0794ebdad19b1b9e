import { handle } from '../handle.js';
import type { LocalServer } from '../psql.js';
import { answerLines, type Observation } from '../resource.js';
import { clearScratch, scratchDirectory } from '../scratch.js';
import { NOTHING, sh, type Script } from '../../shell/quote.js';
import { MARK, SHAPE, SOURCE_DATABASE, sourceQuery, TARGET, TARGET_DATABASE } from './queries.js';
import { defineServers, MIGRATION_DIRECTORY, scratchAccess, type MigrationSource } from './servers.js';

/** What a host sees of a migration: its own server, where that takes writes, and the other cluster from there. */
export interface MigrationSeen {
  /** It has what lets it reach the other cluster. */
  access: boolean;
  /** What its own server says; undefined where that takes no writes. */
  target: MigrationTarget | undefined;
  /** What the other cluster says; undefined where it could not be asked, and `why` has libpq's words. */
  source: MigrationSourceSeen | undefined;
  why: string;
}

/** What the server says that the databases are brought to. */
export interface MigrationTarget {
  version: number;
  /** The superuser that the cluster was made with. */
  owner: string;
  identifier: string;
  timeline: number;
  /** Commits wait for a standby. */
  synchronous: boolean;
  databases: readonly MigratedDatabase[];
  roles: Readonly<Record<string, string>>;
  extensions: readonly string[];
  logicalWorkers: number;
  workers: number;
  origins: number;
  /** One that is synchronous confirms what standbys have as well, as long as commits wait for them. */
  subscriptions: readonly { name: string; database: string; enabled: boolean; slot: string | null; synchronous: boolean }[];
  /** The timelines before this one, and whether the WAL shows that the server which wrote each of them had stopped in order. */
  ended: readonly { timeline: number; inOrder: boolean }[];
  /** Names of locales that the host has. */
  locales: readonly string[];
  /** Free bytes where the data is. */
  free: number;
  /** What is seen of databases that were brought, by name. */
  contents: Readonly<Record<string, TargetContents>>;
}

/** A row of pg_database, as far as it is wanted. */
export interface MigratedDatabase {
  oid: string;
  datname: string;
  datconnlimit: number;
  datcollate: string;
  datctype: string;
  /** `c`, `i` or `b`; absent before PostgreSQL 15. */
  datlocprovider?: string;
  /** The locale of ICU, under its names in the major versions. */
  daticulocale?: string | null;
  datlocale?: string | null;
  encodingName: string;
  bytes: number;
  /** What pgprov has noted of it: words of `MARK`; null: nothing. */
  mark: string | null;
}

/** What is seen of a database that was brought. */
export interface TargetContents {
  name: string;
  /** Tables of the subscription, and those of them that are not copied yet. */
  tables: number;
  copying: number;
  /** Tables that were made here since, and that no subscription follows. */
  unfollowed: readonly string[];
  unanalyzed: number;
  unfilled: number;
  /** In which it differs from the other cluster's, as lines of diff: `<` is there, `>` is here. */
  differs: readonly string[];
}

/** What the other cluster says. */
export interface MigrationSourceSeen {
  version: number;
  superuser: boolean;
  owner: string;
  identifier: string;
  timeline: number;
  walLevel: string;
  slotsFree: number;
  sendersFree: number;
  databases: readonly MigratedDatabase[];
  slots: readonly { name: string; active: boolean; lost: boolean; lag: number }[];
  /** Roles that are brought, by name, with a digest of each. */
  roles: Readonly<Record<string, string>>;
  /** Roles that own something, or have a right, and are not brought. */
  needed: readonly string[];
  sessions: readonly { database: string | null; user: string; application: string; pid: number }[];
  prepared: readonly { database: string; name: string }[];
  /** What is seen of its databases, by name. */
  contents: Readonly<Record<string, SourceContents>>;
}

/** What is seen of a database of the other cluster. */
export interface SourceContents {
  name: string;
  /** Tables whose rows cannot be told apart. */
  unidentified: readonly string[];
  /** Triggers that replicated rows fire as well (`ENABLE ALWAYS`, `ENABLE REPLICA`), as `name of table`. */
  firing: readonly string[];
  unlogged: readonly string[];
  foreign: number;
  relations: number;
  largeObjects: number;
  extensions: readonly string[];
  subscriptions: readonly string[];
  publications: readonly string[];
}

/** The observation's id. */
export const MIGRATION = handle<MigrationSeen>('migration');

/** So many lines of a difference are told of a database. */
const LINES = 12;

/** Asks the host's own server and, where that takes writes, the other cluster. */
export function migrationSeen(server: LocalServer, source: MigrationSource, dataDirectory: string): Observation<MigrationSeen> {
  return {
    ...MIGRATION,
    probe: () => sh`[ ! -e ${MIGRATION_DIRECTORY} ] || echo access
[ -x ${`${server.binDirectory}/psql`} ] || exit 0
${clearScratch('migrate')}
${scratchDirectory('migrate')}
${scratchAccess(source, server)}
${defineServers(server, source, { scratch: true })}
[ "$(here postgres -c 'SELECT pg_is_in_recovery()' 2>/dev/null)" = f ] || exit 0
printf 'target='
here postgres -c ${TARGET} 2>"$scratch"/said || exit 0
locale -a 2>/dev/null | sed 's/^/locale=/'
df -PB1 ${dataDirectory} 2>/dev/null | awk 'NR == 2 { print "free=" $4 }'
here postgres -c ${`SELECT d.datname FROM pg_database d JOIN pg_db_role_setting s ON s.setdatabase = d.oid AND s.setrole = 0 WHERE d.datallowconn AND EXISTS (SELECT FROM unnest(s.setconfig) c WHERE c LIKE '${MARK}=%')`} 2>/dev/null >"$scratch"/brought
seen=$(there postgres -c ${sourceQuery(source.own)} 2>"$scratch"/said) || { tr '\n' ' ' <"$scratch"/said | sed 's/^/why=/'; echo; seen=; }
[ -z "$seen" ] || printf 'source=%s\n' "$seen"
[ ! -s "$scratch"/brought ] || {
${timelinesEnded(server, dataDirectory)}
}
while IFS= read -r name; do
printf 'here='
here "$name" -c ${TARGET_DATABASE} </dev/null 2>/dev/null || echo
[ -n "$seen" ] || continue
there "$name" -c ${SHAPE} </dev/null 2>/dev/null | LC_ALL=C sort >"$scratch"/there
here "$name" -c ${SHAPE} </dev/null 2>/dev/null | LC_ALL=C sort >"$scratch"/here
[ ! -s "$scratch"/there ] || LC_ALL=C diff "$scratch"/there "$scratch"/here | grep '^[<>]' | head -n ${LINES} | sed 's/^/differs=/'
done <"$scratch"/brought
[ -n "$seen" ] || exit 0
there postgres -c ${"SELECT datname FROM pg_database WHERE NOT datistemplate AND datallowconn AND datname !~ E'[\\n\\r]'"} 2>/dev/null >"$scratch"/names
while IFS= read -r name; do
printf 'there='
there "$name" -c ${SOURCE_DATABASE} </dev/null 2>/dev/null || echo
done <"$scratch"/names
${NOTHING}`,
    parse: (answer) => readMigration(answerLines(answer)),
  };
}

/** So many changes of the leader are looked at. */
const CHANGES = 8;

/**
 * Prints `ended=TIMELINE in order` for each timeline before the server's own that ended with the checkpoint of a shutdown, and `ended=TIMELINE unknown` of
 * the others. A server that shuts down waits until its standbys have everything (walsender.c), so one that took over right behind that record has all
 * that the former one had confirmed to anybody; but for one that was started again and lost within seconds, before any standby received a record of it.
 * The file where the next timeline begins has the end of the one before.
 */
function timelinesEnded(server: LocalServer, dataDirectory: string): Script {
  const wal = `${dataDirectory}/pg_wal`;
  return sh`tli=$(here postgres -c 'SELECT left(pg_walfile_name(pg_current_wal_lsn()), 8)')
{ sed -n 's/^\([0-9][0-9]*\)[[:space:]]\{1,\}\([0-9A-Fa-f]*\/[0-9A-Fa-f]*\).*/\1 \2/p' ${wal}/"$tli".history 2>/dev/null | tail -n ${CHANGES}
echo "$((0x$tli)) end"; } | {
before=
while read -r timeline at; do
[ -z "$before" ] || {
file=$(printf %08X "$timeline")$(here postgres -c "SELECT right(pg_walfile_name('$ended'), 16)" </dev/null)
if ${`${server.binDirectory}/pg_waldump`} ${wal}/"$file" 2>/dev/null </dev/null | awk -v at="$ended" '
function place(lsn, part) { split(toupper(lsn), part, "/"); return substr("00000000" part[1], length(part[1]) + 1) "/" substr("00000000" part[2], length(part[2]) + 1) }
match($0, /lsn: [0-9A-Fa-f]+\/[0-9A-Fa-f]+/) {
if (place(substr($0, RSTART + 5, RLENGTH - 5)) >= place(at)) { reached = 1; exit }
last = $0
}
END { exit !(reached && last ~ /desc: CHECKPOINT_SHUTDOWN/) }'; then echo "ended=$before in order"; else echo "ended=$before unknown"; fi
}
before=$timeline
ended=$at
done
}`;
}

/** Reads what the probe printed. */
export function readMigration(lines: readonly string[]): MigrationSeen {
  const all = (key: string): string[] => lines.flatMap((line) => (line.startsWith(`${key}=`) ? [line.slice(key.length + 1)] : []));
  const jsonOf = <T>(text: string | undefined): T | undefined => (text === undefined || text === '' ? undefined : (JSON.parse(text) as T));
  const target = jsonOf<Omit<MigrationTarget, 'locales' | 'free' | 'ended' | 'contents'>>(all('target')[0]);
  const source = jsonOf<Omit<MigrationSourceSeen, 'contents'>>(all('source')[0]);
  return {
    access: lines.includes('access'),
    target:
      target === undefined
        ? undefined
        : {
            ...target,
            locales: all('locale'),
            free: Number(all('free')[0] ?? Number.NaN),
            ended: all('ended').map((line) => ({ timeline: Number(line.split(' ')[0]), inOrder: line.endsWith(' in order') })),
            contents: targetContents(lines),
          },
    source:
      source === undefined
        ? undefined
        : { ...source, contents: byName(all('there').flatMap((text) => jsonOf<SourceContents>(text) ?? [])) },
    why: (all('why')[0] ?? '').trim(),
  };
}

function byName<T extends { name: string }>(found: readonly T[]): Record<string, T> {
  return Object.fromEntries(found.map((each) => [each.name, each]));
}

/** The lines of a difference follow that of their database. */
function targetContents(lines: readonly string[]): Record<string, TargetContents> {
  const found: (Omit<TargetContents, 'differs'> & { differs: string[] })[] = [];
  for (const line of lines) {
    if (line.startsWith('here=') && line !== 'here=')
      found.push({ ...(JSON.parse(line.slice(5)) as Omit<TargetContents, 'differs'>), differs: [] });
    else if (line.startsWith('differs=')) found.at(-1)?.differs.push(line.slice(8));
  }
  return byName(found);
}
