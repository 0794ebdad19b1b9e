import { defineDiagnosis, pgprov, type Finding } from '../../index.js';
import { cutOff, leaderOf, stateEvidence } from '../shared/leading.js';
import { asEvidence, linesOfTries, sinceFirst } from '../shared/lines.js';
import { dataOf, memberOf } from '../shared/members.js';
import { FORKED } from '../shared/standby-words.js';

const REWIND_FAILED = /pg_rewind: (error|fatal)|pg_rewind exit code=[1-9]|Failed to rewind from healthy primary/u;

/** Milliseconds in which Patroni comes to rewind a member. */
const SOON = 60_000;

/** A standby's timeline has parted from the leader's, and it was not rewound. */
export default defineDiagnosis({
  name: 'diverged',
  looksAt: 'the timelines of the standbys',
  role: 'patroni',
  find: (examination) => {
    const leader = leaderOf(examination);
    if (leader === undefined) return [];
    return cutOff(examination).flatMap((host): Finding[] => {
      const forked = linesOfTries(examination, host, FORKED);
      const failed = linesOfTries(examination, host, REWIND_FAILED);
      if (forked.length === 0 && failed.length === 0) return [];
      const isYoung = failed.length === 0 && (forked[0]?.at ?? 0) > examination.now - SOON;
      const own = memberOf(examination, host)?.timeline ?? dataOf(examination, host)?.position?.timeline ?? '';
      return [
        {
          level: 'danger',
          host,
          what: `its timeline ${own} has parted from that of ${leader}${failed.length === 0 ? '' : ', and pg_rewind fails'}`,
          ...sinceFirst(forked.length === 0 ? failed : forked),
          evidence: [stateEvidence(examination, host), ...[...forked.slice(-1), ...failed.slice(-2)].map(asEvidence)],
          follows: 'it cannot stream; what only it has was never the cluster’s, or was lost in a failover',
          mend: `${isYoung ? 'look again in a minute, as Patroni rewinds a member by itself where it may; if it did not, ' : ''}${pgprov`rebuild ${examination.view.inventory} --host ${host} --give-up-commits`} copies the leader’s data, and keeps what ${host} has beside it to be looked at`,
          explains: ['lag', 'member-down', 'wal-removed'],
        },
      ];
    });
  },
});
