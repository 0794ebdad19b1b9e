import { defineDiagnosis, type Finding } from '../../index.js';
import { askAccess } from '../shared/access.js';
import { databaseUser, dataPath } from '../shared/leading.js';
import { asEvidence, standingLines } from '../shared/lines.js';
import { membersOf } from '../shared/members.js';
import { restartCommand } from '../../../roles/shared/restart-command.js';
import { DATA_ACCESS } from '../../index.js';

const REFUSED = /"root" execution of the PostgreSQL server is not permitted|possible system security compromise|cannot be run as root/u;

/** Root started Patroni: PostgreSQL refuses to run for root, and files of root stay behind. */
export default defineDiagnosis({
  name: 'patroni-root',
  looksAt: 'who runs Patroni',
  role: 'patroni',
  asks: askAccess,
  find: (examination) =>
    membersOf(examination).flatMap((host): Finding[] => {
      const processes = examination.view.read(host, DATA_ACCESS)?.asRoot ?? [];
      const lines = standingLines(examination, host, { units: ['patroni', 'postgresql'], pattern: REFUSED });
      if (processes.length === 0 && lines.length === 0) return [];
      const [user, data] = [databaseUser(examination, host), dataPath(examination, host)];
      const pids = processes.map(({ pid }) => pid);
      const end = pids.length === 0 ? '' : `kill ${pids.join(' ')}; `;
      return [
        {
          level: 'broken',
          host,
          what: 'Patroni was started by root, and PostgreSQL does not run for root',
          ...(lines[0] === undefined ? {} : { since: lines[0].at }),
          evidence: [
            ...processes.map(({ pid, command }) => ({ host, source: 'processes', line: `${pid} root ${command}` })),
            ...lines.slice(-1).map(asEvidence),
          ],
          follows: 'it starts no PostgreSQL, and files that it writes as root keep the right one from starting',
          mend: `\`${end}chown -R ${user}: ${data}; ${restartCommand('patroni')}\`, as root on ${host}`,
          // Its own unit is down meanwhile, and finds the port of the REST API held.
          explains: ['member-down', 'data-access', 'unit-stopped', 'unit-failed', 'port-held'],
        },
      ];
    }),
});
