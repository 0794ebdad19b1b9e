import { handle } from './handle.js';
import { NOTHING, Script, sh } from '../shell/quote.js';
import { OWN_CLUSTERS } from './data-directory.js';
import { findRows, psql, sqlLiteral, sqlQuestion, type LocalServer } from './psql.js';
import { answerText, type Observation } from './resource.js';
import { expand } from './server-process.js';
import { printAnswer } from './shared-question.js';

/** A server of PostgreSQL that runs on a host, wherever its data is. */
export interface Postmaster {
  /** As the server, or the file that names it, calls it. */
  dataDirectory: string;
  /** The same without symbolic links. */
  realDirectory: string;
  port: number;
  /** Its systemd unit, e.g. `patroni.service`; '' for one without. */
  unit: string;
  /** Major version of its data, e.g. `17`. */
  version: string;
  systemIdentifier: string;
  /** pgprov initialised the data on this host, without Patroni. */
  ours: boolean;
  /** Inventories whose access lines are in its pg_hba.conf. */
  clusters: readonly string[];
}

/** A database that lies in a directory, whether or not a server has it. */
export type Database = Omit<Postmaster, 'port' | 'unit'>;

/** A database, and the unit without `.service` that is told of it. */
export type RegisteredDatabase = Database & { unit: string };

/** What patroni.yml says, as it is on the host; only what is no secret. Texts are '' where it says nothing. */
export interface PatroniFile {
  scope: string;
  namespace: string;
  name: string;
  /** `0.0.0.0:8008` */
  restListen: string;
  /** `*:5432` */
  listen: string;
  /** `10.0.0.11:5432` */
  connectAddress: string;
  dataDirectory: string;
  superuser: string;
  replication: string;
  rewind: string;
  /** The names of its sections, one of which is the store’s. */
  sections: readonly string[];
}

/** What runs on a host, or ran there last: from the processes and from the files that they were started with. */
export interface RunningState {
  /** The data directory that is wanted, without symbolic links; '' on a host without PostgreSQL, or where its parent is missing. */
  wantedDirectory: string;
  postmasters: readonly Postmaster[];
  /** Databases that pgprov initialised without Patroni, and that the platform's own services are told of. */
  databases: readonly RegisteredDatabase[];
  /** The file that pgprov wrote, maybe an older one or one for another inventory; undefined where there is none of pgprov's. */
  patroniFile: PatroniFile | undefined;
  /** The database in the data directory that `patroniFile` names; undefined without pg_control. */
  patroniData: Database | undefined;
  /** How the cluster that answers on the socket was made; undefined while none does. */
  made: { encoding: string; isWantedEncoding: boolean; locale: string } | undefined;
}

/** Where to look besides the processes. */
export interface RunningOptions {
  patroniFile: string;
  /** Asked for the cluster's encoding; undefined on a host without PostgreSQL. */
  server?: LocalServer;
  /** The data directory that is wanted. */
  dataDirectory?: string;
  /** The encoding that is wanted, which the server compares, because it has several names for most. */
  encoding: string;
}

/** The observation's id, for guards. */
export const RUNNING = handle<RunningState>('running');

/** Lines of our patroni.yml that hold no secret, for sed -E. */
const PATRONI_LINES =
  's/^(# Managed by pgprov.*|(scope|namespace|name): .*|[a-z0-9]+:|  authentication:|  (listen|connect_address|data_dir): .*|    (superuser|replication|rewind):|      username: .*)$/patroni\t\\1/p';

/**
 * Prints `$1`, the database in `$2` with its version, identifier and whether pgprov made it, and `$3` and `$4`; then the inventories that its access
 * lines are of, which are in `$5` or with the data. Nothing where no database is.
 */
