import { handle } from './handle.js';
import { sh } from '../shell/quote.js';
import { asDatabaseUser, type LocalServer } from './psql.js';
import { answerLines, type Observation } from './resource.js';
import { clearScratch, scratchDirectory } from './scratch.js';
import { FIND_SERVER } from './server-process.js';
import { sentences } from './server-sentences.js';

/** A setting that keeps PostgreSQL from starting. */
export interface FailingSetting {
  name: string;
  /** As it stands in the file. */
  value: string;
  /** `postgresql.conf` of the data directory, which Patroni writes, or `postgresql.auto.conf`, which ALTER SYSTEM does. */
  file: 'postgresql.conf' | 'postgresql.auto.conf';
  /** PostgreSQL's own sentence. */
  says: string;
}

/** Whether PostgreSQL would start with the configuration in force on a host, as its own program says. */
export type StartTrial =
  /** It runs, or there is no database that was started once. */
  | { asked: false }
  | {
      asked: true;
      /** PostgreSQL's own sentences, each with its hint; empty: it takes all settings. */
      objections: { message: string; hint: string | undefined }[];
      /** The settings that it would start without, each with its sentence. */
      settings: FailingSetting[];
    };

/** The observation's id. */
export const START_TRIAL = handle<StartTrial>('start-trial');

/** Settings that name files and directories of the data directory itself, which the trial has not. */
const PLACES = 'data_directory|config_file|hba_file|ident_file|external_pid_file';

/** Directories of a data directory in which the shared memory that is taken looks around, and those that initdb makes with them. */
const DIRECTORIES = [
  'base/1',
  'global',
  'pg_commit_ts',
  'pg_dynshmem',
  'pg_logical/snapshots',
  'pg_multixact/members',
  'pg_multixact/offsets',
  'pg_notify',
  'pg_replslot',
  'pg_serial',
  'pg_snapshots',
  'pg_stat',
  'pg_stat_tmp',
  'pg_subtrans',
  'pg_tblspc',
  'pg_twophase',
  'pg_wal/archive_status',
  'pg_xact',
];

/** What postgresql.base.conf includes by a path in the data directory, a line each. */
const INCLUDES = "s/^ *include(_dir|_if_exists)? *=? *'([^/'][^']*)'.*$/\\2/p";

/** Seconds for one trial. */
const SECONDS = 20;

/** What stands for a tab in the lines of the answer. */
const TAB = '\t';

/**
 * Asks PostgreSQL's own program whether it would start with the files that are in a data directory whose server is down: it reads them from a
 * scratch directory and takes the shared memory that they ask for, as initdb has it do (`--check`; up to version 14 `--boot -x0`), and ends. What
 * it does not load are libraries, which are looked for besides. Where it objects, the settings are given to it one after the other, and those
 * with which it fails are left out again: these are the ones.
 */
