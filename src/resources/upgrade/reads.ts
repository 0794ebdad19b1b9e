import { handle } from '../handle.js';
import { asDatabaseUser, psql, psqlInput } from '../psql.js';
import { answerLines, type Observation } from '../resource.js';
import { clearScratch, scratchDirectory } from '../scratch.js';
import { sh, type Script } from '../../shell/quote.js';
import { besideEarlier } from './beside-earlier.js';
import type { Major } from './place.js';

/** What the programs of the new major on a host do not take of the server that runs there. */
export interface UpgradeReads {
  /** They were asked: a server of an earlier major runs, and they are there. */
  asked: boolean;
  /** Settings in force that the new major does not take, by name, with its words. */
  settings: Readonly<Record<string, string>>;
  /** Libraries that are loaded at its start, or that functions are in, and that it cannot load, by name, with its words. */
  libraries: Readonly<Record<string, string>>;
}

/** The observation's id. */
export const UPGRADE_READS = handle<UpgradeReads>('upgrade-reads');

/** Settings from files and the command line, with their values; places of files are the server's own, and others come from Patroni by the version. */
const SETTINGS = `SELECT name || '=' || current_setting(name) FROM pg_settings WHERE source IN ('configuration file', 'command line') AND context <> 'internal' AND name NOT IN ('data_directory', 'config_file', 'hba_file', 'ident_file', 'external_pid_file', 'unix_socket_directories', 'port', 'shared_preload_libraries', 'wal_keep_segments') AND name NOT LIKE '%.%'`;

/** Libraries that a server, or each session, loads when it starts, a line each. */
const PRELOADED = `SELECT DISTINCT btrim(library, ' "') FROM unnest(string_to_array(concat_ws(',', nullif(current_setting('shared_preload_libraries'), ''), nullif(current_setting('session_preload_libraries'), ''), nullif(current_setting('local_preload_libraries'), '')), ',')) AS library WHERE btrim(library) <> ''`;

/** Commands of psql that print the libraries of each database's functions, besides those that come with the server. */
const EVERYWHERE = `SELECT E'\\\\connect ' || quote_ident(datname) || E'\\nSELECT DISTINCT probin FROM pg_proc WHERE probin IS NOT NULL AND oid >= 16384;' FROM pg_database WHERE datallowconn`;

/** What PostgreSQL says of a library that is not there, is not for this major, or lacks another one (`dfmgr.c`). */
const NOT_LOADED = 'could not access file|could not load library|incompatible library';

/**
 * Has the programs of the new major read each setting that is in force, and load each library, because packages are each host's own. Libraries are
 * loaded into a cluster of their own that goes again; what one of them says besides does not count.
 * @param target the major that is wanted
 * @param when default: only before anything begins
 */
export function upgradeReads(majors: readonly Major[], target: number, when?: 'everyStep'): Observation<UpgradeReads> {
  return {
    ...UPGRADE_READS,
    ...(when === undefined ? { when: 'start' as const } : {}),
    probe: () =>
      besideEarlier(
        { majors, target, program: 'postgres' },
        (from, wanted) => sh`(
${read(from, wanted)}
)`,
      ),
    parse: (answer) => {
      const lines = answerLines(answer);
      const all = (key: string): [string, string][] =>
        lines.flatMap((line): [string, string][] => {
          if (!line.startsWith(`${key}=`)) return [];
          const [name = '', ...words] = line.slice(key.length + 1).split('\t');
          return [[name, words.join(' ')]];
        });
      return {
        asked: lines.includes('asked'),
        settings: Object.fromEntries(all('setting')),
        libraries: Object.fromEntries(all('library')),
      };
    },
  };
}

function read(from: Major, { server }: Major): Script {
  const { user, binDirectory } = server;
  const run = (command: Script): Script => asDatabaseUser(server, command);
  const postgres = `${binDirectory}/postgres`;
  return sh`${clearScratch('upgrade-reads')}
${scratchDirectory('upgrade-reads')}
chown ${user} "$scratch"
cd "$scratch"
if ! ${run(sh`${`${binDirectory}/initdb`} -D "$scratch/data" --no-sync --no-locale --auth-local=peer`)} >/dev/null 2>&1; then exit 0; fi
${psqlInput(from.server, SETTINGS)} >settings 2>/dev/null || exit 0
while IFS= read -r setting; do
name=$(printf %s "$setting" | sed 's/=.*//')
said=$(${run(sh`${postgres} -D "$scratch/data" -c "$setting" -C "$name"`)} 2>&1 >/dev/null) || printf 'setting=%s\t%s\n' "$name" "$(printf '%s\n' "$said" | grep -m 1 FATAL | sed 's/.*FATAL: *//')"
done <settings
path=$(${psqlInput(from.server, 'SHOW dynamic_library_path')} 2>/dev/null) || exit 0
${psqlInput(from.server, EVERYWHERE)} >everywhere 2>/dev/null || exit 0
{
${psqlInput(from.server, PRELOADED)}
${psql(from.server, ['-f', '-'])} <everywhere
} 2>/dev/null | sort -u >libraries
while IFS= read -r library; do
said=$(printf "LOAD '%s'\n" "$(printf %s "$library" | sed "s/'/''/g")" | ${run(sh`${postgres} --single -F -D "$scratch/data" -c "dynamic_library_path=$path" template1`)} 2>&1 | grep -m 1 -E ${NOT_LOADED} | sed 's/.*ERROR: *//') || :
[ -z "$said" ] || printf 'library=%s\t%s\n' "$library" "$said"
done <libraries
echo asked`;
}
