import { joinScripts, sh } from '../shell/quote.js';
import { handle } from './handle.js';
import { PostgresLines } from '../postgres/log-lines.js';
import { isOfServer, journalOf, logFilesOf, readJournalEntry, readZone, type LogPlace } from './host-logs.js';
import { answerLines, type Observation } from './resource.js';

/** A line of a host's logs. */
export interface LoggedLine {
  host: string;
  /** Milliseconds since 1970, by the clock of this machine. */
  at: number;
  /** As `pgprov logs` calls it: a unit, or `postgresql` for what PostgreSQL itself wrote. */
  unit: string;
  text: string;
}

/** The same as a host tells it, by its own clock. */
export type HostLine = Omit<LoggedLine, 'host'>;

/** The observations' ids. */
export const RECENT_FILES = handle<readonly HostLine[]>('recent-files');
export const RECENT_LOG = handle<readonly HostLine[]>('recent-log');

/** Lines that are of interest, of the newest ones of each program. */
const LINES = 2000;

/**
 * The newest lines, of a server and of what else writes in its unit apart: a server that logs much crowds out nothing of Patroni. Of what units
 * write again and again only the last is of interest: of Patroni that it has nothing to do, of the store what it says of each request while its disk
 * is slow.
 */
const NEWEST = `/INFO: no action\\. I am \\(/ { again["idle"] = $0; next }
/apply request took too long/ { again["slow"] = $0; next }
{ of = ($0 !~ /"_COMM":"/ || $0 ~ /"_COMM":"postgres"/); kept[of, count[of]++ % most] = $0 }
END {
for (of = 0; of < 2; of++) for (n = (count[of] > most ? count[of] - most : 0); n < count[of]; n++) print kept[of, n % most]
for (what in again) print again[what]
}`;

/** What the journal has of some units, each by itself. */
export function recentLog({
  units,
  since,
}: {
  units: readonly string[] /** Seconds since 1970. */;
  since: number;
}): Observation<readonly HostLine[]> {
  return {
    ...RECENT_LOG,
    when: 'start',
    // Each unit by itself, so that none crowds out another one.
    probe: () =>
      joinScripts(
        units.map(
          (unit) => sh`${journalOf([unit], { since, lines: 20 * LINES, follow: false })} | awk -v most=${LINES} ${NEWEST} 2>/dev/null || :`,
        ),
      ),
    parse: (answer) =>
      answerLines(answer)
        .flatMap((line): HostLine[] => {
          const entry = readJournalEntry(line);
          if (entry === undefined) return [];
          const unit = isOfServer(entry) ? 'postgresql' : entry.unit;
          return entry.text.split('\n').map((text) => ({ at: entry.at / 1000, unit, text }));
        })
        .sort((a, b) => a.at - b.at),
  };
}

/** The newest lines of PostgreSQL's own log files, where it writes any. */
export function recentFiles({
  place,
  since,
}: {
  place: LogPlace /** Seconds since 1970. */;
  since: number;
}): Observation<readonly HostLine[]> {
  return {
    ...RECENT_FILES,
    when: 'start',
    probe: () => sh`${logFilesOf(place, { since, lines: LINES, follow: false })} || :`,
    parse: (answer) => {
      const lines = answerLines(answer);
      const zones = new Map(
        lines.flatMap((line) => {
          const zone = readZone(line);
          return zone === undefined ? [] : [[zone.name, zone.minutes] as const];
        }),
      );
      const times = new PostgresLines();
      return lines.flatMap((text) => {
        if (readZone(text) !== undefined) return [];
        const at = times.timeOf(text, zones);
        return at === undefined || at < since * 1000 ? [] : [{ at, unit: 'postgresql', text }];
      });
    },
  };
}
