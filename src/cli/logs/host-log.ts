import type { Stream } from '../../engine/session.js';
import type { Visited } from '../../engine/visits.js';
import { isOfServer, journalOf, logFilesOf, readJournalEntry, readZone, type LogRange } from '../../resources/host-logs.js';
import { SERVICE } from '../../resources/service.js';
import type { LogLine } from './log-line.js';
import { logPlaceOf } from '../../plan/log-place.js';
import { PostgresLines } from '../../postgres/log-lines.js';

/** What lines of PostgreSQL are called, wherever it writes them. */
export const POSTGRESQL = 'postgresql';

/** What is wanted of a host's logs; times are ours. */
export interface Wanted extends Pick<LogRange, 'lines' | 'follow'> {
  /** Milliseconds since 1970. */
  since: number;
  /** Whether lines of this name are wanted. */
  wants(unit: string): boolean;
}

/** Milliseconds that a host's clock is ahead of ours; 0 where it may well be right. */
export function clockOffset({ clock: { least, most } }: Pick<Visited, 'clock'>): number {
  return least <= 0 && most >= 0 ? 0 : Math.round((least + most) / 2);
}

/** What the lines of a host may be called: its roles' units, and `postgresql`. */
export function unitsOf(visited: Visited): string[] {
  const names = servicesOf(visited).map(labelOf);
  return [...new Set([...names, ...(hasPostgres(visited) ? [POSTGRESQL] : [])])];
}

/** Reads the logs of a host, each line given as it comes; lines of one log come in their order. */
export async function readLogs(
  visited: Visited,
  wanted: Wanted,
  onLine: (line: LogLine, from: 'journal' | 'files') => void,
): Promise<Stream[]> {
  const { session } = visited;
  const host = session.host.name;
  const offset = clockOffset(visited);
  const range = { since: (wanted.since + offset) / 1000, lines: wanted.lines, follow: wanted.follow };
  const give = (from: 'journal' | 'files', at: number, unit: string, text: string): void => {
    const ours = at - offset;
    if (ours < wanted.since || !wanted.wants(unit)) return;
    for (const line of text.split('\n')) onLine({ at: ours, host, unit, text: line }, from);
  };
  const services = servicesOf(visited);
  // Under Patroni, PostgreSQL writes where Patroni does, unless it has a collector.
  const asked = hasPostgres(visited) && wanted.wants(POSTGRESQL) ? services : services.filter((unit) => wanted.wants(labelOf(unit)));
  const journal = (line: Buffer): void => {
    const entry = readJournalEntry(line.toString('utf8'));
    if (entry === undefined) return;
    give('journal', entry.at / 1000, isOfServer(entry) ? POSTGRESQL : entry.unit, entry.text);
  };
  return [
    ...(asked.length === 0 ? [] : [await session.stream(journalOf(asked, range), journal)]),
    ...(hasPostgres(visited) && wanted.wants(POSTGRESQL)
      ? [
          await session.stream(
            logFilesOf(logPlaceOf(visited.context), range),
            fileReader((at, text) => give('files', at ?? wanted.since + offset, POSTGRESQL, text)),
          ),
        ]
      : []),
  ];
}

function fileReader(give: (at: number | undefined, text: string) => void): (line: Buffer) => void {
  const zones = new Map<string, number>();
  const lines = new PostgresLines();
  let begun = false;
  return (bytes) => {
    const line = bytes.toString('utf8');
    const zone = begun ? undefined : readZone(line);
    if (zone !== undefined) {
      zones.delete(zone.name);
      zones.set(zone.name, zone.minutes);
      return;
    }
    begun = true;
    give(lines.timeOf(line, zones), line);
  };
}

/** The units that the host's roles have as services. */
function servicesOf({ work }: Visited): string[] {
  const ids = work.stages.flatMap(({ stage }) => stage.resources.map(({ id }) => id));
  return [...new Set(ids.filter((id) => id.startsWith(SERVICE)).map((id) => id.slice(SERVICE.length)))];
}

/** A server's own unit is called as the server is, whatever its version. */
function labelOf(unit: string): string {
  return /^postgresql[@-]/u.test(unit) ? POSTGRESQL : unit;
}

function hasPostgres({ session: { host } }: Visited): boolean {
  return host.roles.includes(POSTGRESQL);
}
