import { WORK_DIRECTORY } from '../../shell/lock.js';
import { joinScripts, sh, type Script } from '../../shell/quote.js';
import { OWNED_BY_ROOT } from '../files/path.js';
import { writeFileScript } from '../files/writing.js';
import type { Change } from '../resource.js';
import {
  intersectOpenings,
  isV6,
  openingChanges,
  subtractOpenings,
  tcpPorts,
  udpPorts,
  uniteOpenings,
  withTexts,
  type Opening,
} from './opening.js';
import { readTables, VRRP, type NftTable } from './nft-ruleset.js';

/** What nftables has. */
export interface NftablesState {
  /** Its service loads the ruleset at boot. */
  enabled: boolean;
  /** Its service has loaded the ruleset. */
  loaded: boolean;
  /** The file that the service loads, with the files it includes, without ours. */
  config: string;
  /** The file includes ours. */
  included: boolean;
  /** Our own file; undefined where there is none. */
  file: string | undefined;
  /** The tables with an input chain that filters; not asked for where the ruleset is not this service's. */
  tables: NftTable[];
}

const FILES = '/etc/nftables.d';
/** A pattern, because a file that is not there would keep the whole ruleset from being loaded. */
const INCLUDE = `include "${FILES}/pgprov-*.nft"`;

/** Sets `$main` to the file that the service loads, Debian's or EL's. */
const FIND_MAIN: Script = sh`main=/etc/nftables.conf
[ ! -f /etc/sysconfig/nftables.conf ] || main=/etc/sysconfig/nftables.conf`;

/** Name of our chain; other clusters on the host have theirs. */
export function chainName(cluster: string): string {
  return `pgprov-${cluster}`;
}

function filePath(cluster: string): string {
  return `${FILES}/${chainName(cluster)}.nft`;
}

/** Asks for the service, the configuration and the ruleset in force. A file may lack the line feed at its end. */
export function probeNftables(cluster: string): Script {
  const path = filePath(cluster);
  return sh`if command -v nft >/dev/null 2>&1; then
${FIND_MAIN}
at_boot=$(systemctl is-enabled nftables 2>/dev/null)
echo "unit $at_boot $(systemctl is-active nftables 2>/dev/null)"
main_text() {
cat "$main"
echo
}
{ main_text
main_text | sed -n 's/^[[:blank:]]*include[[:blank:]]*["'\'']\([^"'\'']*\)["'\''].*/\1/p' | while read -r pattern; do
case $pattern in
${`${FILES}/pgprov-*.nft`}) ;;
/*) cat $pattern ;;
*) cat /etc/$pattern ;;
esac
echo
done; } 2>/dev/null | sed 's/^/config /'
if grep -qxF ${INCLUDE} "$main" 2>/dev/null; then echo included; fi
if [ -f ${path} ]; then
sed 's/^/file /' ${path}
echo
fi
if [ "$at_boot" = enabled ]; then nft -j list ruleset 2>/dev/null | sed 's/^/ruleset /'; fi
fi`;
}

/** Reads the lines of `probeNftables`. */
export function parseNftables(cluster: string, lines: readonly string[]): NftablesState {
  const after = (word: string): string[] => lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1));
  const [unit = ''] = after('unit');
  const file = after('file');
  return {
    enabled: unit.startsWith('enabled '),
    loaded: unit.endsWith(' active'),
    config: after('config').join('\n'),
    included: lines.includes('included'),
    file: file.length > 0 ? `${file.join('\n')}\n` : undefined,
    tables: readTables(after('ruleset').join(''), chainName(cluster)),
  };
}

/**
 * The tables to open ports in: those of nftables' own configuration. Tables that firewalld, ufw, Docker or
 * fail2ban make are not there when the service loads its files at boot, and all would fail for one that is missing.
 */
export function ownTables({ config, tables }: NftablesState): NftTable[] {
  return tables.filter(({ family, name }) => {
    const words = family === 'ip' ? ['(?:ip\\s+)?'] : [family, '\\s+'];
    return new RegExp(`\\btable\\s+${words.join('')}${name.replace(/[\\/.]/gu, '\\$&')}(?![\\w.-])`, 'u').test(config);
  });
}

/** True when nftables keeps something out, or could. */
export function nftablesInForce(state: NftablesState): boolean {
  return state.enabled && ownTables(state).length > 0;
}

