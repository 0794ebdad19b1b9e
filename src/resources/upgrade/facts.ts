import { defineBytes } from '../data-copy.js';
import { handle } from '../handle.js';
import { psqlInput, type LocalServer } from '../psql.js';
import { answerLines, type Observation } from '../resource.js';
import { joinScripts, NOTHING, sh, type Script } from '../../shell/quote.js';
import { defineDisk, eachLinkSeen, readDisk, readTablespace, type Disk, type Tablespace } from '../streaming/tablespaces.js';
import { draftOf, type Major } from './place.js';
import { defineWithin, spacesOf } from './spaces.js';

/** What decides whether a host's data can be upgraded, asked once, before anything is stopped. */
export interface UpgradeFacts {
  /** Bytes of the data of each major that is there, without tablespaces. */
  bytes: Readonly<Record<number, number>>;
  /** The tablespaces of each major's data, by the directories that were given for them, with what that major has there. */
  spaces: Readonly<Record<number, readonly Tablespace[]>>;
  /** Where data of the new major would be, which need not be there yet. */
  disk: Disk;
  /** What is in the place for the data of the new major; '' where nothing is. */
  occupied: string;
  /** What is in the places for its tablespaces. */
  occupiedSpaces: readonly string[];
  /** What the primary says; undefined where no primary of an earlier major runs. */
  says: UpgradeSays | undefined;
}

/** What a primary says of itself. */
export interface UpgradeSays {
  /** Words for initdb, so that the new cluster is like it. */
  initdb: readonly string[];
  /** shared_preload_libraries. */
  preload: string;
  /** Logical replication slots, as `name of database`. */
  slots: readonly string[];
  /** Prepared transactions. */
  prepared: readonly string[];
  subscriptions: number;
  tablespaces: readonly UpgradeTablespace[];
  /** Transactions that have been open for longer than `LONG`, as `process 4711 (app), for 02:10:11`. */
  long: readonly string[];
}

/** A tablespace as SQL names it. */
export interface UpgradeTablespace {
  name: string;
  /** Its directory; one that no line can tell is ''. */
  location: string;
}

/** The observation's id. */
export const UPGRADE_FACTS = handle<UpgradeFacts>('upgrade-facts');

/** How long a transaction may be open. */
export const LONG = '1 hour';

/**
 * Words for initdb, one a row. What not every version has in pg_database is read from its row as JSON. Up to PostgreSQL 17 the name of the column for
 * a locale of ICU changed once.
 * @param target from 18 on initdb makes checksums unless it is told not to
 */
export function initdbQuery(target: number): string {
  const without = target >= 18 ? "'--no-data-checksums'" : 'NULL';
  return `SELECT word FROM pg_database d, LATERAL (SELECT to_jsonb(d) AS j) AS o, LATERAL (VALUES
('--encoding=' || pg_encoding_to_char(d.encoding)),
('--lc-collate=' || d.datcollate),
('--lc-ctype=' || d.datctype),
(CASE j->>'datlocprovider' WHEN 'i' THEN '--locale-provider=icu' WHEN 'b' THEN '--locale-provider=builtin' END),
(CASE j->>'datlocprovider' WHEN 'i' THEN '--icu-locale=' || coalesce(j->>'datlocale', j->>'daticulocale') WHEN 'b' THEN '--builtin-locale=' || (j->>'datlocale') END),
(CASE WHEN current_setting('data_checksums') = 'on' THEN '--data-checksums' ELSE ${without} END),
('--wal-segsize=' || pg_size_bytes(current_setting('wal_segment_size')) / 1048576),
('--username=' || (SELECT rolname FROM pg_roles WHERE oid = 10)),
('--lc-messages=C')
) AS w (word) WHERE d.datname = 'template0' AND word IS NOT NULL`;
}

/** What the primary is asked besides, each row with its kind. */
const SAYS = `SELECT 'preload=' || current_setting('shared_preload_libraries');
SELECT 'slot=' || slot_name || ' of ' || database FROM pg_replication_slots WHERE slot_type = 'logical' AND NOT temporary;
SELECT 'prepared=' || gid FROM pg_prepared_xacts;
SELECT 'subscriptions=' || count(*) FROM pg_subscription;
SELECT 'tablespace=' || translate(spcname, E'\\t\\n', '  ') || E'\\t' || CASE WHEN location ~ E'[\\t\\n]' THEN '' ELSE location END FROM pg_tablespace, pg_tablespace_location(oid) AS location WHERE oid >= 16384;
SELECT 'long=process ' || pid || ' (' || coalesce(usename, backend_type) || '), for ' || date_trunc('second', now() - xact_start) FROM pg_stat_activity WHERE backend_type = 'client backend' AND xact_start < now() - interval '${LONG}'`;

