/** A line of a log of the cluster. */
export interface LogLine {
  /** Milliseconds since 1970, by our clock. */
  at: number;
  host: string;
  /** What wrote it: a unit without `.service`, or `postgresql`. */
  unit: string;
  text: string;
}

/** Sorts lines by time; those of one time stay in the order in which they came. */
export function byTime(lines: LogLine[]): LogLine[] {
  return lines.sort((one, other) => one.at - other.at);
}