const TELL_DATABASE = sh`pgprov_database() {
[ -s "$2/global/pg_control" ] && [ -r "$2/PG_VERSION" ] || return 0
read -r version <"$2/PG_VERSION"
identifier=$(od -An -tu8 -N8 "$2/global/pg_control" | tr -d ' ')
if [ -e ${OWN_CLUSTERS}/"$identifier" ]; then ours=yes; else ours=no; fi
real=$(cd "$2" && pwd -P)
printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "$real" "$version" "$identifier" "$ours" "$3" "$4"
sed -n 's/^# BEGIN pgprov //p' "${expand('5:-$2/pg_hba.conf')}" 2>/dev/null | while read -r name; do
printf 'cluster\t%s\t%s\n' "$real" "$name"
done
}`;

/** Sets `$unit` to the control group of the process in `$at`, of which the unit is the end. */
export const FIND_UNIT = Script.build(`unit=
[ ! -r "$at/cgroup" ] || while read -r line; do
case "$line" in *.service*) unit=$line; break ;; esac
done <"$at/cgroup"`);

/** What runs on a host and what ran there last, wherever the inventory would have it now. */
export function running({ patroniFile, server, dataDirectory, encoding }: RunningOptions): Observation<RunningState> {
  const query = `SELECT pg_encoding_to_char(encoding), encoding = pg_char_to_encoding(${sqlLiteral(encoding)}), datcollate FROM pg_database WHERE datname = 'template0'`;
  const rows = server === undefined ? undefined : sqlQuestion(server, query);
  const elsewhere = server === undefined || dataDirectory === undefined ? NOTHING : askWhereItListens(server, dataDirectory, query);
  return {
    ...RUNNING,
    when: 'startAndEnd',
    ...(rows === undefined ? {} : { sharedQuestions: [rows] }),
    // Processes of containers are seen as well, and are none of the host's own services.
    probe: () => sh`${TELL_DATABASE}
namespace=$(readlink /proc/self/ns/pid)
for at in /proc/[0-9]*; do
read -r comm 2>/dev/null <"$at/comm" || continue
case "$comm" in
postgres|postmaster)
read -r pid name state parent rest 2>/dev/null <"$at/stat" || continue
read -r above 2>/dev/null <"/proc/$parent/comm" || continue
case "$above" in postgres|postmaster) continue ;; esac
[ "$(readlink "$at/ns/pid")" = "$namespace" ] || continue
data=$(readlink "$at/cwd") || continue
[ -r "$data/postmaster.pid" ] || continue
{ read -r own; read -r named; read -r since; read -r port; } <"$data/postmaster.pid"
[ "$own" = "$pid" ] || continue
${FIND_UNIT}
pgprov_database postmaster "$named" "$port" "$unit"
${elsewhere}
;;
esac
done
${dataDirectory === undefined ? NOTHING : sh`printf 'wanted\t%s\n' "$(readlink -f ${dataDirectory})"`}
for conf in /etc/postgresql/*/*/postgresql.conf; do
[ -r "$conf" ] || continue
at=${expand('conf%/*')}
above=${expand('at%/*')}
unit="postgresql@${expand('above##*/')}-${expand('at##*/')}"
pgprov_database database "$(sed -n ${"s/^ *data_directory *= *'\\(.*\\)'.*/\\1/p"} "$conf" | tail -n 1)" "$unit" '' "$at/pg_hba.conf"
done
for conf in /etc/systemd/system/postgresql-*.service.d/pgprov.conf /etc/systemd/system/postgresql-*.service; do
[ -f "$conf" ] && [ -r "$conf" ] || continue
unit=${expand('conf#/etc/systemd/system/')}
pgprov_database database "$(sed -n 's/^Environment=PGDATA=//p' "$conf" | tail -n 1)" "${expand('unit%%.service*')}"
done
if [ -r ${patroniFile} ]; then
sed -nE ${PATRONI_LINES} ${patroniFile}
pgprov_database patroni-data "$(sed -n 's/^  data_dir: "\(.*\)"$/\1/p' ${patroniFile})"
fi
${rows === undefined ? NOTHING : printAnswer(rows)}`,
    parse: (answer) => {
      const text = answerText(answer);
      const lines = text.split('\n').map((line) => line.split('\t'));
      const of = (kind: string): string[][] => lines.filter(([first]) => first === kind).map(([, ...rest]) => rest);
      // What answers on the wanted port may be another cluster, while the one in the wanted directory listens elsewhere.
      const row = of('made')[0]?.[0] ?? findRows(text, query)?.[0];
      const [name = '', wanted = '', locale = ''] = (row ?? '').split('|');
      const readDatabase = databaseReader(of('cluster'));
      return {
        wantedDirectory: of('wanted')[0]?.[0] ?? '',
        postmasters: of('postmaster').map(([data = '', real = '', version = '', identifier = '', ours = '', port, group = '']) => ({
          ...readDatabase([data, real, version, identifier, ours]),
          port: Number(port),
          unit: /[^/]*\.service/u.exec(group)?.[0] ?? '',
        })),
        databases: of('database')
          .map((fields) => ({ ...readDatabase(fields), unit: fields[5] ?? '' }))
          .filter(({ ours }) => ours),
        patroniFile: readPatroniFile(of('patroni').map(([line = '']) => line)),
        patroniData: of('patroni-data').map(readDatabase)[0],
        made: row === undefined || row === '' ? undefined : { encoding: name, isWantedEncoding: wanted === 't', locale },
      };
    },
  };
}

