import { defineDiagnosis, formatLsn, pgprov, type Finding } from '../../index.js';
import { leaderOf, stateEvidence } from '../shared/leading.js';
import { asEvidence, linesSince, POSTGRESQL_LOGS, sinceFirst } from '../shared/lines.js';
import { memberOf, membersOf } from '../shared/members.js';

/** What PostgreSQL says of WAL that is none; of what it has on its own disk once, of what it receives each time that it tries. */
const UNFIT = new RegExp(
  [
    'record with incorrect prev-link',
    'invalid (?:record length|record offset|contrecord length|resource manager ID|magic number|info bits)',
    'there is no contrecord flag',
    'incorrect resource manager data checksum',
    'unexpected pageaddr',
    'out-of-sequence timeline ID',
  ].join('|'),
  'u',
);

/** So often within the last minute the same must be said; a server that tries does so every five seconds. */
const OFTEN = 3;
const MINUTE = 60_000;

/** What a PostgreSQL says, without when and which process. */
const MESSAGE = /LOG: {2}(.*)$/u;

/** A standby receives WAL that does not continue what it has. */
export default defineDiagnosis({
  name: 'wal-unfit',
  looksAt: 'whether WAL that standbys receive continues what they have',
  role: 'patroni',
  find: (examination) => {
    const leader = leaderOf(examination);
    const leading = leader === undefined ? undefined : memberOf(examination, leader);
    if (leader === undefined || leading === undefined) return [];
    return membersOf(examination).flatMap((host): Finding[] => {
      const standby = memberOf(examination, host);
      const [replayed, location] = [standby?.wal?.replayed, leading.wal?.location];
      if (host === leader || standby?.timeline !== leading.timeline) return [];
      if (replayed === undefined || location === undefined || replayed >= location) return [];
      const all = linesSince(examination, host, { units: POSTGRESQL_LOGS, pattern: UNFIT });
      const last = all.at(-1);
      const same = all.filter(({ text }) => MESSAGE.exec(text)?.[1] === MESSAGE.exec(last?.text ?? '')?.[1]);
      if (last === undefined || same.filter(({ at }) => at > examination.now - MINUTE).length < OFTEN) return [];
      return [
        {
          level: 'danger',
          host,
          what: `it does not get on from ${formatLsn(replayed)}: the WAL of ${leader}, which leads on the same timeline, does not continue what it has`,
          ...sinceFirst(same),
          evidence: [stateEvidence(examination, host), asEvidence(last)],
          follows: `it shows older and older data, and may have commits that ${leader} never had, as where both began a timeline of the same number, or WAL that was damaged`,
          mend: `${pgprov`rebuild ${examination.view.inventory} --host ${host} --give-up-commits`} copies the leader’s data, and keeps what ${host} has beside it to be looked at`,
          explains: ['diverged', 'wal-ahead', 'lag', 'member-down'],
        },
      ];
    });
  },
});
