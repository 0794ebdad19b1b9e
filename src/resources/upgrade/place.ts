import { defineIdentity } from '../data-copy.js';
import { handle } from '../handle.js';
import { expand } from '../server-process.js';
import { asDatabaseUser, type LocalServer } from '../psql.js';
import { answerText, type Observation } from '../resource.js';
import { eachLinkSeen } from '../streaming/tablespaces.js';
import { printAnswer } from '../shared-question.js';
import { joinScripts, sh, type Script } from '../../shell/quote.js';
import { findUnit, unitsQuestion } from '../units.js';

/** The transient unit in which pg_upgrade runs. */
export const UPGRADING_UNIT = 'pgprov-upgrade';

/** The transient unit that updates extensions and gathers statistics once the new server serves. */
export const SETTLING_UNIT = 'pgprov-upgrade-after';

/** Where a host notes upgrades that can still be taken back: a file each, named by both majors. */
export const UPGRADE_NOTES = '/var/lib/pgprov/upgrade';

/** A major version that a host may have data and programs of. */
export interface Major {
  version: number;
  /** Where its data is, or would be. */
  path: string;
  /** How its server is reached. */
  server: LocalServer;
}

/** A cluster that pg_upgrade has not made whole yet, beside its place. */
export function draftOf({ path }: Pick<Major, 'path'>): string {
  return `${path}.pgprov-upgrade`;
}

/** Data of one major version, in its place. */
export interface MajorData {
  path: string;
  /** `DataCopy.identity`. */
  identity: string;
  identifier: string;
  /** pg_controldata's words: `shut down`; '' without the programs that tell. */
  state: string;
  /** Location of the last checkpoint. */
  checkpoint: string;
  /** A postmaster has it open. */
  running: boolean;
  /** Tablespaces of it are aside, where its links lead to them. */
  spread: boolean;
}

/** What a host notes of an upgrade when clients are let in to the new server. */
export interface UpgradeNote {
  from: number;
  to: number;
  /** Tells this upgrade from others. */
  id: string;
  /** The member whose data pg_upgrade read, which has the last commits of the former server. */
  member: string;
  /** The system identifier of the former data. */
  identifier: string;
  /** `DataCopy.identity` of the former data on this host. */
  identity: string;
}

/** What a host has of an upgrade, by majors. */
export interface UpgradePlace {
  data: Readonly<Record<number, MajorData>>;
  /** Majors whose server and pg_upgrade are installed. */
  programs: readonly number[];
  /** The data directory that patroni.yml names; '' where there is none. */
  configured: string;
  /** Patroni's unit is active. */
  patroni: boolean;
  /** It starts at boot. */
  enabled: boolean;
  /** pg_upgrade is at work. */
  upgrading: boolean;
  /** Extensions are updated, or statistics gathered. */
  settling: boolean;
  /** Ids of upgrades whose extensions and statistics are done. */
  settled: readonly string[];
  /** What of that failed, a line each: `app.postgis: ERROR: …`. */
  failed: readonly string[];
  notes: readonly UpgradeNote[];
}

/** The observation's id. */
export const UPGRADE_PLACE = handle<UpgradePlace>('upgrade-place');

/** The file in which a host notes an upgrade. */
export function noteFile(from: number, to: number): string {
  return `${UPGRADE_NOTES}/${from}-${to}`;
}

/** What the host notes once extensions and statistics are done, with what failed of them. */
export function settledFile(id: string): string {
  return `${UPGRADE_NOTES}/${id}.settled`;
}

/** Prints a line of each major of which there is data or programs. */
function tellMajor({ version, path, server: { binDirectory, user, home } }: Major): Script {
  const control = asDatabaseUser({ user, home }, sh`env LC_ALL=C ${`${binDirectory}/pg_controldata`} -D ${path}`);
  return sh`[ ! -x ${`${binDirectory}/pg_upgrade`} ] || [ ! -x ${`${binDirectory}/postgres`} ] || echo ${`programs=${version}`}
if [ -f ${`${path}/PG_VERSION`} ]; then
control=
[ ! -x ${`${binDirectory}/pg_controldata`} ] || control=$(${control} 2>/dev/null)
field() { printf '%s\n' "$control" | sed -n "s/^$1: *//p"; }
pid=
[ ! -r ${`${path}/postmaster.pid`} ] || read -r pid <${`${path}/postmaster.pid`} || :
runs=no
[ -z "$pid" ] || [ "$(readlink "/proc/$pid/cwd")" != "$(readlink -f ${path})" ] || runs=yes
spread=no
${eachLinkSeen(path, sh`[ "$was" = "$to" ] || spread=yes`)}
printf 'data=%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' ${version} ${path} "$(identity ${path})" "$(field 'Database system identifier')" "$(field 'Database cluster state')" "$(field 'Latest checkpoint location')" "$runs" "$spread"
fi`;
}

/**
 * What a host has of each major version, and of upgrades between them.
 * @param patroni Patroni's unit, and its file
 */
export function upgradePlace(
  majors: readonly Major[],
  { unit, configFile }: { unit: string; configFile: string },
): Observation<UpgradePlace> {
  const units = unitsQuestion(unit, UPGRADING_UNIT, SETTLING_UNIT);
  return {
    ...UPGRADE_PLACE,
    sharedQuestions: [units],
    probe: () =>
      joinScripts([
        printAnswer(units),
        sh`echo
${defineIdentity}
[ ! -r ${configFile} ] || sed -n 's/^  data_dir: */configured=/p' ${configFile} | tr -d "\"'"
for note in ${UPGRADE_NOTES}/*; do
[ -f "$note" ] || continue
name=${expand('note##*/')}
case "$name" in
*.settled)
echo "settled=${expand('name%.settled')}"
sed 's/^/failed=/' "$note"
;;
[0-9]*-[0-9]*) echo "note=$name $(tr '\n' ' ' <"$note")" ;;
esac
done`,
        ...majors.map(tellMajor),
      ]),
    parse: (answer) => {
      const text = answerText(answer);
      const lines = text.split('\n');
      const all = (key: string): string[] => lines.flatMap((line) => (line.startsWith(`${key}=`) ? [line.slice(key.length + 1)] : []));
      const own = findUnit(text, unit);
      const isAtWork = (name: string): boolean => ['active', 'activating', 'deactivating'].includes(findUnit(text, name).active);
      return {
        data: Object.fromEntries(all('data').map(readData)),
        programs: all('programs').map(Number),
        configured: all('configured')[0]?.trim() ?? '',
        patroni: own.active !== 'inactive' && own.active !== 'failed' && own.active !== '',
        enabled: own.file.startsWith('enabled'),
        upgrading: isAtWork(UPGRADING_UNIT),
        settling: isAtWork(SETTLING_UNIT),
        settled: all('settled'),
        failed: all('failed'),
        notes: all('note').flatMap(readNote),
      };
    },
  };
}

function readData(line: string): [number, MajorData] {
  const [version = '', path = '', identity = '', identifier = '', state = '', checkpoint = '', runs = '', spread = ''] = line.split('\t');
  return [Number(version), { path, identity, identifier, state, checkpoint, running: runs === 'yes', spread: spread === 'yes' }];
}

function readNote(line: string): UpgradeNote[] {
  const found = /^(\d+)-(\d+) (\S+) (\S+) (\d+) (\S+) *$/u.exec(line);
  if (found === null) return [];
  const [, from, to, id = '', member = '', identifier = '', identity = ''] = found;
  return [{ from: Number(from), to: Number(to), id, member, identifier, identity }];
}
