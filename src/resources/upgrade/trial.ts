import { handle } from '../handle.js';
import { asDatabaseUser, psqlInput } from '../psql.js';
import { answerLines, type Observation } from '../resource.js';
import { clearScratch, scratchDirectory } from '../scratch.js';
import { joinScripts, NOTHING, sh, type Script } from '../../shell/quote.js';
import { initdbQuery, servesAsPrimary } from './facts.js';
import type { Major } from './place.js';

/** What `pg_upgrade --check` says of the server that runs. */
export interface UpgradeTrial {
  /** It was asked: this host's server takes writes, and the programs of the new major are there. */
  asked: boolean;
  /** pg_upgrade's words where it objects, with what it wrote into files; empty: it has nothing against it. */
  objections: readonly string[];
  /** Settings in force that the new major does not take, by name, with its words. */
  settings: Readonly<Record<string, string>>;
}

/** The observation's id. */
export const UPGRADE_TRIAL = handle<UpgradeTrial>('upgrade-trial');

/** Settings from files and the command line, with their values; places of files are the server's own, and others come from Patroni by the version. */
const SETTINGS = `SELECT name || '=' || current_setting(name) FROM pg_settings WHERE source IN ('configuration file', 'command line') AND context <> 'internal' AND name NOT IN ('data_directory', 'config_file', 'hba_file', 'ident_file', 'external_pid_file', 'unix_socket_directories', 'port', 'shared_preload_libraries', 'wal_keep_segments') AND name NOT LIKE '%.%'`;

/** So many lines of what pg_upgrade says, and of a file that it names, are told. */
const LINES = 20;

/**
 * Tries an upgrade without changing anything: makes an empty cluster of the new major that goes again, has `pg_upgrade --check` compare the server
 * that runs with it, and has the new server's program read each setting.
 * @param target the major that is wanted
 * @param when default: only before anything begins
 */
export function upgradeTrial(majors: readonly Major[], target: number, when?: 'everyStep'): Observation<UpgradeTrial> {
  const wanted = majors.find(({ version }) => version === target);
  const earlier = majors.filter(({ version }) => version < target);
  return {
    ...UPGRADE_TRIAL,
    ...(when === undefined ? { when: 'start' as const } : {}),
    probe: () =>
      wanted === undefined
        ? NOTHING
        : joinScripts(
            earlier.map(
              (from) => sh`if [ -x ${`${wanted.server.binDirectory}/pg_upgrade`} ] && ${servesAsPrimary(from.path, from.server)}; then
echo asked=yes
(
${tried(from, wanted)}
)
fi`,
            ),
          ),
    parse: (answer) => {
      const lines = answerLines(answer);
      const all = (key: string): string[] => lines.flatMap((line) => (line.startsWith(`${key}=`) ? [line.slice(key.length + 1)] : []));
      return {
        asked: all('asked').length > 0,
        objections: all('objection'),
        settings: Object.fromEntries(all('setting').map((text) => [text.slice(0, text.indexOf(' ')), text.slice(text.indexOf(' ') + 1)])),
      };
    },
  };
}

function tried(from: Major, { server, version }: Major): Script {
  const { user, binDirectory } = server;
  const run = (command: Script): Script => asDatabaseUser(server, command);
  return sh`${clearScratch('upgrade')}
${scratchDirectory('upgrade')}
chown ${user} "$scratch"
cd "$scratch"
set --
${psqlInput(from.server, initdbQuery(version))} >words 2>/dev/null
while read -r word; do set -- "$@" "$word"; done <words
if ! ${run(sh`${`${binDirectory}/initdb`} -D "$scratch/data" --no-sync --auth-local=peer "$@"`)} >said 2>&1; then
tail -n ${LINES} said | sed 's/^/objection=/'
exit 0
fi
if ! ${run(sh`${`${binDirectory}/pg_upgrade`} --check -b ${from.server.binDirectory} -B ${binDirectory} -d ${from.path} -D "$scratch/data" ${superuserWords(server)}`)} >said 2>&1; then
{
grep -v '  ok$' said | grep -v '^Performing Consistency\|^-----\|^Checking' | tail -n ${LINES}
find "$scratch" -path '*pg_upgrade_output.d*' -name '*.txt' -exec head -n ${LINES} {} +
} | grep . | sed -e "s|$scratch/||g" -e 's/^/objection=/'
fi
${psqlInput(from.server, SETTINGS)} >settings 2>/dev/null
while IFS= read -r setting; do
name=$(printf %s "$setting" | sed 's/=.*//')
said=$(${run(sh`${`${binDirectory}/postgres`} -D "$scratch/data" -c "$setting" -C "$name"`)} 2>&1 >/dev/null) || printf 'setting=%s %s\n' "$name" "$(printf '%s\n' "$said" | grep -m 1 FATAL | sed 's/.*FATAL: *//')"
done <settings`;
}

/** Who pg_upgrade logs in as, where that is not the operating-system user. */
export function superuserWords({ superuser }: Major['server']): string[] {
  return superuser === undefined ? [] : ['-U', superuser];
}
