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

/**
 * What is wrong with a slot. `lost`: WAL that its user needs is gone. `invalid`: it is of no use any more. `powerless`: it was invalidated, and its
 * user goes on, without any WAL being kept for it. `losing`: it is about to lose WAL. `near`: it holds most of what it may. `filling`: nobody uses
 * it, and the disk fills. `idle`: nobody uses it, which is worth a word.
 */
export type SlotTrouble = 'lost' | 'invalid' | 'powerless' | 'losing' | 'near' | 'filling' | 'idle';

/** What is wrong with a slot of a server; undefined: nothing. */
export function slotTrouble(
  { type, active, wal, heldBytes: held = 0, invalidated }: SlotStatus,
  { standby, slotLimitBytes: limit, usualWalBytes: usual }: Pick<ServerReplication, 'standby' | 'slotLimitBytes' | 'usualWalBytes'>,
): SlotTrouble | undefined {
  if (wal === 'lost') return 'lost';
  // A standby may stream by a physical slot that was invalidated; the server no longer keeps WAL by it.
  if (invalidated !== undefined) return active && type === 'physical' ? 'powerless' : 'invalid';
  if (wal === 'unreserved') return 'losing';
  // Patroni moves what a standby keeps for the others, in its next loop.
  if (limit !== undefined && held >= limit * MUCH_OF_LIMIT) return standby && !active ? undefined : 'near';
  if (active) return undefined;
  if (limit === undefined && held > usual) return 'filling';
  // Patroni keeps slots on standbys that nobody uses before a failover.
  return held >= WORTH_A_WORD && !standby ? 'idle' : undefined;
}

/** Slots of a server that endanger it, or those who use them. */
export function slotLines(view: View, host: Host): StatusLine[] {
  const server = view.read(host.name, SERVER_REPLICATION);
  return server === undefined ? [] : server.slots.flatMap((slot) => slotLine(slot, server));
}

function slotLine(slot: SlotStatus, server: ServerReplication): StatusLine[] {
  const trouble = slotTrouble(slot, server);
  if (trouble === undefined) return [];
  const { name, heldBytes: held = 0, invalidated = '' } = slot;
  const limit = server.slotLimitBytes ?? 0;
  const drop = `\`SELECT pg_drop_replication_slot('${name}')\``;
  const anew = `make anew what receives from it, then ${drop} where it is left over`;
  const unused = `is used by nobody and holds ${formatBytes(held)} of WAL`;
  const way = `let its user come back, or ${drop}`;
  const texts: Record<SlotTrouble, string> = {
    lost: `has lost WAL that its user needs (wal_status lost): ${anew}`,
    invalid: `is of no use any more (${invalidated}): ${anew}`,
    powerless: `is of no use any more (${invalidated}), though its user streams: no WAL is kept for it; stop its user, ${drop}, and start it again`,
    losing: 'is about to lose WAL that its user needs (wal_status unreserved): let its user catch up at once',
    near: `holds ${formatBytes(held)} of WAL, of ${formatBytes(limit)} that max_slot_wal_keep_size allows: let its user catch up, or it loses WAL`,
    filling: `${unused}, and more until the disk is full: ${way}`,
    idle: `${unused}: ${way}`,
  };
  return [{ level: trouble === 'idle' ? 'warning' : 'problem', text: `the replication slot ${name} ${texts[trouble]}` }];
}