/** Prints what the server in the wanted directory, which is `$data` and listens on `$port`, answers where that is another port than is wanted. */
function askWhereItListens(server: LocalServer, dataDirectory: string, query: string): Script {
  const { superuser: _wanted, ...owner } = server;
  const ask = (as: LocalServer): Script => sh`row=$(${psql(as, ['-c', query])} -p "$port" </dev/null 2>/dev/null)`;
  return sh`if [ "$port" != ${server.port} ] && [ "$data" = "$(readlink -f ${dataDirectory})" ]; then
${ask(server)} || ${ask(owner)} || row=
printf 'made\t%s\n' "$row"
fi`;
}

/** Reads a database with the inventories that have lines in its pg_hba.conf, which may be told of another mention of it. */
function databaseReader(mentions: readonly (readonly string[])[]): (fields: readonly string[]) => Database {
  return ([dataDirectory = '', realDirectory = '', version = '', systemIdentifier = '', ours = '']) => {
    const clusters = mentions.flatMap(([directory, cluster]) => (directory === realDirectory ? (cluster ?? []) : []));
    return { dataDirectory, realDirectory, version, systemIdentifier, ours: ours === 'yes', clusters: [...new Set(clusters)] };
  };
}

/** The instances that other inventories have on the host. */
export function instancesOfOthers(state: Pick<RunningState, 'databases'> | undefined, cluster: string): RegisteredDatabase[] {
  return (state?.databases ?? []).filter(({ clusters }) => clusters.length > 0 && !clusters.includes(cluster));
}

function readPatroniFile([first = '', ...lines]: readonly string[]): PatroniFile | undefined {
  if (!first.startsWith('# Managed by pgprov')) return undefined;
  const values = new Map<string, string>();
  const path: string[] = [];
  for (const line of lines) {
    const [, indent = '', key = '', value = ''] = /^( *)([a-z0-9_]+): ?(.*)$/u.exec(line) ?? [];
    path.splice(indent.length / 2, Infinity, key);
    if (value !== '') values.set(path.filter((part) => part !== '').join('.'), unquote(value));
  }
  const at = (key: string): string => values.get(key) ?? '';
  return {
    scope: at('scope'),
    namespace: at('namespace'),
    name: at('name'),
    restListen: at('restapi.listen'),
    listen: at('postgresql.listen'),
    connectAddress: at('postgresql.connect_address'),
    dataDirectory: at('postgresql.data_dir'),
    superuser: at('postgresql.authentication.superuser.username'),
    replication: at('postgresql.authentication.replication.username'),
    rewind: at('postgresql.authentication.rewind.username'),
    sections: lines.flatMap((line) => /^([a-z0-9]+):$/u.exec(line)?.[1] ?? []),
  };
}

/** A YAML scalar as our template writes them: JSON. */
function unquote(value: string): string {
  try {
    return String(JSON.parse(value));
  } catch {
    return value;
  }
}
