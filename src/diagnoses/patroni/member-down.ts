import {
  defineDiagnosis,
  pgprov,
  recoveryWords,
  serviceHandle,
  DATA_DIRECTORY,
  PATRONI_MEMBER,
  type Examination,
  type Finding,
} from '../../index.js';
import { leaderOf, serves, stateEvidence } from '../shared/leading.js';
import { asEvidence, sinceFirst, spanWords, standingLines, STARTED, workedLast } from '../shared/lines.js';
import { memberOf, membersOf } from '../shared/members.js';

/** What says why a member does not work. */
const REASONS = /(FATAL|PANIC|CRITICAL|ERROR): |Error: |Main process exited|Failed with result/u;
const NO_REASON =
  /the database system is (starting up|shutting down|not yet accepting)|due to administrator command|exit status=|terminating walreceiver/u;

/** What a member does for a while on its way up; it took it up with these lines. */
const ON_ITS_WAY = new Set(['creating replica', 'starting', 'restarting', 'running pg_rewind', 'initializing new cluster', 'stopping']);
const BEGUN = /trying to bootstrap|starting as a secondary|running pg_rewind|restarting|doing crash recovery|starting PostgreSQL \d/u;

/** Patroni has started PostgreSQL. */
const TRIED = /postmaster pid=/u;

/** Milliseconds after which a member on its way up is rather stuck. */
const LONG = 15 * 60_000;

/** A member does not run, or does not come up. */
export default defineDiagnosis({
  name: 'member-down',
  looksAt: 'the members',
  role: 'patroni',
  find: (examination) =>
    membersOf(examination).flatMap((host): Finding[] => {
      const member = memberOf(examination, host);
      if (member?.state === 'running' || member?.state === 'streaming') return [];
      const isOnItsWay = member !== undefined && ON_ITS_WAY.has(member.state) && starts(examination, host) < 2;
      return [isOnItsWay ? comingUp(examination, host, member.state) : down(examination, host)];
    }),
});

/**
 * How often Patroni has started a server that does not run, since the member last worked. A server that ends at once may do so before Patroni looks at
 * its process: the member then stays “starting” from one try to the next.
 */
function starts(examination: Examination, host: string): number {
  if (serves(examination, host)) return 0;
  return standingLines(examination, host, { units: ['patroni'], pattern: TRIED, over: STARTED }).length;
}

function comingUp(examination: Examination, host: string, state: string): Finding {
  const { view, now } = examination;
  const begun = standingLines(examination, host, { units: ['patroni', 'postgresql'], pattern: BEGUN });
  const since = begun.at(-1)?.at;
  const replays = recoveryWords(view.read(host, DATA_DIRECTORY), view.read(host, PATRONI_MEMBER));
  const stuck = since !== undefined && now - since > LONG && state !== 'creating replica';
  return {
    level: 'danger',
    host,
    what: stuck ? `it has been “${state}” for ${spanWords((now - since) / 1000)}` : `it is on its way up (“${state}”)`,
    ...(since === undefined ? {} : { since }),
    evidence: [stateEvidence(examination, host), ...begun.slice(-1).map(asEvidence)],
    follows: `${replays === undefined ? 'it serves nobody until it is up' : `PostgreSQL ${replays}`}; nobody can fail over to it meanwhile`,
    mend: stuck
      ? `see with ${pgprov`logs ${view.inventory} --host ${host} --since 1h`} what it waits for; do not restart a server that replays WAL`
      : `wait; ${pgprov`status ${view.inventory}`} shows how far it is`,
  };
}

function down(examination: Examination, host: string): Finding {
  const { view } = examination;
  const unit = view.platform(host)?.patroni.unit ?? 'patroni';
  const active = view.read(host, serviceHandle(unit))?.active;
  const reasons = standingLines(examination, host, { units: ['patroni', 'postgresql'], pattern: REASONS }).filter(
    ({ text }) => !NO_REASON.test(text),
  );
  const worked = workedLast(examination, host);
  const stopped = active === 'inactive' || active === 'failed';
  const led = leaderOf(examination) !== undefined;
  return {
    level: 'danger',
    host,
    what: stopped ? `Patroni does not run (its unit is ${active})` : wordsOf(examination, host),
    ...(worked === undefined ? sinceFirst(reasons) : { since: worked }),
    evidence: [stateEvidence(examination, host), ...reasons.slice(-3).map(asEvidence)],
    follows: `${serves(examination, host) ? 'nobody watches over its PostgreSQL' : 'it serves nobody'}, and nobody can fail over to it`,
    mend: !led
      ? `${pgprov`recover ${view.inventory}`} finds the member with the last commits first`
      : stopped
        ? `${pgprov`start ${view.inventory} --host ${host}`} starts it`
        : `see with ${pgprov`logs ${view.inventory} --host ${host} --since 1h`} what it says`,
  };
}

function wordsOf(examination: Examination, host: string): string {
  const state = memberOf(examination, host)?.state;
  if (state === undefined) return 'Patroni does not answer, though its unit runs';
  const tried = ON_ITS_WAY.has(state) ? `, and has started it ${starts(examination, host)} times in vain` : '';
  return `PostgreSQL does not run: Patroni says “${state}”${tried}`;
}
