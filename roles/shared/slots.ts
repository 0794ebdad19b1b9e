import {
  formatBytes,
  SERVER_REPLICATION,
  type Host,
  type ServerReplication,
  type SlotStatus,
  type StatusLine,
  type View,
} from '../../src/index.js';

/** Less WAL than one segment holds is not worth a word. */
const WORTH_A_WORD = 16 * 1024 * 1024;

/** Part of what a slot may hold that leaves its user little time. */
const MUCH_OF_LIMIT = 0.8;

/** Slots of a server that endanger it, or those who use them. */
export function slotLines(view: View, host: Host): StatusLine[] {
  const server = view.read(host.name, SERVER_REPLICATION);
  return server === undefined ? [] : server.slots.flatMap((slot) => slotLine(slot, server));
}

function slotLine(slot: SlotStatus, { standby, slotLimitBytes: limit, usualWalBytes: usual }: ServerReplication): StatusLine[] {
  const { name, active, wal, heldBytes: held = 0, invalidated } = slot;
  const said = (level: 'problem' | 'warning', text: string): StatusLine[] => [{ level, text: `the replication slot ${name} ${text}` }];
  const drop = `\`SELECT pg_drop_replication_slot('${name}')\``;
  if (wal === 'lost' || invalidated !== undefined) {
    const why = wal === 'lost' ? 'has lost WAL that its user needs (wal_status lost)' : `is of no use any more (${invalidated ?? ''})`;
    return said('problem', `${why}: make anew what receives from it, then ${drop} where it is left over`);
  }
  if (wal === 'unreserved')
    return said('problem', 'is about to lose WAL that its user needs (wal_status unreserved): let its user catch up at once');
  if (limit !== undefined && held >= limit * MUCH_OF_LIMIT)
    return said(
      'problem',
      `holds ${formatBytes(held)} of WAL, of ${formatBytes(limit)} that max_slot_wal_keep_size allows: let its user catch up, or it loses WAL`,
    );
  if (active) return [];
  const way = `let its user come back, or ${drop}`;
  if (limit === undefined && held > usual)
    return said('problem', `is used by nobody and holds ${formatBytes(held)} of WAL, and more until the disk is full: ${way}`);
  // Patroni keeps slots on standbys that nobody uses before a failover.
  return held >= WORTH_A_WORD && !standby ? said('warning', `is used by nobody and holds ${formatBytes(held)} of WAL: ${way}`) : [];
}
