import { defineIdentity } from '../data-copy.js';
import { handle } from '../handle.js';
import { psql, psqlInput, type LocalServer } from '../psql.js';
import { answerLines, answerText, type Observation } from '../resource.js';
import { expand } from '../server-process.js';
import { printAnswer } from '../shared-question.js';
import { seconds } from '../../shell/patience.js';
import { sh, type Script } from '../../shell/quote.js';
import { findUnit, unitsQuestion } from '../units.js';

/** The transient unit in which pgBackRest restores a data directory. */
export const RESTORING_UNIT = 'pgprov-restore';

/** The transient unit of the server that recovers a restored directory and shows it to nobody but root and PostgreSQL's user. */
export const PRIVATE_UNIT = 'pgprov-restored';

/** Where that server has its socket: systemd makes the directory, with mode 0700. */
export const PRIVATE_SOCKET = `/run/${PRIVATE_UNIT}`;

/** Where a host notes what was restored there: a file each, named by the restore and the directory, with what its recovery said. */
export const RESTORE_NOTES = '/var/lib/pgprov/restore';

/** What a host has of a restore. */
export interface RestorePlace {
  /**
   * Directories that were restored whole, by the restore's id and `DataCopy.identity`: `20261129T060000Z.1234-1764396000`; and other notes of
   * restores.
   */
  restored: readonly string[];
  /** pgBackRest is at it. */
  restoring: boolean;
  /** The recovery of what is in the data directory has not come to its end. */
  unrecovered: boolean;
  /** The private server; one that is `ending` is on its way down. */
  server: 'down' | 'recovering' | 'open' | 'ending';
  /** What the last recovery there said of its end, in PostgreSQL's words. */
  said: readonly string[];
  /** Of the private server, while it is open: its timeline, and its databases with their bytes. */
  timeline?: number;
  databases: readonly { name: string; bytes: number }[];
}

/** The observation's id. */
export const RESTORE_PLACE = handle<RestorePlace>('restore-place');

/** The host's own server as the private one is reached. */
export function privateServer(server: LocalServer): LocalServer {
  return { ...server, socketDirectory: PRIVATE_SOCKET };
}

/** Prints what the last recovery of the private server said of its end. */
export const TELL_RECOVERY: Script = sh`journalctl -u ${PRIVATE_UNIT} -o cat --no-pager 2>/dev/null | awk '
/starting (point-in-time|archive) recovery/ { n = 0 }
/recovery stopping |last completed transaction was at log time|selected new timeline ID|archive recovery complete/ { said[n++] = $0 }
END { for (i = 0; i < n; i++) print said[i] }'`;

const TIMELINE = `SELECT ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int`;
const DATABASES = `SELECT 'database=' || pg_database_size(oid) || ' ' || datname FROM pg_database WHERE datallowconn AND NOT datistemplate ORDER BY 1`;

/** What is there of a restore into the data directory. */
export function restorePlace(path: string, server: LocalServer): Observation<RestorePlace> {
  const units = unitsQuestion(RESTORING_UNIT, PRIVATE_UNIT);
  const local = privateServer(server);
  return {
    ...RESTORE_PLACE,
    sharedQuestions: [units],
    probe: () => sh`${printAnswer(units)}
echo
${defineIdentity}
for note in ${RESTORE_NOTES}/*; do [ ! -f "$note" ] || echo "restored=${expand('note##*/')}"; done
[ ! -e ${`${path}/recovery.signal`} ] || echo unrecovered=yes
said=
own=$(identity ${path})
for note in ${RESTORE_NOTES}/*."$own"; do [ ! -s "$note" ] || said=$(cat "$note"); done
if [ "$(systemctl is-active ${PRIVATE_UNIT})" = deactivating ]; then echo server=ending
elif systemctl -q is-active ${PRIVATE_UNIT}; then
if [ ! -e ${`${path}/recovery.signal`} ] && [ "$(timeout ${seconds(10)} ${psql(local, ['-c', 'SELECT pg_is_in_recovery()'])} 2>/dev/null)" = f ]; then
echo server=open
echo "timeline=$(${psql(local, ['-c', TIMELINE])} 2>/dev/null)"
${psqlInput(local, DATABASES)} 2>/dev/null
else
echo server=recovering
fi
[ -n "$said" ] || said=$(${TELL_RECOVERY})
fi
[ -z "$said" ] || printf '%s\n' "$said" | sed 's/^/said=/'`,
    parse: (answer) => {
      const lines = answerLines(answer);
      const all = (key: string): string[] => lines.flatMap((line) => (line.startsWith(`${key}=`) ? [line.slice(key.length + 1)] : []));
      const [timeline = ''] = all('timeline');
      const { active } = findUnit(answerText(answer), RESTORING_UNIT);
      return {
        restored: all('restored'),
        restoring: active === 'active' || active === 'activating',
        unrecovered: all('unrecovered').length > 0,
        server: (all('server')[0] ?? 'down') as RestorePlace['server'],
        said: all('said'),
        ...(timeline === '' ? {} : { timeline: Number(timeline) }),
        databases: all('database').map((text) => ({
          name: text.slice(text.indexOf(' ') + 1),
          bytes: Number(text.slice(0, text.indexOf(' '))),
        })),
      };
    },
  };
}
