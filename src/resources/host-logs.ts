import { sh, type Script } from '../shell/quote.js';
import { untilInputEnds } from '../shell/stream.js';

/** Which lines of a log are wanted. */
export interface LogRange {
  /** Seconds since 1970, by the host's clock. */
  since: number;
  /** Of these the newest. */
  lines: number;
  /** And all that come after them, until the script's input ends. */
  follow: boolean;
}

/** An entry of the journal. */
export interface JournalEntry {
  /** Microseconds since 1970, by the host's clock. */
  at: number;
  /** Without `.service`; of what systemd says about a unit that unit. */
  unit: string;
  /** The program that wrote it, cut to 15 characters as the kernel has it; '' where its process had ended before journald looked. */
  program: string;
  /** May have several lines. */
  text: string;
}

const FIELDS = ['MESSAGE', 'UNIT', '_SYSTEMD_UNIT', '_COMM'];

/** Prints the journal of units, named without `.service`, an entry a line; see `readJournalEntry`. */
export function journalOf(units: readonly string[], { since, lines, follow }: LogRange): Script {
  const words = [
    '--quiet',
    '--no-pager',
    // Without it a long message, or one with bytes that are no text, would be left out.
    '--all',
    '--output=json',
    `--output-fields=${FIELDS.join(',')}`,
    `--since=@${Math.floor(since)}`,
    `--lines=${lines}`,
    ...units.map((unit) => `--unit=${unit}.service`),
  ];
  return follow ? untilInputEnds(sh`exec journalctl ${words} --follow`) : sh`journalctl ${words} 2>/dev/null`;
}

/** Reads a line of `journalOf`; undefined for one that is none. */
export function readJournalEntry(line: string): JournalEntry | undefined {
  let entry: Record<string, unknown>;
  try {
    entry = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined;
  }
  const at = Number(entry['__REALTIME_TIMESTAMP']);
  if (!Number.isFinite(at)) return undefined;
  const unit = text(entry['UNIT']) || text(entry['_SYSTEMD_UNIT']);
  return { at, unit: unit.replace(/\.service$/u, ''), program: text(entry['_COMM']), text: text(entry['MESSAGE']) };
}

/**
 * Whether PostgreSQL's server wrote it. Under Patroni a backend that refuses a client, or serves one statement, has often ended before journald looks,
 * which then cannot name its program; Patroni's own process is always there.
 */
export function isOfServer({ program, unit }: JournalEntry): boolean {
  return program === 'postgres' || /^postgresql[@-]/u.test(unit) || (program === '' && unit === 'patroni');
}

/** A field is text, its bytes where these are no text, or a list of values where it has several. */
function text(value: unknown): string {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) return '';
  return value.every((byte) => typeof byte === 'number') ? Buffer.from(value as number[]).toString('utf8') : text(value[0]);
}

/** Where PostgreSQL writes log files. */
export interface LogPlace {
  /** The data directory, where the collector notes which files it writes. */
  data: string;
  /** What else the server writes to where it has no collector. */
  file?: string;
}

/** Sets `base` to the file that the server writes now, '' for none: text rather than CSV, CSV rather than JSON. `all` matches the earlier ones too. */
export function presentFile({ data, file }: LogPlace): Script {
  const notes = `${data}/current_logfiles`;
  return sh`base=
if [ -r ${notes} ]; then
for want in stderr csvlog jsonlog; do
while read -r kind path; do
[ "$kind" = "$want" ] && [ -z "$base" ] && base=$path
done <${notes}
done
case "$base" in ''|/*) ;; *) base=${data}/$base ;; esac
fi
if [ -n "$base" ]; then
all="*.$(printf %s "$base" | sed 's/.*\.//')"
elif [ -f ${file ?? ''} ]; then
base=${file ?? ''}
all=$(basename "$base")
fi`;
}

/** What the lines of `logFilesOf` begin with that tell what the host's time zones are. */
const ZONE = '@zone ';

/** Reads a line of `logFilesOf` that tells of a time zone; undefined for another. */
export function readZone(line: string): { name: string; minutes: number } | undefined {
  if (!line.startsWith(ZONE)) return undefined;
  const [, name = '', sign, hours, minutes] = /^@zone (\S+) ([+-])(\d\d)(\d\d)$/u.exec(line) ?? [];
  return name === '' ? undefined : { name, minutes: (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) };
}

/**
 * Prints PostgreSQL's own log files, of those that were written to in the range the newest lines. Ahead of them come the host's time zones,
 * see `readZone`, because PostgreSQL abbreviates them.
 */
export function logFilesOf(place: LogPlace, range: LogRange): Script {
  const { since, lines, follow } = range;
  const zones = sh`for day in '-182 days' now; do date -d "$day" ${`+${ZONE}%Z %z`}; done 2>/dev/null`;
  // Rotated files end as the present one does.
  const earlier = sh`find "$(dirname "$base")" -maxdepth 1 -type f -name "$all" -newermt ${`@${Math.floor(since)}`} -printf '%T@ %p\n' 2>/dev/null |
sort -n | cut -d ' ' -f 2- | while IFS= read -r path; do`;
  if (!follow) {
    return sh`${zones}
${presentFile(place)}
[ -z "$base" ] || { ${earlier} tail -n ${lines} "$path"; done; } | tail -n ${lines}`;
  }
  return untilInputEnds(sh`tail=
trap 'kill $tail 2>/dev/null; exit 0' TERM
before=
lines=${lines}
${zones}
while :; do
${presentFile(place)}
if [ "$base" != "$before" ]; then
if [ -n "$tail" ]; then
sleep 1
kill $tail
elif [ -n "$base" ]; then
{ ${earlier} [ "$path" = "$base" ] || tail -n ${lines} "$path"; done; } | tail -n ${lines}
fi
tail=
if [ -n "$base" ]; then
tail -n "$lines" -F "$base" &
tail=$!
fi
before=$base
lines=+1
fi
sleep 2
done`);
}
