import { controlTrouble, defineDiagnosis, type Finding } from '../../index.js';
import { databaseUser, dataPath } from '../shared/leading.js';
import { asEvidence, sinceFirst, standingLines } from '../shared/lines.js';
import { dataOf, membersOf, storeOf } from '../shared/members.js';
import { restartCommand } from '../../../roles/shared/restart-command.js';

/** A member has the data of another cluster. */
export default defineDiagnosis({
  name: 'system-identifier',
  looksAt: 'the identity of the members’ data',
  role: 'patroni',
  find: (examination) => {
    const identifiers = membersOf(examination).flatMap((host) => dataOf(examination, host)?.systemIdentifier ?? []);
    const initialize = storeOf(examination)?.initialize;
    // Where no member has the data that the store names it is the store that is wrong.
    if (initialize === undefined || !identifiers.includes(initialize)) return [];
    return membersOf(examination).flatMap((host): Finding[] => {
      const data = dataOf(examination, host);
      const own = data?.systemIdentifier;
      // What a damaged control file says of itself counts for nothing.
      if (data === undefined || own === undefined || own === initialize || controlTrouble(data) !== undefined) return [];
      const [user, path] = [databaseUser(examination, host), dataPath(examination, host)];
      const lines = standingLines(examination, host, { units: ['patroni'], pattern: /system ID mismatch, node/u });
      const command = `systemctl stop patroni && mv ${path} ${path}.other && install -d -o ${user} -g ${user} -m 0700 ${path} && { ${restartCommand('patroni')}; }`;
      return [
        {
          level: 'broken',
          host,
          what: `its data is of another cluster: system identifier ${own}, and the cluster’s is ${initialize}`,
          ...sinceFirst(lines),
          evidence: [
            { host, source: 'pg_control', line: `system identifier ${own}` },
            { host, source: 'the store', line: `initialize = "${initialize}"` },
            ...lines.slice(-1).map(asEvidence),
          ],
          follows: 'Patroni ends there at once and is restarted for ever; the cluster has one member fewer',
          mend: `\`${command}\`, as root on ${host}, keeps that data aside and has Patroni copy the leader’s`,
          explains: ['member-down', 'start-failed', 'without-patroni', 'unit-failed/patroni', 'unit-restarts/patroni'],
        },
      ];
    });
  },
});
