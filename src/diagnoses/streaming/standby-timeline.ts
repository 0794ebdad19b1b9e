import { defineDiagnosis, type Finding } from '../../index.js';
import { partedFrom } from '../../../roles/shared/streaming/parted.js';
import { isJoining, seenServers } from '../../../roles/shared/streaming/seen.js';
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
    const source = servers.find(({ name }) => name === primary);
    const leading = source?.says?.timeline ?? 0;
    const down = servers.filter(({ name, says, signal }) => says === undefined && signal && !isJoining(view, name)).map(({ name }) => name);
    return [...standbysCutOff(examination), ...(source === undefined ? [] : down)].flatMap((host): Finding[] => {
      const server = servers.find(({ name }) => name === host);
      const own = server?.says?.timeline ?? server?.data.position?.timeline ?? 0;
      const lines = linesOfTries(examination, host, FORKED);
      const parted = source !== undefined && own < leading && partedFrom(view, source, host).kind === 'more';
      if (own <= leading && lines.length === 0 && !parted) return [];
      return [
        {
          level: 'danger',
          host,
          what: `its timeline ${own} has parted from timeline ${leading} of ${primary}`,
          ...sinceFirst(lines),
          evidence: [serverEvidence(examination, host), serverEvidence(examination, primary), ...lines.slice(-1).map(asEvidence)],
          follows: `it can never stream; it may have commits that ${primary} lacks`,
          mend: `look at it first, then ${givenUpAnew(examination.view, host)}`,
          explains: ['standby-cut-off', 'wal-removed', 'unit-failed', 'unit-stopped'],
        },
      ];
    });
  },
});
