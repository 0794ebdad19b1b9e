import { defineDiagnosis, formatBytes, HOST_FACTS, pgprov, valueAt, type Examination, type Finding, type JsonObject } from '../../index.js';
import { variables } from '../../../roles/shared/variables.js';
import { leaderOf, serves } from '../shared/leading.js';
import { asEvidence, linesSince, POSTGRESQL_LOGS, sinceFirst, STARTED, withDetails } from '../shared/lines.js';
import { storeOf } from '../shared/members.js';
import { together } from '../shared/together.js';

const REFUSED = /could not (map anonymous shared memory|create shared memory segment|resize shared memory segment)/u;
const SIZE = /\(currently (\d+) bytes\)|size=(\d+)/u;

/** PostgreSQL asks for more memory than the host has. */
export default defineDiagnosis({
  name: 'shared-memory',
  looksAt: 'the memory that PostgreSQL asks for',
  role: 'patroni',
  find: (examination) => {
    const { view } = examination;
    const findings = view.hosts('patroni').flatMap(({ name: host }): Finding[] => {
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
              : mendOf(examination, host),
          explains: ['start-failed', 'member-down', 'pending-restart'],
        },
      ];
    });
    return together(examination, findings);
  },
});

/** Parameters by which PostgreSQL asks for memory at its start. */
const ASKING = ['shared_buffers', 'huge_pages', 'max_connections', 'max_locks_per_transaction', 'wal_buffers'];

/** Somebody's own setting is taken away; the inventory's come back by applying it. */
function mendOf(examination: Examination, name: string): string {
  const { inventory } = examination.view;
  const host = inventory.hosts.find((each) => each.name === name);
  const given = host === undefined ? {} : variables(host, 'postgresql').parameters;
  const dynamic = valueAt((storeOf(examination)?.config ?? {}) as JsonObject, ['postgresql', 'parameters']) ?? {};
  const foreign = ASKING.find((each) => Object.hasOwn(dynamic as object, each) && !Object.hasOwn(given, each));
  return foreign === undefined
    ? `${pgprov`apply ${inventory}`} brings what the inventory gives; lower shared_buffers there if it is that`
    : `${pgprov`config edit ${inventory} --remove ${`postgresql.parameters.${foreign}`}`} takes away ${foreign}, which the inventory does not give`;
}
