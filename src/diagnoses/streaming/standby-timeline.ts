import { defineDiagnosis, type Finding } from '../../index.js';
import { seenServers } from '../../../roles/shared/streaming/seen.js';
import { asEvidence, linesOfTries, sinceFirst } from '../shared/lines.js';
import { FORKED } from '../shared/standby-words.js';
import { givenUpAnew } from '../../../roles/shared/streaming/guards.js';
import { primaryOf, serverEvidence, standbysCutOff } from '../shared/streaming.js';

/** A standby without Patroni is on a timeline that its primary does not have, or has gone past where the primary's began. */
export default defineDiagnosis({
  name: 'standby-timeline',
  looksAt: 'the timelines of the standbys',
  role: 'replication',
  topology: 'streaming',
  find: (examination) => {
    const { view } = examination;
    const servers = seenServers(view);
    const primary = primaryOf(examination) ?? '';
    const leading = servers.find(({ name }) => name === primary)?.says?.timeline ?? 0;
    return standbysCutOff(examination).flatMap((host): Finding[] => {
      const own = servers.find(({ name }) => name === host)?.says?.timeline ?? 0;
      const lines = linesOfTries(examination, host, FORKED);
      if (own <= leading && lines.length === 0) return [];
      return [
        {
          level: 'danger',
          host,
          what: `its timeline ${own} has parted from timeline ${leading} of ${primary}`,
          ...sinceFirst(lines),
          evidence: [serverEvidence(examination, host), serverEvidence(examination, primary), ...lines.slice(-1).map(asEvidence)],
          follows: `it can never stream; it may have commits that ${primary} lacks`,
          mend: `look at it first, then ${givenUpAnew(examination.view, host)}`,
          explains: ['standby-cut-off', 'wal-removed'],
        },
      ];
    });
  },
});
