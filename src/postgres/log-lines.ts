/** The abbreviations of a host's time zone, in summer and in winter, with their minutes ahead of UTC; the last one is in force. */
export type Zones = ReadonlyMap<string, number>;

/** A time as PostgreSQL writes it at the beginning of a line: with `%m` or `%t`, in CSV, in JSON. */
const TIME = /(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?(?: ?([A-Z]{2,6}|[+-]\d\d(?::?\d\d)?))?/u;

/** With `%n`. */
const EPOCH = /(?:^|[^\d.])(\d{10}\.\d{3})(?!\d)/u;

/** Where in a line the time is looked for: what comes behind is the message. */
const PREFIX = 80;

/** Reads the times of the lines of a log file of PostgreSQL's. A line without one belongs to the line before it. */
export class PostgresLines {
  #last: number | undefined;

  /**
   * The time of the next line, in milliseconds by the host's clock; undefined as long as no line had one.
   * @param zones the host's; an abbreviation that is not among them is taken for the last of them
   */
  timeOf(line: string, zones: Zones): number | undefined {
    if (!/^\s/u.test(line)) this.#last = timeIn(line.slice(0, PREFIX), zones) ?? this.#last;
    return this.#last;
  }
}

function timeIn(prefix: string, zones: Zones): number | undefined {
  const [, year, month, day, hour, minute, second, fraction = '', zone] = TIME.exec(prefix) ?? [];
  if (year === undefined) {
    const [, epoch] = EPOCH.exec(prefix) ?? [];
    return epoch === undefined ? undefined : Number(epoch) * 1000;
  }
  const utc = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second));
  return utc + Number(fraction.padEnd(3, '0').slice(0, 3)) - minutesOf(zone, zones) * 60_000;
}

function minutesOf(zone: string | undefined, zones: Zones): number {
  const [, sign, hours, minutes = '0'] = /^([+-])(\d\d):?(\d\d)?$/u.exec(zone ?? '') ?? [];
  if (sign !== undefined) return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
  if (zone === 'UTC' || zone === 'GMT') return 0;
  return zones.get(zone ?? '') ?? [...zones.values()].at(-1) ?? 0;
}
