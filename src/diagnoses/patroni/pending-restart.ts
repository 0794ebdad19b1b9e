import { defineDiagnosis, pgprov, type Finding } from '../../index.js';
import { asEvidence, linesSince, spanWords, STARTED } from '../shared/lines.js';
import { memberOf, membersOf } from '../shared/members.js';

const CHANGED = /\(restart might be required\)|Setting 'Pending restart' flag/u;

/** Milliseconds for which a restart may well be put off. */
const LONG = 24 * 3_600_000;

/** A member has waited long for a restart that a setting needs. */
export default defineDiagnosis({
  name: 'pending-restart',
  looksAt: 'restarts that settings wait for',
  role: 'patroni',
  find: (examination) => {
    const { view, now } = examination;
    const waiting = membersOf(examination).flatMap((host) => {
      const member = memberOf(examination, host);
      if (member?.pendingRestart !== true) return [];
      const lines = linesSince(examination, host, { units: ['patroni'], pattern: CHANGED, over: STARTED });
      const started = Date.parse(member.postmasterStart ?? '');
      const since = lines[0]?.at;
      // Where the log does not reach back to the change, it was made before the log begins.
      const long = since === undefined ? now - started > LONG : now - since > LONG;
      return long ? [{ host, since, lines, reasons: member.pendingReasons ?? {} }] : [];
    });
    if (waiting.length === 0) return [];
    const known = waiting.flatMap(({ since }) => since ?? []);
    const since = known.length === 0 ? undefined : Math.min(...known);
    const finding: Finding = {
      level: 'notice',
      what: `${waiting.map(({ host }) => host).join(', ')} ${waiting.length === 1 ? 'has' : 'have'} waited for a restart for ${since === undefined ? 'more than a day' : spanWords((now - since) / 1000)}`,
      ...(since === undefined ? {} : { since }),
      evidence: waiting.flatMap(({ host, lines, reasons }) => [
        ...Object.entries(reasons).map(([name, { from, to }]) => ({
          host,
          source: 'Patroni’s REST API',
          line: `${name}: ${from} -> ${to}`,
        })),
        ...lines.slice(-1).map(asEvidence),
      ]),
      follows: 'the next crash or switchover brings the settings into force at a moment that nobody chose',
      mend: `${pgprov`restart ${view.inventory} --pending`} restarts one member at a time, in the order that is safe`,
    };
    return [finding];
  },
});
