import { defineBytes } from '../data-copy.js';
import { handle } from '../handle.js';
import { psqlInput, type LocalServer } from '../psql.js';
import { answerLines, type Observation } from '../resource.js';
import { joinScripts, NOTHING, sh, type Script } from '../../shell/quote.js';
import type { Major } from './place.js';

/** What decides whether a host's data can be upgraded, asked once, before anything is stopped. */
export interface UpgradeFacts {
  /** Bytes of the data of each major that is there. */
  bytes: Readonly<Record<number, number>>;
  /** Free bytes where data of the new major would be, which need not be there yet. */
  free: number;
  /** What is in the place for the data of the new major; '' where nothing is. */
  occupied: string;
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
  tablespaces: readonly string[];
  /** Transactions that have been open for longer than `LONG`, as `process 4711 (app), for 02:10:11`. */
  long: readonly string[];
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
SELECT 'tablespace=' || spcname FROM pg_tablespace WHERE oid >= 16384;
SELECT 'long=process ' || pid || ' (' || coalesce(usename, backend_type) || '), for ' || date_trunc('second', now() - xact_start) FROM pg_stat_activity WHERE backend_type = 'client backend' AND xact_start < now() - interval '${LONG}'`;

/** Succeeds where the server of that major runs and takes writes; its psql asks. */
export function servesAsPrimary(path: string, server: LocalServer): Script {
  return sh`pid=
[ ! -r ${`${path}/postmaster.pid`} ] || read -r pid <${`${path}/postmaster.pid`} || :
[ -n "$pid" ] && [ "$(readlink "/proc/$pid/cwd")" = "$(readlink -f ${path})" ] && [ "$(${psqlInput(server, 'SELECT pg_is_in_recovery()')} 2>/dev/null)" = f ]`;
}

/**
 * What decides whether a host's data can be upgraded to one of these majors.
 * @param target the major that it is to be
 */
export function upgradeFacts(majors: readonly Major[], target: number): Observation<UpgradeFacts> {
  const place = majors.find(({ version }) => version === target)?.path ?? '';
  const earlier = majors.filter(({ version }) => version < target);
  return {
    ...UPGRADE_FACTS,
    when: 'start',
    probe: () =>
      joinScripts([
        sh`${defineBytes}
at=${place}
while [ ! -d "$at" ]; do at=$(dirname "$at"); done
echo "free=$(stat -f -c '%a %S' "$at")"
[ ! -d ${place} ] || echo "occupied=$(ls -A ${place} | head -n 3 | tr '\n' ' ')"`,
        ...majors.map(({ version, path }) => sh`[ ! -f ${`${path}/PG_VERSION`} ] || echo ${`bytes=${version}`} "$(bytes ${path})"`),
        ...earlier.map(
          ({ path, server }) => sh`if ${servesAsPrimary(path, server)}; then
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
      const [blocks, size] = (all('free')[0] ?? '').split(' ').map(Number);
      return {
        bytes: Object.fromEntries(all('bytes').map((text) => text.split(' ').map(Number) as [number, number])),
        free: (blocks ?? 0) * (size ?? 0) || 0,
        occupied: all('occupied')[0]?.trim() ?? '',
        says:
          all('primary').length === 0
            ? undefined
            : {
                initdb: all('initdb'),
                preload: all('preload')[0] ?? '',
                slots: all('slot'),
                prepared: all('prepared'),
                subscriptions: Number(all('subscriptions')[0] ?? 0),
                tablespaces: all('tablespace'),
                long: all('long'),
              },
      };
    },
  };
}
