import { handle } from '../handle.js';
import type { LocalServer } from '../psql.js';
import { answerLines, type Observation } from '../resource.js';
import { clearScratch, scratchDirectory } from '../scratch.js';
import { NOTHING, sh } from '../../shell/quote.js';
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
  databases: readonly MigratedDatabase[];
  roles: Readonly<Record<string, string>>;
  extensions: readonly string[];
  logicalWorkers: number;
  workers: number;
  origins: number;
  subscriptions: readonly { name: string; database: string; enabled: boolean; slot: string | null }[];
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

/** Reads what the probe printed. */
export function readMigration(lines: readonly string[]): MigrationSeen {
  const all = (key: string): string[] => lines.flatMap((line) => (line.startsWith(`${key}=`) ? [line.slice(key.length + 1)] : []));
  const jsonOf = <T>(text: string | undefined): T | undefined => (text === undefined || text === '' ? undefined : (JSON.parse(text) as T));
  const target = jsonOf<Omit<MigrationTarget, 'locales' | 'free' | 'contents'>>(all('target')[0]);
  const source = jsonOf<Omit<MigrationSourceSeen, 'contents'>>(all('source')[0]);
  return {
    access: lines.includes('access'),
    target:
      target === undefined
        ? undefined
        : { ...target, locales: all('locale'), free: Number(all('free')[0] ?? Number.NaN), contents: targetContents(lines) },
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
