import { defineDiagnosis, pgprov, SERVER_ASKED, type Examination, type Finding, type LoggedLine } from '../../index.js';
import { serves } from '../shared/leading.js';
import { asEvidence, linesSince, POSTGRESQL_LOGS, sinceFirst, STARTED, triedSince, withDetails } from '../shared/lines.js';
import { together } from '../shared/together.js';

/** Sentences with which PostgreSQL ends its start. */
const ENDS = /(FATAL|PANIC): |invalid value for parameter|unrecognized configuration parameter|syntax error in file/u;

/** What it says of other things than its start, or what other diagnoses tell. */
const OTHER = [
  'the database system is (starting up|shutting down|not yet accepting)',
  'due to administrator command',
  'password authentication failed',
  'pg_hba\\.conf',
  'terminating (connection|walreceiver|background)',
  'shared memory',
  'has (invalid permissions|wrong ownership)',
  'No space left',
  'could not (connect to the primary|receive data from WAL stream|start WAL streaming)',
  'role ".*" does not exist',
  'lock file ".*" already exists',
  'configuration file ".*" contains errors',
  'replication slot ".*" does not exist',
];
const NOT_OF_START = new RegExp(OTHER.join('|'), 'u');

/** Names of parameters, and of libraries, in PostgreSQL's sentences. */
const PARAMETER = /parameter "([\w.]+)"|"?\b((?:max|shared|wal)_\w+)\b"? (?:must|is too|\()|insufficient parameter settings/u;
const LIBRARY = /could not access file "([^"]+)"/u;

/** PostgreSQL does not start, and says why. */
export default defineDiagnosis({
  name: 'start-failed',
  looksAt: 'what keeps PostgreSQL from starting',
  role: 'patroni',
  find: (examination) => {
    const { view } = examination;
    const findings = view.hosts('patroni').flatMap(({ name: host }): Finding[] => {
      // What connections of a server that ran were told says nothing about its start.
      const tried = triedSince(examination, host);
      if (serves(examination, host) || tried === undefined) return [];
      const lines = linesSince(examination, host, { units: POSTGRESQL_LOGS, pattern: ENDS, over: STARTED }).filter(
        ({ at, text }) => at >= tried && !NOT_OF_START.test(text),
      );
      const last = lines.at(-1);
      if (last === undefined) return [];
      const said = lines.filter(({ at }) => at > last.at - LAST_TRY);
      const cause = causeIn(said) ?? objectionOf(examination, host);
      return [
        {
          level: 'broken',
          host,
          what: cause === undefined ? 'PostgreSQL does not start' : `PostgreSQL does not start because of ${cause}`,
          ...sinceFirst(lines),
          evidence: [...new Set(said.flatMap((line) => withDetails(examination, line)))].slice(-5).map(asEvidence),
          follows: 'it serves nobody; Patroni tries again in every loop',
          mend:
            cause === undefined
              ? `see with ${pgprov`logs ${view.inventory} --host ${host} --since 1h`} what it says; ${pgprov`recover ${view.inventory}`} brings the cluster up where nobody leads`
              : `${pgprov`recover ${view.inventory}`} shows what is in force, and corrects it where it stands`,
          explains: ['member-down'],
        },
      ];
    });
    return together(examination, findings);
  },
});

/** Milliseconds: the lines of one try. */
const LAST_TRY = 2000;

function causeIn(lines: readonly LoggedLine[]): string | undefined {
  for (const { text } of lines) {
    const library = LIBRARY.exec(text)?.[1];
    if (library !== undefined) return `a library that is to be preloaded and is not there (${library})`;
    const found = PARAMETER.exec(text);
    if (found !== null)
      return found[1] === undefined && found[2] === undefined
        ? 'parameters that are lower than the primary’s'
        : `the parameter ${found[1] ?? found[2] ?? ''}`;
  }
  return undefined;
}

/** What the server's program says to the parameters of the inventory. */
function objectionOf({ view }: Examination, host: string): string | undefined {
  const seen = view.read(host, SERVER_ASKED);
  const objection = seen?.asked === true ? seen.objections[0] : undefined;
  return objection === undefined ? undefined : `what the inventory gives: ${objection.message}`;
}
