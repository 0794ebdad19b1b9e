import { defineDiagnosis, formatBytes, pgprov, SERVER_REPLICATION, type Finding, type SlotStatus } from '../../index.js';
import { asEvidence, linesSince, POSTGRESQL_LOGS } from '../shared/lines.js';

const INVALIDATED = /invalidating (slot|obsolete replication slot)/u;

/** Part of what a slot may hold that leaves its user little time. */
const MUCH_OF_LIMIT = 0.8;

/** A slot is of no use any more, or holds so much WAL that the disk fills. */
export default defineDiagnosis({
  name: 'slots',
  looksAt: 'replication slots and the WAL that they hold',
  role: 'postgresql',
  find: (examination) => {
    const { view } = examination;
    return view.hosts('postgresql').flatMap(({ name: host }): Finding[] => {
      const server = view.read(host, SERVER_REPLICATION);
      if (server === undefined) return [];
      const { slotLimitBytes: limit, usualWalBytes: usual } = server;
      return server.slots.flatMap((slot): Finding[] => {
        const found = troubleOf(slot, limit, usual);
        if (found === undefined) return [];
        const lines = linesSince(examination, host, { units: POSTGRESQL_LOGS, pattern: INVALIDATED }).filter(({ text }) =>
          text.includes(`"${slot.name}"`),
        );
        const idle = Date.parse(slot.inactiveSince ?? '');
        const drop = `SELECT pg_drop_replication_slot('${slot.name}')`;
        return [
          {
            level: 'danger',
            host,
            what: `the replication slot ${slot.name} ${found.what}`,
            ...(Number.isNaN(idle) ? {} : { since: idle }),
            evidence: [{ host, source: 'pg_replication_slots', line: describe(slot) }, ...lines.slice(-1).map(asEvidence)],
            follows: found.follows,
            mend: `have its user come back${found.isLost ? ' with a new copy' : ''}; if there is none any more, ${pgprov`psql ${view.inventory} --host ${host} -- -c ${drop}`}`,
          },
        ];
      });
    });
  },
});

function describe({ name, type, active, wal = 'none', heldBytes = 0, invalidated }: SlotStatus): string {
  return `${name}: ${type}, ${active ? 'active' : 'not active'}, wal_status ${wal}, holds ${formatBytes(heldBytes)}${invalidated === undefined ? '' : `, invalidated: ${invalidated}`}`;
}

function troubleOf(
  { active, wal, heldBytes: held = 0, invalidated }: SlotStatus,
  limit: number | undefined,
  usual: number,
): { what: string; follows: string; isLost?: true } | undefined {
  const loses = 'who receives from it needs a new copy when it loses WAL that it still needs';
  if (wal === 'lost')
    return { what: 'has lost WAL that its user needs', follows: 'who receives from it cannot go on, and needs a new copy', isLost: true };
  if (invalidated !== undefined)
    return {
      what: `is of no use any more (${invalidated})`,
      follows: 'who receives from it cannot go on, and needs a new copy',
      isLost: true,
    };
  if (wal === 'unreserved') return { what: 'is about to lose WAL that its user needs', follows: loses };
  if (limit !== undefined && held >= limit * MUCH_OF_LIMIT)
    return { what: `holds ${formatBytes(held)} of WAL, of ${formatBytes(limit)} that max_slot_wal_keep_size allows`, follows: loses };
  if (active || limit !== undefined || held <= usual) return undefined;
  return {
    what: `is used by nobody and holds ${formatBytes(held)} of WAL`,
    follows: 'pg_wal grows until the disk is full, and PostgreSQL stops',
  };
}
