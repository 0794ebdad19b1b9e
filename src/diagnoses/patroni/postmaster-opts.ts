import { DATA_ACCESS, defineDiagnosis, type Finding } from '../../index.js';
import { askAccess } from '../shared/access.js';
import { dataPath } from '../shared/leading.js';
import { asEvidence, linesSince } from '../shared/lines.js';
import { membersOf } from '../shared/members.js';

/** The file with the options of the last start is missing; people take the traceback that Patroni writes about it for the trouble. */
export default defineDiagnosis({
  name: 'postmaster-opts',
  looksAt: 'postmaster.opts',
  role: 'patroni',
  asks: askAccess,
  find: (examination) =>
    membersOf(examination).flatMap((host): Finding[] => {
      if (examination.view.read(host, DATA_ACCESS)?.withoutOptions !== true) return [];
      const lines = linesSince(examination, host, { units: ['patroni'], pattern: /Error when reading postmaster\.opts/u });
      return [
        {
          level: 'notice',
          host,
          what: 'postmaster.opts is missing in the data directory, which does no harm',
          evidence: [
            { host, source: 'ls', line: `${dataPath(examination, host)}/postmaster.opts: no such file` },
            ...lines.slice(-1).map(asEvidence),
          ],
          follows: 'PostgreSQL writes it anew when it starts; where Patroni complains about it the line after that one has the real error',
          mend: 'nothing needs to be done',
        },
      ];
    }),
});
