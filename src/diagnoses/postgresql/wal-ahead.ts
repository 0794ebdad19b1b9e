import { defineDiagnosis, partedStandby, pgprov, type Finding } from '../../index.js';
import { cutOff, leaderOf, stateEvidence } from '../shared/leading.js';
import { asEvidence, linesSince, POSTGRESQL_LOGS, sinceFirst, STREAMS } from '../shared/lines.js';
import { memberOf } from '../shared/members.js';

const AHEAD = /requested starting point \S+ (on timeline \d+ )?is ahead of the WAL flush position/u;

/** A standby has WAL that the leader never wrote, and so cannot stream. */
export default defineDiagnosis({
  name: 'wal-ahead',
  looksAt: 'standbys that have more WAL than their leader',
  role: 'patroni',
  find: (examination) => {
    const leader = leaderOf(examination);
    const leading = leader === undefined ? undefined : memberOf(examination, leader);
    if (leader === undefined || leading === undefined) return [];
    return cutOff(examination).flatMap((host): Finding[] => {
      const standby = memberOf(examination, host);
      const parted = standby === undefined ? undefined : partedStandby(standby, leader, leading);
      const lines = linesSince(examination, host, { units: POSTGRESQL_LOGS, pattern: AHEAD, over: STREAMS });
      if (parted === undefined && lines.length === 0) return [];
      return [
        {
          level: 'danger',
          host,
          what: parted === undefined ? `it has WAL that ${leader}, which leads, never wrote, so it cannot stream` : `it ${parted}`,
          ...sinceFirst(lines),
          evidence: [stateEvidence(examination, host), ...lines.slice(-1).map(asEvidence)],
          follows: `it falls behind for ever; it may have commits that ${leader} has lost, as where ${leader} was restored or rebuilt from something older`,
          mend: `${pgprov`rebuild ${examination.view.inventory} --host ${host} --give-up-commits`} copies the leader’s data, and keeps what ${host} has beside it to be looked at`,
          explains: ['diverged', 'wal-removed', 'lag', 'member-down'],
        },
      ];
    });
  },
});
