import { defineDiagnosis, pgprov, type Finding } from '../../index.js';
import { asEvidence, linesOfTries, sinceFirst } from '../shared/lines.js';
import { primaryOf, serverEvidence, standbysCutOff } from '../shared/streaming.js';

const REFUSED =
  /password authentication failed for user "(?<user>[^"]*)"|no password supplied|role "(?<role>[^"]*)" is not permitted to log in/u;

/** The password that a standby without Patroni has is not that of the replication role. */
export default defineDiagnosis({
  name: 'standby-password',
  looksAt: 'the password that standbys log in with',
  role: 'replication',
  topology: 'streaming',
  find: (examination) => {
    const primary = primaryOf(examination) ?? '';
    return standbysCutOff(examination).flatMap((host): Finding[] => {
      const lines = linesOfTries(examination, host, REFUSED);
      const last = lines.at(-1);
      if (last === undefined) return [];
      return [
        {
          level: 'danger',
          host,
          what: `${primary} does not let it in: the password in its .pgpass is not that of the replication role there`,
          ...sinceFirst(lines),
          evidence: [serverEvidence(examination, host), asEvidence(last)],
          follows: `it shows older and older data, and its slot on ${primary} holds more and more WAL`,
          mend: `${pgprov`apply ${examination.view.inventory}`} sets the password on the primary and in every .pgpass`,
          explains: ['standby-cut-off'],
        },
      ];
    });
  },
});
