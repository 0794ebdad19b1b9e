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
  type LoggedLine,
} from '../../index.js';
import { dataPath, leaderOf } from '../shared/leading.js';
import { asEvidence, linesSince, MADE_ANEW, POSTGRESQL_LOGS } from '../shared/lines.js';
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
    const all = [...unlikeHistories(examination), ...unlikeBegins(examination), ...begunTwice(examination), ...aheadOfLeader(examination)];
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

/**
 * Both have said that they began it. A standby that streams overwrites how its own began, where that lies in the segment that it begins to
 * stream with, so that its log alone still tells.
 */
function begunTwice(examination: Examination): Finding[] {
  const leader = leaderOf(examination);
  const timeline = leader === undefined ? undefined : memberOf(examination, leader)?.timeline;
  if (leader === undefined || timeline === undefined) return [];
  const own = begunBy(examination, leader, timeline);
  if (own === undefined) return [];
  return membersOf(examination).flatMap((host) => {
    const begun = host === leader || memberOf(examination, host)?.timeline !== timeline ? undefined : begunBy(examination, host, timeline);
    if (begun === undefined) return [];
    return [
      forkOf(examination, host, leader, {
        what: `its timeline ${timeline} is another one than that of ${leader}, which leads: each has begun it by itself, without knowledge of the other`,
        evidence: [own, begun].map(asEvidence),
      }),
    ];
  });
}

/** Where a member said that it begins a timeline, of the data that it has now. */
function begunBy(examination: Examination, host: string, timeline: number): LoggedLine | undefined {
  const pattern = new RegExp(`selected new timeline ID: ${timeline}$`, 'u');
  return linesSince(examination, host, { units: POSTGRESQL_LOGS, pattern, over: MADE_ANEW }).at(-1);
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
  const timeline = memberOf(examination, leader)?.timeline;
  // Since the second of them began it there are two.
  const begun = [leader, host].flatMap((each) => (timeline === undefined ? [] : (begunBy(examination, each, timeline)?.at ?? [])));
  const unnamed = storeOf(examination)?.timelineEnds?.findLast(({ time, leader: by }) => time === undefined && by === undefined);
  const trace: Evidence[] =
    unnamed === undefined
      ? []
      : [{ source: 'Patroni’s history', line: `timeline ${unnamed.timeline} was left without a time and a name: ${unnamed.reason}` }];
  return {
    level: 'broken',
    host,
    what,
    ...(begun.length === 0 ? {} : { since: Math.max(...begun) }),
    evidence: [...evidence, ...trace],
    follows: `${host} has another content than its leader, though it may stream: reads there are wrong, and commits are lost or come back with the next change of leader`,
    mend: `do not switch over; ${pgprov`rebuild ${view.inventory} --host ${host} --give-up-commits`} copies the data of ${leader} and keeps what ${host} has beside it, to be compared`,
    explains: ['diverged', 'wal-ahead', 'wal-unfit', 'lag', 'member-down'],
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
