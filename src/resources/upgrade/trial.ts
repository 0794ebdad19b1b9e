import { handle } from '../handle.js';
import { asDatabaseUser, psqlInput, socketOptions } from '../psql.js';
import { answerLines, type Observation } from '../resource.js';
import { clearScratch, scratchDirectory } from '../scratch.js';
import { sh, type Script } from '../../shell/quote.js';
import { besideEarlier } from './beside-earlier.js';
import { initdbQuery } from './facts.js';
import type { Major } from './place.js';

/** What `pg_upgrade --check` says of the server that runs. */
export interface UpgradeTrial {
  /** It was asked: this host's server takes writes, and the programs of the new major are there. */
  asked: boolean;
  /** pg_upgrade's words where it objects, with what it wrote into files; empty: it has nothing against it. */
  objections: readonly string[];
  /** What the trial took, from which the time without service is told; undefined where a part of it was not measured. */
  took: UpgradeTook | undefined;
}

/** Seconds of parts of a trial on the host itself, under the load that it has. */
export interface UpgradeTook {
  /** To make an empty cluster of the new major. */
  prepare: number;
  /** `pg_upgrade --check`. */
  check: number;
  /** A dump of all definitions, which pg_upgrade makes and restores. */
  dump: number;
  /** Bytes of the data that a second copies, to the file system of the new data. */
  copies: number;
}

/** The observation's id. */
export const UPGRADE_TRIAL = handle<UpgradeTrial>('upgrade-trial');

/** Bytes of the data's largest file that are copied to see how fast that is, and seconds after which that is seen. */
const [SAMPLE, SAMPLED_WITHIN] = [268_435_456, 20];

/** Seconds for the dump of all definitions, and for each lock that it waits for. */
const [DUMPED_WITHIN, LOCKED_WITHIN] = [300, 2];

/** So many lines of what pg_upgrade says, and of a file that it names, are told. */
const LINES = 20;

/**
 * Tries an upgrade without changing anything: makes an empty cluster of the new major that goes again, and has `pg_upgrade --check` compare the server
 * that runs with it, and has the new server's program read each setting.
 * @param target the major that is wanted
 * @param when default: only before anything begins
 */
export function upgradeTrial(majors: readonly Major[], target: number, when?: 'everyStep'): Observation<UpgradeTrial> {
  return {
    ...UPGRADE_TRIAL,
    ...(when === undefined ? { when: 'start' as const } : {}),
    probe: () =>
      besideEarlier(
        { majors, target, program: 'pg_upgrade', primary: true },
        (from, wanted) => sh`echo asked=yes
(
${tried(from, wanted)}
)`,
      ),
    parse: (answer) => {
      const lines = answerLines(answer);
      const all = (key: string): string[] => lines.flatMap((line) => (line.startsWith(`${key}=`) ? [line.slice(key.length + 1)] : []));
      return {
        asked: all('asked').length > 0,
        objections: all('objection'),
        took: readTook(all('took')),
      };
    },
  };
}

function readTook(lines: readonly string[]): UpgradeTook | undefined {
  const told = new Map(lines.map((line) => line.split(' ') as [string, string]));
  const [prepare, check, dump, copies] = ['prepare', 'check', 'dump', 'copies'].map((what) => Number(told.get(what) ?? Number.NaN)) as [
    number,
    number,
    number,
    number,
  ];
  return [prepare, check, dump].every((seconds) => seconds >= 0) && copies > 0 ? { prepare, check, dump, copies } : undefined;
}

function tried(from: Major, { path, server, version }: Major): Script {
  const { user, binDirectory } = server;
  const run = (command: Script): Script => asDatabaseUser(server, command);
  return sh`${clearScratch('upgrade')}
${scratchDirectory('upgrade')}
chown ${user} "$scratch"
cd "$scratch"
began() { start=$(date +%s.%N); }
took() { awk -v what="$1" -v a="$start" -v b="$(date +%s.%N)" 'BEGIN { printf "took=%s %.3f\n", what, b - a }'; }
set --
${psqlInput(from.server, initdbQuery(version))} >words 2>/dev/null
while read -r word; do set -- "$@" "$word"; done <words
began
if ! ${run(sh`${`${binDirectory}/initdb`} -D "$scratch/data" --no-sync --auth-local=peer "$@"`)} >said 2>&1; then
tail -n ${LINES} said | sed 's/^/objection=/'
exit 0
fi
took prepare
began
if ! ${run(sh`${`${binDirectory}/pg_upgrade`} --check -b ${from.server.binDirectory} -B ${binDirectory} -d ${from.path} -D "$scratch/data" ${superuserWords(server)}`)} >said 2>&1; then
{
grep -v '  ok$' said | grep -v '^Performing Consistency\|^-----\|^Checking' | tail -n ${LINES}
find "$scratch" -path '*pg_upgrade_output.d*' -name '*.txt' -exec head -n ${LINES} {} +
} | grep . | sed -e "s|$scratch/||g" -e 's/^/objection=/'
fi
took check
${measured(from, { path, server, version })}`;
}

/** How long a dump of definitions takes, and a copy of a part of the data to where that of the new major would be. */
function measured(from: Major, { path, server }: Major): Script {
  const dump = sh`timeout ${DUMPED_WITHIN} ${`${server.binDirectory}/pg_dumpall`} --schema-only --lock-wait-timeout=${`${LOCKED_WITHIN}s`} ${socketOptions(from.server)}`;
  const sample = '.pgprov-sample.';
  return sh`began
if ${asDatabaseUser(server, dump)} >/dev/null 2>&1; then took dump; fi
at=$(dirname ${path})
while [ ! -d "$at" ]; do at=$(dirname "$at"); done
find "$at" -maxdepth 1 -name ${`${sample}*`} -mmin +10 -delete
largest=$(find ${from.path}/base -type f -printf '%s %p\n' 2>/dev/null | sort -rn | head -n 1 | cut -d ' ' -f 2-)
sample=$(mktemp "$at/"${`${sample}XXXXXX`}) && {
trap 'rm -rf "$scratch" "$sample"' EXIT
start=$(date +%s.%N)
timeout ${SAMPLED_WITHIN} dd if="$largest" of="$sample" bs=1M count=${SAMPLE / 1_048_576} conv=fsync 2>/dev/null || :
awk -v bytes="$(stat -c %s "$sample")" -v a="$start" -v b="$(date +%s.%N)" 'BEGIN { if (b > a && bytes > 0) printf "took=copies %.0f\n", bytes / (b - a) }'
rm -f "$sample"
}`;
}

/** Who pg_upgrade logs in as, where that is not the operating-system user. */
export function superuserWords({ superuser }: Major['server']): string[] {
  return superuser === undefined ? [] : ['-U', superuser];
}
