import {
  DATA_ACCESS,
  DATA_DIRECTORY,
  defineDiagnosis,
  type DataAccess,
  type Evidence,
  type Examination,
  type Finding,
} from '../../index.js';
import { askAccess } from '../shared/access.js';
import { databaseUser, dataPath, serves } from '../shared/leading.js';
import { asEvidence, POSTGRESQL_LOGS, sinceFirst, standingLines, withDetails } from '../shared/lines.js';
import { membersOf } from '../shared/members.js';

/** The permissions that PostgreSQL takes for its data directory. */
const TAKEN = new Set(['700', '750']);

const SAID =
  /data directory ".*" has (invalid permissions|wrong ownership)|could not (open|access|create) .*Permission denied|PermissionError: \[Errno 13\]/u;

/** PostgreSQL's user cannot use its data, or others can. */
export default defineDiagnosis({
  name: 'data-access',
  looksAt: 'permissions and owners of the data directories',
  role: 'patroni',
  asks: askAccess,
  find: (examination) =>
    membersOf(examination).flatMap((host): Finding[] => {
      const access = examination.view.read(host, DATA_ACCESS);
      const found = access === undefined ? [] : troublesOf(examination, host, access);
      if (found.length === 0) return [];
      const lines = standingLines(examination, host, { units: POSTGRESQL_LOGS, pattern: SAID });
      const runs = serves(examination, host);
      return [
        {
          level: runs ? 'danger' : 'broken',
          host,
          what: found.map(({ what }) => what).join('; '),
          ...sinceFirst(lines),
          evidence: [
            ...found.map(({ evidence }) => evidence),
            ...lines
              .slice(-1)
              .flatMap((line) => withDetails(examination, line))
              .map(asEvidence),
          ],
          follows: runs ? 'PostgreSQL goes on for now; it does not start again with this' : 'PostgreSQL does not start',
          mend: `\`${found.map(({ command }) => command).join(' && ')}\`, as root on ${host}; Patroni then starts PostgreSQL by itself`,
          explains: ['member-down', 'start-failed', 'no-leader'],
        },
      ];
    }),
});

interface Trouble {
  what: string;
  evidence: Evidence;
  command: string;
}

function troublesOf(examination: Examination, host: string, { mode, owner, closed, misowned }: DataAccess): Trouble[] {
  const [user, path] = [databaseUser(examination, host), dataPath(examination, host)];
  if (mode === undefined || owner === undefined) return [];
  const listed: Evidence = { host, source: 'ls', line: `${path}: mode ${mode}, owner ${owner}` };
  const found: Trouble[] = [];
  const barred = closed.find((one) => one !== path);
  if (barred !== undefined)
    found.push({
      what: `${user} may not enter ${barred}, on the way to its data`,
      evidence: { host, source: 'test -x', line: `${user} may not enter ${barred}` },
      command: `chmod o+x ${barred}`,
    });
  if (!TAKEN.has(mode) && examination.view.read(host, DATA_DIRECTORY)?.kind === 'cluster')
    found.push({
      what: `the data directory has permissions that PostgreSQL does not start with (${mode.padStart(4, '0')})`,
      evidence: listed,
      command: `chmod 0700 ${path}`,
    });
  if (owner !== user)
    found.push({
      what: `the data directory belongs to ${owner}, and PostgreSQL runs as ${user}`,
      evidence: listed,
      command: `chown -R ${user}: ${path} && systemctl restart patroni`,
    });
  else if (misowned.length > 0)
    found.push({
      what: `files of the data directory do not belong to ${user}`,
      evidence: { host, source: 'find', line: misowned.join(' ') },
      command: `chown -R ${user}: ${path}`,
    });
  return found;
}
