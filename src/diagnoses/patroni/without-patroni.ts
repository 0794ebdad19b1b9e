import { defineDiagnosis, pgprov, RUNNING, serviceHandle, type Finding } from '../../index.js';
import { workedLast } from '../shared/lines.js';
import { membersOf, storeOf } from '../shared/members.js';

/** PostgreSQL runs on a member, and its Patroni does not. */
export default defineDiagnosis({
  name: 'without-patroni',
  looksAt: 'servers that nobody watches over',
  role: 'patroni',
  find: (examination) => {
    const { view } = examination;
    return membersOf(examination).flatMap((host): Finding[] => {
      const unit = view.platform(host)?.patroni.unit ?? 'patroni';
      const active = view.read(host, serviceHandle(unit))?.active;
      const running = view.read(host, RUNNING);
      const server = running?.postmasters.find(({ realDirectory }) => realDirectory === running.wantedDirectory);
      if (server === undefined || (active !== 'inactive' && active !== 'failed')) return [];
      const worked = workedLast(examination, host);
      return [
        {
          // In maintenance mode nobody takes the lead over.
          level: storeOf(examination)?.config?.['pause'] === true ? 'danger' : 'broken',
          host,
          what: `PostgreSQL runs without its Patroni, whose unit is ${active}`,
          ...(worked === undefined ? {} : { since: worked }),
          evidence: [
            {
              host,
              source: 'processes',
              line: `postmaster of ${server.dataDirectory} on port ${server.port}, in ${server.unit || 'no unit'}`,
            },
            { host, source: 'systemd', line: `${unit}.service ${active}` },
          ],
          follows: 'nobody takes its lead away when another member takes it over: clients may write to two servers',
          mend: `${pgprov`start ${view.inventory} --host ${host}`} starts Patroni, which takes the server as it runs`,
          explains: ['member-down'],
        },
      ];
    });
  },
});
