import { defineDiagnosis, pgprov, type Finding } from '../../index.js';
import { asEvidence, spanWords } from '../shared/lines.js';
import { membersOf, storeOf } from '../shared/members.js';

/** What Patroni writes each time in maintenance mode. */
const PAUSED = /INFO: PAUSE: /u;
const GOES_ON = /INFO: (?!PAUSE: )no action\. I am \(/u;

/** Milliseconds after which maintenance mode was rather forgotten. */
const LONG = 2 * 3_600_000;

/** Maintenance mode is on: nothing fails over. */
export default defineDiagnosis({
  name: 'pause',
  looksAt: 'maintenance mode',
  role: 'patroni',
  find: (examination): Finding[] => {
    const { view, now } = examination;
    if (storeOf(examination)?.config?.['pause'] !== true) return [];
    const [line] = membersOf(examination).flatMap((host) => {
      const lines = examination.log(host, 'patroni');
      const worked = lines.findLast(({ text }) => GOES_ON.test(text))?.at ?? 0;
      const first = lines.find(({ at, text }) => at > worked && PAUSED.test(text));
      return first === undefined ? [] : [first];
    });
    const forgotten = line === undefined || now - line.at > LONG;
    const span = line === undefined ? '' : ` for ${spanWords((now - line.at) / 1000)}`;
    return [
      {
        level: forgotten ? 'danger' : 'notice',
        what: `the cluster is in maintenance mode${forgotten ? span : ''}`,
        ...(line === undefined ? {} : { since: line.at }),
        evidence: line === undefined ? [{ source: 'the store', line: 'config: pause true' }] : [asEvidence(line)],
        follows: 'Patroni fails nothing over and starts nothing: if the leader is lost, nobody can write until a person acts',
        mend: `${pgprov`resume ${view.inventory}`} ends it, and says before what Patroni does then`,
      },
    ];
  },
});
