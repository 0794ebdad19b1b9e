import { ARCHIVE_CAUSE, ARCHIVE_FAILED, type Examination, type LoggedLine } from '../../index.js';
import { linesSince, POSTGRESQL_LOGS, withDetails } from './lines.js';

const FAILED = new RegExp(ARCHIVE_FAILED, 'u');
const CAUSE = new RegExp(ARCHIVE_CAUSE, 'u');

/** Milliseconds in which the command says what it has to say, before PostgreSQL says that it failed. */
const ITS_WORDS = 500;

const DAY = 86_400;

/** What a server and its archive_command said of WAL that could not be archived. */
export interface ArchivingSaid {
  /** PostgreSQL's own words, each time. */
  failures: readonly LoggedLine[];
  /** All that was said the last time, with what the command said. */
  last: readonly LoggedLine[];
  /** pgBackRest's own words for why. */
  cause: LoggedLine | undefined;
}

/** What a host's server and its archive_command said of WAL that could not be archived, in the last `seconds`. */
export function archivingSaid(examination: Examination, host: string, seconds: number): ArchivingSaid {
  const said = (pattern: RegExp): readonly LoggedLine[] =>
    linesSince(examination, host, { units: POSTGRESQL_LOGS, pattern, within: 1000 * Math.min(seconds, DAY) });
  const failures = said(FAILED);
  const causes = said(CAUSE);
  return {
    failures,
    last: wordsOf(examination, failures.findLast(({ text }) => text.includes('archive command')) ?? failures.at(-1)),
    // What it says of a repository says the most.
    cause: causes.findLast(({ text }) => text.includes('repo')) ?? causes.at(-1),
  };
}

/** What the command itself said comes in the log of the unit that it runs in, right before PostgreSQL's word of it. */
function wordsOf(examination: Examination, failed: LoggedLine | undefined): LoggedLine[] {
  if (failed === undefined) return [];
  const own = examination
    .log(failed.host, 'patroni')
    .filter(({ at, text }) => at <= failed.at && at > failed.at - ITS_WORDS && !/^\d{4}-\d\d-\d\d /u.test(text));
  return [...own.slice(-1), ...withDetails(examination, failed)];
}