/** Succeeds where the server of that major runs and takes writes; its psql asks. One command, so that it may stand behind another condition. */
export function servesAsPrimary(path: string, server: LocalServer): Script {
  return sh`{
${serves(path, server)} && [ "$serves" = f ]
}`;
}

/** Succeeds where the server of that major runs and answers, with `t` in `$serves` for a standby, `f` for a primary; one command, too. */
export function serves(path: string, server: LocalServer): Script {
  return sh`{
pid=
[ ! -r ${`${path}/postmaster.pid`} ] || read -r pid <${`${path}/postmaster.pid`} || :
[ -n "$pid" ] && [ "$(readlink "/proc/$pid/cwd")" = "$(readlink -f ${path})" ] && serves=$(${psqlInput(server, 'SELECT pg_is_in_recovery()')} 2>/dev/null)
}`;
}

/**
 * What decides whether a host's data can be upgraded to one of these majors.
 * @param target the major that it is to be
 */
export function upgradeFacts(majors: readonly Major[], target: number): Observation<UpgradeFacts> {
  const place = majors.find(({ version }) => version === target)?.path ?? '';
  const draft = draftOf({ path: place });
  const earlier = majors.filter(({ version }) => version < target);
  return {
    ...UPGRADE_FACTS,
    when: 'start',
    probe: () =>
      joinScripts([
        sh`${defineBytes}
${defineDisk}
${defineWithin}
echo "disk=$(disk ${place})"
[ ! -d ${place} ] || echo "occupied=$(ls -A ${place} | head -n 3 | tr '\n' ' ')"`,
        ...majors.map(
          ({ version, path }) => sh`if [ -f ${`${path}/PG_VERSION`} ]; then
echo ${`bytes=${version}`} "$(bytes ${path})"
own=$(within ${path})
${eachLinkSeen(path, sh`echo ${`space=${version}`} "$(bytes "$to/$own") $(disk "$was") $(held "$was") $was"`)}
fi`,
        ),
        ...earlier.map(
          ({ path, server }) => sh`${spacesOf(target, { path, draft })} | sed 's/^/taken=/'
if ${servesAsPrimary(path, server)}; then
echo primary=yes
${psqlInput(server, initdbQuery(target))} 2>/dev/null | sed 's/^/initdb=/'
${psqlInput(server, SAYS)} 2>/dev/null
fi`,
        ),
        NOTHING,
      ]),
    parse: (answer) => {
      const lines = answerLines(answer);
      const all = (key: string): string[] => lines.flatMap((line) => (line.startsWith(`${key}=`) ? [line.slice(key.length + 1)] : []));
      return {
        bytes: Object.fromEntries(all('bytes').map((text) => text.split(' ').map(Number) as [number, number])),
        spaces: readSpaces(all('space')),
        disk: readDisk(all('disk')[0] ?? ''),
        occupied: all('occupied')[0]?.trim() ?? '',
        occupiedSpaces: all('taken'),
        says:
          all('primary').length === 0
            ? undefined
            : {
                initdb: all('initdb'),
                preload: all('preload')[0] ?? '',
                slots: all('slot'),
                prepared: all('prepared'),
                subscriptions: Number(all('subscriptions')[0] ?? 0),
                tablespaces: all('tablespace').map((text) => {
                  const at = text.indexOf('\t');
                  return { name: text.slice(0, at), location: text.slice(at + 1) };
                }),
                long: all('long'),
              },
      };
    },
  };
}

/** Each tablespace's line, after its data's major. */
function readSpaces(lines: readonly string[]): Record<number, Tablespace[]> {
  const all = lines.map((line) => [Number.parseInt(line, 10), line.slice(line.indexOf(' ') + 1)] as const);
  return Object.fromEntries(
    [...new Set(all.map(([version]) => version))].map((version) => [
      version,
      all.flatMap(([of, text]) => (of === version ? readTablespace(text) : [])),
    ]),
  );
}