/** True when starting nftables would turn something away that gets in now: its configuration is not loaded, and knows how. */
export function closesWhenLoaded({ loaded, config }: NftablesState): boolean {
  return !loaded && /\b(?:drop|reject)\b/u.test(config.replace(/#.*$/gmu, ''));
}

/** What has to change for the ruleset and the files to be as desired. */
export function diffNftables(cluster: string, openings: readonly Opening[], state: NftablesState): Change[] {
  const tables = ownTables(state);
  if (tables.length === 0) return [];
  const present = tables.map((table) => (table.hooks.every(({ jumps }) => jumps) ? table.openings : []));
  const inAll = tables.reduce(
    (all, table, index) => intersectOpenings(all, foreign(openings, table).concat(present[index] ?? [])),
    [...openings],
  );
  const changes = openingChanges(
    subtractOpenings(openings, inAll),
    subtractOpenings(uniteOpenings(...tables.map((table) => table.openings)), openings),
    'nftables',
  );
  const text = rulesetText(cluster, openings, tables);
  if (state.file !== text) return withTexts(changes, `write ${filePath(cluster)}`, state.file ?? '', text);
  return changes.length > 0 || state.included
    ? changes
    : [{ action: 'update', summary: `have nftables load ${filePath(cluster)} at boot` }];
}

/** What a table cannot hold, being of the other address family. */
function foreign(openings: readonly Opening[], { family }: NftTable): Opening[] {
  return openings.filter(({ source }) => family !== 'inet' && isV6(source) !== (family === 'ip6'));
}

/**
 * Has the rules loaded at boot and in force now, or leaves everything as it was: the transaction is checked
 * before anything is written, and the whole configuration before it counts.
 */
export function applyNftables(cluster: string, openings: readonly Opening[], state: NftablesState): Script {
  const tables = ownTables(state);
  const path = filePath(cluster);
  const live = `${WORK_DIRECTORY}/${chainName(cluster)}.nft`;
  const withoutJumps = tables.map((table) => ({ ...table, hooks: table.hooks.filter(({ jumps }) => !jumps) }));
  return joinScripts([
    sh`${FIND_MAIN}
printf %s ${rulesetText(cluster, openings, withoutJumps)} >${live}
nft -c -f ${live}
mkdir -p ${FILES}
cp -p "$main" ${`${live}.main`}
[ ! -f ${path} ] || cp -p ${path} ${`${live}.former`}`,
    writeFileScript(path, rulesetText(cluster, openings, tables), OWNED_BY_ROOT),
    sh`if ! grep -qxF ${INCLUDE} "$main"; then
[ -z "$(tail -c 1 "$main")" ] || echo >>"$main"
printf '%s\n' ${INCLUDE} >>"$main"
fi
if ! words=$(nft -c -f "$main" 2>&1); then
cat ${`${live}.main`} >"$main"
if [ -f ${`${live}.former`} ]; then cp -p ${`${live}.former`} ${path}; else rm -f ${path}; fi
echo "$main could not be loaded with the rules of pgprov; the former ones are back:"
echo "$words"
exit 1
fi
nft -f ${live}`,
  ]);
}

/**
 * Commands that fill our chain in each table, and lead to it from the head of the input chains. The tables and
 * chains are there; should somebody rename them, adding them keeps ours from failing the whole ruleset at boot.
 */
function rulesetText(cluster: string, openings: readonly Opening[], tables: readonly NftTable[]): string {
  const chain = chainName(cluster);
  const mark = `comment "pgprov ${cluster}"`;
  const lines = tables.flatMap((table) => {
    const where = `${table.family} ${table.name}`;
    const kept = subtractOpenings(openings, foreign(openings, table));
    return [
      `add table ${where}`,
      ...table.hooks.map((hook) => `add chain ${where} ${hook.chain}`),
      `add chain ${where} ${chain}`,
      `flush chain ${where} ${chain}`,
      ...kept.flatMap((opening) =>
        matchesOf(opening).map(
          (match) => `add rule ${where} ${chain} ${isV6(opening.source) ? 'ip6' : 'ip'} saddr ${opening.source} ${match} accept ${mark}`,
        ),
      ),
      ...table.hooks.map((hook) => `insert rule ${where} ${hook.chain} jump ${chain} ${mark}`),
    ];
  });
  return `# Managed by pgprov: changes made here are undone by the next \`pgprov apply\`.\n${lines.join('\n')}\n`;
}

/** What an opening lets through, a rule's words each. */
function matchesOf({ ports }: Opening): string[] {
  const dport = (protocol: 'tcp' | 'udp', numbers: readonly number[]): string[] =>
    numbers.length === 0 ? [] : [`${protocol} dport ${numbers.length === 1 ? numbers.join() : `{ ${numbers.join(', ')} }`}`];
  return [
    ...dport('tcp', tcpPorts({ ports })),
    ...dport('udp', udpPorts({ ports })),
    ...(ports.includes('vrrp') ? [`meta l4proto ${VRRP}`] : []),
  ];
}
