import {
  dataDirectoryOf,
  defineDiagnosis,
  localServer,
  pgprov,
  SERVER_HEALTH,
  TIMELINE_BEGIN,
  timelineBegin,
  type Evidence,
  type Examination,
  type Finding,
} from '../../index.js';
import { dataPath, leaderOf } from '../shared/leading.js';
import { dataOf, memberOf, membersOf, storeOf } from '../shared/members.js';

/**
 * Two members have a timeline of the same number with another content. It comes from a promotion by a member that did not know of an earlier
 * one, as where all were down and the first to come up took the lead. The standby may stream all the same, and nobody sees it until the next
 * change of leader.
 */
export default defineDiagnosis({
  name: 'history-fork',
  looksAt: 'the histories of the timelines',
  role: 'patroni',
  asks: ({ host, platform }) => [
    timelineBegin({ path: dataDirectoryOf(host, platform), binDirectory: localServer(host, platform).binDirectory }),
  ],
  find: (examination) => {
    const all = [...unlikeHistories(examination), ...unlikeBegins(examination), ...aheadOfLeader(examination)];
    // Each member once, by what shows it best.
    return all.filter(({ host }, index) => all.findIndex((other) => other.host === host) === index);
  },
});

function unlikeHistories(examination: Examination): Finding[] {
  const leader = leaderOf(examination);
  const own = leader === undefined ? undefined : dataOf(examination, leader)?.history;
  if (leader === undefined || own === undefined) return [];
  const forked = membersOf(examination).filter((host) => {
    const other = dataOf(examination, host)?.history;
    return other?.timeline === own.timeline && other.forks.join() !== own.forks.join();
  });
  return forked.map((host) =>
    forkOf(examination, host, leader, {
      what: `its timeline ${own.timeline} is another one than that of ${leader}, which leads: both were begun, at different places, without knowledge of each other`,
      evidence: [leader, host].flatMap((each) => historyEvidence(examination, each)),
    }),
  );
}

/** Both were begun at the same place, as by standbys that had received the same: the promotions were not at the same time. */
function unlikeBegins(examination: Examination): Finding[] {
  const { view } = examination;
  const leader = leaderOf(examination);
  const own = leader === undefined ? undefined : view.read(leader, TIMELINE_BEGIN);
  if (leader === undefined || own === undefined) return [];
  return membersOf(examination).flatMap((host) => {
    const other = view.read(host, TIMELINE_BEGIN);
    if (other?.timeline !== own.timeline || other.promotion === own.promotion) return [];
    const begins = [
      { host: leader, promotion: own.promotion },
      { host, promotion: other.promotion },
    ];
    return [
      forkOf(examination, host, leader, {
        what: `its timeline ${own.timeline} is another one than that of ${leader}, which leads: both were begun at the same place, without knowledge of each other`,
        evidence: begins.map((begin) => ({ host: begin.host, source: 'pg_waldump', line: begin.promotion })),
      }),
    ];
  });
}

/** The leader's own word that a standby has confirmed more than it has written. */
function aheadOfLeader(examination: Examination): Finding[] {
  const leader = leaderOf(examination);
  if (leader === undefined) return [];
  const { view } = examination;
  return (view.read(leader, SERVER_HEALTH)?.ahead ?? [])
    .filter(({ name }) => membersOf(examination).includes(name))
    .map(({ name, position, own }) =>
      forkOf(examination, name, leader, {
        what: `it streams and has WAL that ${leader}, which leads on the same timeline, never wrote`,
        evidence: [{ host: leader, source: 'pg_stat_replication', line: `${name} has confirmed ${position}; own position ${own}` }],
      }),
    );
}

function forkOf(
  examination: Examination,
  host: string,
  leader: string,
  { what, evidence }: { what: string; evidence: readonly Evidence[] },
): Finding {
  const { view } = examination;
  const unnamed = storeOf(examination)?.timelineEnds?.findLast(({ time, leader: by }) => time === undefined && by === undefined);
  const trace: Evidence[] =
    unnamed === undefined
      ? []
      : [{ source: 'Patroni’s history', line: `timeline ${unnamed.timeline} was left without a time and a name: ${unnamed.reason}` }];
  return {
    level: 'broken',
    host,
    what,
    evidence: [...evidence, ...trace],
    follows: `${host} has another content than its leader, though it may stream: reads there are wrong, and commits are lost or come back with the next change of leader`,
    mend: `do not switch over; ${pgprov`rebuild ${view.inventory} --host ${host} --give-up-commits`} copies the data of ${leader} and keeps what ${host} has beside it, to be compared`,
    explains: ['diverged', 'wal-ahead', 'lag', 'member-down'],
  };
}

function historyEvidence(examination: Examination, host: string): Evidence[] {
  const history = dataOf(examination, host)?.history;
  if (history === undefined) return [];
  const file = `${dataPath(examination, host)}/pg_wal/${history.timeline.toString(16).toUpperCase().padStart(8, '0')}.history`;
  return [
    { host, source: file, line: `${history.forks.join(', ')}; Patroni says timeline ${memberOf(examination, host)?.timeline ?? '?'}` },
  ];
}
