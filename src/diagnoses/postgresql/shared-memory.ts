import { defineDiagnosis, formatBytes, HOST_FACTS, pgprov, type Finding } from '../../index.js';
import { leaderOf, serves } from '../shared/leading.js';
import { asEvidence, linesSince, POSTGRESQL_LOGS, sinceFirst, STARTED, withDetails } from '../shared/lines.js';

const REFUSED = /could not (map anonymous shared memory|create shared memory segment|resize shared memory segment)/u;
const SIZE = /\(currently (\d+) bytes\)|size=(\d+)/u;

/** PostgreSQL asks for more memory than the host has. */
export default defineDiagnosis({
  name: 'shared-memory',
  looksAt: 'the memory that PostgreSQL asks for',
  role: 'patroni',
  find: (examination) => {
    const { view } = examination;
    return view.hosts('patroni').flatMap(({ name: host }): Finding[] => {
      if (serves(examination, host)) return [];
      const lines = linesSince(examination, host, { units: POSTGRESQL_LOGS, pattern: REFUSED, over: STARTED });
      const last = lines.at(-1);
      if (last === undefined) return [];
      const said = withDetails(examination, last);
      const [, one, other] = SIZE.exec(said.map(({ text }) => text).join(' ')) ?? [];
      const asked = Number(one ?? other ?? 0);
      const has = view.read(host, HOST_FACTS)?.memory;
      const size =
        asked === 0 ? '' : `: it asks for ${formatBytes(asked)}${has === undefined ? '' : `, and the host has ${formatBytes(has)}`}`;
      return [
        {
          level: 'broken',
          host,
          what: `PostgreSQL does not get the shared memory that its settings ask for${size}`,
          ...sinceFirst(lines),
          evidence: said.map(asEvidence),
          follows: 'PostgreSQL does not start: shared_buffers, huge_pages or max_connections ask for more than there is',
          mend:
            leaderOf(examination) === undefined
              ? `${pgprov`recover ${view.inventory}`} corrects the setting in the store, and starts the member with the last commits first`
              : `${pgprov`apply ${view.inventory}`} puts back the value that the inventory gives; ${pgprov`config edit ${view.inventory}`} changes one that it does not give`,
          explains: ['start-failed', 'member-down', 'pending-restart'],
        },
      ];
    });
  },
});
