import { defineDiagnosis, pgprov, REPLICATION_LOGIN, type Evidence, type Examination, type Finding, type LoggedLine } from '../../index.js';
import { asEvidence, linesOfTries, sinceFirst } from '../shared/lines.js';
import { RECEIVER_FAILS } from '../shared/standby-words.js';
import { primaryOf, serverEvidence, standbysCutOff, streamingServersOf } from '../shared/streaming.js';

const REFUSED =
  /password authentication failed for user "(?<user>[^"]*)"|no password supplied|role "(?<role>[^"]*)" is not permitted to log in/u;

/** The password that a standby without Patroni has is not that of the replication role. */
export default defineDiagnosis({
  name: 'standby-password',
  looksAt: 'the password that standbys log in with',
  role: 'replication',
  topology: 'streaming',
  find: (examination) => {
    const primary = primaryOf(examination);
    if (primary === undefined) return [];
    const { inventory } = examination.view;
    const servers = streamingServersOf(examination);
    const cut = new Set(standbysCutOff(examination));
    const refused = servers
      .map((host) => ({ host, lines: cut.has(host) ? refusedTries(examination, host) : [], logins: refusals(examination, host) }))
      .filter(({ lines, logins }) => lines.length > 0 || logins.length > 0);
    const apply = pgprov`apply ${inventory}`;
    // What nobody can log in with is not wrong in the file of one.
    if (servers.length > 1 && refused.length === servers.length && refused.every(({ logins }) => logins.length > 0))
      return [
        {
          level: 'danger',
          what: `the password of the replication role on ${primary} is not the one that the servers have in their .pgpass`,
          ...sinceFirst(refused.flatMap(({ lines }) => lines)),
          evidence: refused.flatMap(({ host, lines, logins }) => [
            ...(cut.has(host) ? [serverEvidence(examination, host)] : []),
            ...[...lines.slice(-1).map(asEvidence), ...logins].slice(0, 1),
          ]),
          follows: 'a standby that has to connect anew shows older and older data from then on, and its slot holds more and more WAL',
          mend: `${apply} sets the password on the primary and in every .pgpass`,
          explains: ['standby-cut-off'],
        },
      ];
    return refused.map(
      ({ host, lines, logins }): Finding =>
        lines.length > 0
          ? {
              level: 'danger',
              host,
              what: `${primary} does not let it in: the password in its .pgpass is not that of the replication role there`,
              ...sinceFirst(lines),
              evidence: [serverEvidence(examination, host), ...lines.slice(-1).map(asEvidence)],
              follows: `it shows older and older data, and its slot on ${primary} holds more and more WAL`,
              mend: `${apply} sets the password on the primary and in every .pgpass`,
              explains: ['standby-cut-off'],
            }
          : {
              level: 'danger',
              host,
              what: 'its .pgpass has another password for the replication role than the database',
              evidence: logins,
              follows: 'it cannot stream once it has to connect anew, nor be copied',
              mend: `${apply} sets the password on the primary and in every .pgpass`,
            },
    );
  },
});

/** The tries of a standby that its primary refused, where its last one is of these: it may fail for another reason by now. */
function refusedTries(examination: Examination, host: string): readonly LoggedLine[] {
  const tries = linesOfTries(examination, host, RECEIVER_FAILS);
  return REFUSED.test(tries.at(-1)?.text ?? '') ? tries.filter(({ text }) => REFUSED.test(text)) : [];
}

/** What a server was answered when it logged in to the others as a standby does. */
function refusals({ view }: Examination, host: string): Evidence[] {
  return (view.read(host, REPLICATION_LOGIN) ?? []).flatMap(({ address, error }) =>
    error !== undefined && REFUSED.test(error) ? [{ host, source: `login to ${address}`, line: error }] : [],
  );
}
