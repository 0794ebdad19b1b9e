import { defineDiagnosis, groupBy, pgprov, type Finding, type LoggedLine } from '../../index.js';
import { variables } from '../../../roles/shared/variables.js';
import { NO_ACCESS } from '../shared/connections.js';
import { goneAt } from '../shared/gone.js';
import { cutOff } from '../shared/leading.js';
import { asEvidence, linesSince, POSTGRESQL_LOGS, sinceFirst, QUOTED_REFUSAL } from '../shared/lines.js';
import { standbysCutOff } from '../shared/streaming.js';

/** Milliseconds: what was refused before may have been put right. */
const RECENT = 5 * 60_000;

/** Milliseconds: a standby that is refused tries again every few seconds, and one that does not is down for another reason. */
const TRIES = 60_000;

/** Somebody was just refused by pg_hba.conf. */
export default defineDiagnosis({
  name: 'access-refused',
  looksAt: 'connections that pg_hba.conf refuses',
  role: 'postgresql',
  find: (examination) => {
    const { view } = examination;
    const away = [...cutOff(examination), ...standbysCutOff(examination)];
    return view.hosts('postgresql').flatMap((host): Finding[] => {
      const { name } = host;
      const lines = linesSince(examination, name, { units: POSTGRESQL_LOGS, pattern: NO_ACCESS, within: RECENT }).filter(
        // Who was taken out is meant to be refused, and its removal has tried that.
        ({ text }) => !QUOTED_REFUSAL.test(text) && goneAt(examination, read(text).from) === undefined,
      );
      return [...groupBy(lines, ({ text }) => JSON.stringify(read(text))).values()].map((group): Finding => {
        const last = group.at(-1) ?? group[0];
        const { from, user, database, tls } = read(last.text);
        const member = view.inventory.hosts.find(({ clusterAddress }) => clusterAddress === from);
        // A standby that streams by now was let in.
        const matters =
          member !== undefined &&
          away.includes(member.name) &&
          user === variables(host, 'replication').username &&
          examination.now - last.at < TRIES;
        return {
          level: matters ? 'danger' : 'notice',
          host: name,
          what: `pg_hba.conf refuses ${user} from ${from} (${database}${tls}), ${count(group)} in the last minutes`,
          ...sinceFirst(group),
          evidence: [asEvidence(last)],
          follows: matters ? `${member.name} cannot stream from here` : 'whoever that is cannot connect',
          mend: matters
            ? `${pgprov`apply ${view.inventory}`} writes pg_hba.conf as the inventory has it, with a line for every member; take out of the inventory what rejects ${from} before that one`
            : `where it is meant, give it a line under postgresql.access in the inventory; otherwise find out who ${from} is`,
          ...(matters ? { explains: ['member-down', 'standby-cut-off'], affects: [member.name] } : {}),
        };
      });
    });
  },
});

function count({ length }: readonly LoggedLine[]): string {
  return length === 1 ? 'once' : `${length} times`;
}

function read(text: string): { from: string; user: string; database: string; tls: string } {
  const { replication, from = '', user = '', database, tls } = NO_ACCESS.exec(text)?.groups ?? {};
  return {
    from,
    user,
    database: replication === undefined ? `database ${database ?? '?'}` : 'replication',
    tls: tls === undefined ? '' : `, ${tls}`,
  };
}