export function startTrial(server: LocalServer, data: string): Observation<StartTrial> {
  const program = `${server.binDirectory}/postgres`;
  const start = (mode: readonly string[]) =>
    asDatabaseUser(
      server,
      sh`LC_ALL=C timeout ${SECONDS} ${program} ${mode} -D "$scratch" -c log_line_prefix= -c log_destination=stderr -c logging_collector=off -c lc_messages=C`,
    );
  return {
    ...START_TRIAL,
    probe: () => sh`${clearScratch('trial')}
data=${data}
if [ -x ${program} ] && [ -s "$data/PG_VERSION" ] && [ -s "$data/postgresql.conf" ]; then
${FIND_SERVER}
if [ -z "$running" ]; then
${scratchDirectory('trial')}
read -r version <"$data/PG_VERSION"
for directory in ${DIRECTORIES}; do mkdir -p "$scratch/$directory"; done
cp "$data/PG_VERSION" "$scratch/"
cp "$data"/postgresql.base.conf "$scratch/" 2>/dev/null || :
sed -nE ${INCLUDES} "$data/postgresql.base.conf" 2>/dev/null | while IFS= read -r part; do
case "/$part/" in */../*) continue ;; esac
mkdir -p "$scratch/$(dirname "$part")"
cp -R "$data/$part" "$scratch/$part" 2>/dev/null || :
done
sed -n ${"s/^ *\\([A-Za-z_][A-Za-z0-9_.]*\\) *=* *\\('.*'\\|[^ #].*\\)$/\\1 = \\2/p"} "$data/postgresql.conf" | grep -v '^include' | grep -vE ${`^(${PLACES}) `} | sed ${`s/^/postgresql.conf${TAB}/`} >"$scratch/lines"
sed -n ${"s/^ *\\([A-Za-z_][A-Za-z0-9_.]*\\) *= *\\('.*'\\|[^ #].*\\)$/\\1 = \\2/p"} "$data/postgresql.auto.conf" 2>/dev/null | sed ${`s/^/postgresql.auto.conf${TAB}/`} >>"$scratch/lines"
: >"$scratch/postgresql.auto.conf"
chown -R ${server.user} "$scratch"
chmod 0700 "$scratch"
begin() {
rm -f "$scratch/postmaster.pid"
if [ ! -s "$scratch/postgresql.base.conf" ]; then : >"$scratch/postgresql.conf"
else echo "include 'postgresql.base.conf'" >"$scratch/postgresql.conf"
fi
}
takes() {
if [ "$version" -ge 15 ] 2>/dev/null; then
${start(['--check'])} >/dev/null 2>"$scratch/err" </dev/null
else
${start(['--boot', '-x0', '-F'])} >/dev/null 2>"$scratch/err" </dev/null
fi
}
begin
cut -f2- "$scratch/lines" >>"$scratch/postgresql.conf"
if takes; then echo taken
else
echo refused
sed 's/^/said=/' "$scratch/err"
begin
if takes; then
while IFS= read -r line; do
cp "$scratch/postgresql.conf" "$scratch/before"
printf '%s\n' "$line" | cut -f2- >>"$scratch/postgresql.conf"
takes || { printf 'setting=%s\n' "$line"; sed 's/^/reason=/' "$scratch/err"; cp "$scratch/before" "$scratch/postgresql.conf"; }
done <"$scratch/lines"
fi
fi
sed -n ${`s/^\\(postgresql[a-z.]*\\)${TAB}shared_preload_libraries = /\\1${TAB}/p`} "$scratch/lines" | tail -n 1 | while IFS= read -r line; do
for library in $(printf '%s\n' "$line" | cut -f2- | tr -d "'\"" | tr ',' ' '); do
case "$library" in
*/*) ;;
*) [ -e ${`${server.binDirectory}/../lib`}/"$library".so ] || printf 'library=%s\t%s\n' "$library" "$line" ;;
esac
done
done
fi
fi`,
    parse: (answer) => readTrial(answerLines(answer)),
  };
}

function readTrial(lines: readonly string[]): StartTrial {
  if (!lines.includes('taken') && !lines.includes('refused')) return { asked: false };
  const settings: FailingSetting[] = [];
  const said: string[] = [];
  let because: string[] = [];
  let open: Omit<FailingSetting, 'says'> | undefined;
  const close = (): void => {
    if (open !== undefined) settings.push({ ...open, says: textOf(because) });
    [open, because] = [undefined, []];
  };
  for (const line of lines) {
    const [key, rest] = [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)];
    if (key === 'said') said.push(rest);
    else if (key === 'reason') because.push(rest);
    else {
      close();
      if (key === 'setting') open = settingOf(rest);
    }
    if (key === 'library') {
      const [library = '', file = '', value = ''] = rest.split(TAB);
      const says = `could not access file "${library}": No such file or directory`;
      settings.push({ name: 'shared_preload_libraries', value: unquoted(value), file: file as FailingSetting['file'], says });
    }
  }
  close();
  const objections = sentences(said);
  const missing = settings
    .filter(({ name }) => name === 'shared_preload_libraries')
    .map(({ says }) => ({ message: says, hint: undefined }));
  return { asked: true, objections: [...objections, ...missing], settings };
}

function settingOf(line: string): Omit<FailingSetting, 'says'> | undefined {
  const [file = '', text = ''] = line.split(TAB);
  const at = text.indexOf(' = ');
  if (at < 0) return undefined;
  return { name: text.slice(0, at), value: unquoted(text.slice(at + 3)), file: file as FailingSetting['file'] };
}

/** A value of postgresql.conf without its quotes. */
function unquoted(text: string): string {
  const inside = /^'(?<inside>.*)'$/u.exec(text)?.groups?.['inside'];
  return inside === undefined ? text : inside.replaceAll("''", "'").replaceAll('\\\\', '\\');
}

function textOf(lines: readonly string[]): string {
  return sentences(lines)
    .map(({ message }) => message)
    .join('; ');
}
